"""Starting: the launcher, its environment, its speed, the command line, the log."""

from __future__ import annotations

import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.fakedriver import PS, SCENARIOS, Fake, NewFake
from support.shells import FAKE_TDX, ROOT


def test_launcher_starts_through_a_chain_of_links(fake: Fake, tmp_path: Path) -> None:
    (tmp_path / "absolute").symlink_to(FAKE_TDX)
    (tmp_path / "tdx").symlink_to("absolute")
    assert fake.run("--version", launcher=tmp_path / "tdx").out == "2026.8.1\n"


def test_launcher_starts_from_path(fake: Fake) -> None:
    path = f"{FAKE_TDX.parent}:{os.environ['PATH']}"
    said = subprocess.run(
        ["sh", "-c", "tdx --version"], env={**fake.env, "PATH": path}, capture_output=True
    )
    assert said.stdout == b"2026.8.1\n"


def test_launcher_keeps_its_pid_so_that_the_caller_is_the_parent(fake: Fake) -> None:
    process = fake.start("--version", stdout=subprocess.DEVNULL)
    process.wait(10)
    (call,) = fake.world.calls()
    assert (call.pid, call.ppid) == (process.pid, os.getpid())
    assert call.session == str(os.getpid())


def test_first_call_builds_the_default_world_under_the_cache_directory(fake: Fake) -> None:
    del fake.env["FAKE_TDX_STATE"]
    said = fake.run("ps", "list", "--json", env={"XDG_CACHE_HOME": str(fake.cwd / "c")})
    assert said.json == [{"id": "394649", "name": "Customer 360"}]
    assert (fake.cwd / "c" / "fake-tdx" / "default" / "data.json").exists()
    assert fake.run("ps", "list", "--json").code == 0
    assert (Path(fake.env["HOME"]) / ".cache" / "fake-tdx" / "default" / "data.json").exists()


def test_first_call_builds_the_named_scenario(fake: Fake) -> None:
    env = {
        "FAKE_TDX_STATE": str(fake.cwd / "other"),
        "FAKE_TDX_SCENARIO": str(SCENARIOS / "troubles.yaml"),
    }
    assert "Batch only" in fake.run("ps", "list", env=env).out


def test_a_broken_scenario_stops_the_first_call_with_all_its_problems(fake: Fake) -> None:
    broken = fake.cwd / "broken.yaml"
    broken.write_text("tdx: {error_style: loud}\nsegmants: []\n")
    env = {"FAKE_TDX_STATE": str(fake.cwd / "x"), "FAKE_TDX_SCENARIO": str(broken)}
    said = fake.run("auth", env=env)
    assert said.code == 70
    assert "segmants: unknown key" in said.err
    assert "tdx.error_style: must be one of stderr, body, ok-body" in said.err


def test_a_call_imports_only_the_standard_library_and_little_of_it(fake: Fake) -> None:
    main = ROOT / "tdxwrap" / "fake" / "__main__.py"
    argv = [sys.executable, "-I", "-S", "-X", "importtime", str(main)]
    argv += ["api", f"{PS}/realtime_attributes?page[size]=5", "--type", "cdp"]
    said = subprocess.run(argv, env=fake.env, capture_output=True, text=True)
    assert said.returncode == 0
    lines = [line for line in said.stderr.splitlines() if line.startswith("import time:")]
    names = {line.rsplit("|", 1)[1].strip() for line in lines[1:]}
    outside = {n.split(".")[0] for n in names} - set(sys.stdlib_module_names) - {"tdxwrap"}
    assert outside == set()
    heavy = {"typing", "argparse", "dataclasses", "pathlib", "subprocess", "urllib.parse"}
    assert names & (heavy | {"tdxwrap.fake.scenario", "yaml", "inspect"}) == set()


def test_a_call_is_quick_even_in_a_large_world(new_fake: NewFake) -> None:
    fake = new_fake("half-configured", updating_seconds=0)
    with fake.world.edit_segment("394649") as segment:
        model = segment["realtime"]["attributes"][0]
        segment["realtime"]["attributes"] = [
            {**model, "id": str(n), "name": f"a{n}", "identifier": f"a{n}"}
            for n in range(10_000, 11_200)
        ]
    fake.run("--version")
    best = 9.0
    for _ in range(5):
        before = os.times()
        fake.run("ps", "rt", "list", "--json")
        after = os.times()
        user = after.children_user - before.children_user
        best = min(best, user + after.children_system - before.children_system)
    # Of the processor, as others may be at work. The aim is 35 ms.
    assert best < 0.2


@pytest.mark.parametrize(
    "argv",
    [
        [],
        ["frobnicate"],
        ["ps"],
        ["ps", "view"],
        ["ps", "view", "1", "2"],
        ["ps", "list", "--loud"],
        ["ps", "list", "-X", "POST"],
        ["ps", "list", "--site", "mars"],
        ["api", "/x", "--type", "ftp"],
        ["api", "/x", "-X", "FETCH"],
        ["api", "/x", "--data"],
        ["api", "/x", "--data", "{}", "-f", "x"],
        ["use", "colour", "red"],
        ["use", "site", "mars"],
        ["describe", "web_events"],
        ["ps", "pull", "394649"],
    ],
    ids=" ".join,
)
def test_unknown_command_line_exits_2(fake: Fake, argv: list[str]) -> None:
    said = fake.run(*argv)
    assert said.code == 2
    assert "error:" in said.err
    assert [call.exit for call in fake.world.calls()] == [2]


def test_interrupt_ends_a_call_quietly(fake: Fake) -> None:
    fake.world.add_fault("hang", seconds=20)
    process = fake.start("auth", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    while not fake.world.calls():
        time.sleep(0.01)
    time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=10)
    assert (process.returncode, err) == (130, b"")


