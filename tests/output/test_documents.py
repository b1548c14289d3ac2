"""Every command with `--json`: one document, of the form that `schema --output-of` states."""

from __future__ import annotations

import functools
import json
import re
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from support.commandlines import commands
from support.shells import FIXTURES, MINIMAL, WEB, Ran, Shell

from tdxwrap.fake.control import World
from tdxwrap.output import documents
from tdxwrap.output.documents import FILES
from tdxwrap.system.lock import segment_lock
from tdxwrap.version import __version__

pytestmark = pytest.mark.usefixtures("tdx_inside")

FAILURE = ("tdxwrap", "version", "ok", "exit_code", "error", "journal")
SHOP = FIXTURES / "tdx-form" / "shop.yaml"


@functools.cache
def validator(name: str) -> Draft202012Validator:
    schema = documents.schema(name)
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def checked(done: Ran, name: str, code: int = 0) -> dict[str, Any]:
    """The document, once it is known to be the only thing said and of the form that is stated."""
    assert done.code == code, done.text
    assert done.err == ""
    document = json.loads(done.out)
    assert [error.message for error in validator(name).iter_errors(document)] == []
    if name != "schema":
        assert document["ok"] is (document["error"] is None)
        assert document["exit_code"] == code
    if name != "schema" and not document["ok"]:
        assert document["error"]["exit_code"] == code
    if name not in ("schema", *FILES) and not document["ok"]:
        assert validator("error").is_valid({key: document[key] for key in FAILURE})
    return dict(document)


def checked_file(done: Ran, name: str, code: int = 0) -> dict[str, Any]:
    """What the document says of the only file; as `checked`."""
    (entry,) = checked(done, name, code)["files"]
    assert entry["exit_code"] == code
    return dict(entry)


def test_every_command_states_the_form_of_its_document() -> None:
    forms = [*dict(commands()), "rehearse --fault list", "error"]
    assert sorted(documents.names()) == sorted(forms)


def test_schemas_are_versioned_and_found_by_name(shell: Shell) -> None:
    ids = {documents.schema(name)["$id"] for name in documents.names()}
    assert len(ids) == len(documents.names())
    assert all(each.endswith(":2") for each in ids)
    for name in ("apply", "runs show", "schema", "error"):
        printed = checked(shell.run("schema", "--output-of", name, "--json"), "schema")
        assert printed == documents.schema(name)
    assert checked(shell.run("schema", "--json"), "schema")["$id"] == "urn:tdxwrap:rt-config"


def test_a_field_more_or_less_does_not_fit(shell: Shell) -> None:
    document = checked(shell.run("plan", WEB, "--json"), "plan")
    form = validator("plan")
    assert not form.is_valid(document | {"surprise": 1})
    assert not form.is_valid(document | {"tdxwrap": "apply"})
    assert not form.is_valid(document | {"version": 1})
    entry = ("files", 0)
    plan = (*entry, "plan")
    for path in ((), entry, plan, (*plan, "changes", 0), (*plan, "segment")):
        inner: Any = json.loads(json.dumps(document))
        whole, part = inner, inner
        for step in path:
            part = part[step]
        del part[next(reversed(part))]
        assert not form.is_valid(whole), path


def test_of_what_there_is_no_document(shell: Shell) -> None:
    error = checked(shell.run("schema", "--output-of", "aply", "--json"), "error", 2)["error"]
    assert error["hint"] == "did you mean apply?"


# Done


