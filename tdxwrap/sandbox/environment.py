"""What every throwaway world has: an environment without anything of the user, and an example."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

EXAMPLE = Path(__file__).with_name("rt.yaml")
# What tdx needs of the user's environment to start; credentials are not among it.
_KEPT = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TERM")


def environment(environ: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Return the environment of a throwaway world, without the user's credentials, state and
    locks."""
    kept = {name: environ[name] for name in _KEPT if name in environ}
    own = {"HOME": folder, "TMPDIR": folder, "XDG_STATE_HOME": folder / "state"}
    return kept | {name: str(path) for name, path in own.items()}
