"""Ctrl-C, SIGTERM, SIGHUP, a deadline, a lock: how a run is stopped, and that it can go on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from shells import MINIMAL, WEB, Shell
from worlds import configuration

from tdxwrap.fake.control import World

POST = {"method": "POST", "path": "realtime_attributes"}


def wait_for(condition: Callable[[], object]) -> None:
    for _ in range(600):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("what was waited for never came")


def hanging(world: World) -> list[int]:
    """The pids of tdx calls that were started and have not ended."""
    return [call.pid for call in world.calls() if call.exit is None and alive(call.pid)]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def end(process: subprocess.Popen[str]) -> tuple[int, str]:
    _, err = process.communicate(timeout=60)
    return process.returncode, err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_call_in_flight_and_says_what_is_open(
    shell: Shell, world: World, number: signal.Signals
) -> None:
    world.add_fault("hang", POST, seconds=120, with_child=True)
    running = shell.start("apply", MINIMAL, "--yes")
    wait_for(lambda: hanging(world))
    pids = hanging(world)

    running.send_signal(number)
    code, err = end(running)

    assert code == 130
    assert f"✗ 7c: interrupted by {number.name}" in err
    assert "so far     3 of 4 changes are written; open: attribute page_views_24h" in err
    assert "run the same command again" in err
    assert "Traceback" not in err
    assert not any(alive(pid) for pid in pids)
    assert shell.run("apply", MINIMAL, "--yes").code == 0
    assert len(configuration(world)["attributes"]) == 1


def test_a_terminal_that_goes_away_ends_the_run_in_order(shell: Shell, world: World) -> None:
    world.add_fault("hang", POST, seconds=120)
    parent, running = shell.start_on_terminal("apply", MINIMAL, "--yes")
    wait_for(lambda: hanging(world))
    pids = hanging(world)

    os.close(parent)

    assert running.wait(timeout=60) == 130
    assert not any(alive(pid) for pid in pids)
    assert shell.run("apply", MINIMAL, "--yes").code == 0


def test_a_second_ctrl_c_ends_at_once_what_ignores_the_first(shell: Shell, world: World) -> None:
    world.add_fault("hang", POST, seconds=120, ignore_sigterm=True)
    running = shell.start("apply", WEB, "--yes")
    wait_for(lambda: hanging(world))
    pids = hanging(world)

    running.send_signal(signal.SIGINT)
    time.sleep(0.3)
    running.send_signal(signal.SIGINT)
    code, err = end(running)

    assert code == 130
    assert "Traceback" not in err
    assert not any(alive(pid) for pid in pids)


def test_ctrl_c_while_waiting_says_that_everything_is_written(
    new_world: Callable[..., World], new_shell: Callable[..., Shell]
) -> None:
    world = new_world(updating_seconds=120)
    running = new_shell(world).start("apply", WEB, "--yes")
    wait_for(lambda: sum(call.argv[:3] == ("ps", "rt", "list") for call in world.calls()) > 2)

    running.send_signal(signal.SIGINT)
    code, err = end(running)

    assert code == 130
    assert "✗ wait: interrupted by SIGINT" in err
    assert "all 15 changes are written" in err


def test_a_signal_while_reading_is_called_by_its_name(shell: Shell, world: World) -> None:
    world.add_fault("hang", {"command": "rt list"}, seconds=120)
    running = shell.start("plan", WEB)
    wait_for(lambda: hanging(world))

    running.send_signal(signal.SIGTERM)
    code, err = end(running)

    assert code == 130
    assert "✗ interrupted by SIGTERM" in err


def test_a_signal_that_gets_lost_in_a_destructor_comes_again_and_shows_nothing() -> None:
    code = """if True:
        import os, signal, time
        from tdxwrap import stops

        class Gone:
            def __del__(self):
                os.kill(os.getpid(), signal.SIGTERM)
                time.sleep(60)

        class Broken:
            def __del__(self):
                raise ValueError("not a signal")

        stops._AGAIN = 0.1
        with stops.signals_as_interrupts():
            Broken()
            try:
                Gone()
                time.sleep(60)
            except KeyboardInterrupt as stop:
                print(stops.as_error(stop).what)
    """
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=50
    )
    assert done.stdout == "interrupted by SIGTERM\n"
    assert "Stopped" not in done.stderr
    assert "not a signal" in done.stderr


def test_a_signal_while_a_lock_is_taken_back_is_an_interrupt_like_any_other(shell: Shell) -> None:
    code = """if True:
        import os, signal, sys, threading, time
        from tdxwrap.__main__ import run

        def interrupted(self, state):
            if threading.current_thread() is not threading.main_thread():
                return take_back(self, state)
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(60)

        take_back = threading.Condition._acquire_restore
        threading.Condition._acquire_restore = interrupted
        sys.exit(run(sys.argv[1:]))
    """
    argv = [sys.executable, "-c", code, "plan", WEB]
    done = subprocess.run(argv, cwd=shell.cwd, env=shell.environ, capture_output=True, text=True)

    assert done.returncode == 130
    assert "✗ interrupted by SIGTERM" in done.stderr


def test_the_deadline_ends_a_run(shell: Shell, world: World) -> None:
    world.add_fault("hang", POST, seconds=120)
    done = shell.run("apply", MINIMAL, "--yes", "--deadline", "6")

    assert done.code == 5
    assert "✗ 7c: the deadline of the whole run is over" in done.err
    assert "--deadline allows more" in done.err
    assert not hanging(world)
    assert shell.run("apply", MINIMAL, "--yes", "--deadline", "60").code == 0


def test_the_second_run_on_a_segment_is_told_who_holds_the_lock(shell: Shell, world: World) -> None:
    world.add_fault("hang", POST, seconds=120)
    first = shell.start("apply", MINIMAL, "--yes")
    wait_for(lambda: hanging(world))
    calls = len(world.writes())

    second = shell.run("apply", MINIMAL, "--yes")

    assert second.code == 8
    assert f"another run is at work on the parent segment 394649: process {first.pid}" in second.err
    assert len(world.writes()) == calls
    assert shell.run("plan", MINIMAL).code == 0
    os.kill(first.pid, signal.SIGKILL)
    first.communicate()
    assert shell.run("apply", MINIMAL, "--yes").code == 0


def test_another_segment_is_not_locked(
    new_world: Callable[..., World], new_shell: Callable[..., Shell]
) -> None:
    world = new_world()
    with world.edit_segment("394649") as segment:
        first = dict(segment)
    account = next(iter(world.state()["accounts"].values()))
    scenario = {
        "updating_seconds": 0,
        "databases": account["databases"],
        "segments": [
            {"id": "394649", "name": first["name"]},
            {"id": "394650", "name": "Customer 180"},
        ],
    }
    two = new_world(scenario, name="two")
    shell = new_shell(two)
    two.add_fault("hang", POST, seconds=120)
    held = shell.start("apply", MINIMAL, "--yes", "--no-check-columns")
    wait_for(lambda: hanging(two))

    other = shell.run("apply", MINIMAL, "--yes", "--parent-segment", "394650", "--no-check-columns")

    assert other.code == 0, other.text
    held.kill()
    held.communicate()
