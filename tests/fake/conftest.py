from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from support.fakedriver import Fake, NewFake
from support.shells import Shell

from tdxwrap.fake.control import World


@pytest.fixture
def new_fake(new_world: Callable[..., World], new_shell: Callable[..., Shell]) -> Iterator[NewFake]:
    """Makes fakes, each of the scenario and with the settings that `new_world` takes."""
    fakes: list[Fake] = []

    def make(scenario: str | dict[str, Any] = "blank", **settings: Any) -> Fake:
        settings = {"updating_seconds": 30, **settings}
        world = new_world(scenario, f"world-{len(fakes)}", **settings)
        fakes.append(Fake(world, new_shell(world, f"user-{len(fakes)}")))
        return fakes[-1]

    yield make
    for fake in fakes:
        fake.world.clear_faults()  # whether one comes about is what is tested here


@pytest.fixture
def fake(new_fake: NewFake) -> Fake:
    """The default scenario."""
    return new_fake()
