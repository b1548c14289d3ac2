"""The journal of a run from the outside: what is in it, who may read it, what cannot stop a run."""

from __future__ import annotations

import json
import os
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.shells import MINIMAL, WEB, Ran, Shell

from tdxwrap.fake.control import World
from tdxwrap.journal import record

pytestmark = pytest.mark.usefixtures("tdx_inside")

KEY = "17/" + "0123456789abcdef" * 3
HALF = "0123456789abcdef0123"


def runs_folder(shell: Shell) -> Path:
    return shell.home / ".local" / "state" / "tdxwrap" / "runs"


def the_journal(shell: Shell) -> Path:
    (found,) = runs_folder(shell).iterdir()
    return found


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().split(b"\n")[:-1]]


def of(lines: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [line for line in lines if line["type"] == kind]


def test_an_apply_is_recorded_from_header_to_end(shell: Shell, world: World) -> None:
    done = shell.run("apply", WEB, "--yes", "--profile", "staging", "--site", "us01")
    assert done.code == 3  # no such profile: that is a run too
    (shell.home / ".local").rename(shell.home / "earlier")
    done = shell.run("apply", WEB, "--yes")
    assert done.code == 0, done.text

    path = the_journal(shell)
    lines = read(path)
    header, end = lines[0], lines[-1]
    assert header["type"] == "run"
    assert (header["journal"], header["command"], header["segment"]) == (1, "apply", "394649")
    assert header["config"] == str(WEB)
    assert len(header["digest"]) == 64
    assert header["id"] == path.stem
    assert path.stem.endswith("-394649")
    assert header["id"] in done.out
    assert (end["type"], end["exit"], end["error"]) == ("end", 0, None)
    assert end["seconds"] > 0
    assert [line["step"] for line in of(lines, "checkpoint")] == [
        "key",
        "7a",
        "7b",
        "7c",
        "wait",
        "validate",
    ]
    assert len(of(lines, "change")) == len(of(lines, "change-started")) == 15
    assert of(lines, "baseline")[0]["command"] == "tdx ps pz init"
    assert of(lines, "status")[-1]["status"] == "ok"


def test_every_tdx_call_is_recorded_with_its_step_and_answer(shell: Shell, world: World) -> None:
    world.set("tdx.latency_ms", 2)  # or a call takes none of the thousandths that are recorded
    assert shell.run("apply", WEB, "--yes").code == 0

    calls = of(read(the_journal(shell)), "call")
    made = world.calls()
    assert sorted(tuple(call["argv"][1:]) for call in calls) == sorted(call.argv for call in made)
    for call in calls:
        assert call["argv"][0] == "tdx"
        assert (call["exit"], call["error"]) == (0, None)
        assert call["seconds"] > 0
        assert call["started"] > 1_000_000_000
    assert [call["argv"][1:] for call in calls if call["step"] == "key"] == [["auth"]]
    steps = {(call["step"], "-X" in call["argv"]) for call in calls}
    # The setting is read beside the last write of 7a, and may come after it.
    assert steps - {("7b", False), ("7c", False)} == {
        ("key", False),
        ("read", False),
        ("7a", False),
        ("7a", True),
        ("7b", True),
        ("7c", True),
        ("wait", False),
    }
    listing = next(call for call in calls if call["argv"][1:4] == ["ps", "rt", "list"])
    assert json.loads(listing["stdout"])[0]["id"] == "394649"


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("plan rt.yaml", 0),
        ("plan rt.yaml --exit-code", 7),
        ("status 394649", 0),
        ("export 394649", 0),
        ("verify rt.yaml", 7),
        ("verify 394649", 6),
        ("status nobody", 4),
    ],
)
def test_a_read_is_recorded_where_a_journal_is_named(shell: Shell, line: str, code: int) -> None:
    shell.write("rt.yaml", WEB.read_text())
    args = line.split()
    printed = shell.run(*args, "--json").json
    assert printed.get("files", [printed])[0]["journal"] is None
    assert not runs_folder(shell).exists()
    done = shell.run(*args, "--journal", "run.jsonl")

    assert done.code == code, done.text
    lines = read(shell.cwd / "run.jsonl")
    assert lines[0]["command"] == args[0]
    assert (lines[-1]["type"], lines[-1]["exit"]) == ("end", code)
    assert bool(lines[-1]["error"]) is (code in (4, 6) or args[0] == "verify")


def test_offline_commands_leave_no_journal(shell: Shell) -> None:
    assert shell.run("check", WEB).code == 0
    assert not runs_folder(shell).exists()


