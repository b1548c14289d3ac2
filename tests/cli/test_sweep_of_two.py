"""The crash sweep over two parent segments at once: a fault in one never touches the other."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path

import pytest
from support.faults import FAULTS, KEY, TIMEOUT, Fault
from support.shells import MINIMAL, Shell
from support.worlds import configuration, shipped

from tdxwrap.fake.control import World

pytestmark = pytest.mark.usefixtures("tdx_inside")

ONE, OTHER = "394701", "394702"
# How many calls of an undisturbed run name a parent segment of its own.
CALLS = 17
CASES = [(each, call) for each in FAULTS for call in range(CALLS)]
# A step that shares no factor with the number of calls.
SAMPLE = CASES[::71]


def blank(folder: Path) -> World:
    """Two parent segments, nothing configured."""
    scenario = shipped("blank")
    (segment,) = scenario["segments"]
    scenario["segments"] = [
        copy.deepcopy(segment) | {"id": number, "name": f"Brand {number}"}
        for number in (ONE, OTHER)
    ]
    world = World.create(folder, scenario)
    world.set("updating_seconds", 0)
    world.set_credentials(keychain={}, keys={KEY: next(iter(world.state()["accounts"]))})
    return world


def apply(shell: Shell) -> tuple[int, list[int]]:
    """Apply both files; the exit code, and that of each file."""
    for number in (ONE, OTHER):
        shell.write(f"{number}.yaml", MINIMAL.read_text().replace("394649", number))
    rhythm = {"TDXWRAP_APPLY_POLL_FIRST": "10"}
    options = ("--yes", "--keep-going", "--json", "--timeout", TIMEOUT)
    done = shell.run("apply", f"{ONE}.yaml", f"{OTHER}.yaml", *options, TD_API_KEY=KEY, **rhythm)
    assert "Traceback" not in done.text, done.text
    if done.code < 0:
        return done.code, []
    return done.code, [each["exit_code"] for each in done.json["files"]]


def own_calls(world: World) -> int:
    return sum(ONE in " ".join(call.argv) for call in world.calls())


def check(fault: Fault, call: int, folder: Path, new_shell: Callable[..., Shell]) -> None:
    world = blank(folder / "world")
    world.add_fault(fault.name, {"command": ONE}, skip=call, **dict(fault.params))
    shell = new_shell(world)

    code, codes = apply(shell)
    assert world.unfired_faults() == []
    world.clear_faults()
    assert code in fault.codes
    if fault.name != "signal-caller":
        assert codes[1] == 0
        after_one = configuration(world, OTHER)
        assert len(after_one["attributes"]) == 1

    assert apply(shell) == (0, [0, 0])
    assert configuration(world, ONE) == configuration(world, OTHER)
    found = configuration(world, ONE)
    sizes = {name: len(found[name]) for name in ("eventTables", "keyColumns", "keyEvents")}
    assert sizes == dict.fromkeys(sizes, 1)
    assert len(found["attributes"]) == 1


def test_undisturbed(tmp_path: Path, new_shell: Callable[..., Shell]) -> None:
    world = blank(tmp_path / "world")
    assert apply(new_shell(world)) == (0, [0, 0])
    assert own_calls(world) == CALLS


@pytest.mark.parametrize(("fault", "call"), SAMPLE, ids=str)
def test_a_fault_in_one_never_touches_the_other(
    fault: Fault, call: int, tmp_path: Path, new_shell: Callable[..., Shell]
) -> None:
    check(fault, call, tmp_path, new_shell)


@pytest.mark.sweep
@pytest.mark.parametrize(("fault", "call"), CASES, ids=str)
def test_every_fault_at_every_call_of_one(
    fault: Fault, call: int, tmp_path: Path, new_shell: Callable[..., Shell]
) -> None:
    check(fault, call, tmp_path, new_shell)