def test_documents_of_a_whole_life(shell: Shell, world: World) -> None:
    checked(shell.run("check", WEB, "--json"), "check")
    checked(shell.run("doctor", "--json"), "doctor")
    checked(shell.run("doctor", WEB, "--json"), "doctor")
    assert checked(shell.run("runs", "--json"), "runs")["runs"] == []
    for option in ((), ("--markdown",), ("-v",)):
        plan = checked_file(shell.run("plan", WEB, "--json", *option), "plan")["plan"]
        assert plan["pending"]
    checked(shell.run("plan", WEB, "--json", "--exit-code"), "plan", 7)
    assert checked_file(shell.run("apply", WEB, "--json", "--yes"), "apply")["report"]["ok"]
    assert checked(shell.run("runs", "--json"), "runs")["runs"]
    unproven = checked_file(shell.run("apply", WEB, "--json", "--no-wait"), "apply")
    assert unproven["report"] is None
    checked(shell.run("plan", MINIMAL, "--json"), "plan")
    for command in ("status", "wait", "verify", "export"):
        checked(shell.run(command, "394649", "--json"), command)
    checked(shell.run("verify", WEB, "--json"), "verify")
    checked(shell.run("export", "394649", "-f", "live.yaml", "--json"), "export")
    checked(shell.run("runs", "--json"), "runs")
    checked(shell.run("completion", "bash", "--json"), "completion")
    checked(shell.run("runs", "show", "last", "--json"), "runs show")
    checked(shell.run("runs", "export", "last", "--json"), "runs export")
    checked(shell.run("runs", "export", "last", "-f", "run.jsonl", "--json"), "runs export")


def test_documents_before_the_first_apply(shell: Shell) -> None:
    checked(shell.run("new", "394649", "--table", "web_events.carts", "--json"), "new")
    checked(shell.run("rehearse", MINIMAL, "--json"), "rehearse")
    refused = shell.run("rehearse", MINIMAL, "--fault", "refused", "--json")
    checked(refused, "rehearse", 4)
    checked(shell.run("recipe", MINIMAL, "--json"), "recipe")
    checked(shell.run("recipe", MINIMAL, "--plan", "--json"), "recipe")
    checked(shell.run("recipe", MINIMAL, "--force", "--json"), "recipe", 2)
    checked(shell.run("graph", MINIMAL, "--json"), "graph")
    checked(shell.run("graph", MINIMAL, "--dot", "--live", "394649", "--json"), "graph")
    checked(shell.run("graph", MINIMAL, "--live", "nobody", "--json"), "graph", 4)
    checked(shell.run("import", SHOP, "--json"), "import")
    checked(shell.run("import", MINIMAL, "--json"), "import", 2)
    checked(shell.run("import", "-", "--list", "--json", stdin="tdx ps list"), "import")
    checked(shell.run("fake", "run", "--json", "--", "true"), "fake")
    faults = shell.run("rehearse", "--fault", "list", "--json")
    assert checked(faults, "rehearse --fault list")["faults"]


def test_documents_of_several_files(shell: Shell) -> None:
    broken = shell.write("broken.yaml", "nonsense: 1\n")
    for command in ("check", "doctor", "plan", "apply", "verify"):
        document = checked(shell.run(command, MINIMAL, broken, "--json"), command, 2)
        assert [entry["config"] for entry in document["files"]] == [str(MINIMAL), str(broken)]
        document["files"][0]["surprise"] = 1
        assert not validator(command).is_valid(document)


def test_changes_of_every_kind_fit(shell: Shell, world: World) -> None:
    assert shell.run("apply", WEB, "--yes").code == 0
    config = shell.write(
        "rt.yaml",
        WEB.read_text()
        .replace("max_items: 100", "max_items: 50")
        .replace("ext_lookup_key: customer_id", "ext_lookup_key: no_such_column"),
    )
    plan = checked_file(shell.run("plan", config, "--json"), "plan", 4)["plan"]
    assert plan["findings"]
    assert plan["counts"]["update"] == 2
    assert {"fields", "dangerous"} <= set(plan["changes"][0])
    differing = checked_file(shell.run("verify", config, "--json"), "verify", 7)
    assert differing["report"]["differences"]


# Failed


def test_usage(shell: Shell, world: World) -> None:
    for args, name in (
        (("aply",), "error"),
        ((), "error"),
        (("--tmieout", "3", "plan"), "error"),
        (("plan",), "plan"),
        (("plan", "--prun", WEB), "plan"),
        (("status", "a", "b"), "status"),
        (("wait", "a", "--wait-timeout", "soon"), "wait"),
        (("apply", WEB), "apply"),
        (("verify", "none.yaml"), "verify"),
        (("export", "394649", "-f", "no/such/folder"), "export"),
        (("schema", "--output-of", "nothing"), "error"),
        (("new",), "new"),
        (("rehearse",), "rehearse"),
        (("check", WEB, MINIMAL, "--journal", "j"), "check"),
        (("completion", "tcsh"), "completion"),
        (("runs", "shw"), "runs"),
        (("runs", "show", "none"), "runs show"),
        (("runs", "export", "none"), "runs export"),
        (("runs", "export", "nobody"), "runs export"),
    ):
        error = checked(shell.run(*args, "--json"), name, 2)["error"]
        assert error["hint"], args
    assert world.writes() == []


