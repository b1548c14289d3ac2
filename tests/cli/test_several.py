"""Several files, or those of a folder, in one command."""

from __future__ import annotations

import copy
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.cells import cell_len
from support.shells import FIXTURES, MINIMAL, Ran, Shell
from support.worlds import configuration, shipped

from tdxwrap.cli.several import WORST, files_of
from tdxwrap.errors import ExitCode
from tdxwrap.fake.control import World
from tdxwrap.system.lock import segment_lock

pytestmark = pytest.mark.usefixtures("tdx_inside")

BRANDS = FIXTURES / "configs" / "three-brands"
OUTLET = "Outlet ‹アウトレット›"
POST = {"method": "POST", "path": "realtime_attributes"}


@pytest.fixture
def world(new_world: Callable[..., World]) -> World:
    """An account with the parent segments of the three brands, nothing configured."""
    scenario = shipped("blank")
    (blank,) = scenario["segments"]
    names = {"394701": "Outdoor", "394702": "Books", "394703": OUTLET}
    scenario["segments"] = [
        copy.deepcopy(blank) | {"id": number, "name": name} for number, name in names.items()
    ]
    return new_world(scenario)


def one_brand(shell: Shell, name: str, segment: str, more: str = "") -> None:
    """A small file in the folder `b`."""
    (shell.cwd / "b").mkdir(exist_ok=True)
    text = MINIMAL.read_text().replace("394649", segment)
    shell.write(f"b/{name}.yaml", text + more)


@pytest.fixture
def three(shell: Shell) -> Shell:
    """A shell with the folder `b` of three small files."""
    for name, segment in (("one", "394701"), ("three", "394703"), ("two", "394702")):
        one_brand(shell, name, segment)
    return shell


def table(done: Ran) -> list[list[str]]:
    """The cells of the table, without its heads and its last line."""
    *_, block = f"\n{done.out}".split("\n\n")
    heads, *rows, _ = block.splitlines()
    assert heads.split() == ["file", "parent", "segment", "outcome", "changes"]
    return [[cell.strip() for cell in row[2:].split("  ") if cell.strip()] for row in rows]


def outcomes(done: Ran) -> list[str]:
    return [row[2] for row in table(done)]


# The three brands


def test_the_three_brands_from_check_to_doctor(shell: Shell, world: World) -> None:
    done = shell.run("check", BRANDS)
    assert (done.code, outcomes(done)) == (0, ["ok"] * 3), done.text
    done = shell.run("plan", BRANDS, "--exit-code")
    assert (done.code, outcomes(done)) == (7, ["pending"] * 3)
    assert [row[3] for row in table(done)] == ["13", "12", "9"]

    done = shell.run("apply", BRANDS, "--yes")
    assert (done.code, outcomes(done)) == (0, ["ok"] * 3), done.text
    assert table(done)[2] == [str(BRANDS / "outlet.yaml"), f"{OUTLET} (394703)", "ok", "9"]
    books, outlet = configuration(world, "394702"), configuration(world, "394703")
    attributes = {a["name"]: a["duration"]["value"] for a in books["attributes"]}
    assert attributes == {
        "last_product_viewed": 90,
        "cart_items": 7,
        "orders": 365,
        "categories_viewed": 90,
    }
    assert [event["name"] for event in outlet["keyEvents"]] == ["page_view", "purchase"]
    assert len(configuration(world, "394701")["attributes"]) == 3
    baselines = sorted(path.name for path in shell.cwd.iterdir())
    assert baselines == [f"rt_config-39470{n}.yaml" for n in (1, 2, 3)]

    again = shell.run("apply", BRANDS)
    assert (again.code, [row[3] for row in table(again)]) == (0, ["0"] * 3)
    assert shell.run("verify", BRANDS).code == 0
    assert shell.run("doctor", BRANDS).code == 0
    journals = shell.run("runs", "--json").json["runs"]
    assert [run["command"] for run in journals].count("apply") == 6
    assert {run["segment"] for run in journals} == {"394701", "394702", OUTLET}


def test_the_columns_of_the_table_stand_below_each_other(shell: Shell) -> None:
    done = shell.run("check", BRANDS)
    heads, *rows, _ = done.out.split("\n\n")[-1].splitlines()
    places = {cell_len(row[: row.index(" ok ")]) + 1 for row in rows}
    assert places == {cell_len(heads[: heads.index("outcome")])}


# Which files