def test_a_failure_shows_the_journal_and_the_journal_the_failure(
    shell: Shell, world: World
) -> None:
    world.add_fault("http", {"method": "POST", "path": "realtime_attributes"}, status=422)

    failed = shell.run("apply", WEB, "--yes")

    assert failed.code == 4
    path = the_journal(shell)
    assert f"  journal    {path}" in failed.err
    end = read(path)[-1]
    assert (end["exit"], end["error"]["kind"], end["error"]["step"]) == (4, "refused", "7c")
    assert "422" in end["error"]["said"]


def test_json_names_the_journal_of_success_and_failure(shell: Shell) -> None:
    good = shell.run("apply", MINIMAL, "--yes", "--json")
    assert good.file["journal"] == str(the_journal(shell))
    bad = shell.run("apply", MINIMAL, "--yes", "--parent-segment", "nobody", "--json")
    assert bad.file["journal"].endswith("-nobody.jsonl")
    assert read(Path(bad.file["journal"]))[-1]["exit"] == 4


def test_verbose_names_the_journal(shell: Shell) -> None:
    done = shell.run("apply", MINIMAL, "--yes", "-v")
    assert f"journal {the_journal(shell)}" in done.err


def test_retries_are_recorded(shell: Shell, world: World) -> None:
    world.add_fault("http", {"command": "ps rt list"}, status=503)

    assert shell.run("status", "394649", "--journal", "run.jsonl").code == 0

    lines = read(shell.cwd / "run.jsonl")
    assert [call["error"] for call in of(lines, "call")] == ["transient", None]
    (retry,) = of(lines, "retry")
    assert (retry["error"], retry["attempt"]) == ("transient", 1)
    assert "503" in retry["said"]


def test_only_the_user_may_read_it_whatever_the_umask(shell: Shell) -> None:
    command = shell.command("apply", MINIMAL, "--yes")
    assert subprocess.run(command, cwd=shell.cwd, env=shell.environ, umask=0).returncode == 0

    path = the_journal(shell)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for folder in path.parents[:4]:
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700, folder


def test_the_umask_takes_nothing_from_it(tmp_path: Path) -> None:
    earlier = os.umask(0o777)
    try:
        file = record._created(tmp_path / "journal")
    finally:
        os.umask(earlier)
    assert stat.S_IMODE(os.fstat(file).st_mode) == 0o600
    os.close(file)


def test_a_killed_run_leaves_a_journal_that_can_be_read(shell: Shell, world: World) -> None:
    world.add_fault("signal-caller", {"path": "realtime_attributes", "method": "POST"}, 1, 2,
                    signal="SIGKILL", when="after")  # fmt: skip

    assert shell.run("apply", WEB, "--yes").code == -9

    lines = read(the_journal(shell))
    assert lines[-1]["type"] != "end"
    assert len(of(lines, "change")) == 11
    assert len(of(lines, "change-started")) == 12
    listed = shell.run("runs")
    assert "did not end, 11 changes" in listed.out
    told = shell.run("runs", "show", "last")
    assert "attribute browsed_products: begun, and not known to be written" in told.out


def test_no_secret_gets_into_a_journal(shell: Shell, world: World) -> None:
    account = next(iter(world.state()["accounts"]))
    other = KEY.replace("17/", "18/").replace("0123", "fedc")
    world.set_credentials(keychain={}, keys={KEY: account, other: account})
    world.add_fault("echo-secrets", times=0, to="all")
    world.add_fault("http", {"method": "POST"}, status=422)

    secret = {"TD_API_KEY": KEY, "TDX_API_KEY_OTHER": other, "TDX_ACCESS_TOKEN": KEY}
    shell.run("apply", MINIMAL, "--yes", "--parent-segment", KEY, **secret)
    shell.run("apply", MINIMAL, "--yes", **secret)
    shell.run("apply", MINIMAL, "--yes", "--parent-segment", KEY, "--no-wait", **secret)
    world.clear_faults()
    shell.run("apply", MINIMAL, "--yes", **secret)
    other_segment = ("--parent-segment", f"of {other}")
    shell.run("apply", MINIMAL, "--yes", *other_segment, "--profile", "x", **secret)

    journals = list(runs_folder(shell).iterdir())
    assert len(journals) == 5
    for path in journals:
        for half in (HALF, "fedc456789abcdef"):
            assert half not in path.name + path.read_text(encoding="utf-8")
    assert "[redacted]" in "".join(path.read_text("utf-8") for path in journals)


