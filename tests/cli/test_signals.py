"""Ctrl-C, SIGTERM, SIGHUP, a deadline, a lock: how a run is stopped, and that it can go on."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from support.shells import MINIMAL, WEB, Ran, Shell, Started, wait_for
from support.worlds import configuration

from tdxwrap.fake.control import World

POST = {"method": "POST", "path": "realtime_attributes"}


def hanging(world: World) -> list[int]:
    """The pids of tdx calls that were started and have not ended."""
    return [call.pid for call in world.calls() if call.exit is None and alive(call.pid)]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def end(running: Started) -> tuple[int, str]:
    done = running.end(60)
    return done.code, done.err


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
    assert (
        "so far     3 of 4 changes are written; 1 was in flight (attribute page_views_24h)" in err
    )
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
    assert all(alive(pid) for pid in pids)
    running.send_signal(signal.SIGINT)
    second = time.monotonic()
    wait_for(lambda: not any(alive(pid) for pid in pids))
    # After the first alone it has 2 s to end by itself.
    assert time.monotonic() - second < 1.2
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


# Wherever the main thread just is when it comes


def scripted(shell: Shell, code: str, *args: str | Path) -> Ran:
    """Run tdxwrap with something put in its way."""
    before = "import os, signal, sys, threading, time\n"
    after = "\nfrom tdxwrap.__main__ import main\nmain()\n"
    return shell.python(before + code + after, *args)


IN_A_LOCK = """
def take_back(self, state, known=threading.Condition._acquire_restore):
    if threading.current_thread() is threading.main_thread():
        os.kill(os.getpid(), signal.SIGTERM)
    return known(self, state)
threading.Condition._acquire_restore = take_back
"""
IN_AN_IMPORT = """
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "pydantic":
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(1.5)  # longer than the patience
sys.meta_path.insert(0, Finder())
"""
IN_A_DESTRUCTOR = """
class Gone:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)
def traced(frame, event, arg):
    if frame.f_code.co_name == "make_plan":
        sys.settrace(None)
        Gone()
sys.settrace(traced)
"""


@pytest.mark.parametrize("way", [IN_A_LOCK, IN_AN_IMPORT, IN_A_DESTRUCTOR])
def test_a_signal_does_not_break_what_it_comes_upon(shell: Shell, way: str) -> None:
    done = scripted(shell, way, "plan", WEB)

    assert done.code == 130, done.err
    assert "✗ interrupted by SIGTERM" in done.err
    assert "Traceback" not in done.err
    assert "Exception" not in done.err
    assert not list(shell.cwd.glob("tdxwrap-bug-*"))


def test_a_signal_that_finds_the_run_blocked_ends_it_all_the_same(shell: Shell) -> None:
    code = """if True:
        def late():
            while True:
                try:
                    os.open("rt.yaml", os.O_WRONLY | os.O_NONBLOCK)
                    break
                except OSError:  # until it is opened for reading
                    time.sleep(0.01)
            os.kill(os.getpid(), signal.SIGTERM)
        threading.Thread(target=late, daemon=True).start()
    """
    os.mkfifo(shell.cwd / "rt.yaml")  # nothing is written into it
    done = scripted(shell, code, "check", "rt.yaml")

    assert done.code == 130
    assert "✗ interrupted by SIGTERM" in done.err


def test_signals_after_the_end_change_nothing(shell: Shell) -> None:
    code = """if True:
        import atexit
        atexit.register(lambda: os.kill(os.getpid(), signal.SIGTERM))
    """
    done = scripted(shell, code, "check", WEB)

    assert (done.code, done.err) == (0, "")


def test_a_signal_that_is_ignored_stays_so(shell: Shell, world: World) -> None:
    world.set("updating_seconds", 1)
    nohup = subprocess.Popen(
        ["nohup", *shell.command("apply", MINIMAL, "--yes")],
        cwd=shell.cwd,
        env=dict(shell.environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_for(world.calls)

    nohup.send_signal(signal.SIGHUP)
    _, err = nohup.communicate(timeout=60)

    assert nohup.returncode == 0, err
    assert len(configuration(world)["attributes"]) == 1


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
    first.end()
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
    held.end()
