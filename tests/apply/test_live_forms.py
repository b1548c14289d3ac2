"""For a live state of any form that the API may hold: export, check, plan, and nothing is lost."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.examples import examples
from support.generated import scenarios
from support.inprocess import account

from tdxwrap.apply.export import config_text
from tdxwrap.config.load import parse
from tdxwrap.config.models import RtConfig
from tdxwrap.fake.control import World
from tdxwrap.plan.changes import Action, Kind, PlanOptions

LISTS = ("eventTables", "keyColumns", "batchAttributes")
TEXTS = st.sampled_from(
    ("", "x", "week", "boolean", "-x", "<table1>", "${A}", "a\nb", "\u2028", "5")
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 9) | st.sampled_from((1.5, 2.0)) | TEXTS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2),
    max_leaves=4,
)
NAMES = (
    "name type identifier description novelty keyEventIds duration unit conditions operator not "
    "rightValue column filterRule fields actions database tableName databaseName invalidTexts "
    "extra value aggregations"
)
PROPERTIES = st.sampled_from(NAMES.split())


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every place in a document: what holds it, and its name or index there."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    found = []
    for key, item in list(inner):
        found.append((value, key))
        if isinstance(item, dict | list):
            found.extend(places(item))
    return found


@st.composite
def forms(draw: st.DrawFn) -> tuple[dict[str, Any], list[Any]]:
    """A scenario, and how what it configures is then changed."""
    scenario = draw(scenarios())
    steps = st.tuples(
        st.sampled_from(("put", "drop", "add", "twice")), st.integers(0), PROPERTIES, VALUES
    )
    return scenario, draw(st.lists(steps, min_size=1, max_size=8))


def change(realtime: dict[str, Any], steps: list[Any]) -> None:
    """Change what is configured here and there; ids stay, and lists stay lists."""
    kept = ("id", "status", "extLookupKey", "updatingUntil", "statusDetailed")
    for kind, number, name, value in steps:
        held = {n: v for n, v in realtime.items() if n not in kept and isinstance(v, list)}
        inside = [place for part in held.values() for place in places(part)]
        inside = [(holder, key) for holder, key in inside if key != "id"]
        if not inside:
            continue
        holder, key = inside[number % len(inside)]
        entry = any(holder is realtime[n] for n in ("keyEvents", "attributes") if n in realtime)
        if kind == "put" and not entry:
            holder[key] = value
        elif kind == "drop" and not entry:
            del holder[key]
        elif kind == "add" and isinstance(holder[key], dict):
            holder[key][name] = value
        elif kind == "twice" and isinstance(holder, list):
            again = json.loads(json.dumps(holder[key]))
            holder.append({**again, "id": f"again{len(holder)}"} if entry else again)


@settings(max_examples=examples(60), suppress_health_check=list(HealthCheck))
@given(made=forms())
def test_an_export_of_any_form_is_valid_and_its_plan_is_empty(
    made: tuple[dict[str, Any], list[Any]],
) -> None:
    scenario, steps = made
    with account(scenario) as there:
        world = World(there.folder)
        with world.edit_segment("394649") as segment:
            change(segment["realtime"] or {}, steps)
        before = world.segment("394649")["realtime"] or {}
        live = there.live()
        assert len(live.key_events) == len(before.get("keyEvents", ()))
        found = len(live.attributes) + len(live.imported)
        assert found == len(before.get("attributes", ()))
        for name, parts in zip(
            LISTS, (live.event_tables, live.stitching_keys, live.batch_attributes), strict=True
        ):
            assert [part.to_api() for part in parts] == before.get(name, [])

        loaded = parse("exported.yaml", config_text(live).encode(), environ={})
        plan = there.plan(loaded.config)
        assert plan.pending == ()
        assert not plan.blockers


@settings(max_examples=examples(60), suppress_health_check=list(HealthCheck))
@given(made=forms())
def test_pruning_all_leaves_what_something_that_stays_uses(
    made: tuple[dict[str, Any], list[Any]],
) -> None:
    scenario, steps = made
    with account(scenario) as there:
        with World(there.folder).edit_segment("394649") as segment:
            change(segment["realtime"] or {}, steps)
        nothing = RtConfig.model_validate({"event_tables": []})
        plan = there.plan(nothing, PlanOptions(prune=True, force=True))
        kept = {(c.kind, c.name) for c in plan.changes if c.action is Action.UNMANAGED}
        names = {name for kind, name in kept if kind == "key event"}
        events = {there.value.name for there in plan.live.key_events}
        # By id, since two attributes may have one name here.
        staying = {c.live_id for c in plan.of(Kind.ATTRIBUTE, Action.UNMANAGED)}
        for item in plan.live.attributes:
            if item.id in staying:
                assert names.issuperset(events.intersection(item.value.key_events()))
        tables = {name for kind, name in kept if kind == "event table"}
        there_are = {str(table) for table in plan.live.event_tables}
        for event in plan.live.key_events:
            if ("key event", event.value.name) in kept and not event.value.unread:
                assert not {str(event.value.event_table)} & there_are - tables
