"""`tdxwrap runs`: the list, the story, and a journal without names that still replays."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.shells import FIXTURES, MINIMAL, WEB, Shell

from tdxwrap.config.load import load
from tdxwrap.errors import UsageProblem
from tdxwrap.fake.control import World
from tdxwrap.fake.replay import Replay
from tdxwrap.journal import runs
from tdxwrap.journal.pseudonyms import Pseudonyms
from tdxwrap.system.text import json_text

pytestmark = pytest.mark.usefixtures("tdx_inside")

NewShell = Callable[..., Shell]
NewWorld = Callable[..., World]

KEPT_WORDS = frozenset(("items", "null", "unknown", "return", "total", "hour"))


def three_runs(shell: Shell) -> None:
    """One that is done, one on a segment that is not there, and one that is refused."""
    shell.write("rt.yaml", WEB.read_text("utf-8"))
    assert shell.run("apply", "rt.yaml", "--yes").code == 0
    assert shell.run("apply", "rt.yaml", "--yes", "--parent-segment", "nobody").code == 4
    assert shell.run("apply", "rt.yaml", "--parent-segment", "Customer 360", "--prune").code == 0
    assert shell.run("plan", "rt.yaml").code == 0


def test_runs_lists_newest_first_with_zone_file_and_segment(shell: Shell) -> None:
    three_runs(shell)

    environ = {**shell.environ, "TZ": "JST-9"}
    listed = subprocess.check_output(shell.command("runs"), cwd=shell.cwd, env=environ, text=True)

    again, nobody, first = listed.splitlines()
    when = r"  \d{4}-\d\d-\d\d \d\d:\d\d \+0900  apply rt\.yaml "
    known = r"Customer 360 \(394649\): done, "
    assert re.search(rf"-Customer_360{when}{known}0 changes, \d+ calls, \d", again)
    assert re.search(rf"-nobody{when}nobody: not-found, 0 changes, \d+ calls", nobody)
    assert re.search(rf"-394649{when}{known}15 changes, \d+ calls", first)
    document = shell.run("runs", "--json").json
    assert document["tdxwrap"] == "runs"
    run = document["runs"][2]
    assert (run["changes"], run["file"]) == (15, str(shell.cwd / "rt.yaml"))
    assert (run["segment_id"], run["segment_name"]) == ("394649", "Customer 360")
    assert document["runs"][1]["segment_id"] is None


def test_runs_of_a_segment_the_failed_ones_and_the_newest(shell: Shell) -> None:
    three_runs(shell)
    every = shell.run("runs", "--json").json["runs"]
    assert len(every) == 3
    for options, count in (
        (("--parent-segment", "394649"), 2),
        (("--parent-segment", "Customer 360"), 2),
        (("--parent-segment", "nobody", "--failed"), 1),
        (("--parent-segment", "394649", "--failed"), 0),
        (("--failed",), 1),
        (("-n", "2"), 2),
        (("-n", "1", "--failed"), 1),
    ):
        found = shell.run("runs", *options, "--json").json["runs"]
        assert len(found) == count, options
        if "--failed" in options:
            assert [run["outcome"] for run in found] == ["not-found"] * count
        else:
            assert found == (every[:2] if "-n" in options else [every[0], every[2]])


def test_runs_without_any(shell: Shell) -> None:
    assert shell.run("runs").out == "no runs are recorded\n"
    assert shell.run("runs", "--json").json["runs"] == []


def test_show_tells_the_story(shell: Shell, world: World) -> None:
    world.add_fault("http", {"command": "ps rt list"}, status=503)
    world.add_fault("http", {"method": "POST", "path": "realtime_attributes"}, status=422)
    shell.write("rt.yaml", WEB.read_text("utf-8"))
    failed = shell.run("apply", "rt.yaml", "--yes")
    assert failed.code == 4

    told = shell.run("runs", "show", "last")

    assert told.code == 0
    said = failed.err[failed.err.index("✗ ") : failed.err.index("  journal  ")]
    assert re.search(r"rt\.yaml:\d+\n  tdx said +.*422(.|\n)*\n  next  ", said)
    assert said in told.out
    for line in (
        "apply rt.yaml Customer 360 (394649) · the selected profile",
        "    + event table web_events.pageviews",
        "  ✓ event tables added, key events created",
        "    $ tdx ps rt list --json   # ",
        "exit 1, transient",
        "attribute last_product_viewed: begun",
        "✗ 7c: could not create the attribute last_product_viewed",
        "refused, 9 changes",
    ):
        assert line in told.out, line
    assert re.search(r"    \+ key event page_view \(\d+\)", told.out)
    document = shell.run("runs", "show", "last", "--json").json
    assert document["run"]["outcome"] == "refused"
    assert document["lines"][0]["type"] == "run"
    assert document["lines"][-1]["type"] == "end"


LESS = """
parent_segment: "394649"
key_events: [{name: page_view, table: web_events.pageviews}]
id_stitching: {keys: [email]}
attributes:
  - {name: last_product_viewed, type: single, key_event: page_view, value_column: %s,
     data_type: string, duration: 1 hour}
  - {name: Views, identifier: new, type: counter, key_event: page_view, duration: 1 hour}
  - {name: views, type: counter, key_event: page_view, duration: 2 hours}
