"""tdxwrap as a user runs it: a real process with a home, a working directory, an environment."""

from __future__ import annotations

import fcntl
import functools
import json
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
FIXTURES = ROOT / "fixtures"
FAKE_TDX = FIXTURES / "bin" / "tdx"
WEB = FIXTURES / "configs" / "web-personalization.yaml"
MINIMAL = FIXTURES / "configs" / "minimal.yaml"

# Waits as short as the fake allows, so that the suite is quick.
QUICK = {
    "TDXWRAP_RETRY_DELAY": "0.01",
    "TDXWRAP_APPLY_POLL_FIRST": "0.05",
    "TDXWRAP_WAIT_POLL_FIRST": "0.05",
    "TDXWRAP_APPLY_POLL_LONGEST": "0.2",
    "TDXWRAP_WAIT_POLL_LONGEST": "0.2",
}


@dataclass(frozen=True)
class Ran:
    """A finished tdxwrap."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        return self.out + self.err

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Zygote:
    """The process that tests/zygote.py is; one for each process of the suite."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, Path(__file__).with_name("zygote.py")],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, **request: Any) -> int:
        """Run one tdxwrap to its end; its exit code, negative for a signal."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"name": "run", **request}) + "\n")
        self._process.stdin.flush()
        pid = self._told()["pid"]
        guard = threading.Timer(110, os.kill, (pid, signal.SIGABRT))
        guard.start()
        try:
            return int(self._told()["code"])
        finally:
            guard.cancel()

    def _told(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        return dict(json.loads(self._process.stdout.readline()))


@functools.cache
def _zygote() -> Zygote:
    return Zygote()


@dataclass(frozen=True)
class Shell:
    """A user's shell: a home, a working directory, an environment."""

    home: Path
    cwd: Path
    environ: Mapping[str, str]

    def start(self, *args: str | Path, **env: str) -> subprocess.Popen[str]:
        """Start tdxwrap and leave it running."""
        return subprocess.Popen(
            self.command(*args),
            cwd=self.cwd,
            env={**self.environ, **env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def run(self, *args: str | Path, stdin: str | None = None, **env: str) -> Ran:
        """Run tdxwrap to its end. A hang is a failure, long after any limit of its own."""
        with tempfile.TemporaryDirectory() as folder:
            streams = [Path(folder) / name for name in ("in", "out", "err")]
            streams[0].write_text(stdin or "", encoding="utf-8")
            code = _zygote().run(
                args=[str(arg) for arg in args],
                cwd=str(self.cwd),
                environ={**self.environ, **env},
                streams=[str(stream) for stream in streams],
            )
            out, err = (s.read_text(encoding="utf-8", errors="replace") for s in streams[1:])
        return Ran(code, out, err)

    def start_on_terminal(
        self, *args: str | Path, columns: int = 80, **env: str
    ) -> tuple[int, subprocess.Popen[bytes]]:
        """Start tdxwrap on a pseudo-terminal; the other end of it, and the process."""
        parent, child = pty.openpty()
        fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        process = subprocess.Popen(
            self.command(*args),
            cwd=self.cwd,
            env={**self.environ, "TERM": "xterm-256color", **env},
            stdin=child,
            stdout=child,
            stderr=child,
            start_new_session=True,
            preexec_fn=_own_terminal,
        )
        os.close(child)
        return parent, process

    def terminal(
        self,
        *args: str | Path,
        answers: Sequence[tuple[str, Callable[[], str]]] = (),
        columns: int = 80,
        **env: str,
    ) -> Ran:
        """Run tdxwrap on a pseudo-terminal.

        Args:
            answers: texts to wait for in the output, each with what is typed then.
        """
        parent, process = self.start_on_terminal(*args, columns=columns, **env)
        try:
            seen = _converse(parent, list(answers))
            return Ran(process.wait(timeout=30), seen, "")
        finally:
            process.kill()
            os.close(parent)

    def command(self, *args: str | Path) -> list[str]:
        return [sys.executable, "-m", "tdxwrap", *map(str, args)]

    def write(self, name: str, text: str) -> Path:
        """A file in the working directory."""
        path = self.cwd / name
        path.write_text(text, encoding="utf-8")
        return path


def _own_terminal() -> None:
    """Make stdin the controlling terminal, so that Ctrl-C is a signal there."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _converse(terminal: int, answers: list[tuple[str, Callable[[], str]]]) -> str:
    """Read until the other side closes; type each answer when its text has come."""
    seen, searched = "", 0
    while True:
        ready, _, _ = select.select([terminal], [], [], 60)
        assert ready, f"nothing came for a minute after: {seen[-500:]}"
        try:
            chunk = os.read(terminal, 65_536)
        except OSError:
            # Linux says so when the other side has closed.
            return seen
        if not chunk:
            return seen
        seen += chunk.decode("utf-8", "replace")
        if answers and answers[0][0] in seen[searched:]:
            _, answer = answers.pop(0)
            searched = len(seen)
            os.write(terminal, answer().encode())


def clean_environ(home: Path) -> dict[str, str]:
    """The environment of a user without any credentials or settings of tdx or tdxwrap."""
    dropped = ("TD_", "TDX", "FAKE_TDX", "XDG_", "NO_COLOR", "COLUMNS", "TERM")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    return {
        **kept,
        "HOME": str(home),
        "PYTHONPATH": str(ROOT),
        "FAKE_TDX_PYTHON": sys.executable,
        "TDXWRAP_TDX": str(FAKE_TDX),
        **QUICK,
    }


def wait_for(condition: Callable[[], object]) -> None:
    for _ in range(600):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("what was waited for never came")
