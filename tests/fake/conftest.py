from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.fakedriver import SCENARIOS, Fake, MakeFake

from tdxwrap.fake.control import World


@cache
def _shipped(name: str) -> str:
    """A shipped scenario as JSON, so that its YAML is read once only."""
    return json.dumps(yaml.safe_load((SCENARIOS / f"{name}.yaml").read_text("utf-8")))


@pytest.fixture
def make(tmp_path: Path) -> MakeFake:
    """Builds a fake from a shipped scenario with some of its keys replaced."""

    def build(name: str = "blank", tdx: dict[str, Any] | None = None, **keys: Any) -> Fake:
        scenario = json.loads(_shipped(name))
        scenario = {**scenario, **keys, "tdx": {**scenario.get("tdx", {}), **(tdx or {})}}
        home = tmp_path / f"home{len(list(tmp_path.iterdir()))}"
        home.mkdir()
        return Fake(World.create(home / "state", scenario), home)

    return build


@pytest.fixture
def fake(make: MakeFake) -> Fake:
    """The default scenario."""
    return make()