"""
# What is only for whoever sits there: the start of a log, how long, and what comes next.
ONLY_THERE = re.compile(r"\d{4}-\d\d-\d\d .*|Authenticated: .*|Done in .*|journal .*")
LABELS = ("7a", "7b", "7c", "Prune", "Wait", "Retry", "Baseline", "Validated", "Key")


def said_in(terminal: str) -> set[str]:
    """What a run has said, without symbols, labels and times."""
    text = re.sub(r" after 0:0\d of .*| {3}\d\.\d s$| \(try 2\)", "", terminal, flags=re.MULTILINE)
    lines = (line.strip() for line in text.splitlines())
    parts = {
        re.sub(r"^[!✓✗±+~=·-] +", "", part)
        for line in lines
        if not ONLY_THERE.fullmatch(line)
        for part in re.split(r" {2,}|(?<=[!✓✗±+~=·-]) (?=\w)", line)
    }
    return {part for part in parts if len(part) > 1 and part not in LABELS}


@pytest.mark.parametrize(
    "what",
    [
        "all is well",
        "refused",
        "not ready",
        "kept",
        "retried",
        "not waited for",
        "moved",
        "differs",
        "no locks",
    ],
)
def test_show_has_all_that_the_terminal_said(
    new_world: NewWorld, new_shell: NewShell, what: str
) -> None:
    world = new_world("half-configured")
    shell = new_shell(world)
    config = shell.write("rt.yaml", LESS % ("column" if what == "refused" else "product_id"))
    args = ["apply", config, "--yes", "--prune", "--force"]
    if what == "all is well":
        shell.write("rt_config.yaml", "mine")
    elif what == "not ready":
        world.set("final_status", "inconsistent")
    elif what == "kept":
        world.add_fault("actor", {"command": "ps pull"}, does="adds a key")
        world.add_fault("delay", {"path": "realtime_setting"}, skip=1, seconds=0.3)
    elif what == "retried":
        world.add_fault("http", {"method": "POST"}, status=503)
    elif what == "not waited for":
        args.append("--no-wait")
    elif what == "moved":
        world.add_fault("actor", {"command": "ps pull"}, does="changes every item")
    elif what == "differs":
        shell.write("rt.yaml", config.read_text("utf-8").replace("1 hour", "1 day", 1))
        world.add_fault(
            "actor", {"command": "ps rt list"}, skip=1, does="takes the first attribute"
        )

    state = Path(shell.environ["HOME"], ".local/state/tdxwrap")
    fails = {"TEST_FAIL": f"flock ENOLCK {state}"} if what == "no locks" else {}
    done = shell.run(*args, **fails)

    told = shell.run("runs", "show", "last")
    assert told.code == 0, told.text
    words = re.sub(r"\s+", " ", told.out)
    said = said_in(done.text)
    assert len(said) > 5
    assert [part for part in sorted(said) if re.sub(r"\s+", " ", part) not in words] == []


def test_a_run_is_found_by_id_prefix_last_and_path(shell: Shell) -> None:
    shell.run("status", "394649", "--journal", "here.jsonl")
    shell.run("apply", MINIMAL, "--yes", "--parent-segment", "Customer 360")
    (run,) = shell.run("runs", "--json").json["runs"]
    assert run["id"].endswith("-Customer_360")
    for which in (run["id"], run["id"][:-3], "last", run["path"]):
        assert shell.run("runs", "show", which, "--json").json["run"]["id"] == run["id"]
    named = shell.run("runs", "show", "here.jsonl", "--json").json["run"]
    assert named["segment"] == "394649"


@pytest.mark.parametrize(("which", "says"), [("nope", "there is no run nope"), ("2", "2 runs")])
def test_an_unknown_or_ambiguous_id_is_a_usage_error(shell: Shell, which: str, says: str) -> None:
    shell.run("apply", MINIMAL, "--yes")
    shell.run("apply", MINIMAL, "--yes", "--parent-segment", "Customer 360")
    done = shell.run("runs", "show", which)
    assert done.code == 2
    assert says in done.err


@pytest.mark.parametrize(
    "text", ["", "no JSON\n", "[]\n", "{}\n", '{"journal": 99}\n', '{"journal": 1}\nx\n\n']
)
def test_what_is_no_journal_is_a_usage_error(shell: Shell, text: str) -> None:
    done = shell.run("runs", "show", shell.write("x.jsonl", text))
    assert done.code == 2, done.text
    assert "x.jsonl is not a journal" in done.err


WHOLE = (
    '{"type": "run", "at": 1.0, "journal": 1, "tdxwrap": "0", "id": "x", "pid": 1, '
    '"command": "plan", "config": null, "digest": null, "profile": null, "site": null, '
    '"segment": "1"}',
    '{"type": "step", "at": 1.0, "step": "read"}',
    '{"type": "call", "at": 2.0, "step": "read", "argv": ["tdx", "auth"], "started": 1.0, '
    '"seconds": 0.1, "exit": 0, "error": null, "stdout": "{}", "stderr": ""}',
    '{"type": "change-started", "at": 2.0, "kind": "attribute", "name": "a", "action": "create"}',
    '{"type": "change", "at": 2.0, "kind": "attribute", "name": "a", "action": "create", '
    '"id": "7", "seconds": 0.1}',
    '{"type": "retry", "at": 2.0, "error": "transient", "said": "503", "seconds": 0.5}',
    '{"type": "baseline", "at": 2.0, "file": "rt_config.yaml", "command": "tdx ps pull"}',
    '{"type": "end", "at": 3.0, "exit": 5, "error": {"kind": "timeout", "what": "late", '
    '"said": ""}, "seconds": 2.0}',
)
ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)


def test_the_whole_journal_of_the_mutations_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text("\n".join([*WHOLE, ""]))
    run = runs.find({}, str(path))
    assert run.summary().outcome == "timeout"
    assert runs.redacted(run).count("\n") == len(WHOLE)


def journal(folder: Path, *lines: dict[str, Any]) -> Path:
    """A journal with the header of WHOLE."""
    path = folder / "x.jsonl"
    path.write_text("\n".join([WHOLE[0], *map(json.dumps, lines), ""]))
    return path


def test_how_a_run_ended_is_told_in_words(tmp_path: Path) -> None:
    end = {"type": "end", "at": 3.0, "exit": 7, "error": None, "seconds": 2.0}
    run = runs.read(journal(tmp_path, end))
    assert run.summary().outcome == "changes are pending"
    assert runs.Run(run.path, run.lines[:1]).summary().outcome == "did not end"
    assert runs.Run(run.path, run.lines[:1], "damaged").summary().outcome == "unreadable"


def test_what_failed_is_still_told_without_names(tmp_path: Path) -> None:
    call = json.loads(WHOLE[2]) | {"error": "transient", "stderr": "Error: no 'Big Brand' here"}
    end = json.loads(WHOLE[-1])
    end["error"]["what"] = "the 'Other Brand' is late"
    text = runs.redacted(runs.read(journal(tmp_path, call, end)))
    _, call, end = map(json.loads, text.splitlines())
    assert call["stderr"].startswith("Error: no '")
    assert end["error"]["kind"] == "timeout"
    assert end["error"]["what"].startswith("the '")
    assert "Brand" not in text


@given(data=st.data())
def test_no_damage_to_a_journal_is_more_than_a_usage_error(data: st.DataObject) -> None:
    lines = [json.loads(line) for line in WHOLE]
    for _ in range(data.draw(st.integers(1, 3))):
        number = data.draw(st.integers(0, len(lines) - 1))
        line = lines[number]
        if not isinstance(line, dict) or not line or data.draw(st.booleans(), "the whole line"):
            lines[number] = data.draw(ANY)
        elif data.draw(st.booleans(), "drop"):
            line.pop(data.draw(st.sampled_from(sorted(line))))
        else:
            line[data.draw(st.sampled_from(sorted(line)))] = data.draw(ANY)
    text = "\n".join([*map(json.dumps, lines), ""])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "tdxwrap", "runs", "20260101T000000-1.jsonl")
        path.parent.mkdir(parents=True)
        path.write_text(text)
        environ = {"XDG_STATE_HOME": folder}
        (listed,) = runs.read_all(environ)
        listed.summary().model_dump_json()
        assert len(list(runs.list_lines([listed]))) == 1
        try:
            found = runs.find(environ, "2026")
            list(runs.story(found))
            runs.redacted(found)
        except UsageProblem as error:
            assert str(path) in error.what  # noqa: PT017


def test_an_unreadable_journal_is_listed_as_such(shell: Shell) -> None:
    shell.run("apply", MINIMAL, "--yes")
    (good,) = shell.run("runs", "--json").json["runs"]
    folder = Path(good["path"]).parent
    damaged = {
        "20260101T000001-a": b"",
        "20260101T000002-b": b"\0" * 100,
        "20260101T000003-c": b"5\n",
        "20260101T000004-d": WHOLE[0].replace('"journal": 1', '"journal": 2').encode() + b"\n",
        "20260101T000005-e": WHOLE[0].replace('"segment": "1"', '"s": 1').encode() + b"\n",
        "20260101T000006-f": WHOLE[0].replace('"at": 1.0', '"at": Infinity').encode() + b"\n",
        "20260101T000007-g": b"[" * 100_000 + b"\n",
    }
    for name, content in damaged.items():
        (folder / f"{name}.jsonl").write_bytes(content)
    (folder / "20260101T000008-h.jsonl").mkdir()
    os.mkfifo(folder / "20260101T000009-i.jsonl")

    listed = shell.run("runs")
    assert listed.code == 0, listed.text
    for name in damaged:
        (line,) = (line for line in listed.out.splitlines() if line.startswith(f"{name}  "))
        assert f"{name}.jsonl is not a journal" in line
    assert f"{good['id']}  " in listed.out
    documents = shell.run("runs", "--json").json["runs"]
    unreadable = {run["id"] for run in documents if run["outcome"] == "unreadable"}
    assert unreadable == set(damaged)
    assert len(documents) == len(damaged) + 1

    shown = shell.run("runs", "show", "last", "--json").json
    assert shown["run"]["id"] == good["id"]
    for name in damaged:
        for command in (["runs", "show", name], ["runs", "export", name, "--redact"]):
            done = shell.run(*command)
            assert done.code == 2, done.text
            assert "is not a journal" in done.err
        assert shell.run("rehearse", WEB, "--from", name).code == 2
    assert shell.run("apply", MINIMAL, "--yes").code == 0


def test_a_cut_last_line_does_not_matter(shell: Shell) -> None:
    shell.run("status", "394649", "--journal", "whole.jsonl")
    text = (shell.cwd / "whole.jsonl").read_text("utf-8")
    told = shell.run("runs", "show", shell.write("cut.jsonl", text[:-20]))
    assert told.code == 0, told.text
    assert "did not end" in told.out


def test_export_without_redaction_is_the_journal(shell: Shell) -> None:
    shell.run("status", "394649", "--journal", "whole.jsonl")
    text = (shell.cwd / "whole.jsonl").read_text("utf-8")
    assert shell.run("runs", "export", "whole.jsonl").out == text
    assert shell.run("runs", "export", "whole.jsonl", "-f", "copy.jsonl").code == 0
    assert (shell.cwd / "copy.jsonl").read_text("utf-8") == text


def shared(shell: Shell) -> tuple[Path, Path]:
    """The last run, redacted, and its configuration under the same pseudonyms."""
    done = shell.run("runs", "export", "last", "--redact", "-f", "shared.jsonl")
    assert done.code == 0, done.text
    run = runs.find(shell.environ, "last")
    pseudonyms = Pseudonyms(run.path.read_text("utf-8"))
    again = [json_text(pseudonyms.line(line)) for _ in range(2) for line in run.lines]
    text = (shell.cwd / "shared.jsonl").read_text("utf-8")
    assert text.splitlines() == again[len(run.lines) :]
    file = run.lines[0]["config"]
    data = load(file, environ={}).source.data
    config = pseudonyms.value({**data, "parent_segment": run.lines[0]["segment"]})
    return shell.cwd / "shared.jsonl", Path(shell.write("shared.yaml", json.dumps(config)))


def names_in(value: object, prop: str = "") -> set[str]:
    """Every text in a configuration or an account that could identify somebody."""
    if isinstance(value, dict):
        if prop == "columns":
            return set(value)
        return set().union(*(names_in(part, name) for name, part in value.items()))
    if isinstance(value, list):
        return set().union(*(names_in(part, prop) for part in value))
    words = ("type", "status", "duration", "unit", "dataType", "action", "aggregationType")
    structural = isinstance(value, str) and prop not in (*words, "counterType")
    return {str(value)} if structural and len(str(value)) > 3 else set()


@pytest.mark.parametrize(
    ("scenario", "config"),
    [
        ("blank", "web-personalization"),
        ("half-configured", "every-field"),
        ("configured", "shorthands"),
    ],
)
def test_a_redacted_run_replays_and_holds_no_name(
    new_world: NewWorld, new_shell: NewShell, tmp_path: Path, scenario: str, config: str
) -> None:
    # As many looks at the status in both runs: one, and one after it has settled.
    world, rhythm = new_world(scenario, updating_seconds=0), {"TDXWRAP_APPLY_POLL_FIRST": "10"}
    shell = new_shell(world)
    first = shell.run(
        "apply",
        FIXTURES / "configs" / f"{config}.yaml",
        *("--yes", "--force", "--replace", "--no-check-columns", "--parent-segment", "394649"),
        **rhythm,
    )
    names = names_in(world.segment("394649")) - KEPT_WORDS
    journal, redacted = shared(shell)

    text = journal.read_text("utf-8") + redacted.read_text("utf-8")
    assert len(names) > 15
    words = set(re.findall(r"\w+", text))
    assert [name for name in names if (name in text if " " in name else name in words)] == []
    for private in (str(shell.home), str(shell.cwd), str(FIXTURES), "main"):
        assert private not in text

    replay = Replay.create(tmp_path / "replay", journal)
    again = new_shell(replay, "another").run(
        "apply", redacted, "--yes", "--force", "--replace", "--no-check-columns", **rhythm
    )
    assert again.code == first.code, first.text + again.text
    assert replay.unused() == []


def test_names_that_need_care_stay_consistent(
    new_world: NewWorld, new_shell: NewShell, tmp_path: Path
) -> None:
    world, rhythm = new_world(updating_seconds=0), {"TDXWRAP_APPLY_POLL_FIRST": "10"}
    shell = new_shell(world)
    shell.write(
        "odd.yaml",
        """
