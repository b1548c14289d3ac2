"""Find the state directory of a call, and build its world the first time."""

from __future__ import annotations

import os

from tdxwrap.fake.errors import Refused
from tdxwrap.fake.store import Store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


def state_directory(environ: Mapping[str, str]) -> str:
    """Where the world of this environment lies."""
    cache = environ.get("XDG_CACHE_HOME") or os.path.join(environ.get("HOME", "/"), ".cache")
    return environ.get("FAKE_TDX_STATE") or os.path.join(cache, "fake-tdx", "default")


def open_store(environ: Mapping[str, str]) -> Store:
    """The store of this environment, built from its scenario when there is none."""
    store = Store(state_directory(environ))
    if not store.exists():
        _build(store, environ.get("FAKE_TDX_SCENARIO"))
    return store


def _build(store: Store, path: str | None) -> None:
    if not path:
        raise Refused("fake tdx: no world and no FAKE_TDX_SCENARIO to build it from", 70)
    from tdxwrap.fake import scenario

    try:
        world = scenario.read(path)
    except scenario.ScenarioError as error:
        raise Refused(f"fake tdx: {path}: {error}", 70) from None
    os.makedirs(store.root, mode=0o700, exist_ok=True)
    with store.lock():
        if not store.exists():
            scenario.install(store, world)
