"""Where tdxwrap keeps what outlives a run: locks, journals and baselines."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

TEMPORARY = "/tmp"
"""Where every run on this machine looks for locks, whatever its TMPDIR says."""


def absolute(path: str) -> str:
    """Return an absolute path; the given one where the working directory was deleted."""
    try:
        return os.path.abspath(path)
    except FileNotFoundError:
        return path


def state_folder(environ: Mapping[str, str]) -> str | None:
    """Return the folder for state (XDG); None without a home and an XDG state directory."""
    state, home = environ.get("XDG_STATE_HOME", ""), environ.get("HOME", "")
    if os.path.isabs(state):
        return os.path.join(state, "tdxwrap")
    return os.path.join(home, ".local", "state", "tdxwrap") if home else None


def state_home(environ: Mapping[str, str]) -> Path | None:
    """`state_folder` as a Path; pathlib would cost a completion a fifth of its time."""
    from pathlib import Path

    folder = state_folder(environ)
    return None if folder is None else Path(folder)


def private_folder(environ: Mapping[str, str], name: str) -> Path:
    """Make a private folder: in the state home, else in the temporary directory.

    Raises:
        OSError: neither can be made.
    """
    import tempfile

    state = state_home(environ)
    if state is not None:
        with suppress(OSError):
            return writable(state / name)
    return temporary_folder(tempfile.gettempdir(), name)


def temporary_folder(directory: str, name: str) -> Path:
    """Make a private folder of this user's in a directory that all users share.

    Raises:
        OSError: it cannot be made, or somebody else could get at what is in it.
    """
    from pathlib import Path

    base = Path(directory, f"tdxwrap-{os.getuid()}")
    for folder in (base, base / name):
        mode = writable(folder).lstat().st_mode
        if not stat.S_ISDIR(mode) or mode & 0o077:
            raise PermissionError(errno.EACCES, "not a private folder", str(folder))
    return base / name


def writable(folder: Path) -> Path:
    """Make a folder, and check that it is this user's.

    Raises:
        OSError: it cannot be made, or is somebody else's or read-only.
    """
    make_private(folder)
    if folder.stat().st_uid != os.getuid() or not os.access(folder, os.W_OK):
        raise PermissionError(errno.EACCES, "not a folder of this user's", str(folder))
    return folder


def make_private(folder: Path) -> None:
    """Make a folder; whatever the umask allows, nobody else may enter what is made here."""
    for part in reversed((folder, *folder.parents)):
        if not part.is_dir():
            part.mkdir(mode=0o700, exist_ok=True)
