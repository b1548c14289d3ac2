"""The pytest fixture `fake_tdx`: a fake tdx for one test, and for what the test starts.

Every pytest in an environment with tdxwrap loads this module, so it imports nothing of tdxwrap
until a test asks for the fixture.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tdxwrap.sandbox.testing import FakeTdx


@pytest.fixture
def fake_tdx(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FakeTdx]:
    """A fresh fake tdx, first on the PATH; at the end, every `fail` must have come about."""
    from tdxwrap.sandbox.testing import FakeTdx

    fake = FakeTdx(tmp_path_factory.mktemp("fake-tdx"))
    for name in [name for name in os.environ if name.startswith(("TD_", "TDX"))]:
        monkeypatch.delenv(name)
    for name, value in fake.environ.items():
        monkeypatch.setenv(name, value)
    yield fake
    all_came_about(fake)


def all_came_about(fake: FakeTdx) -> None:
    """Fail the test if one of its faults has not come about."""
    if fake.unfired:
        pytest.fail(f"never came about, so nothing was tested: {', '.join(fake.unfired)}")
