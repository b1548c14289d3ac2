"""Conditions of the machine: what a file system, a limit, a signal or another user leads to."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support.shells import MINIMAL, WEB, Shell, wait_for

from tdxwrap.fake.control import World

STATE = ".local/state/tdxwrap"
POST = {"method": "POST", "path": "realtime_attributes"}


# Locks


@pytest.mark.parametrize("code", ["ENOLCK", "EBADF", "EOPNOTSUPP", "ESTALE", "EIO"])
def test_where_the_state_folder_has_no_locks_the_run_says_so(
    shell: Shell, world: World, code: str
) -> None:
    done = shell.run("apply", MINIMAL, "--yes", TEST_FAIL=f"flock {code} {STATE}")
    assert done.code == 0, done.text
    assert done.err.count("runs on other machines are not held off: ") == 1
    assert STATE in done.err
    assert len(world.writes()) == 4
    assert '"type": "locked-here"' in shell.run("runs", "export", "last").out


def test_without_a_lock_on_this_machine_nothing_is_written(shell: Shell, world: World) -> None:
    done = shell.run("apply", MINIMAL, "--yes", TEST_FAIL="flock ENOLCK /locks/394649.lock")
    assert done.code == 3, done.text
    assert "✗ the lock of the parent segment 394649 cannot be taken: No locks available" in done.err
    assert world.writes() == []


def test_a_run_with_another_home_and_without_locks_there_is_held_off(
    shell: Shell, world: World, new_shell: Callable[..., Shell]
) -> None:
    world.add_fault("hang", POST, seconds=120)
    first = shell.start("apply", MINIMAL, "--yes")
    wait_for(lambda: any(call.exit is None and call.method == "POST" for call in world.calls()))
    other = new_shell(world, "other")
    no_locks = {"TEST_FAIL": f"flock ENOLCK {STATE}", "TEST_TMP": shell.environ["TEST_TMP"]}
    second = other.run("apply", MINIMAL, "--yes", TMPDIR=str(other.cwd), **no_locks)
    first.send_signal(15)
    assert first.end().code == 130
    assert second.code == 8, second.text
    assert f"another run is at work on the parent segment 394649: process {first.pid}" in second.err


def test_a_rehearsal_is_not_held_off_by_a_run(shell: Shell, world: World) -> None:
    world.add_fault("hang", POST, seconds=120)
    first = shell.start("apply", WEB, "--yes")
    wait_for(lambda: any(call.exit is None and call.method == "POST" for call in world.calls()))
    rehearsed = shell.run("rehearse", WEB, "--quiet")
    first.send_signal(15)
    assert first.end().code == 130
    assert rehearsed.code == 0, rehearsed.text
