"""At the edges: output beyond measure, closed streams, no room, no home: a documented end."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from support.shells import MINIMAL, WEB, Ran, Shell

from tdxwrap.fake.control import World

RT_LIST = {"command": "rt list"}


def piped(shell: Shell, script: str) -> Ran:
    """A shell pipeline in which `$TDXWRAP` is the command."""
    command = " ".join(shell.command())
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {script}"],
        cwd=shell.cwd,
        env={**shell.environ, "TDXWRAP": command, "WEB": str(WEB)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=100,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


# 0: all of it is read; 5: it is not the JSON that was asked for, and that is said.
@pytest.mark.parametrize(
    ("fault", "params", "code"),
    [
        ("big-output", {"bytes": 50_000_000}, 0),
        ("one-line", {"bytes": 1_000_000}, 0),
        ("stderr-flood", {"lines": 100_000}, 0),
        ("banner", {"text": "A new version {of} tdx is [there]"}, 0),
        ("ansi", {}, 0),
        ("bom", {}, 0),
        ("prompt", {}, 0),
        ("wrong-exit", {"exit": 3}, 5),
        ("invalid-utf8", {}, 0),
    ],
)
def test_odd_output_is_read_or_ends_in_a_documented_error(
    shell: Shell, world: World, fault: str, params: dict[str, object], code: int
) -> None:
    world.add_fault(fault, RT_LIST, **params)
    done = shell.run("status", "394649")

    assert done.code == code, done.text[:2000]
    assert "Traceback" not in done.err
    if code == 0:
        assert "Customer 360 (394649)" in done.out
    else:
        assert "command    tdx ps rt list --json" in done.err
        assert "next" in done.err


def test_a_reader_that_goes_away_does_not_stop_an_apply(shell: Shell, world: World) -> None:
    done = piped(shell, '$TDXWRAP apply "$WEB" --yes 2>&1 | head -n 1')

    assert done.code == 0, done.text
    assert "Traceback" not in done.text
    assert done.err == ""
    assert len(world.writes()) == 11
    assert world.segment("394649")["realtime"]["extLookupKey"] == "customer_id"


def test_a_result_that_cannot_be_written_is_an_error(shell: Shell) -> None:
    done = piped(shell, "$TDXWRAP schema > /dev/full; echo $?")
    assert "3" in done.out
    assert "✗ the result could not be written: No space left on device" in done.err


@pytest.mark.parametrize("stream", ["stdout", "stderr", "stdin"])
def test_a_closed_stream_is_no_trouble(shell: Shell, stream: str) -> None:
    closing = {"stdout": ">&-", "stderr": "2>&-", "stdin": "<&-"}[stream]
    done = piped(shell, f'$TDXWRAP plan "$WEB" {closing}')
    assert done.code == 0, done.text
    assert "Traceback" not in done.text


def test_no_home(shell: Shell, world: World) -> None:
    environ = {name: value for name, value in shell.environ.items() if name != "HOME"}
    homeless = Shell(shell.home, shell.cwd, environ)
    assert homeless.run("apply", MINIMAL, "--yes").code == 0
    assert len(world.writes()) == 4


@pytest.mark.parametrize("folder", ["/proc", "/nowhere/at/all"])
def test_a_folder_that_cannot_be_written_to(shell: Shell, world: World, folder: str) -> None:
    done = shell.run("apply", WEB, "--yes", "--rt-config", f"{folder}/rt_config.yaml")
    assert done.code == 2, done.text
    assert f"{folder}/rt_config.yaml cannot be written: " in done.err
    assert "name another file with --rt-config" in done.err
    assert world.writes() == []


def test_a_baseline_in_the_place_of_a_link_that_leads_nowhere(shell: Shell, world: World) -> None:
    (shell.cwd / "rt_config.yaml").symlink_to("elsewhere.yaml")
    done = shell.run("apply", MINIMAL, "--yes")
    assert done.code == 0, done.text
    assert "394649" in (shell.cwd / "rt_config.yaml").read_text()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_working_directory(shell: Shell, world: World) -> None:
    shell.cwd.chmod(0o500)
    done = shell.run("apply", WEB, "--yes")
    assert done.code == 2
    assert "--rt-config" in done.err
    assert world.writes() == []


def test_a_terminal_without_the_symbols_still_gets_the_words(shell: Shell) -> None:
    done = shell.run("status", "394649", PYTHONIOENCODING="ascii")
    assert done.code == 0
    assert "Customer 360 (394649)" in done.out


def test_a_name_with_everything_in_it(
    new_world: Callable[..., World], new_shell: Callable[..., Shell]
) -> None:
    world = new_world("troubles")
    segments = next(iter(world.state()["accounts"].values()))["segments"]
    odd = next(s for s in segments if "`" in s["name"] and s["rt_enabled"])
    shell = new_shell(world)
    done = shell.run("status", odd["name"])
    assert done.code == 0, done.text
    assert str(odd["id"]) in done.out


def test_a_name_cannot_steer_the_terminal(shell: Shell, world: World) -> None:
    with world.edit_segment("394649") as segment:
        segment["name"] = "evil\x1b[2J\x1b]0;title\x07\nname"
    out = shell.run("plan", WEB).out
    assert "\x1b" not in out
    assert "\x07" not in out
    assert "evil" in out.splitlines()[0]
    assert "name" in out.splitlines()[0]


def test_a_body_over_100_kib_goes_through_a_file(
    shell: Shell, world: World, tmp_path: Path
) -> None:
    description = "長" * 50_000
    text = WEB.read_text().replace("description: Any page view", f"description: {description}")
    config = shell.write("big.yaml", text)
    done = shell.run("apply", config, "--yes")
    assert done.code == 0, done.text[-2000:]
    argv = next(call.argv for call in world.writes() if "-f" in call.argv)
    assert "--data" not in argv
    events = world.segment("394649")["realtime"]["keyEvents"]
    assert events[0]["description"] == description
