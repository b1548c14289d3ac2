"""What all tests share: an isolated home, worlds of the fake tdx, and tdxwrap as a real process."""

from __future__ import annotations

import signal
import tempfile
from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from support.examples import examples
from support.shells import FIXTURES, Shell, clean_environ

from tdxwrap.fake.control import World
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
