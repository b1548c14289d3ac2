"""At the edges: output beyond measure, closed streams, no room, no home: a documented end."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from support.shells import MINIMAL, WEB, Ran, Shell, client

from tdxwrap.fake.control import World

pytestmark = pytest.mark.usefixtures("tdx_inside")

RT_LIST = {"command": "rt list"}


def piped(shell: Shell, script: str, command: list[str] | None = None) -> Ran:
    """A shell pipeline in which `$TDXWRAP` is the command, by default one that really starts."""
    command = command or shell.command()
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {script}"],
        cwd=shell.cwd,
        env={**shell.environ, "TDXWRAP": " ".join(command), "WEB": str(WEB)},
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


COMPLETION = "_TDXWRAP_COMPLETE=bash_complete COMP_WORDS='tdxwrap ' COMP_CWORD=1 $TDXWRAP"
PRINTED_BY_CLICK = [
    "$TDXWRAP",
    "$TDXWRAP --help",
    pytest.param("$TDXWRAP plan --help", marks=pytest.mark.long),
    pytest.param("$TDXWRAP runs show --help", marks=pytest.mark.long),
    pytest.param("$TDXWRAP --help-options", marks=pytest.mark.long),
    "$TDXWRAP --version",
    "$TDXWRAP completion bash",
    COMPLETION,
]


@pytest.mark.parametrize("command", PRINTED_BY_CLICK)
def test_what_is_printed_without_a_run_survives_a_full_disk(shell: Shell, command: str) -> None:
    done = piped(shell, f"{command} >/dev/full")
    assert done.code == 3, done.text
    assert done.err.startswith("✗ the result could not be written: No space left on device\n")
    assert piped(shell, f"{command} >/dev/full 2>&1").code == 3


@pytest.mark.parametrize("command", PRINTED_BY_CLICK)
def test_what_is_printed_without_a_run_is_quiet_where_nobody_reads(
    shell: Shell, command: str
) -> None:
    done = piped(shell, f"( sleep 0.3; {command} ) | true")
    assert (done.code, done.text) == (0, "")


def test_a_completion_for_an_unknown_shell_is_a_usage_error(shell: Shell) -> None:
    assert piped(shell, "_TDXWRAP_COMPLETE=nonsense $TDXWRAP").code == 2


GONE = "mkdir gone && cd gone && rmdir ../gone &&"


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("--help", 0),
        ("runs", 0),
        ("completion bash", 0),
        ("check ../rt.yaml", 0),
        ('recipe "$WEB"', 0),
        ("check rt.yaml", 2),
        ("check .", 2),
        ('apply "$WEB" --yes', 3),
        ("apply ../rt.yaml --yes", 3),
        ("plan ../rt.yaml", 3),
        ("status 394649", 3),
        ("export 394649 -f here.yaml", 3),
        ('rehearse "$WEB"', 3),
        ("doctor ../rt.yaml", 3),
    ],
)
def test_a_working_directory_that_was_deleted(
    shell: Shell, world: World, command: str, code: int
) -> None:
    shell.write("rt.yaml", MINIMAL.read_text())
    done = piped(shell, f"{GONE} $TDXWRAP {command}", client())
    assert done.code == code, done.text
    if code == 3:
        assert "the working directory was deleted, and tdx needs one" in done.text
    assert world.calls() == []


def test_a_start_in_a_working_directory_that_was_deleted(shell: Shell) -> None:
    assert piped(shell, f"{GONE} $TDXWRAP --help").code == 0


def test_a_file_name_that_is_too_long_is_a_usage_error(shell: Shell) -> None:
    long = "x" * 300
    for command in (
        ["check", long],
        ["runs", "show", long],
        ["rehearse", MINIMAL, "--from", long],
        ["export", "394649", "-f", long],
        ["apply", MINIMAL, "--yes", "--rt-config", long],
    ):
        done = shell.run(*command)
        assert done.code == 2, done.text


@pytest.mark.parametrize("target", ["/dev/stdout", "/dev/fd/1", "/dev/stderr"])
def test_an_export_to_our_own_output(shell: Shell, target: str) -> None:
    script = f"$TDXWRAP export 394649 -q -f {target} >> out.yaml 2>> err.yaml"
    shell.write("out.yaml", "# before\n")
    shell.write("err.yaml", "# before\n")
    assert piped(shell, script, client()).code == 0
    name = "err.yaml" if target == "/dev/stderr" else "out.yaml"
    text = (shell.cwd / name).read_text()
    assert text.startswith("# before\n# The realtime configuration of")
    assert sorted(os.listdir(shell.cwd)) == ["err.yaml", "out.yaml"]


def test_an_export_to_a_device_or_a_pipe(shell: Shell) -> None:
    (shell.cwd / "null").symlink_to("/dev/null")
    assert shell.run("export", "394649", "-f", "null").code == 0
    assert (shell.cwd / "null").is_char_device()
    assert shell.run("export", "394649", "-f", "/dev/full").code == 3
    done = piped(shell, "$TDXWRAP export 394649 -q -f >(cat > out.yaml); wait $!; cat out.yaml")
    assert "# The realtime configuration of" in done.out
    os.mkfifo(shell.cwd / "pipe")
    done = shell.run("export", "394649", "-f", "pipe")
    assert done.code == 2, done.text
    assert "✗ pipe cannot be written: " in done.err


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