def test_configuration(shell: Shell) -> None:
    config = shell.write("rt.yaml", "attributes: [{name: 1, type: x}]\nunknown: 1\n")
    for command in ("check", "plan", "apply", "verify", "doctor"):
        document = checked(shell.run(command, config, "--json"), command, 2)
        assert len(document["error"]["problems"]) >= 2


@pytest.mark.parametrize("command", ["plan", "apply", "verify", "status", "wait", "export"])
def test_environment_and_segment(shell: Shell, command: str) -> None:
    subject = WEB if command in ("plan", "apply", "verify") else "394649"
    checked(shell.run(command, subject, "--json", TDXWRAP_TDX="no-such-tdx"), command, 3)
    nobody = ("--parent-segment", "nobody") if subject == WEB else ()
    done = shell.run(command, "nobody" if subject != WEB else WEB, *nobody, "--json")
    assert checked(done, command, 4)["error"]["kind"] == "not-found"


def test_doctor_fails_with_its_checks(shell: Shell) -> None:
    entry = checked_file(shell.run("doctor", "--json", TDXWRAP_TDX="no-such-tdx"), "doctor", 3)
    assert entry["checks"]
    assert entry["config"] is None


def test_refused(shell: Shell) -> None:
    assert shell.run("apply", WEB, "--yes", "--no-wait").code == 0
    text = WEB.read_text().replace("value_column: product_id", "value_column: price")
    config = shell.write("rt.yaml", text)
    plan = checked_file(shell.run("plan", config, "--json"), "plan", 4)["plan"]
    assert plan["blockers"]
    error = checked(shell.run("apply", config, "--json", "--yes"), "apply", 4)["error"]
    assert error["kind"] == "unsafe-plan"


def test_a_write_that_is_refused_beside_others(shell: Shell, world: World) -> None:
    world.add_fault("http", {"method": "POST", "path": "attributes"}, times=3, status=422)
    done = shell.run("apply", WEB, "--json", "--yes", "--jobs", "3")
    error = checked(done, "apply", 4)["error"]
    assert error["others"]
    assert error["step"] == "7c"
    checked(shell.run("runs", "show", "last", "--json"), "runs show")


def test_a_call_that_keeps_failing(shell: Shell, world: World) -> None:
    world.add_fault("http", {"command": "ps rt list"}, times=0, status=503)
    for command in ("status", "wait", "export", "verify"):
        done = shell.run(command, "394649", "--json", TDXWRAP_RETRIES="0")
        assert checked(done, command, 5)["error"]["command"]


def test_not_ready(shell: Shell, world: World) -> None:
    report = checked_file(shell.run("verify", "394649", "--json"), "verify", 6)["report"]
    assert not report["ok"]
    world.set("updating_seconds", 60)
    assert shell.run("apply", MINIMAL, "--yes", "--no-wait").code == 0
    checked(shell.run("wait", "394649", "--wait-timeout", "0.1", "--json"), "wait", 6)


def test_locked(shell: Shell) -> None:
    with segment_lock(shell.environ, "394649"):
        done = shell.run("apply", MINIMAL, "--yes", "--json")
    assert checked(done, "apply", 8)["error"]["kind"] == "locked"


def states(entry: dict[str, Any]) -> dict[str, str]:
    return {each["name"]: each["state"] for each in entry["plan"]["changes"]}


