"""The soak: applies in a row on one world, each with a random fault, invariants after each.

`make soak` does 200; `make test` a few. The seed is printed with every failure.
"""

from __future__ import annotations

import fcntl
import os
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from support.faults import FAULTS, KEY, TIMEOUT, make_world
from support.shells import FIXTURES, Shell, wait_for
from support.worlds import configuration, exact

from tdxwrap.fake.control import World

BASE = (FIXTURES / "recipe" / "step7.yaml").read_text()
VARIANTS = (
    BASE,
    BASE.replace("duration: 1 day", "duration: 3 days").replace("max_items: 100", "max_items: 50"),
    BASE.replace("data_type: string", "data_type: number"),
    BASE.replace("value_column: product_id\n    data", "value_column: category\n    data"),
    BASE.split("  - name: carts_24h")[0],
)
DUPLICATES = ("keyEvents", "attributes")


def leftovers(world: World, folder: Path) -> list[str]:
    """Processes of this world and temporary files that nobody needs any more."""
    marker = f"FAKE_TDX_STATE={world.state_dir}".encode()
    found = [path.name for path in folder.glob("tdxwrap-*-*")]
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if marker in (process / "environ").read_bytes():
                found.append((process / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return found


def locked(home: Path) -> list[str]:
    """The locks that somebody holds."""
    held = []
    for path in (home / ".local/state/tdxwrap/locks").glob("*.lock"):
        with path.open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                held.append(path.name)
    return held


def assert_nothing_twice(world: World) -> None:
    realtime = exact(world)["realtime"]
    for kind in DUPLICATES:
        names = Counter(item["name"] for item in realtime[kind])
        assert max(names.values(), default=1) == 1, names


def assert_nothing_lost(world: World, before: dict[str, list[dict[str, object]]]) -> None:
    """What no file mentions is as it was; a replaced item may be on its way, but no other."""
    after = configuration(world)
    assert all(table in after["eventTables"] for table in before["eventTables"])
    assert {k["name"] for k in before["keyColumns"]} <= {k["name"] for k in after["keyColumns"]}
    for kind in DUPLICATES:
        legacy = [item for item in before[kind] if str(item["name"]).startswith("legacy")]
        assert legacy
        assert all(item in after[kind] for item in legacy)


def soak(runs: int, folder: Path, new_shell: Callable[..., Shell], seed: int) -> Counter[int]:
    chance = random.Random(seed)
    world = make_world(folder / "world", "half-configured")
    before = configuration(world)
    shell = new_shell(world).executing()
    temporary = folder / "temporary"
    temporary.mkdir()
    environ = {"TD_API_KEY": KEY, "TMPDIR": str(temporary)}
    command = ("apply", "rt.yaml", "--yes", "--replace", "--timeout", TIMEOUT)
    codes: Counter[int] = Counter()
    for run in range(runs):
        shell.write("rt.yaml", chance.choice(VARIANTS))
        fault = chance.choice(FAULTS)
        world.clear_faults()
        world.clear_calls()
        world.add_fault(fault.name, {"call": chance.randint(1, 20)}, **dict(fault.params))
        done = shell.run(*command, "--jobs", chance.choice(("1", "4")), **environ)
        where = f"seed {seed}, run {run}: {fault.label}\n{done.text}"
        assert done.code in (0, 4, 5, 130, -9, *fault.codes), where
        assert "Traceback" not in done.text, where
        assert_nothing_twice(world)
        assert_nothing_lost(world, before)
        if done.code == -9:
            # A child between fork and exec still has the lock; the kernel ends it in a moment.
            wait_for(lambda: locked(shell.home) == [])
        assert locked(shell.home) == [], where
        # After a kill the next run tidies up; after everything else there is nothing to tidy.
        assert done.code == -9 or leftovers(world, temporary) == [], where
        codes[done.code] += 1
    world.clear_faults()
    assert shell.run(*command, **environ).code == 0
    assert leftovers(world, temporary) == []
    return codes


def test_a_few_applies_with_random_faults(tmp_path: Path, new_shell: Callable[..., Shell]) -> None:
    soak(4, tmp_path, new_shell, seed=20261122)


@pytest.mark.soak
def test_many_applies_with_random_faults(tmp_path: Path, new_shell: Callable[..., Shell]) -> None:
    seed = int(os.environ.get("SOAK_SEED", random.randrange(2**32)))
    codes = soak(int(os.environ.get("SOAK_RUNS", "200")), tmp_path, new_shell, seed)
    print(f"\nsoak: seed {seed}, exit codes {dict(sorted(codes.items()))}")  # noqa: T201
