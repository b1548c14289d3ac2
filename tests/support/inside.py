"""Run tdxwrap in this process: for tests to which neither its process nor that of tdx matters.

A fork of all that the suite has loaded costs as much as a plan does. What the command line reads
and changes of its process is put in place before it runs and put back after it: directory,
environment, standard streams, signals, and the seconds that it waits.
"""

from __future__ import annotations

import contextlib
import io
import os
import signal
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

from support import forked_tdx
from tdxwrap.cli import command_line
from tdxwrap.system import signals
from tdxwrap.tdx.client import Tdx

SETTLED = 0.2  # seconds in the place of tdxwrap's own
_SIGNALS = (*signals._SIGNALS, signal.SIGCHLD)  # what take_signals changes


def possible(environ: Mapping[str, str]) -> bool:
    """Whether nothing is to happen to the process of tdxwrap, or to that of tdx."""
    here = threading.current_thread() is threading.main_thread()
    return here and "TEST_FAIL" not in environ and not forked_tdx.needs_process(environ)


def run(
    args: Sequence[str],
    cwd: Path,
    environ: Mapping[str, str],
    stdin: str = "",
    answer: Any = forked_tdx.answered,
    settled: float = SETTLED,
) -> tuple[int, str, str]:
    """Run a command line.

    Args:
        answer: what takes the place of `Tdx._process`.
        settled: seconds in the place of `SETTLED`.
    Returns:
        Its exit code, stdout and stderr.
    """
    with contextlib.ExitStack() as stack:
        files = [stack.enter_context(tempfile.TemporaryFile()) for _ in range(3)]
        files[0].write(stdin.encode())
        files[0].seek(0)
        encoding = environ.get("PYTHONIOENCODING", "utf-8")
        streams = [
            io.TextIOWrapper(file, code)
            for file, code in zip(files, ("utf-8", encoding, encoding), strict=True)
        ]
        for name, stream in zip(("stdin", "stdout", "stderr"), streams, strict=True):
            stack.enter_context(patch(f"sys.{name}", stream))
        stack.enter_context(patch.dict(os.environ, environ, clear=True))
        stack.enter_context(contextlib.chdir(cwd))
        stack.enter_context(_signals_of_its_own())
        for patched in (
            patch("tdxwrap.system.paths.TEMPORARY", environ["TEST_TMP"]),
            patch("tempfile.tempdir", None),  # what another environment has it remember
            # As a login shell above it: no launcher stands between.
            patch("tdxwrap.tdx.context.os.getsid", lambda process: process),
            patch.object(Tdx, "_process", answer),
            patch("os.execve", forked_tdx.run),
            *short_waits(settled),
        ):
            stack.enter_context(patched)
        code = command_line.run(args)
        for stream in streams[1:]:
            stream.flush()
        for file in files:
            file.seek(0)
        _, out, err = (file.read().decode("utf-8", "replace") for file in files)
    return code, out, err


def short_waits(settled: float = SETTLED) -> list[Any]:
    """What makes the waits of tdxwrap that no variable sets as short as the fake allows."""
    seconds = {"realtime.wait.SETTLED": settled, "apply.run.LAG": 2.5, "apply.run.LOOK_AGAIN": 0.1}
    return [patch(f"tdxwrap.{name}", value) for name, value in seconds.items()]


@contextlib.contextmanager
def _signals_of_its_own() -> Iterator[None]:
    handlers = {number: signal.getsignal(number) for number in _SIGNALS}
    signals.take_signals()
    try:
        yield
    finally:
        signals.take_signals()  # forgets what came
        for number, handler in handlers.items():
            signal.signal(number, handler)
