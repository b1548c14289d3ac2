"""Every way in which tdxwrap can fail: one tree, with an exit code for each class.

An error answers four questions: what failed (`what`, with `step` and `where` added on the way
up), which tdx command it was (`command`), what tdx said (`said`) and what
to do next (`hint`). `output/` renders it; nothing else formats errors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, ClassVar


class ExitCode(IntEnum):
    """The exit codes of the command line: the one place where they are defined."""

    DONE = 0
    BUG = 1
    USAGE = 2
    ENVIRONMENT = 3
    REFUSED = 4
    CALL_FAILED = 5
    NOT_READY = 6
    PENDING = 7
    LOCKED = 8
    INTERRUPTED = 130


class TdxwrapError(Exception):
    """The root of every error that tdxwrap raises on purpose.

    Args:
        what: the failure in a few words, without the step.
        hint: what the user can do next.
        said: what tdx or the API answered, without secrets.
        command: the argv of the tdx call, without secrets; empty if there was none.
        pointer: the place in the request body that the API objects to (`/valueColumn`), if any.

    Attributes:
        step: the step of the recipe, `7a`, set by the code that knows it.
        where: `file:line` of the configuration item concerned, if there is one.
        so_far: what had been done when it failed.
        others: what failed beside it at the same time.
    """

    exit_code: ClassVar[ExitCode] = ExitCode.BUG
    kind: ClassVar[str] = "error"

    def __init__(
        self,
        what: str,
        *,
        hint: str = "",
        said: str = "",
        command: Sequence[str] = (),
        pointer: str = "",
    ) -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint
        self.said = said
        self.command = tuple(command)
        self.pointer = pointer
        self.step = ""
        self.where = ""
        self.so_far = ""
        self.others: tuple[TdxwrapError, ...] = ()


class UsageProblem(TdxwrapError):
    """The command line is wrong, or asks for something impossible."""

    exit_code = ExitCode.USAGE
    kind = "usage"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a configuration file.

    Attributes:
        file: the path as the user gave it.
        line, column: counted from 1; 0 for the file as a whole.
        path: the field, `attributes[2].duration`; empty for the file as a whole.
        message: what is wrong.
        hint: how to fix it; may be empty.
    """

    file: str
    line: int
    column: int
    path: str
    message: str
    hint: str = ""


class ConfigError(TdxwrapError):
    """The configuration is invalid; `problems` holds every reason, in file order."""

    exit_code = ExitCode.USAGE
    kind = "config"

    def __init__(self, file: str, problems: Sequence[Problem]) -> None:
        count = len(problems)
        super().__init__(
            f"{file} has {count} error{'' if count == 1 else 's'}",
            hint="fix the file and run the command again; nothing was written",
        )
        self.problems = tuple(problems)


class EnvironmentProblem(TdxwrapError):
    """This machine or login is not ready: nothing was asked of the API."""

    exit_code = ExitCode.ENVIRONMENT
    kind = "environment"


class TdxMissing(EnvironmentProblem):
    """There is no tdx to run, or it cannot be started."""

    kind = "tdx-missing"


class NotAuthenticated(EnvironmentProblem):
    """No credentials, or tdx says that they are not valid (F4; 401 of F17)."""

    kind = "unauthenticated"


class ApiDisabled(EnvironmentProblem):
    """`tdx api` is switched off, as it is by default (F6)."""

    kind = "api-disabled"


class Refused(TdxwrapError):
    """The API said no, and would say it again (F17)."""

    exit_code = ExitCode.REFUSED
    kind = "refused"


class NotFound(Refused):
    """404: no such thing, or the wrong account or site (F17)."""

    kind = "not-found"


class Conflict(Refused):
    """409: the name is taken, or realtime is updating (F17)."""

    kind = "conflict"


class UnsafePlan(Refused):
    """The plan would delete or replace something without the option that allows it."""

    kind = "unsafe-plan"


class ColumnsMissing(Refused):
    """The live column checks failed: the API would accept it, and it would not work (F18, F19)."""

    kind = "columns-missing"


class CallFailed(TdxwrapError):
    """A tdx call gave no usable answer. A write may or may not have been applied (F22)."""

    exit_code = ExitCode.CALL_FAILED
    kind = "call-failed"


class Transient(CallFailed):
    """5xx, connection reset, DNS, killed: worth another try.

    Attributes:
        retry_after: seconds to wait before the next try, when the answer named them (429).
    """

    kind = "transient"

    def __init__(self, what: str, *, retry_after: float | None = None, **more: Any) -> None:
        super().__init__(what, **more)
        self.retry_after = retry_after


class RateLimited(Transient):
    """429: too many requests; certainly not applied."""

    kind = "rate-limited"


class CallTimeout(CallFailed):
    """tdx exceeded the time limit and was ended with its children."""

    kind = "timeout"


class DeadlineExceeded(CallFailed):
    """The whole run took longer than `--deadline` allows."""

    kind = "deadline"


class MalformedOutput(CallFailed):
    """tdx ended well, but what it printed is not the JSON that was asked for."""

    kind = "malformed-output"


class NotReady(TdxwrapError):
    """The wait ran out, the status is terminal, or the validation failed (F12)."""

    exit_code = ExitCode.NOT_READY
    kind = "not-ready"


class LiveChanged(NotReady):
    """What is to be changed is no longer as it was when the plan was made (F33)."""

    kind = "live-changed"


class Differs(TdxwrapError):
    """Live differs from the file (`verify CONFIG`)."""

    exit_code = ExitCode.PENDING
    kind = "differs"


class Locked(TdxwrapError):
    """Another run on the same parent segment is under way."""

    exit_code = ExitCode.LOCKED
    kind = "locked"


class Interrupted(TdxwrapError):
    """Ctrl-C, SIGTERM or SIGHUP ended the run."""

    exit_code = ExitCode.INTERRUPTED
    kind = "interrupted"