def test_a_journal_can_be_named_and_is_never_overwritten(shell: Shell, world: World) -> None:
    assert shell.run("status", "394649", "--journal", "mine.jsonl").code == 0
    before = (shell.cwd / "mine.jsonl").read_bytes()
    assert read(shell.cwd / "mine.jsonl")[0]["id"].endswith("-394649")
    assert not runs_folder(shell).exists()
    world.clear_calls()

    again = shell.run("--journal", "mine.jsonl", "status", "394649")

    assert again.code == 2
    assert "the journal mine.jsonl exists already" in again.err
    assert world.calls() == []
    assert (shell.cwd / "mine.jsonl").read_bytes() == before


def test_a_link_is_not_followed(shell: Shell) -> None:
    target = shell.write("target", "precious")
    (shell.cwd / "link").symlink_to(target)
    assert shell.run("status", "394649", "--journal", "link").code == 2
    assert target.read_text() == "precious"


def test_a_link_to_a_device_is_not_followed_either(shell: Shell) -> None:
    (shell.cwd / "link").symlink_to("/dev/null")
    done = shell.run("status", "394649", "--journal", "link")
    assert done.code == 0
    assert "no journal of this run" in done.err


def test_no_journal_on_request(shell: Shell) -> None:
    assert shell.run("apply", MINIMAL, "--yes", "--no-journal").code == 0
    assert shell.run("apply", MINIMAL, "--yes", TDXWRAP_NO_JOURNAL="1").code == 0
    assert not runs_folder(shell).exists()


def warned_and_done(done: Ran, reason: str) -> None:
    assert done.code == 0, done.text
    (warning,) = [line for line in done.err.splitlines() if "journal" in line]
    assert warning.startswith("! ")
    assert reason in warning


def test_without_a_home_the_run_goes_on(shell: Shell) -> None:
    del shell.environ["HOME"]  # type: ignore[attr-defined]
    done = shell.run("apply", MINIMAL, "--yes", TMPDIR=str(shell.cwd))
    warned_and_done(done, "neither HOME nor XDG_STATE_HOME")


def test_where_no_folder_can_be_made_the_run_goes_on(shell: Shell) -> None:
    shell.write("a-file", "")
    state = str(shell.cwd / "a-file")
    environ = {"XDG_STATE_HOME": state, "TMPDIR": str(shell.cwd)}
    warned_and_done(shell.run("apply", MINIMAL, "--yes", **environ), "no journal")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_in_a_read_only_folder_the_run_goes_on(shell: Shell) -> None:
    shell.home.chmod(0o500)
    warned_and_done(shell.run("apply", MINIMAL, "--yes"), "Permission denied")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has it")
def test_on_a_full_disk_no_run_begins(shell: Shell, world: World) -> None:
    done = shell.run("apply", MINIMAL, "--yes", "--journal", "/dev/full")
    assert done.code == 3
    assert "✗ no journal of this run: /dev/full" in done.err
    assert "No space left on device" in done.err
    assert world.writes() == []


def test_xdg_state_home_is_honoured(shell: Shell) -> None:
    state = shell.cwd / "state"
    assert shell.run("apply", MINIMAL, "--yes", XDG_STATE_HOME=str(state)).code == 0
    assert len(list((state / "tdxwrap" / "runs").iterdir())) == 1


def test_the_newest_200_are_kept_and_nothing_else_goes(shell: Shell) -> None:
    folder = runs_folder(shell)
    folder.mkdir(parents=True)
    for number in range(250):
        (folder / f"20200101T000{number:03}-1.jsonl").touch()
    (folder / "notes.jsonl").touch()

    assert shell.run("apply", MINIMAL, "--yes").code == 0

    kept = sorted(path.name for path in folder.iterdir())
    assert len(kept) == 201
    assert "notes.jsonl" in kept
    assert kept[0] == "20200101T000051-1.jsonl"


def test_a_large_answer_and_a_large_body_are_whole(
    new_world: Callable[..., World], new_shell: Callable[..., Shell]
) -> None:
    world = new_world()
    shell = new_shell(world)
    world.add_fault("big-output", {"command": "ps rt list"}, bytes=900_000)
    world.add_fault("big-output", {"command": "ps view"}, bytes=3_000_000)
    text = WEB.read_text("utf-8").replace("Any page view", "x" * 110_000)

    assert shell.run("apply", shell.write("big.yaml", text), "--yes", "--no-wait").code == 0

    calls = of(read(the_journal(shell)), "call")
    listing = next(call for call in calls if "list" in call["argv"])
    assert json.loads(listing["stdout"])[0]["id"] == "394649"
    assert "truncated" not in listing
    view = next(call for call in calls if "view" in call["argv"])
    assert view["truncated"] is True
    assert len(view["stdout"]) < 1_200_000
    (large,) = [call for call in calls if "-f" in call["argv"]]
    assert json.loads(large["body"])["description"] == "x" * 110_000