def test_the_files_of_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = ("b.yaml", "a.yml", "_base.yaml", ".hidden.yaml", "rt_config-1.yaml", "c.json")
    for name in (*names, "Z.yaml", "D.YAML", "E.YML", 'it\'s "x" 店.yaml'):
        Path(name).touch()
    Path("inner.yaml").mkdir()
    Path("inner.yaml/deep.yaml").touch()
    Path("gone.yaml").symlink_to("nowhere")
    Path("sub").mkdir()
    Path("_shared").mkdir()
    os.mkfifo("pipe.yaml")
    os.mkfifo("pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket.yml")
    skipped: list[str] = []
    taken = ["D.YAML", "E.YML", "Z.yaml", "a.yml", "b.yaml", "gone.yaml", 'it\'s "x" 店.yaml']
    assert files_of(["."], skipped.append) == taken
    assert files_of(["b.yaml", ".", "_base.yaml", "-", "b.yaml"], skipped.append) == [
        "b.yaml",
        *(name for name in taken if name != "b.yaml"),
        "_base.yaml",
        "-",
    ]
    assert files_of(["inner.yaml", "nowhere"], skipped.append) == [
        "inner.yaml/deep.yaml",
        "nowhere",
    ]
    assert (
        skipped
        == [
            f"{name} is skipped: it is not a file"
            for name in ("inner.yaml", "pipe.yaml", "socket.yml", "sub")
        ]
        * 2
    )


@pytest.mark.parametrize("command", ["check", "plan", "apply", "verify", "doctor"])
def test_a_folder_without_configurations(shell: Shell, world: World, command: str) -> None:
    (shell.cwd / "b").mkdir()
    shell.write("b/_base.yaml", MINIMAL.read_text())
    done = shell.run(command, "b")
    assert done.code == 2
    assert "✗ there is no configuration in the folder b" in done.err
    assert world.calls() == []


def test_a_folder_of_one_file_ends_with_a_table_too(shell: Shell) -> None:
    one_brand(shell, "one", "394701")
    assert outcomes(shell.run("check", "b")) == ["ok"]


def test_what_goes_with_a_single_file_only(three: Shell, world: World) -> None:
    done = three.run("plan", "b", "--parent-segment", "394701")
    assert (done.code, "✗ --parent-segment goes with a single file" in done.err) == (2, True)
    done = three.run("apply", "b/one.yaml", "b/two.yaml", "--yes", "--journal", "j.jsonl")
    assert (done.code, "✗ --journal goes with a single file" in done.err) == (2, True)
    assert world.calls() == []
    assert not (three.cwd / "j.jsonl").exists()


# What fails


def test_after_a_failure_before_the_writes_nothing_is_begun(three: Shell, world: World) -> None:
    one_brand(three, "three", "999")
    done = three.run("apply", "b", "--yes")
    assert done.code == 4
    assert outcomes(done) == ["not begun", "not-found", "not begun"]
    assert "3 files: 2 not begun, 1 not-found" in done.out
    assert world.writes() == []
    runs = three.run("runs", "--json").json["runs"]
    assert sorted(run["outcome"] for run in runs) == ["not-begun", "not-begun", "not-found"]


def test_a_broken_file_stops_all_before_the_first_read(three: Shell, world: World) -> None:
    one_brand(three, "three", "394703", "nonsense: 1\n")
    for command in ("apply", "plan", "verify", "doctor"):
        done = three.run(command, "b")
        assert (done.code, outcomes(done)) == (2, ["not begun", "config", "not begun"])
    assert world.calls() == []
    one_brand(three, "two", "394702", "nonsense: 2\n")
    done = three.run("check", "b")
    assert (done.code, outcomes(done)) == (2, ["ok", "config", "config"])
    assert done.err.count("there is no field nonsense") == 2


def test_a_file_without_a_parent_segment_is_broken(three: Shell, world: World) -> None:
    path = three.cwd / "b" / "two.yaml"
    path.write_text(path.read_text().replace("parent_segment:", "x-was:"))
    done = three.run("plan", "b")
    assert (done.code, outcomes(done)) == (2, ["not begun", "not begun", "usage"])
    assert "✗ b/two.yaml names no parent segment" in done.err
    assert world.calls() == []


@pytest.mark.parametrize("command", ["plan", "apply", "verify", "doctor"])
@pytest.mark.parametrize("name", ["394701", "Outdoor"])
def test_two_files_that_mean_the_same_parent_segment(
    three: Shell, world: World, command: str, name: str
) -> None:
    three.write("b/_base.yaml", f"parent_segment: '{name}'\n")
    three.write(
        "b/two.yaml", MINIMAL.read_text().replace("parent_segment:", "extends: _base.yaml #")
    )
    done = three.run(command, "b", "--keep-going", *(["--yes"] if command == "apply" else []))
    assert done.code == 2
    assert [row[2] for row in table(done)][::2] == ["usage", "usage"]
    assert "✗ b/one.yaml and b/two.yaml mean the same parent segment" in done.err
    assert world.segment("394701")["realtime"] is None


