"""tdxwrap as a user runs it: a real process with a home, a working directory, an environment."""

from __future__ import annotations

import codecs
import fcntl
import functools
import json
import os
import pty
import select
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from support.client import Forked
from tdxwrap.fake.control import World

ROOT = Path(__file__).parents[2]
FIXTURES = ROOT / "fixtures"
FAKE_TDX = FIXTURES / "bin" / "tdx"
WEB = FIXTURES / "configs" / "web-personalization.yaml"
STARTED = Path(__file__).with_name("started.py")
MINIMAL = FIXTURES / "configs" / "minimal.yaml"

# Waits as short as the fake allows, so that the suite is quick.
QUICK = {
    "TDXWRAP_RETRY_DELAY": "0.01",
    "TDXWRAP_APPLY_POLL_FIRST": "0.22",
    "TDXWRAP_WAIT_POLL_FIRST": "0.22",
    "TDXWRAP_APPLY_POLL_LONGEST": "0.25",
    "TDXWRAP_WAIT_POLL_LONGEST": "0.25",
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

    @property
    def file(self) -> Any:
        """What the document says of its only file."""
        (entry,) = self.json["files"]
        return entry


class Zygote:
    """The process that zygote.py is."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="zygote-")
        self.socket = f"{self._folder.name}/socket"
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(self.socket)
            listener.listen(16)
            self._process = subprocess.Popen(
                [sys.executable, "-m", "support.zygote", str(listener.fileno())],
                pass_fds=[listener.fileno()],
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"},
                stdin=subprocess.PIPE,
                # As a login shell: what it starts has no launcher above it.
                start_new_session=True,
            )


_own_zygote = functools.cache(Zygote)


def zygote() -> str:
    """The socket of the zygote: that of the whole suite (conftest.py), or one of this process."""
    return os.environ.get("TEST_ZYGOTE") or _own_zygote().socket


class Started(Forked):
    """A tdxwrap that has been started, whose output is read when it has ended."""

    def __init__(
        self, shell: Shell, args: Sequence[str | Path], env: Mapping[str, str], stdin: str = ""
    ) -> None:
        self._streams = [tempfile.TemporaryFile() for _ in range(3)]  # noqa: SIM115
        self._streams[0].write(stdin.encode())
        self._streams[0].seek(0)
        super().__init__(
            zygote(),
            [str(arg) for arg in args],
            [stream.fileno() for stream in self._streams],
            str(shell.cwd),
            {**shell.environ, **env},
        )

    def end(self, timeout: float = 110) -> Ran:
        """Wait for its end. A hang is a failure, long after any limit of its own."""
        code = self.wait(timeout)
        for stream in self._streams:
            stream.seek(0)
        _, out, err = (stream.read().decode("utf-8", "replace") for stream in self._streams)
        for stream in self._streams:
            stream.close()
        return Ran(code, out, err)


@dataclass(frozen=True)
class Shell:
    """A user's shell: a home, a working directory, an environment."""

    home: Path
    cwd: Path
    environ: Mapping[str, str]

    @classmethod
    def create(cls, folder: Path, world: World | None = None, **env: str) -> Shell:
        """A new user in a folder, whose tdx acts on the world."""
        home, cwd = folder / "home", folder / "work"
        home.mkdir(parents=True)
        cwd.mkdir()
        return cls(home, cwd, {**clean_environ(home, world), **env})

    def start(self, *args: str | Path, **env: str) -> Started:
        """Start tdxwrap and leave it running."""
        return Started(self, args, env)

    def run(self, *args: str | Path, stdin: str = "", **env: str) -> Ran:
        """Run tdxwrap to its end."""
        environ = {**self.environ, **env}
        if environ.get("TEST_TDX") == "inside":
            from support import inside  # loads all of tdxwrap

            if inside.possible(environ):
                return Ran(*inside.run([str(arg) for arg in args], self.cwd, environ, stdin))
        return Started(self, args, env, stdin).end()

    def start_on_terminal(
        self, *args: str | Path, columns: int = 80, **env: str
    ) -> tuple[int, Forked]:
        """Start tdxwrap on a pseudo-terminal; the other end of it, and the process."""
        parent, child = pty.openpty()
        fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        process = Forked(
            zygote(),
            [str(arg) for arg in args],
            [child] * 3,
            str(self.cwd),
            {**self.environ, "TERM": "xterm-256color", **env},
            terminal=True,
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
            seen = converse(parent, list(answers))
            return Ran(process.wait(30), seen, "")
        finally:
            process.kill()
            os.close(parent)

    def python(self, code: str, *args: str | Path) -> Ran:
        """Run Python code in a process of its own, with what it leaves in the directory."""
        done = subprocess.run(
            [sys.executable, "-c", code, *args],
            cwd=self.cwd,
            env={**self.environ, "TMPDIR": str(self.cwd)},
            capture_output=True,
            text=True,
            timeout=60,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    def command(self, *args: str | Path) -> list[str]:
        """The words that start a tdxwrap which has not been loaded before."""
        return [sys.executable, str(STARTED), *map(str, args)]

    def executing(self) -> Shell:
        """The same shell, where the fake tdx is executed and not only forked (forked_tdx.py)."""
        link = self.home / "tdx"
        link.symlink_to(FAKE_TDX)
        return replace(self, environ={**self.environ, "TDXWRAP_TDX": str(link)})

    def write(self, name: str, text: str) -> Path:
        """A file in the working directory."""
        path = self.cwd / name
        path.write_text(text, encoding="utf-8")
        return path


def converse(terminal: int, answers: list[tuple[str, Callable[[], str]]]) -> str:
    """Read until the other side closes; type each answer when its text has come."""
    seen, searched = "", 0
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
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
        seen += decoder.decode(chunk)
        if answers and answers[0][0] in seen[searched:]:
            _, answer = answers.pop(0)
            searched = len(seen)
            os.write(terminal, answer().encode())


def tdxwrap_command(folder: Path) -> Path:
    """Put a `tdxwrap` into a folder, for shell scripts: a client of the zygote."""
    tool = folder / "tdxwrap"
    tool.write_text(f'#!/bin/sh\nexec {" ".join(client())} "$@"\n')
    tool.chmod(0o755)
    return tool


def client() -> list[str]:
    """The words that start a tdxwrap which the zygote has loaded."""
    return [sys.executable, "-I", "-S", str(Path(__file__).with_name("client.py")), zygote()]


def clean_environ(home: Path, world: World | None = None) -> dict[str, str]:
    """The environment of a user without any credentials or settings of tdx or tdxwrap."""
    dropped = ("TD_", "TDX", "FAKE_TDX", "XDG_", "NO_COLOR", "COLUMNS", "TERM")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    return {
        **kept,
        "HOME": str(home),
        "TEST_TMP": str(home.parent),
        "PYTHONPATH": str(ROOT),
        "FAKE_TDX_PYTHON": sys.executable,
        "TDXWRAP_TDX": str(FAKE_TDX),
        **QUICK,
        **(world.environ() if world else {}),
    }


def wait_for(condition: Callable[[], object]) -> None:
    for _ in range(600):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("what was waited for never came")
