"""A cache of the parent segments of the last `tdx ps rt list`, for shell completion.

Each profile and site has a file of its own in the state folder. Nothing here ever fails: without
the file, no names are offered.
"""

import json
import os
from collections.abc import Mapping
from typing import Any

from tdxwrap.system.paths import make_private, state_folder


def remember(
    environ: Mapping[str, str], profile: str | None, site: str | None, listed: list[Any]
) -> None:
    """Store the ids and names of a list of parent segments (F10), without secrets."""
    from pathlib import Path

    from tdxwrap.system.redact import Redactor

    names = [[str(s.get("id")), str(s.get("name"))] for s in listed if isinstance(s, dict)]
    text = json.dumps(Redactor.from_environ(environ).json(names))
    path = _path(environ, profile, site)
    if path is None:
        return
    try:
        make_private(Path(path).parent)
        new = f"{path}.{os.getpid()}"
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(text)
        os.replace(new, path)
    except OSError:
        return


def recall(
    environ: Mapping[str, str], profile: str | None, site: str | None
) -> list[tuple[str, str]]:
    """Return the stored ids and names; none if they cannot be read."""
    path = _path(environ, profile, site)
    try:
        with open(path or os.devnull, "rb") as file:
            return [(str(segment_id), str(name)) for segment_id, name in json.load(file)]
    except (OSError, ValueError, TypeError, RecursionError):
        return []


def _path(environ: Mapping[str, str], profile: str | None, site: str | None) -> str | None:
    folder = state_folder(environ)
    account = f"{profile or environ.get('TDX_PROFILE') or ''}@{site or ''}"
    name = f"{os.fsencode(account).hex()}.json"
    return None if folder is None else os.path.join(folder, "segments", name)
