"""The fake tdx without a process for each call: for property tests that make thousands of them."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import pkgutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NoReturn
from unittest.mock import patch

from support.shells import clean_environ
from tdxwrap import fake
from tdxwrap.apply.session import Session, read_live
from tdxwrap.apply.steps import Settings, carry_out
from tdxwrap.cli import command_line
from tdxwrap.fake import cli as fake_cli
from tdxwrap.fake.control import World
from tdxwrap.plan.build import build_plan
from tdxwrap.plan.changes import Plan, PlanOptions, Written
from tdxwrap.plan.course import Course
from tdxwrap.realtime.api import Realtime
from tdxwrap.realtime.retry import Retry
from tdxwrap.realtime.state import LiveState
from tdxwrap.tdx.client import Tdx

NO_RETRY = Retry(retries=0, sleep=lambda seconds: None)

# The fake imports what it needs for a call: several threads must not do so at once.
for _module in pkgutil.iter_modules(fake.__path__, f"{fake.__name__}."):
    if not _module.name.endswith("__main__"):
        importlib.import_module(_module.name)


class InProcessTdx(Tdx):
    """A Tdx whose calls are answered by the fake's own functions."""

    def __init__(self, world: World) -> None:
        super().__init__("tdx", environ=world.environ())

    def _process(self, args: Sequence[str], limit: float) -> tuple[int | None, bytes, bytes]:
        answer = fake_cli.call(list(args), self._environ)
        return answer.exit_code, answer.out, answer.err.encode()


class InProcess:
    """A world with what the commands do to it."""

    def __init__(self, world: World, segment: str = "394649") -> None:
        self.world = world
        self.tdx = InProcessTdx(world)
        self.api = Realtime(self.tdx)
        self.segment = segment
        self.folder = Path(world.state_dir)

    def live(self) -> LiveState:
        return read_live(Session(self.api, retry=NO_RETRY), self.segment)

    def plan(self, config: object, options: PlanOptions | None = None) -> Plan:
        return build_plan(config, self.live(), options)  # type: ignore[arg-type]

    def carry_out(self, plan: Plan, jobs: int = 1) -> Written:
        settings = Settings(baseline=self.folder / "rt_config.yaml", jobs=jobs)
        return carry_out(Course(plan), self.api, NO_RETRY, settings)


@contextmanager
def account(scenario: dict[str, Any]) -> Iterator[InProcess]:
    with tempfile.TemporaryDirectory() as folder:
        yield InProcess(World.create(f"{folder}/world", scenario))


class AnsweringTdx(Tdx):
    """A Tdx that answers what a function makes of the arguments, and exits with 0."""

    def __init__(self, answer: Callable[[Sequence[str]], Any], *args: Any, **settings: Any) -> None:
        super().__init__(*(args or ("tdx",)), **{"environ": {}, **settings})
        self.answer = answer

    def _process(self, args: Sequence[str], limit: float) -> tuple[int | None, bytes, bytes]:
        return 0, json.dumps(self.answer(args)).encode(), b""


class CommandLines:
    """Whole command lines in this process, in a world; what tdx answers may be changed.

    A bug is not turned into exit 1 here: it is raised.

    Attributes:
        change: gets the arguments and the answer of every call that exits with 0 and prints JSON,
            and returns the answer to give instead.

    Args:
        options: stand behind every command line.
    """

    def __init__(
        self, world: World, folder: Path, options: Sequence[str] = ("--no-journal",)
    ) -> None:
        self.world = world
        self.folder = folder
        self._options = options
        self.change: Callable[[tuple[str, ...], Any], Any] = lambda args, answer: answer
        self._fake = InProcessTdx(world)

    def run(self, *args: str) -> tuple[int, str, str]:
        """Run a command line; return its exit code, stdout and stderr."""
        out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
        with contextlib.ExitStack() as stack:
            for patched in (
                patch.dict(os.environ, clean_environ(self.folder, self.world), clear=True),
                patch("tdxwrap.cli.app.Tdx", partial(_ChangedTdx, self)),
                patch("tdxwrap.cli.command_line.ignore_signals"),
                patch("tdxwrap.cli.crash_report.as_error", _raise),
                patch("tdxwrap.realtime.wait.SETTLED", 0.01),
                patch("tdxwrap.output.console.Console.can_ask", True),
                patch(
                    "tdxwrap.output.console.Console.choose",
                    lambda self, lines, ask, default: default,
                ),
                contextlib.chdir(self.folder),
                contextlib.redirect_stdout(out),
                contextlib.redirect_stderr(err),
            ):
                stack.enter_context(patched)
            code = command_line.run([*args, *self._options])
        texts = [stream.buffer.getvalue().decode() for stream in (out, err)]  # type: ignore[attr-defined]
        return code, texts[0], texts[1]

    def answer(self, args: Sequence[str], limit: float) -> tuple[int | None, bytes, bytes]:
        """The answer to one call."""
        code, out, err = self._fake._process(args, limit)
        if code != 0 or not out.strip().startswith((b"{", b"[")):
            return code, out, err
        return code, json.dumps(self.change(tuple(args), json.loads(out))).encode(), err


class _ChangedTdx(Tdx):
    def __init__(self, lines: CommandLines, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self._lines = lines

    def _process(self, args: Sequence[str], limit: float) -> tuple[int | None, bytes, bytes]:
        return self._lines.answer(args, limit)


def _raise(bug: Exception) -> NoReturn:
    raise bug
