"""Conditions of the machine: what a file system, a limit, a signal or another user leads to."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from support.shells import FAKE_TDX, MINIMAL, WEB, Ran, Shell, wait_for

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


# Signals


def ignoring(*numbers: signal.Signals, blocked: bool = False) -> Callable[[], None]:
    """What happens between fork and exec: the caller ignores or blocks signals."""

    def prepare() -> None:
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)
        if blocked:
            signal.pthread_sigmask(signal.SIG_BLOCK, set(signal.Signals))

    return prepare


def executed(shell: Shell, *args: str | Path, before: Callable[[], None] | None, **env: str) -> Ran:
    """Run a tdxwrap that is executed, after what its caller does between fork and exec."""
    done = subprocess.run(
        shell.command(*args),
        cwd=shell.cwd,
        env={**shell.environ, **env},
        preexec_fn=before,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=100,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def test_a_caller_that_ignores_its_children(shell: Shell, world: World) -> None:
    before = ignoring(signal.SIGCHLD)
    done = executed(shell, "apply", MINIMAL, "--yes", before=before)
    assert done.code == 0, done.text
    assert len(world.writes()) == 4


@pytest.mark.parametrize(
    "before", [ignoring(signal.SIGALRM), ignoring(blocked=True)], ids=["ignored", "blocked"]
)
def test_a_caller_that_takes_away_the_alarm(
    shell: Shell, world: World, before: Callable[[], None]
) -> None:
    world.add_fault("hang", POST, seconds=120)
    done = executed(shell, "apply", MINIMAL, "--yes", "--deadline", "4", before=before)
    assert done.code == 5, done.text
    assert "the deadline of the whole run is over" in done.err


def test_an_answer_that_came_while_tdxwrap_was_stopped_counts(shell: Shell, world: World) -> None:
    world.add_fault("delay", POST, seconds=1, when="after")
    running = shell.start("apply", MINIMAL, "--yes", "--timeout", "2")
    wait_for(lambda: any(call.exit is None and call.method == "POST" for call in world.calls()))
    running.send_signal(signal.SIGSTOP)
    time.sleep(3)
    running.send_signal(signal.SIGCONT)
    done = running.end()
    assert done.code == 0, done.text
    assert "Retry" not in done.err
    assert len(world.writes()) == 4


# Limits, and the program


@pytest.mark.parametrize("limit", [5, 8, 11, 14, 17])
def test_too_few_file_descriptors_are_called_by_their_name(
    shell: Shell, world: World, limit: int
) -> None:
    def before() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))

    done = executed(shell, "plan", WEB, "--no-journal", before=before)
    assert done.code == 3, done.text
    assert "Too many open files" in done.err
    assert "ulimit -n" in done.err
    assert "node" not in done.text
    assert "TMPDIR" not in done.text
    assert world.writes() == []


def test_a_command_line_in_place_of_a_program(shell: Shell) -> None:
    tool = shell.write("npx", f'#!/bin/sh\nshift\nexec {FAKE_TDX} "$@"\n')
    tool.chmod(0o755)
    environ = {"PATH": f"{shell.cwd}:{os.environ['PATH']}"}
    given = "npx @treasuredata/tdx"
    done = shell.run("status", "394649", TDXWRAP_TDX=given, **environ)
    assert done.code == 3
    assert f"✗ {given} is a command line; the path of one program is wanted" in done.err
    _, _, rest = done.err.partition("#!/bin/sh")
    command = rest.strip().splitlines()[0].strip()
    wrapper = shell.write("tdx", f"#!/bin/sh\n{command}\n")
    wrapper.chmod(0o755)
    assert shell.run("status", "394649", TDXWRAP_TDX=str(wrapper), **environ).code == 0
