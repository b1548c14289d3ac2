"""Where tdxwrap keeps what outlives a run: locks and journals."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path


def state_folder(environ: Mapping[str, str], name: str) -> Path:
    """A private folder below the XDG state directory; below the temporary one without a home.

    Raises:
        OSError: neither can be made.
    """
    home = environ.get("HOME", "")
    state = environ.get("XDG_STATE_HOME") or (f"{home}/.local/state" if home else "")
    base = Path(state) / "tdxwrap" if os.path.isabs(state) else _temporary()
    try:
        return _private(base, name)
    except OSError:
        return _private(_temporary(), name)


def _temporary() -> Path:
    return Path(tempfile.gettempdir()) / f"tdxwrap-{os.getuid()}"


def _private(base: Path, name: str) -> Path:
    folder = base / name
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_uid != os.getuid() or not os.access(folder, os.W_OK):
        raise PermissionError(13, "not a folder of this user's", str(folder))
    return folder