def test_check_only_warns_of_a_parent_segment_that_two_files_name(three: Shell) -> None:
    one_brand(three, "two", "394701")
    done = three.run("check", "b")
    assert (done.code, outcomes(done)) == (0, ["ok"] * 3)
    assert "! b/one.yaml and b/two.yaml mean the same parent segment 394701: in one" in done.err


def test_keep_going_ends_with_the_worst(three: Shell, world: World) -> None:
    one_brand(three, "one", "999")
    one_brand(three, "three", "394703", "nonsense: 1\n")
    done = three.run("apply", "b", "--yes", "--keep-going")
    assert done.code == 2
    assert outcomes(done) == ["not-found", "config", "ok"]
    assert "b/three.yaml:13:1  nonsense: there is no field nonsense" in done.err
    assert len(configuration(world, "394702")["attributes"]) == 1


def test_changes_that_were_written_before_a_failure_are_counted(three: Shell, world: World) -> None:
    world.add_fault("http", {**POST, "path": "394701/realtime_attributes"}, status=422)
    done = three.run("apply", "b", "--yes", "--keep-going")
    assert done.code == 4
    assert [row[2:] for row in table(done)] == [["refused", "3 of 4"], ["ok", "4"], ["ok", "4"]]
    assert "so far     3 of 4 changes are written" in done.err
    assert three.run("apply", "b", "--yes").code == 0


def test_a_segment_that_is_locked_holds_up_no_other(three: Shell, world: World) -> None:
    with segment_lock(three.environ, "394701"):
        done = three.run("apply", "b", "--yes", "--keep-going")
    assert done.code == 8
    assert outcomes(done) == ["locked", "ok", "ok"]
    assert world.segment("394701")["realtime"] is None


def test_what_is_wrong_for_all_is_told_at_length_once(three: Shell) -> None:
    done = three.run("plan", "b", TDXWRAP_TDX="/nowhere/tdx")
    assert (done.code, outcomes(done)) == (3, ["tdx-missing"] * 3)
    assert done.err.count("✗ there is no /nowhere/tdx") == 3
    assert done.err.count("install it with") == 1


def test_pending_is_no_failure(three: Shell) -> None:
    three.run("apply", "b/three.yaml", "--yes")
    done = three.run("plan", "b", "--exit-code")
    assert (done.code, outcomes(done)) == (7, ["pending", "ok", "pending"])
    assert three.run("plan", "b").code == 0
    done = three.run("verify", "b")
    assert (done.code, outcomes(done)) == (7, ["differs", "ok", "differs"])
    assert [row[3] for row in table(done)] == ["4", "0", "4"]


def test_every_exit_code_has_its_rank() -> None:
    assert sorted(WORST) == sorted(ExitCode)
    assert WORST[-2:] == (ExitCode.PENDING, ExitCode.DONE)
    assert WORST.index(ExitCode.BUG) < WORST.index(ExitCode.ENVIRONMENT)


def test_a_bug_in_one_file(three: Shell) -> None:
    code = (
        "import sys; from tdxwrap.cli.check import check\n"
        "from tdxwrap.cli.command_line import run\n"
        "whole = check.callback\n"
        "def broken(app, config): return 1 / 0 if 'two' in config else whole(app, config)\n"
        "check.callback = broken\n"
        "sys.exit(run(['check', 'b/two.yaml', 'b/one.yaml', '--keep-going']))"
    )
    environ = {**three.environ, "TMPDIR": str(three.cwd)}
    process = subprocess.run(
        [sys.executable, "-c", code], cwd=three.cwd, env=environ, capture_output=True, text=True
    )
    done = Ran(process.returncode, process.stdout, process.stderr)
    assert (done.code, outcomes(done)) == (1, ["error", "ok"])
    assert "✗ a bug in tdxwrap: ZeroDivisionError" in done.err
    assert len(list(three.cwd.glob("tdxwrap-bug-*.txt"))) == 1