def test_help_names_the_commands(fake: Fake) -> None:
    said = fake.run("ps", "--help")
    assert said.code == 0
    assert "ps rt list" in said.out


def test_f3_global_options_are_taken_anywhere(fake: Fake) -> None:
    said = fake.run("--json", "ps", "--site", "us01", "list")
    assert said.json == [{"id": "394649", "name": "Customer 360"}]
    assert "Loading" in said.err


def test_f3_output_option_writes_the_answer_into_a_file(fake: Fake) -> None:
    said = fake.run("ps", "list", "--json", "--output", "list.json")
    assert said.out == ""
    assert json.loads((fake.cwd / "list.json").read_text())[0]["id"] == "394649"


def test_f3_dry_run_writes_nothing(fake: Fake) -> None:
    before = fake.world.state()
    said = fake.run(
        *("api", f"{PS}/realtime_setting", "--type", "cdp", "-X", "PATCH"),
        *("--data", '{"extLookupKey": "customer_id"}', "--dry-run"),
    )
    assert said.json == {"dryRun": True, "method": "PATCH", "path": f"{PS}/realtime_setting"}
    fake.run("ps", "pz", "init", "394649", "-o", "rt.yaml", "--dry-run")
    fake.run("use", "profile", "x", "--dry-run")
    assert not (fake.cwd / "rt.yaml").exists()
    assert fake.world.state() == before
    assert fake.world.writes() == []


@pytest.mark.parametrize("through", ["file", "pipe", "tty"])
def test_f2_pipe_and_terminal_get_64_kib_and_a_file_gets_all(fake: Fake, through: str) -> None:
    fake.world.add_fault("big-output", {"command": "ps list"}, bytes=150_000)
    argv = ("ps", "list", "--json")
    if through == "file":
        said = fake.run(*argv)
        assert (said.code, len(said.out) > 149_000) == (0, True)
        assert said.json == [{"id": "394649", "name": "Customer 360"}]
    elif through == "pipe":
        process = fake.start(*argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        out, _ = process.communicate(timeout=10)
        assert (process.returncode, len(out)) == (0, 65_536)
    else:
        assert _read_terminal(fake, *argv).count(b" ") < 65_536
    assert fake.world.calls()[0].stdout == through


def _read_terminal(fake: Fake, *argv: str) -> bytes:
    ours, theirs = pty.openpty()
    process = fake.start(*argv, stdout=theirs, stderr=subprocess.DEVNULL)
    os.close(theirs)
    read = b""
    while True:
        try:
            piece = os.read(ours, 65_536)
        except OSError:
            break
        if not piece:
            break
        read += piece
    os.close(ours)
    assert process.wait(10) == 0
    return read


def test_log_tells_the_kinds_of_stdin(fake: Fake) -> None:
    file = fake.cwd / "input"
    file.write_text("y\n")
    fake.run("auth")
    with file.open() as stdin:
        fake.run("auth", stdin=stdin)
    reader, writer = os.pipe()
    fake.run("auth", stdin=reader)
    os.close(writer)
    fake.run("auth", stdin=reader)
    os.close(reader)
    ours, theirs = pty.openpty()
    fake.run("auth", stdin=theirs)
    os.close(ours)
    os.close(theirs)
    kinds = [call.stdin for call in fake.world.calls()]
    assert kinds == ["eof", "open", "open", "eof", "tty"]


def test_log_tells_what_was_asked_and_never_a_credential(fake: Fake) -> None:
    fake.world.set_credentials({}, {"s3cret-key": "main"})
    env = {"TDX_API_KEY": "s3cret-key", "NO_COLOR": "1", "TDX_SESSION": "s1"}
    fake.run(
        *("api", f"{PS}/realtime_setting", "--type", "cdp", "-X", "PATCH"),
        *("--data", '{"extLookupKey": "customer_id"}', "-H", "Authorization: TD1 other"),
        *("-H", "X-Key: s3cret-key"),
        env=env,
    )
    (call,) = fake.world.writes()
    assert (call.method, call.path, call.exit) == ("PATCH", f"{PS}/realtime_setting", 0)
    assert call.body == {"extLookupKey": "customer_id"}
    assert (call.applied, call.account, call.profile) == (True, "main", "default")
    assert call.env == {"NO_COLOR": "1", "TDX_SESSION": "s1"}
    assert call.cwd == str(fake.cwd)
    assert call.seconds is not None
    log = (fake.world.state_dir / "calls.jsonl").read_text()
    assert "s3cret" not in log
    assert "TD1" not in log


def test_f7_body_from_a_file(fake: Fake) -> None:
    body = fake.cwd / "body.json"
    body.write_text('{"extLookupKey": "customer_id"}')
    argv = ["api", f"{PS}/realtime_setting", "--type", "cdp", "--method", "PATCH"]
    assert fake.run(*argv, "-f", str(body)).json["extLookupKey"] == "customer_id"
    assert fake.world.writes()[0].body == {"extLookupKey": "customer_id"}
    said = fake.run(*argv, "--file", "missing.json")
    assert (said.code, "cannot read missing.json" in said.err) == (1, True)
    said = fake.run(*argv, "--data", "{nope")
    assert (said.code, "not valid JSON" in said.err) == (1, True)


def test_copied_tree_runs_with_the_python_of_the_path(fake: Fake, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    shutil.copytree(ROOT / "tdxwrap" / "fake", tree / "tdxwrap" / "fake")
    shutil.copytree(ROOT / "fixtures" / "bin", tree / "fixtures" / "bin")
    del fake.env["FAKE_TDX_PYTHON"]
    said = fake.run("--version", launcher=tree / "fixtures" / "bin" / "tdx")
    assert said.out == "2026.8.1\n", said.err