def test_what_an_apply_says_of_its_run(shell: Shell, world: World) -> None:
    world.set("tdx.latency_ms", 2)
    entry = checked_file(shell.run("apply", MINIMAL, "--json", "--yes"), "apply")
    assert (entry["config"], entry["outcome"], entry["segment"]) == (str(MINIMAL), "ok", "394649")
    assert (entry["segment_id"], entry["segment_name"]) == ("394649", "Customer 360")
    assert (entry["site"], entry["tdxwrap_version"]) == ("us01", __version__)
    assert re.fullmatch(r"\d+\.\d+\.\d+", entry["tdx_version"])
    assert entry["console"] == "https://console-next.us01.treasuredata.com/app/ps/394649"
    began, ended = (datetime.fromisoformat(entry[name]) for name in ("started", "ended"))
    assert began.tzinfo is not None
    assert began < ended
    assert (entry["written"], entry["in_flight"], entry["open"]) == (4, 0, 0)
    for change in entry["plan"]["changes"]:
        assert change["state"] == "written"
        assert change["seconds"] > 0
        assert (change["id"] is not None) is (change["kind"] in ("key event", "attribute"))
    again = checked_file(shell.run("apply", MINIMAL, "--json", "--yes"), "apply")
    assert set(states(again).values()) == {"kept"}
    assert again["plan"]["changes"][0]["seconds"] is None


def test_a_failed_apply_says_what_is_written(shell: Shell, world: World) -> None:
    world.add_fault("http", {"method": "POST", "path": "attributes"}, status=422)
    entry = checked_file(shell.run("apply", MINIMAL, "--json", "--yes"), "apply", 4)
    assert list(states(entry).values()) == ["written", "written", "written", "open"]
    assert (entry["written"], entry["in_flight"], entry["open"]) == (3, 0, 1)
    assert entry["error"]["so_far"] == (
        "3 of 4 changes are written; open: attribute page_views_24h"
    )


@pytest.mark.parametrize("end", ["SIGINT", "timeout"])
def test_there_is_one_count_of_what_is_written(shell: Shell, world: World, end: str) -> None:
    """On the terminal, in the document and in the journal; a write without an answer is neither."""
    world.add_fault("hang", {"method": "POST", "path": "attributes"}, skip=1, times=3, seconds=60)
    if end == "SIGINT":
        world.add_fault(
            "signal-caller", {"method": "POST", "path": "attributes"}, skip=2, signal="SIGINT"
        )
    options = ("--yes", "--json", "--jobs", "4", "--timeout", "60" if end == "SIGINT" else "2")
    done = shell.run("apply", WEB, *options, TDXWRAP_RETRIES="0")
    entry = checked_file(done, "apply", 130 if end == "SIGINT" else 5)
    told = Counter(states(entry).values())
    counts = {name: entry[name] for name in ("written", "in_flight", "open")}
    assert counts == {name: told[name.replace("_", " ")] for name in counts}
    assert counts["in_flight"] >= 3
    so_far = entry["error"]["so_far"]
    assert so_far.startswith(f"{counts['written']} of 15 changes are written; ")
    assert f"{counts['in_flight']} were in flight (" in so_far
    assert "): the next run looks" in so_far
    last = json.loads(Path(entry["journal"]).read_text().splitlines()[-1])
    assert counts.items() <= last.items()
    (run,) = shell.run("runs", "--json").json["runs"]
    assert run["changes"] == counts["written"]
    written = {each["id"] for each in entry["plan"]["changes"] if each["state"] == "written"}
    live = {each["id"] for each in world.segment("394649")["realtime"]["attributes"]}
    assert {each for each in written if each in live} == live


def test_interrupted(shell: Shell, world: World) -> None:
    world.add_fault("signal-caller", {"method": "POST", "path": "attributes"}, signal="SIGTERM")
    done = shell.run("apply", MINIMAL, "--yes", "--json")
    assert checked(done, "apply", 130)["error"]["so_far"]


def test_a_bug(shell: Shell) -> None:
    code = (
        "import sys; from tdxwrap.cli.check import check\n"
        "from tdxwrap.cli.command_line import run\n"
        "check.callback = lambda *args, **given: 1 / 0\n"
        "sys.exit(run(['check', 'rt.yaml', '--json']))"
    )
    done = shell.python(code)
    checked(done, "check", 1)
