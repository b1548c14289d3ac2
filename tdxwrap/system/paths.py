"""Where tdxwrap keeps what outlives a run: locks, journals and baselines."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


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
    from pathlib import Path

    for base in (state_home(environ), Path(tempfile.gettempdir(), f"tdxwrap-{os.getuid()}")):
        try:
            if base is not None:
                return _writable(base / name)
        except OSError:
            continue
    raise PermissionError(13, f"no folder for {name} can be made", tempfile.gettempdir())


def _writable(folder: Path) -> Path:
    make_private(folder)
    if folder.stat().st_uid != os.getuid() or not os.access(folder, os.W_OK):
        raise PermissionError(13, "not a folder of this user's", str(folder))
    return folder


def make_private(folder: Path) -> None:
    """Make a folder; whatever the umask allows, nobody else may enter what is made here."""
    for part in reversed((folder, *folder.parents)):
        if not part.is_dir():
            part.mkdir(mode=0o700, exist_ok=True)
