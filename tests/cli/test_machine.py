"""Conditions of the machine: what a file system, a limit, a signal or another user leads to."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from support.shells import FAKE_TDX, MINIMAL, WEB, Ran, Shell, wait_for

from tdxwrap.fake.control import World

STATE = ".local/state/tdxwrap"
POST = {"method": "POST", "path": "realtime_attributes"}


# Locks


@pytest.mark.usefixtures("tdx_inside")
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


@pytest.mark.usefixtures("tdx_inside")
def test_without_a_lock_on_this_machine_nothing_is_written(shell: Shell, world: World) -> None:
    done = shell.run("apply", MINIMAL, "--yes", TEST_FAIL="flock ENOLCK /locks/394649.lock")
    assert done.code == 3, done.text
    assert "✗ the lock of the parent segment 394649 cannot be taken: /" in done.err
    assert "/locks/394649.lock: No locks available" in done.err
    assert world.writes() == []


@pytest.mark.usefixtures("tdx_inside")
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
    world.add_fault("hang", {"call": 1}, seconds=120)
    done = executed(shell, "apply", MINIMAL, "--yes", "--deadline", "8", before=before)
    assert done.code == 5, done.text
    assert "the deadline of the whole run is over" in done.err


def test_an_answer_that_came_while_tdxwrap_was_stopped_counts(shell: Shell, world: World) -> None:
    world.add_fault("delay", POST, seconds=1, when="after")
    running = shell.start("apply", MINIMAL, "--yes", "--timeout", "5")
    wait_for(lambda: any(call.exit is None and call.method == "POST" for call in world.calls()))
    running.send_signal(signal.SIGSTOP)
    time.sleep(6)
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
    assert "tdx said" not in done.err
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


# Disks and folders


@pytest.mark.usefixtures("tdx_inside")
@pytest.mark.parametrize("code", ["ENOSPC", "EDQUOT"])
@pytest.mark.parametrize("operation", ["write", "open"])
def test_without_room_for_the_journal_no_run_begins(
    shell: Shell, world: World, code: str, operation: str
) -> None:
    done = shell.run("apply", MINIMAL, "--yes", TEST_FAIL=f"{operation} {code} {STATE}/runs")
    assert done.code == 3, done.text
    assert "✗ no journal of this run: " in done.err
    assert os.strerror(getattr(errno, code)) in done.err
    assert "--no-journal" in done.err
    assert world.calls() == []
    assert list((shell.home / STATE / "runs").iterdir()) == []
    assert shell.run("apply", MINIMAL, "--yes", "--no-journal").code == 0


@pytest.mark.usefixtures("tdx_inside")
@pytest.mark.parametrize("code", ["ENOSPC", "EDQUOT", "EIO", "ESTALE"])
def test_a_run_that_has_begun_ends_without_its_journal(
    shell: Shell, world: World, code: str
) -> None:
    rules = ",".join(f"write@20 {code} {STATE}/{part}" for part in ("runs", "segments"))
    done = shell.run("apply", MINIMAL, "--yes", TEST_FAIL=rules)
    assert done.code == 0, done.text
    assert done.err.count("breaks off") == 1
    assert os.strerror(getattr(errno, code)) in done.err
    assert len(world.writes()) == 4
    assert len(shell.run("runs", "--json").json["runs"]) == 1


@pytest.mark.extra
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
@pytest.mark.parametrize("owned", ["the folder", "a journal"])
def test_a_state_folder_that_root_has_made(shell: Shell, world: World, owned: str) -> None:
    home = Path(tempfile.mkdtemp(prefix="home-"))
    try:
        root = replace(shell, home=home, environ={**shell.environ, "HOME": str(home)})
        for _ in range(2):
            assert root.run("apply", WEB, "--yes", "--parent-segment", "nobody").code == 4
        runs = home / STATE / "runs"
        if owned == "a journal":
            first, _ = sorted(runs.iterdir())
            for path in (home, *home.rglob("*")):
                os.chown(path, -1 if path == first else 65534, -1)
        home.chmod(0o755)
        done = somebody(root, "runs")
        if owned == "a journal":
            assert done.out.count("not-found, ") == 1, done.text
            assert f"{first} cannot be read: Permission denied" in done.out
        else:
            assert f"! {runs} cannot be read: Permission denied" in done.err
        assert done.code == 0, done.text
        assert somebody(root, "runs", "show", "last").code == (0 if owned == "a journal" else 2)
    finally:
        shutil.rmtree(home)


def somebody(shell: Shell, *args: str) -> Ran:
    """Run tdxwrap as a user who is not root, from where that user may read it."""
    script = "import sys; sys.argv[0] = 'tdxwrap'; from tdxwrap.__main__ import main; import os\n"
    become = "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
    everything = "import tdxwrap.cli.runs, tdxwrap.cli.app, tdxwrap.journal.runs\n"
    done = subprocess.run(
        [sys.executable, "-c", f"{script}{everything}{become}main()", *args],
        cwd="/",
        env=dict(shell.environ),
        capture_output=True,
        text=True,
        timeout=60,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


@pytest.mark.usefixtures("tdx_inside")
@pytest.mark.parametrize("command", ["check", "plan"])
def test_what_is_no_file_in_a_folder_of_files_is_skipped_with_a_line(
    shell: Shell, command: str
) -> None:
    folder = shell.cwd / "b"
    (folder / "sub").mkdir(parents=True)
    os.mkfifo(folder / "pipe.yaml")
    shutil.copy(MINIMAL, folder / "D.YAML")
    done = shell.run(command, "b")
    assert done.code == 0, done.text
    assert "D.YAML" in done.out
    for name in ("sub", "pipe.yaml"):
        assert f"! b/{name} is skipped: it is not a file" in done.err


# What is given by mistake, and what is missing


@pytest.mark.usefixtures("tdx_inside")
def test_of_100_000_wrong_fields_the_first_50_are_shown(shell: Shell) -> None:
    text = "parent_segment: '1'\n" + "".join(f"key_evnts_{n}: {n}\n" for n in range(100_000))
    config = shell.write("export.yaml", text)
    done = shell.run("check", config)
    assert done.code == 2
    assert done.text.count("there is no field") == 50
    assert "export.yaml:51:1  key_evnts_49: there is no field key_evnts_49" in done.err
    assert done.text.count("did you mean key_events?") == 50
    assert "100000 errors; the first 50 are shown" in done.text
    config.write_text("".join(text.splitlines(keepends=True)[:2_001]))
    error = shell.run("check", config, "--json").json["error"]
    assert len(error["problems"]) == 50
    assert "has 2000 errors" in error["what"]


@pytest.mark.parametrize("missing", ["click", "pydantic", "rich", "sh", "yaml", "jmespath"])
def test_without_its_dependencies_it_says_what_is_missing(shell: Shell, missing: str) -> None:
    code = (
        "import sys; from importlib.abc import MetaPathFinder\n"
        "class Without(MetaPathFinder):\n"
        "    def find_spec(self, name, path, target=None):\n"
        f"        if name.partition('.')[0] == {missing!r}:\n"
        "            raise ModuleNotFoundError(f'No module named {name!r}', name=name)\n"
        "sys.meta_path.insert(0, Without()); sys.argv[0] = 'tdxwrap'\n"
        "from tdxwrap.__main__ import main; main()"
    )
    done = shell.python(code, "plan", WEB)
    assert done.code == 3, done.text
    (line,) = [line for line in done.err.splitlines() if line.strip()]
    assert line.startswith(f"✗ tdxwrap lacks the package {missing}")
    assert line.endswith("-m pip install click jmespath pydantic pyyaml rich sh")


def test_installed_without_dependencies(shell: Shell) -> None:
    done = subprocess.run(
        [sys.executable, "-S", "-m", "tdxwrap", "--version"],
        env=dict(shell.environ),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 3
    assert done.stderr.startswith("✗ tdxwrap lacks the package click: install it with ")
    assert done.stderr.count("\n") == 1