parent_segment: Customer 360
key_events:
  - {name: "Seen: 日本語 “quoted”", table: web_events.pageviews}
attributes:
  - {name: Last Price, type: single, key_event: "Seen: 日本語 “quoted”", value_column: price,
     data_type: number, duration: 1 day}
  - {name: last   price two, identifier: type, type: counter, counter_type: total,
     key_event: "Seen: 日本語 “quoted”", increment: 1, duration: 1 day, description: Last Price}
""",
    )
    assert shell.run("apply", "odd.yaml", "--yes", **rhythm).code == 0
    journal, redacted = shared(shell)

    for name in ("Customer 360", "日本語", "Last Price", "last_price", "pageviews", "price two"):
        assert name not in journal.read_text("utf-8") + redacted.read_text("utf-8")
    replay = Replay.create(tmp_path / "replay", journal)
    again = new_shell(replay, "another").run("apply", redacted, "--yes", **rhythm)
    assert again.code == 0, again.text
    assert replay.unused() == []


def test_a_failed_run_fails_alike_when_replayed(
    shell: Shell, world: World, new_shell: NewShell, tmp_path: Path
) -> None:
    world.add_fault(
        "http",
        {"method": "POST", "path": "realtime_attributes"},
        status=422,
        detail="valueColumn 'product_id' is not a column of web_events.pageviews (ann@acme.com)",
    )
    first = shell.run("apply", WEB, "--yes")
    journal, redacted = shared(shell)

    text = journal.read_text("utf-8")
    for name in ("product_id", "web_events", "pageviews", "acme", "last_product_viewed"):
        assert name not in text
    replay = Replay.create(tmp_path / "replay", journal)
    again = new_shell(replay, "another").run("apply", redacted, "--yes")
    assert (again.code, first.code) == (4, 4), again.text
    assert "422" in again.err


def test_profile_host_and_account_are_not_shared(new_world: NewWorld, new_shell: NewShell) -> None:
    world = new_world()
    shell = new_shell(world)
    done = shell.run("apply", MINIMAL, "--yes", "--profile", "acme-production")
    assert done.code == 3, done.text
    text = shell.run("runs", "export", "last", "--redact").out
    assert "acme" not in text
    assert "ACME" not in text


def test_no_secret_is_shared(shell: Shell, world: World) -> None:
    key = "17/" + "0123456789abcdef" * 3
    world.set_credentials(keychain={}, keys={key: next(iter(world.state()["accounts"]))})
    world.add_fault("echo-secrets", times=0, to="all")
    shell.run("apply", MINIMAL, "--yes", TD_API_KEY=key)
    world.clear_faults()
    for option in ((), ("--redact",)):
        assert "0123456789" not in shell.run("runs", "export", "last", *option).out


def test_export_as_json_is_one_document(shell: Shell) -> None:
    shell.run("apply", MINIMAL, "--yes")
    document = shell.run("runs", "export", "last", "--redact", "--json").json
    assert document["tdxwrap"] == "runs export"
    assert [json.loads(line)["type"] for line in document["text"].splitlines()][-1] == "end"
