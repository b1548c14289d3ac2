"""Throwaway places in which `tdx` is the fake: for a command, a shell, a test, a script."""

from __future__ import annotations

import math
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from tdxwrap.errors import UsageProblem
from tdxwrap.fake.control import Call, World, write_launcher
from tdxwrap.fake.scenario import DEFAULT_KEY
from tdxwrap.output.lines import Line
from tdxwrap.sandbox.environment import EXAMPLE, environment
from tdxwrap.system import signals
from tdxwrap.system.text import one_line
from tdxwrap.tdx.tempfiles import throwaway

Calls: TypeAlias = Sequence[Call]

# What bash reads first. It finds a function before a program, whatever PATH a script sets.
_FUNCTION = """\
tdx() {{ FAKE_TDX_LINE=${{BASH_LINENO[0]}} {} "$@"; }}
export -f tdx
PS1='fake tdx $ '
"""


def call_lines(calls: Calls) -> Iterator[Line]:
    """Yield the calls of tdx, each with its step and, if it failed, its exit code."""
    yield Line("", "What tdx was asked:" if calls else "tdx was not called", "bold")
    for call in calls:
        failed = "" if call.exit == 0 else f"   # exit {call.exit}"
        command = one_line(shlex.join(("tdx", *call.argv)))
        yield Line(f"{call.step:<4}", f"{command}{failed}", whole=True)


@dataclass(frozen=True, slots=True)
class Playground:
    """A world with a folder to work in, and the environment of what runs there."""

    world: World
    work: Path
    environ: Mapping[str, str]

    def run(self, command: Sequence[str], limit: float = math.inf, **streams: Any) -> int | None:
        """Run a command to its end.

        Args:
            limit: seconds after which it is ended, with everything it has started.
            streams: `stdin`, `stdout`, `stderr`, as subprocess takes them; ours by default.
        Returns:
            Its exit code; 128 and the number of the signal that ended it; None if the limit did.
        Raises:
            UsageProblem: it cannot be started.
        """
        apart = limit < math.inf
        try:
            process = subprocess.Popen(
                command, cwd=self.work, env=self.environ, start_new_session=apart, **streams
            )
        except OSError as error:
            hint = "name a program, and its arguments behind it: tdxwrap fake run -- bash step7.sh"
            what = f"{command[0]} cannot be started: {error.strerror}"
            raise UsageProblem(what, hint=hint) from None
        code, end = None, time.monotonic() + limit
        try:
            while code is None and time.monotonic() < end:
                signals.check()
                with suppress(subprocess.TimeoutExpired):
                    code = process.wait(signals.SLICE)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL) if apart else process.kill()
            process.wait()
        return 128 - code if code is not None and code < 0 else code


def as_tdx(folder: Path, variables: Mapping[str, str], path: str) -> dict[str, str]:
    """Write a `tdx` into a folder, and return the variables that make it the one that is found.

    Args:
        variables: what binds the fake to a world (`World.environ`) or a journal.
        path: the PATH that it comes before.
    """
    folder.mkdir(exist_ok=True)
    tdx = write_launcher(folder, variables)
    functions = folder / "functions.sh"
    functions.write_text(_FUNCTION.format(shlex.quote(str(tdx))), encoding="utf-8")
    # The recipe wants a key.
    found = {"PATH": f"{folder}:{path}", "BASH_ENV": str(functions)}
    return {**found, "TD_API_KEY": DEFAULT_KEY}


@contextmanager
def playground(environ: Mapping[str, str], scenario: Mapping[str, Any]) -> Iterator[Playground]:
    """Make a world and a folder to work in, with an example configuration, until the end of the
    context.

    Args:
        environ: the environment of the user.
    """
    with throwaway() as folder:
        world = World.create(folder / "world", dict(scenario))
        work = folder / "work"
        work.mkdir()
        (work / "rt.yaml").write_bytes(EXAMPLE.read_bytes())
        own = environment(environ, folder)
        # tdxwrap may not be on the PATH; where it is installed, it is beside its Python.
        path = f"{own.get('PATH', '')}:{Path(sys.executable).parent}"
        yield Playground(world, work, own | as_tdx(folder / "bin", world.environ(), path))
