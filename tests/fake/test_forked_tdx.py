"""The fake that is forked or asked for the tests does what the one that is executed does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import pytest
from support.shells import MINIMAL, Ran, Shell

from tdxwrap.fake.control import World

# Of what a call records: what differs from run to run.
PASSING = ("pid", "ppid", "session", "started", "seconds")
FAULTS = {
    "none": {},
    "killed": {"when": "before"},
    "prompt": {},
    "hang": {"seconds": 60, "ignore_sigterm": True, "with_child": True},
    "signal-caller": {"signal": "SIGTERM", "seconds": 60},
    "wrong-exit": {"exit": 3},
    "big-output": {"bytes": 300_000},
}


@pytest.mark.parametrize("fault", FAULTS)
def test_forked_and_executed_it_is_the_same(
    fault: str, new_world: Callable[..., World], new_shell: Callable[..., Shell]
) -> None:
    def run(name: str, executing: bool = False, **env: str) -> tuple[Ran, list[dict[str, Any]]]:
        world = new_world(name=f"{name}-world")
        if fault != "none":
            world.add_fault(fault, {"command": "rt list"}, **FAULTS[fault])
        shell = new_shell(world, name)
        shell = shell.executing() if executing else shell
        timeout = "2" if fault == "hang" else "60"
        args = ("status", "394649", "--json", "--timeout", timeout, "--retries", "0")
        ran = shell.run(*args, TDX_SESSION="the session", FORCE_COLOR="3", **env)
        calls = [asdict(call) for call in sorted(world.calls(), key=lambda call: call.argv)]
        for call in calls:
            assert call["session"] == "the session"
            assert call["cwd"] == str(shell.cwd)
        return ran, [{k: v for k, v in c.items() if k not in (*PASSING, "cwd")} for c in calls]

    executed, forked = run("executed", executing=True), run("forked")
    inside = run("inside", TEST_TDX="inside")
    assert forked[1] == inside[1] == executed[1]
    assert forked[0].code == inside[0].code == executed[0].code
    assert forked[0].out == inside[0].out == executed[0].out


def test_forked_it_is_a_process_of_its_own(shell: Shell, world: World) -> None:
    running = shell.start("plan", MINIMAL)
    assert running.end().code == 0
    assert {call.ppid for call in world.calls()} == {running.pid}
    assert len({call.pid for call in world.calls()}) == len(world.calls())


@pytest.mark.usefixtures("tdx_inside")
def test_inside_a_fault_of_the_answer_alone_needs_no_process(shell: Shell, world: World) -> None:
    world.add_fault("http", {"command": "realtime_setting"})
    running = shell.start("plan", MINIMAL)
    assert running.end().code == 0
    assert {call.pid for call in world.calls()} == {running.pid}


@pytest.mark.usefixtures("tdx_inside")
@pytest.mark.parametrize("match", [{"command": "realtime_setting"}, {"call": 5}])
def test_inside_it_is_none_but_for_the_call_that_a_process_is_the_point_of(
    shell: Shell, world: World, match: dict[str, Any]
) -> None:
    world.add_fault("killed", match)
    running = shell.start("plan", MINIMAL)
    assert running.end().code == 0
    processes = [call for call in world.calls() if call.pid != running.pid]
    assert "killed" in {call.fault for call in processes}
    # Which number a call gets shows only when it is made: there each may be the one.
    assert len(processes) == 1 or "call" in match
