"""Somebody else writes to the segment during an apply, and reads lag behind writes (F33)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.faults import CONFIG, KEY, make_world
from support.shells import Ran, Shell
from support.worlds import configuration

from tdxwrap.fake.control import Call, World

pytestmark = pytest.mark.usefixtures("tdx_inside")
# As many looks on every machine: one, and one after it has settled.
RHYTHM = {"TDXWRAP_APPLY_POLL_FIRST": "10"}
NewShell = Callable[..., Shell]
NewWorld = Callable[..., World]
# What somebody else does, the list in which it can be found, and the field of the setting.
ADDS = {
    "adds a table": ("eventTables", {"database": "elsewhere", "table": "others"}, "eventTables"),
    "adds a key": ("keyColumns", "others_id", "keyColumns"),
    "adds a key event": ("keyEvents", "others_event", "eventTables"),
    "adds an attribute": ("attributes", "others_attribute", "eventTables"),
    "adds a column": ("batchAttributes", "others_column", "batchAttributes"),
}
CALLS = {"blank": 25, "half-configured": 22}
CASES = [(start, does, call) for start in CALLS for does in ADDS for call in range(1, 23)]


def apply(shell: Shell, *args: str | Path) -> Ran:
    return shell.run("apply", *(args or (CONFIG,)), "--yes", TD_API_KEY=KEY)


def holds(world: World, does: str) -> bool:
    field, wanted, _ = ADDS[does]
    members = world.segment("394649")["realtime"][field]
    return any(wanted in (item, item.get("name"), item.get("column")) for item in members)


def ended(call: Call) -> float:
    return call.started + (call.seconds or 0)


def between_read_and_write(calls: list[Call], at: int, field: str) -> bool:
    """Whether a call is where no client can see what it adds: from the read of a list on (F33)."""
    there = next(call for call in calls if call.n == at)
    for call in calls:
        # Both the read and the PATCH run beside other calls.
        if call.method == "PATCH" and field in (call.body or {}) and there.started <= ended(call):
            settings = [c for c in calls if c.n < call.n and (c.path or "").endswith("_setting")]
            read = max((c for c in settings if c.method == "GET"), key=lambda c: c.n)
            return read.started <= ended(there)
    return False


def check(start: str, does: str, call: int, folder: Path, new_shell: NewShell) -> None:
    world = make_world(folder / "world", start)
    world.add_fault("actor", {"call": call}, does=does)
    shell = new_shell(world)
    shell = replace(shell, environ={**shell.environ, **RHYTHM})

    first = apply(shell)
    assert world.unfired_faults() == []
    unseen = between_read_and_write(world.calls(), call, ADDS[does][2])
    assert holds(world, does) or unseen, first.text
    assert first.code == 0 or unseen, first.text
    assert first.code in (0, 4, 6), first.text
    second = apply(shell)

    assert second.code == 0, second.text
    assert holds(world, does) or unseen
    after = configuration(world)
    for kind in ("keyEvents", "attributes"):
        names = [item["name"] for item in after[kind]]
        assert len(names) == len(set(names))
    assert {"page_view", "add_to_cart"} <= {event["name"] for event in after["keyEvents"]}


@pytest.mark.parametrize(("start", "does", "call"), CASES[::23])
def test_what_somebody_else_adds_stays(
    start: str, does: str, call: int, tmp_path: Path, new_shell: NewShell
) -> None:
    check(start, does, call, tmp_path, new_shell)


@pytest.mark.sweep
@pytest.mark.parametrize(("start", "does", "call"), CASES)
def test_what_somebody_else_adds_at_any_call_stays(
    start: str, does: str, call: int, tmp_path: Path, new_shell: NewShell
) -> None:
    check(start, does, call, tmp_path, new_shell)


@pytest.mark.parametrize("start", ["blank", "half-configured"])
def test_each_list_is_read_beside_the_call_before_its_patch(
    start: str, new_world: NewWorld, new_shell: NewShell
) -> None:
    world = new_world(start)
    shell = new_shell(world)
    prune = ["--prune", "--force"] if start == "half-configured" else []

    assert apply(shell, CONFIG, *prune).code == 0
    setting = [c for c in world.calls() if (c.path or "").endswith("realtime_setting")]
    patches = [number for number, call in enumerate(setting) if call.method == "PATCH"]
    assert len(patches) == 2
    for number in patches:
        read, patch = setting[number - 1], setting[number]
        assert read.method == "GET"  # so it began after the answer to the PATCH before
        # Other reads that run beside the baseline may begin after this one.
        between = [c for c in world.calls() if read.n < c.n < patch.n and c.method != "GET"]
        # On a blank segment it is one of the reads of the plan, which run side by side.
        first_reads = start == "blank" and number == patches[0]
        assert len(between) <= 1 or (first_reads and not any(c.write for c in between))


def test_a_list_that_is_not_read_at_the_end_has_not_gone(
    new_world: NewWorld, new_shell: NewShell
) -> None:
    world = new_world("half-configured")
    shell = new_shell(world)
    assert apply(shell).code == 0
    file = changing(shell)
    # The reads beside the looks: of the plan, and beside the baseline, come before.
    world.add_fault("garbage", {"path": "setting"}, skip=1, times=9, text="{}", when="after")

    done = apply(shell, file)
    world.clear_faults()

    assert " is gone" not in done.text
    assert (done.code, "came without" in done.text) in ((0, False), (5, True)), done.text


def test_what_appears_after_the_plan_is_kept_and_reported(
    new_world: NewWorld, new_shell: NewShell
) -> None:
    world = new_world("half-configured")
    world.add_fault("actor", {"command": "ps pull"}, does="adds a table")
    # The read beside the baseline begins as it does, and ends later.
    world.add_fault("delay", {"path": "realtime_setting"}, skip=1, seconds=0.3)

    done = apply(new_shell(world))

    assert done.code == 0, done.text
    assert holds(world, "adds a table")
    assert "event table elsewhere.others has appeared since the plan: it stays" in done.err


def test_a_key_that_the_plan_did_not_see_keeps_what_the_file_does_not_state(
    new_world: NewWorld, new_shell: NewShell
) -> None:
    world = new_world("half-configured")
    before = configuration(world)["keyColumns"]
    # The first read of the setting: the plan takes all of its lists for not read.
    world.add_fault("garbage", {"path": "realtime_setting"}, text="{}", when="after")

    done = apply(new_shell(world))

    assert done.code == 0, done.text
    assert configuration(world)["keyColumns"] == before


def test_imported_columns_that_appear_are_kept(new_world: NewWorld, new_shell: NewShell) -> None:
    world = new_world()
    shell = new_shell(world)
    file = shell.write(
        "rt.yaml",
        "parent_segment: '394649'\nevent_tables: [web_events.pageviews]\n"
        "attributes: [{type: imported, column: loyalty_tier}]\n",
    )
    world.add_fault("actor", {"method": "PATCH"}, skip=1, does="adds a column")

    done = apply(shell, file)
    assert done.code == 0, done.err
    imported = [a["name"] for a in world.segment("394649")["realtime"]["attributes"]]
    assert sorted(imported) == ["loyalty_tier", "others_column"]


@pytest.mark.parametrize("start", ["blank", "half-configured"])
@pytest.mark.parametrize("jobs", ["1", "4"])
def test_reads_that_lag_behind_lose_nothing_and_prove_it(
    start: str, jobs: str, new_world: NewWorld, new_shell: NewShell
) -> None:
    world = new_world(start, tdx__lag_seconds=1)
    shell = new_shell(world)

    done = apply(shell, CONFIG, "--jobs", jobs)

    assert done.code == 0, done.text
    assert "every field as in" in done.out
    assert apply(shell).code == 0
    after = configuration(world)
    assert len(after["eventTables"]) == len({str(table) for table in after["eventTables"]})


def test_a_prune_with_reads_that_lag_behind_keeps_what_the_run_has_written(
    new_world: NewWorld, new_shell: NewShell
) -> None:
    world = new_world("half-configured", tdx__lag_seconds=2)

    done = apply(new_shell(world), CONFIG, "--prune", "--force")

    assert done.code == 0, done.text
    tables = configuration(world)["eventTables"]
    assert [table["table"] for table in tables] == ["pageviews", "carts"]


def test_what_is_never_seen_live_fails_the_validation(
    new_world: NewWorld, new_shell: NewShell
) -> None:
    world = new_world(tdx__lag_seconds=60)

    done = apply(new_shell(world))

    assert done.code == 6, done.text
    assert "attribute browsed_products differs" in done.err


def test_the_ok_of_before_the_last_write_is_not_believed(
    new_world: NewWorld, new_shell: NewShell
) -> None:
    world = new_world(updating_after_seconds=0.15, updating_seconds=0.5)

    done = new_shell(world).run("apply", CONFIG, "--yes", TD_API_KEY=KEY)

    assert done.code == 0, done.text
    assert "status updating" in done.err
    last = max(call.started for call in world.writes())
    looks = [call for call in world.calls() if call.argv[:3] == ("ps", "rt", "list")]
    assert looks[-1].started >= last + 0.6


def test_what_was_read_before_ok_is_no_proof(new_world: NewWorld, new_shell: NewShell) -> None:
    world = new_world(updating_seconds=0.4)
    # At the first look, after the reads beside it may have ended.
    world.add_fault("actor", {"command": "ps rt list"}, skip=1, does="takes the first attribute")

    done = apply(new_shell(world))

    assert done.code == 6, done.text
    assert "attribute last_product_viewed differs" in done.err


def test_a_name_that_is_taken_by_an_equal_item_is_adopted(
    new_world: NewWorld, new_shell: NewShell
) -> None:
    world = new_world()
    said = {"status": 409, "when": "after", "detail": "name has already been taken"}
    world.add_fault("http", {"method": "POST", "path": "realtime_key_events"}, **said)
    world.add_fault("http", {"method": "POST", "path": "realtime_attributes"}, **said)

    done = apply(new_shell(world))

    assert done.code == 0, done.text
    assert len(configuration(world)["keyEvents"]) == 2
    assert len(configuration(world)["attributes"]) == 3


def test_a_name_that_is_taken_by_another_item_is_refused(
    new_world: NewWorld, new_shell: NewShell
) -> None:
    world = new_world("half-configured")
    said = {"status": 409, "when": "before", "detail": "name has already been taken"}
    world.add_fault("http", {"method": "POST", "path": "realtime_key_events"}, **said)

    done = apply(new_shell(world))

    assert done.code == 4, done.text
    assert "has already been taken" in done.err


def changing(shell: Shell) -> Path:
    """A file that changes an attribute of the half-configured world."""
    text = CONFIG.read_text(encoding="utf-8").replace("duration: 1 day", "duration: 2 days")
    return shell.write("rt.yaml", text)


def somebody_else(world: World, does: str, times: int = 1) -> None:
    """Let it happen beside the baseline, before what is to change is read again."""
    world.add_fault("actor", {"command": "ps pull"}, does=does, times=times)
    every_other = {"skip": 1, "times": 2 * times - 1, "seconds": 0.3}
    world.add_fault("delay", {"path": "realtime_attributes"}, **every_other)


def test_an_item_that_changed_since_the_plan_is_planned_anew(
    new_world: NewWorld, new_shell: NewShell
) -> None:
    world = new_world("half-configured")
    shell = new_shell(world)
    somebody_else(world, "changes the first attribute")

    done = apply(shell, changing(shell))

    assert done.code == 0, done.text
    assert "the live configuration has changed: here is the new plan" in done.err
    attributes = {a["name"]: a for a in configuration(world)["attributes"]}
    changed = attributes["last_product_viewed"]
    assert changed["duration"] == {"value": 2, "unit": "day"}
    assert changed["description"].startswith("changed, number")


def test_an_item_that_keeps_changing_is_not_written(
    new_world: NewWorld, new_shell: NewShell
) -> None:
    world = new_world("half-configured")
    shell = new_shell(world)
    somebody_else(world, "changes the first attribute", times=3)

    done = apply(shell, changing(shell))

    assert done.code == 6, done.text
    assert world.writes() == []
    assert "the attribute last_product_viewed has changed since the plan was made" in done.err


def test_what_a_run_may_have_taken_away_is_an_error_that_names_it(
    new_world: NewWorld, new_shell: NewShell
) -> None:
    world = new_world("half-configured")
    with world.edit_segment("394649") as segment:
        table = {"database": "web_events", "table": "orders"}
        segment["realtime"]["eventTables"].append(table)
    world.add_fault("actor", {"command": "ps rt list"}, skip=1, does="takes unused tables")
    shell = new_shell(world)

    done = apply(shell)

    assert done.code == 6, done.text
    assert "✗ event table web_events.orders is gone, and not by this run" in done.out
    assert "To bring back what is gone, add it to the file" in done.err


def test_what_somebody_else_deletes_is_a_line_of_the_report(
    new_world: NewWorld, new_shell: NewShell
) -> None:
    world = new_world("half-configured")
    with world.edit_segment("394649") as segment:
        segment["realtime"]["attributes"].reverse()
    world.add_fault("actor", {"command": "ps rt list"}, skip=1, does="takes the first attribute")
    shell = new_shell(world)

    done = shell.run("apply", CONFIG, "--yes", "--json", TD_API_KEY=KEY)

    assert done.code == 0, done.text
    report: dict[str, Any] = done.file["report"]
    gone = {"kind": "attribute", "name": "legacy_last_screen", "lost": False}
    assert report["gone"] == [gone]


def test_a_lookup_key_that_somebody_else_has_set_is_not_overwritten(
    new_world: NewWorld, new_shell: NewShell
) -> None:
    world = new_world()
    world.add_fault("actor", {"method": "POST"}, does="sets the lookup key")

    done = apply(new_shell(world))

    assert done.code == 6, done.text
    assert "the lookup key is others_id by now, and was not set" in " ".join(done.err.split()), (
        done.err
    )
    assert configuration(world)["extLookupKey"] == "others_id"
