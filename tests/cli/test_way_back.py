"""A way back: what was live before a run as a CONFIG, and a plan that is applied as reviewed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.shells import FIXTURES, MINIMAL, WEB, Shell
from support.worlds import shipped

from tdxwrap.fake.control import World

pytestmark = pytest.mark.usefixtures("tdx_inside")

NewWorld = Callable[..., World]
NewShell = Callable[..., Shell]
ALL = ("--yes", "--prune", "--replace", "--force")


# What the API means by a property that is not there.
DEFAULTS = (None, False, [], "sliding", {"type": "And", "conditions": []})


def stated(value: Any) -> Any:
    """A document without what is the same as nothing."""
    if isinstance(value, list):
        return [stated(part) for part in value]
    if not isinstance(value, dict):
        return value
    return {n: stated(part) for n, part in value.items() if n != "id" and part not in DEFAULTS}


def configured(world: World) -> dict[str, Any]:
    """What is live, whatever its ids, its order and its status."""
    live = world.segment("394649")["realtime"] or {}
    names = {event["id"]: event["name"] for event in live.get("keyEvents", ())}
    text = json.dumps(live)
    for item_id, name in names.items():
        text = text.replace(f'"realtimeKeyEventId": "{item_id}"', f'"event": "{name}"')
    return {
        name: sorted(json.dumps(stated(item), sort_keys=True) for item in items)
        for name, items in json.loads(text).items()
        if isinstance(items, list)
    }


@pytest.mark.parametrize("scenario", ["configured", "half-configured"])
@pytest.mark.parametrize("config", [MINIMAL, WEB])
def test_going_back_gives_what_was_live(
    new_world: NewWorld, new_shell: NewShell, scenario: str, config: Path
) -> None:
    world = new_world(scenario)
    shell = new_shell(world)
    before = configured(world)
    changed = shell.run("apply", config, *ALL)
    assert changed.code == 0, changed.text
    assert configured(world) != before

    assert shell.run("export", "--before", "last", "-f", "before.yaml").code == 0
    # What was live may be what the column checks refuse, too.
    back = shell.run("apply", "before.yaml", *ALL, "--no-check-columns")

    assert back.code == 0, back.text
    assert configured(world) == before
    assert shell.run("plan", "before.yaml", "--prune", "--exit-code").code == 0


def test_going_back_to_a_blank_segment_leaves_the_lookup_key(shell: Shell, world: World) -> None:
    assert shell.run("apply", WEB, "--yes").code == 0
    text = shell.run("export", "--before", "last").out
    assert "# tdxwrap apply FILE --prune --replace --force" in text
    assert "a lookup key that was set since then stays" in text
    assert shell.run("apply", shell.write("before.yaml", text), *ALL).code == 0
    assert not any(configured(world).values())
    assert world.segment("394649")["realtime"]["extLookupKey"] == "customer_id"


def test_a_key_event_gets_its_former_name_back_with_what_hangs_on_it(
    shell: Shell, world: World
) -> None:
    assert shell.run("apply", WEB, "--yes").code == 0
    before = world.segment("394649")["realtime"]
    text = WEB.read_text("utf-8").replace("page_view", "view_of_a_page")
    named = "name: view_of_a_page\n"
    text = text.replace(named, f"{named}    renamed_from: page_view\n", 1)
    assert shell.run("apply", shell.write("rt.yaml", text), "--yes").code == 0
    assert shell.run("export", "--before", "last", "-f", "before.yaml").code == 0
    assert "renamed_from: view_of_a_page" in (shell.cwd / "before.yaml").read_text("utf-8")
    assert shell.run("apply", "before.yaml", *ALL).code == 0
    after = world.segment("394649")["realtime"]
    # The ids are those of before, so nothing that was collected is lost.
    assert after["keyEvents"] == before["keyEvents"]
    assert after["attributes"] == before["attributes"]


def test_a_field_that_was_empty_is_emptied_again(shell: Shell, world: World) -> None:
    plain = yaml.safe_load(MINIMAL.read_text("utf-8"))
    assert shell.run("apply", shell.write("rt.yaml", json.dumps(plain)), "--yes").code == 0
    before = configured(world)
    plain["key_events"][0]["description"] = "said later"
    plain["attributes"][0]["description"] = "said later"
    assert shell.run("apply", shell.write("rt.yaml", json.dumps(plain)), "--yes").code == 0
    shell.run("export", "--before", "last", "-f", "before.yaml")
    assert shell.run("apply", "before.yaml", *ALL).code == 0
    assert configured(world) == before


def test_the_end_of_an_apply_that_changed_something_names_the_way_back(
    shell: Shell, world: World
) -> None:
    first = shell.run("apply", MINIMAL, "--yes")
    assert "export --before" not in first.text  # it only added
    config = shell.write("rt.yaml", MINIMAL.read_text("utf-8").replace("24 hours", "12 hours"))
    world.add_fault("http", {"command": "ps rt list"}, skip=1, status=422)
    failed = shell.run("apply", config, "--yes")
    (way,) = re.findall(r"tdxwrap (export --before \S+ -f before.yaml)", failed.err)
    assert failed.code != 0
    assert shell.run(*way.split()).code == 0
    assert "24 hours" in (shell.cwd / "before.yaml").read_text("utf-8")
    again = shell.run("apply", MINIMAL, "--yes", "--journal", "a run.jsonl")
    assert "tdxwrap export --before 'a run.jsonl' -f before.yaml" in again.err


def test_export_takes_a_segment_or_a_run_that_had_a_plan(shell: Shell) -> None:
    assert shell.run("apply", MINIMAL, "--yes", "--parent-segment", "nobody").code == 4
    for args in ((), ("394649", "--before", "last"), ("--before", "none"), ("--before", "last")):
        assert shell.run("export", *args).code == 2, args
    assert "does not hold what was live" in shell.run("export", "--before", "last").err


def fingerprint(shell: Shell, *args: object) -> str:
    return str(shell.run("plan", *args, "--json").file["plan"]["fingerprint"])


def test_a_fingerprint_is_that_of_the_changes(new_world: NewWorld, new_shell: NewShell) -> None:
    shell = new_shell(new_world("half-configured"))
    seen = fingerprint(shell, WEB, "--replace")
    assert re.fullmatch(r"[0-9a-f]{12}", seen)
    other = new_shell(new_world("half-configured"), "other")
    assert fingerprint(other, WEB, "--replace") == seen
    assert shell.run("plan", WEB, "--replace").out.endswith(f"\nFingerprint: {seen}\n")
    assert f"\nFingerprint: `{seen}`\n" in shell.run("plan", WEB, "--markdown").out
    text = WEB.read_text("utf-8")
    commented = shell.write("rt.yaml", f"# a comment\n{text}")
    assert fingerprint(shell, commented, "--replace") == seen
    longer = shell.write("rt.yaml", text.replace("1 day", "2 days"))
    assert len({seen, fingerprint(shell, longer), fingerprint(shell, WEB, "--prune")}) == 3


def test_only_the_expected_plan_is_applied(shell: Shell, world: World) -> None:
    seen = fingerprint(shell, MINIMAL)
    for wrong in ("", "0" * 12, fingerprint(shell, WEB)):
        refused = shell.run("apply", MINIMAL, "--yes", "--expect", wrong)
        assert refused.code == 4
        assert f"its fingerprint is {seen}, not '{wrong}'" in refused.err
    assert world.writes() == []
    assert shell.run("apply", MINIMAL, "--yes", "--expect", seen).code == 0
    assert shell.run("apply", MINIMAL, "--yes", "--expect", seen).code == 0  # nothing is left
    both = shell.run("apply", MINIMAL, WEB, "--yes", "--expect", seen)
    assert (both.code, "--expect goes with a single file" in both.err) == (2, True)


def test_what_changes_during_the_question_is_not_expected(
    new_world: NewWorld, new_shell: NewShell
) -> None:
    world = new_world("half-configured")
    shell = new_shell(world)
    seen = fingerprint(shell, MINIMAL)

    def somebody_else() -> str:
        with world.edit_segment("394649") as segment:
            segment["realtime"]["eventTables"].clear()
        return "y\n"

    done = shell.terminal("apply", MINIMAL, "--expect", seen, answers=[("[y/N]", somebody_else)])
    assert done.code == 4, done.out
    assert "is another one" in done.out
    assert world.writes() == []


# The log of a run


def test_a_log_begins_with_the_date_and_only_a_person_is_told_what_comes_next(
    new_world: NewWorld, new_shell: NewShell
) -> None:
    scenario = shipped("blank")
    (blank,) = scenario["segments"]
    names = {"394701": "Outdoor", "394702": "Books", "394703": "Outlet ‹アウトレット›"}
    scenario["segments"] = [{**blank, "id": number, "name": name} for number, name in names.items()]
    shell = new_shell(new_world(scenario))
    brands = FIXTURES / "configs" / "three-brands"
    logged = shell.run("apply", brands / "books.yaml", "--yes")
    assert logged.code == 0, logged.text
    when = r"\d{4}-\d\d-\d\d \d\d:\d\d [+-]\d{4} · tdxwrap \d\S+"
    assert re.match(rf"{when} · \S+books\.yaml · parent segment 394702 · \S", logged.err)
    assert "Next, a personalization" not in logged.text

    seen = shell.terminal("apply", brands / "outdoor.yaml", brands / "outlet.yaml", "--yes")
    assert seen.code == 0, seen.out
    assert "· tdxwrap " not in seen.out
    assert seen.out.count("Next, a personalization") == 1
    assert seen.out.index("2 files: 2 ok") < seen.out.index("Next, a personalization")
