from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.fakedriver import Fake, MakeFake
from support.worlds import shipped

from tdxwrap.fake.control import World


@pytest.fixture
def make(tmp_path: Path) -> MakeFake:
    """Builds a fake from a shipped scenario with some of its keys replaced."""

    def build(name: str = "blank", tdx: dict[str, Any] | None = None, **keys: Any) -> Fake:
        scenario = shipped(name)
        scenario = {**scenario, **keys, "tdx": {**scenario.get("tdx", {}), **(tdx or {})}}
        home = tmp_path / f"home{len(list(tmp_path.iterdir()))}"
        home.mkdir()
        return Fake(World.create(home / "state", scenario), home)

    return build


@pytest.fixture
def fake(make: MakeFake) -> Fake:
    """The default scenario."""
    return make()
