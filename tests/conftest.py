"""What all tests share: an isolated home, worlds of the fake tdx, and tdxwrap as a real process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from shells import FIXTURES, Shell, clean_environ

from tdxwrap.fake.control import World

# Deadlines would make the suite depend on the machine; what costs time is measured by make bench.
settings.register_profile(
    "tdxwrap", deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("tdxwrap")


@pytest.fixture
def new_shell(tmp_path: Path) -> Callable[..., Shell]:
    """Makes shells on a world."""

    def make(world: World | None = None, name: str = "user") -> Shell:
        home, cwd = tmp_path / name / "home", tmp_path / name / "work"
        home.mkdir(parents=True)
        cwd.mkdir()
        environ = clean_environ(home)
        if world is not None:
            environ.update(world.environ())
        return Shell(home, cwd, environ)

    return make


@pytest.fixture
def new_world(tmp_path: Path) -> Iterator[Callable[..., World]]:
    """Makes worlds; at the end every fault that was armed must have fired."""
    worlds: list[World] = []

    def make(
        scenario: str | dict[str, Any] = "blank", name: str = "world", **settings: Any
    ) -> World:
        source = (
            FIXTURES / "scenarios" / f"{scenario}.yaml" if isinstance(scenario, str) else scenario
        )
        world = World.create(tmp_path / name, source)
        world.set("updating_seconds", 0.1)
        for path, value in settings.items():
            world.set(path.replace("__", "."), value)
        worlds.append(world)
        return world

    yield make
    for world in worlds:
        assert world.unfired_faults() == []


@pytest.fixture
def world(new_world: Callable[..., World]) -> World:
    """A blank world: one RT-enabled segment, nothing configured."""
    return new_world()


@pytest.fixture
def shell(world: World, new_shell: Callable[..., Shell]) -> Shell:
    """A shell on the blank world."""
    return new_shell(world)
