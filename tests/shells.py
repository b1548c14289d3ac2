"""tdxwrap as a user runs it: a real process with a home, a working directory, an environment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
FIXTURES = ROOT / "fixtures"
FAKE_TDX = FIXTURES / "bin" / "tdx"
WEB = FIXTURES / "configs" / "web-personalization.yaml"

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
        done = subprocess.run(
            self.command(*args),
            cwd=self.cwd,
            env={**self.environ, **env},
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=110,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    def command(self, *args: str | Path) -> list[str]:
        return [sys.executable, "-m", "tdxwrap", *map(str, args)]

    def write(self, name: str, text: str) -> Path:
        """A file in the working directory."""
        path = self.cwd / name
        path.write_text(text, encoding="utf-8")
        return path


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