def test_the_deadline_is_that_of_all_files(three: Shell, world: World) -> None:
    world.add_fault("hang", {"command": "ps"}, seconds=120)
    done = three.run("apply", "b", "--yes", "--keep-going", "--deadline", "2")
    assert done.code == 5
    assert outcomes(done) == ["deadline"] * 3
    assert done.err.count("the deadline of the whole run is over") == 3
    assert world.writes() == []
    again = three.run("apply", "b", "--yes", "--deadline", "0.001")
    assert (again.code, outcomes(again)) == (5, ["deadline"] * 3)
    assert len(three.run("runs", "--json").json["runs"]) == 3  # tdx was not asked again


# What is asked, and what is kept


def test_without_a_terminal_nothing_is_written_without_yes(three: Shell, world: World) -> None:
    done = three.run("apply", "b", "--keep-going")
    assert (done.code, outcomes(done)) == (2, ["usage"] * 3)
    assert world.writes() == []


def test_on_a_terminal_there_is_one_question_for_all(three: Shell, world: World) -> None:
    three.run("apply", "b/one.yaml", "--yes")
    question = "Apply 8 changes to 2 of 3 parent segments? [y/N] "
    done = three.terminal("apply", "b", answers=[(question, lambda: "n\n")])
    assert (done.code, done.out.count("[y/N]"), done.out.count("not confirmed")) == (130, 1, 1)
    assert re.search(r"b/one.yaml +Outdoor \(394701\) +nothing to change", done.out)
    assert re.search(r"b/two.yaml +Books \(394702\) +create 4", done.out)
    assert "1 ok, 2 interrupted" in done.out
    assert world.segment("394703")["realtime"] is None

    done = three.terminal("apply", "b", answers=[(question, lambda: "y\n")])
    assert (done.code, done.out.count("[y/N]")) == (0, 1)
    assert "of 3 files done" in done.out
    assert "Books (394702)  Done in" in done.out
    assert done.out.count("RT attributes created") == 0
    assert len(configuration(world, "394703")["attributes"]) == 1


def test_what_changes_while_a_person_decides_is_asked_for_again(three: Shell, world: World) -> None:
    three.run("apply", "b", "--yes")
    for name, segment in (("one", "394701"), ("two", "394702")):
        tables = "event_tables: [web_events.pageviews, web_events.carts]\n"
        one_brand(three, name, segment, tables)

    def change_and_agree() -> str:
        with world.edit_segment("394702") as segment:
            segment["realtime"]["attributes"][0]["duration"]["value"] = 7
        return "y\n"

    first = ("Apply 2 changes to 2 of 3 parent segments? [y/N] ", change_and_agree)
    again = ("Apply 2 changes to 1 of 3 parent segments? [y/N] ", lambda: "n\n")
    done = three.terminal("apply", "b", answers=[first, again])
    assert done.code == 130, done.out
    assert "2 ok, 1 interrupted" in done.out
    assert len(configuration(world, "394701")["eventTables"]) == 2
    assert len(configuration(world, "394702")["eventTables"]) == 1


def test_no_baseline_of_another_run_is_overwritten(three: Shell) -> None:
    three.write("before-394701.yaml", "mine\n")
    done = three.run("apply", "b", "--yes", "--rt-config", "before.yaml")
    assert done.code == 0, done.text
    assert "before-394701.yaml is there already, and stays as it is" in done.err
    one_brand(three, "one", "394701", "event_tables: [web_events.pageviews, web_events.carts]\n")
    assert three.run("apply", "b", "--yes", "--rt-config", "before.yaml").code == 0
    assert (three.cwd / "before-394701.yaml").read_text() == "mine\n"
    beside = list((three.home / ".local/state/tdxwrap/runs").glob("*-394701*.rt_config.yaml"))
    assert len(beside) == 2
    assert len({path.read_text() for path in beside}) == 2


# What stops it


def test_ctrl_c_says_what_was_done_and_what_was_not_begun(three: Shell, world: World) -> None:
    world.add_fault("hang", POST, skip=1, seconds=120)
    running = three.start("apply", "b", "--yes", "--segments-at-once", "1")
    for _ in range(600):
        hanging = [c for c in world.calls() if c.fault == "hang" and c.exit is None]
        if hanging:
            break
        time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    done = running.end(60)

    assert done.code == 130
    # The first is written, and waits for the others.
    assert [row[2:] for row in table(done)] == [
        ["interrupted", "4"],
        ["interrupted", "3 of 4, 1 in flight"],
        ["interrupted", "0 of 4"],
    ]
    assert "all 4 changes are written; whether they are live is not known yet" in done.err
    assert "✗ 7c: interrupted by SIGINT" in done.err
    assert (
        "so far     3 of 4 changes are written; 1 was in flight (attribute page_views_24h)"
        in done.err
    )
    assert "so far     nothing was written for b/two.yaml" in done.err, done.text
    assert "Traceback" not in done.err
    assert world.segment("394702")["realtime"] is None
    again = three.run("apply", "b", "--yes")
    assert (again.code, [row[3] for row in table(again)]) == (0, ["0", "1", "4"])


