"""What all tests share: an isolated home, worlds of the fake tdx, and tdxwrap as a real process."""

from __future__ import annotations

import gc
import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from support.examples import examples
from support.shells import QUICK, Shell, zygote
from support.worlds import shipped

from tdxwrap.fake.control import World
from tdxwrap.sandbox.pytest_plugin import all_came_about
from tdxwrap.sandbox.testing import FakeTdx
from tdxwrap.system import paths

# Deadlines would make the suite depend on the machine; what costs time is measured by make bench.
settings.register_profile(
    "tdxwrap",
    deadline=None,
    max_examples=examples(25),
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("tdxwrap")

# Locks in /tmp would hold off the other processes of the suite, and the user.
_locks = tempfile.TemporaryDirectory(prefix="locks-")
paths.TEMPORARY = _locks.name

# `nohup make test &` starts the suite with these ignored, and so would be all that it starts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
for ignored in (signal.SIGHUP, signal.SIGQUIT):
    if signal.getsignal(ignored) is signal.SIG_IGN:
        # Handled, it does nothing to the suite either, but what the suite executes has it anew.
        signal.signal(ignored, lambda number, frame: None)


# Each process of the suite holds all tests and all of tdxwrap, so a collection takes long.
gc.set_threshold(100_000, 20, 100)


def pytest_configure(config: pytest.Config) -> None:
    """Where the suite has several processes, they share the one that forks."""
    if getattr(config.option, "numprocesses", None) and not hasattr(config, "workerinput"):
        os.environ["TEST_ZYGOTE"] = zygote()


@pytest.fixture
def tdx_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests to which processes do not matter: `Shell.run` runs tdxwrap here (inside.py), and
    the fake's answer comes without a process of tdx.

    A fault of a process still happens to one, and so does all that `start` and `terminal` begin.
    """
    monkeypatch.setitem(QUICK, "TEST_TDX", "inside")


@pytest.fixture
def new_shell(tmp_path: Path) -> Callable[..., Shell]:
    """Makes shells on a world."""

    def make(world: World | None = None, name: str = "user") -> Shell:
        return Shell.create(tmp_path / name, world)

    return make


@pytest.fixture
def new_world(tmp_path: Path) -> Iterator[Callable[..., World]]:
    """Makes worlds; at the end every fault that was armed must have fired."""
    fakes: list[FakeTdx] = []

    def make(
        scenario: str | dict[str, Any] = "blank", name: str = "world", **settings: Any
    ) -> World:
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        fake = FakeTdx(folder, shipped(scenario) if isinstance(scenario, str) else scenario)
        for path, value in {"updating_seconds": 0.1, **settings}.items():
            fake.world.set(path.replace("__", "."), value)
        fakes.append(fake)
        return fake.world

    yield make
    for fake in fakes:
        all_came_about(fake)


@pytest.fixture
def world(new_world: Callable[..., World]) -> World:
    """A blank world: one RT-enabled segment, nothing configured."""
    return new_world()


@pytest.fixture
def half(new_world: Callable[..., World]) -> World:
    """A world in which somebody began, with things that no file mentions."""
    return new_world("half-configured")


@pytest.fixture
def shell(world: World, new_shell: Callable[..., Shell]) -> Shell:
    """A shell on the blank world."""
    return new_shell(world)


def pytest_pycollect_makeitem(collector: pytest.Collector, obj: object) -> list[Any] | None:
    """The thousands of cases of a sweep are made where a sweep is run: they take seconds."""
    marks = {mark.name for mark in getattr(obj, "pytestmark", ())}
    return [] if "sweep" in marks and "not sweep" in collector.config.option.markexpr else None


def pytest_collection_finish() -> None:
    """What has been loaded and collected stays to the end: no later collection looks at it."""
    gc.freeze()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """After `make sweep`: fault by call, how the first run ended; the second always with exit 0."""
    cells: dict[str, dict[str, dict[int, str]]] = {}
    for report in terminalreporter.stats.get("passed", []):
        for name, value in report.user_properties:
            if name == "sweep" and report.when == "call":
                table, fault, call, code, kind = value
                cell = "kill" if code == -9 else f"{code} {kind}".strip()
                cells.setdefault(table, {}).setdefault(fault, {})[call] = cell
    for table, rows in cells.items():
        terminalreporter.write_line(f"\n{table}: exit code and error of the first run, by call")
        for fault, row in rows.items():
            told = _runs_of([row[call] for call in sorted(row)])
            terminalreporter.write_line(f"  {fault:<26} {told}")


def _runs_of(values: list[str]) -> str:
    """`0 ×9 | 4 refused ×11`: the same value several times in a row is told once."""
    grouped = [(value, len(list(group))) for value, group in groupby(values)]
    return " | ".join(f"{value} ×{count}" for value, count in grouped)
