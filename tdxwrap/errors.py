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

    def __init_subclass__(cls, *, kind: str, exit_code: ExitCode | None = None) -> None:
        """Every class has a kind of its own; its exit code is that of the class above."""
        cls.kind = kind
        cls.exit_code = exit_code or cls.exit_code


class UsageProblem(TdxwrapError, kind="usage", exit_code=ExitCode.USAGE):
    """The command line is wrong, or asks for something impossible."""


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
    hint: str


class ConfigError(TdxwrapError, kind="config", exit_code=ExitCode.USAGE):
    """The configuration is invalid; `problems` holds the reasons, in file order.

    Attributes:
        count: of all reasons, `more` of which are not told one by one.
    """

    def __init__(self, file: str, problems: Sequence[Problem], more: int = 0) -> None:
        self.count = len(problems) + more
        super().__init__(
            f"{file} has {self.count} error{'' if self.count == 1 else 's'}",
            hint="fix the file and run the command again; nothing was written",
        )
        self.problems = tuple(problems)

    def __str__(self) -> str:
        found = (f"{p.file}:{p.line}: {p.message}; {p.hint}" for p in self.problems)
        return "\n".join((self.what, *found))


class EnvironmentProblem(TdxwrapError, kind="environment", exit_code=ExitCode.ENVIRONMENT):
    """This machine or login is not ready: nothing was asked of the API."""


class TdxMissing(EnvironmentProblem, kind="tdx-missing"):
    """There is no tdx to run, or it cannot be started."""


class NotAuthenticated(EnvironmentProblem, kind="unauthenticated"):
    """No credentials, or tdx says that they are not valid (F4; 401 of F17)."""


class ApiDisabled(EnvironmentProblem, kind="api-disabled"):
    """`tdx api` is switched off, as it is by default (F6)."""


class Refused(TdxwrapError, kind="refused", exit_code=ExitCode.REFUSED):
    """The API said no, and would say it again (F17)."""


class NotFound(Refused, kind="not-found"):
    """404: no such thing, or the wrong account or site (F17)."""


class Conflict(Refused, kind="conflict"):
    """409: the name is taken, or realtime is updating (F17)."""


class UnsafePlan(Refused, kind="unsafe-plan"):
    """The plan would delete or replace something without the option that allows it."""


class ColumnsMissing(Refused, kind="columns-missing"):
    """The live column checks failed: the API would accept it, and it would not work (F18, F19)."""


class CallFailed(TdxwrapError, kind="call-failed", exit_code=ExitCode.CALL_FAILED):
    """A tdx call gave no usable answer. A write may or may not have been applied (F22)."""


class Transient(CallFailed, kind="transient"):
    """5xx, connection reset, DNS, killed: worth another try.

    Attributes:
        retry_after: seconds to wait before the next try, when the answer named them (429).
    """

    def __init__(self, what: str, *, retry_after: float | None = None, **more: Any) -> None:
        super().__init__(what, **more)
        self.retry_after = retry_after


class RateLimited(Transient, kind="rate-limited"):
    """429: too many requests; certainly not applied."""


class CallTimeout(CallFailed, kind="timeout"):
    """tdx exceeded the time limit and was ended with its children."""


class DeadlineExceeded(CallFailed, kind="deadline"):
    """The whole run took longer than `--deadline` allows."""


class MalformedOutput(CallFailed, kind="malformed-output"):
    """tdx ended well, but what it printed is not the JSON that was asked for."""


class NotReady(TdxwrapError, kind="not-ready", exit_code=ExitCode.NOT_READY):
    """The wait ran out, the status is terminal, or the validation failed (F12)."""


class LiveChanged(NotReady, kind="live-changed"):
    """What is to be changed is no longer as it was when the plan was made (F33)."""


class NotBegun(TdxwrapError, kind="not-begun", exit_code=ExitCode.INTERRUPTED):
    """Nothing was written for this file, because another one of the run failed."""


class Differs(TdxwrapError, kind="differs", exit_code=ExitCode.PENDING):
    """Live differs from the file (`verify CONFIG`)."""


class Locked(TdxwrapError, kind="locked", exit_code=ExitCode.LOCKED):
    """Another run on the same parent segment is under way."""


class Interrupted(TdxwrapError, kind="interrupted", exit_code=ExitCode.INTERRUPTED):
    """Ctrl-C, SIGTERM or SIGHUP ended the run."""