# For programs, and for pull requests


# What differs between two runs of the same.
PASSING = ("started", "ended", "seconds", "calls", "tdx_version", "journal")


def test_the_document_of_several_has_the_entries_of_single_ones(three: Shell) -> None:
    one_brand(three, "three", "999")
    done = three.run("plan", "b", "--json", "--exit-code")
    document = done.json
    assert done.err == ""
    first, second, third = document["files"]
    head = (document["tdxwrap"], document["version"], document["ok"], document["exit_code"])
    assert head == ("plan", 2, False, 4)
    assert document["error"] == second["error"]
    assert (third["config"], third["exit_code"], third["outcome"]) == ("b/two.yaml", 7, "pending")
    assert (second["config"], second["outcome"]) == ("b/three.yaml", "not-found")
    assert (second["segment"], second["segment_id"], second["plan"]) == ("999", None, None)
    alone = three.run("plan", "b/one.yaml", "--json", "--exit-code").file
    differing = {name for name in alone if alone[name] != first[name]}
    assert differing <= set(PASSING)


@pytest.mark.parametrize("command", ["check", "apply", "verify", "doctor"])
def test_every_command_gives_one_document(three: Shell, command: str) -> None:
    three.run("apply", "b", "--yes")
    document = three.run(command, "b", "--json").json
    assert (document["ok"], document["exit_code"], document["error"]) == (True, 0, None)
    assert [each["outcome"] for each in document["files"]] == ["ok"] * 3


def test_a_file_that_was_not_begun_has_an_entry(three: Shell, world: World) -> None:
    world.add_fault("http", {"method": "POST"}, status=422)
    options = ("--yes", "--json", "--segments-at-once", "1")
    failed, *others = three.run("apply", "b", *options).json["files"]
    assert (failed["outcome"], failed["exit_code"]) == ("refused", 4)
    for entry in others:
        assert (entry["outcome"], entry["exit_code"], entry["error"]) == ("not begun", None, None)
        assert (entry["written"], entry["in_flight"]) == (0, 0)
        pending = [each for each in entry["plan"]["changes"] if each["state"] == "open"]
        assert len(pending) == entry["open"] > 0


def test_errors_before_the_first_file_are_a_plain_document(three: Shell) -> None:
    document = three.run("check", "b", "--json", "--journal", "x").json
    assert (document["tdxwrap"], document["ok"], document["files"]) == ("check", False, [])
    assert document["error"]["exit_code"] == 2


def test_markdown_has_a_section_a_file_and_a_table(three: Shell) -> None:
    os.rename(three.cwd / "b" / "two.yaml", three.cwd / "b" / "two|x.yaml")
    done = three.run("plan", "b", "--markdown")
    headings = [line for line in done.out.splitlines() if line.startswith("### ")]
    assert headings == [
        "### Realtime plan: Outdoor (394701)",
        f"### Realtime plan: {OUTLET} (394703)",
        "### Realtime plan: Books (394702)",
    ]
    # A heading right below a tag would be part of the HTML.
    assert "</details>\n#" not in done.out
    assert done.out.endswith(
        "</details>\n\n"
        "| file | parent segment | outcome | changes |\n"
        "| --- | --- | --- | --- |\n"
        "| b/one.yaml | Outdoor (394701) | ok | 4 |\n"
        f"| b/three.yaml | {OUTLET} (394703) | ok | 4 |\n"
        "| b/two\\|x.yaml | Books (394702) | ok | 4 |\n"
    )


# verify PS


def test_verify_takes_a_parent_segment_as_before(three: Shell) -> None:
    three.run("apply", "b/one.yaml", "--yes")
    done = three.run("verify", "Outdoor")
    assert (done.code, "not begun" in done.text) == (0, False)
    assert "✓ RT attributes 1" in done.out
    done = three.run("verify", "b/one.yaml", "Outdoor")
    assert done.code == 2
    assert outcomes(done) == ["not begun", "config"]


def test_one_of_several_from_standard_input(three: Shell) -> None:
    text = MINIMAL.read_text().replace("394649", "394702")
    done = three.run("plan", "-", "b/one.yaml", stdin=text)
    assert [row[0] for row in table(done)] == ["-", "b/one.yaml"]
