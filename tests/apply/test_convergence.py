"""For any live state and any configuration: apply converges, and nothing is lost."""

from __future__ import annotations

import copy
import unicodedata
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from support.generated import NOVELTY, configs, databases, scenarios
from support.inprocess import account

from tdxwrap.apply.export import config_text
from tdxwrap.config.load import parse
from tdxwrap.config.models import RtConfig
from tdxwrap.plan.build import build_plan
from tdxwrap.plan.changes import Action, PlanOptions
from tdxwrap.realtime.state import LiveState

SETS = ("invalidTexts", "fields", "aggregations", "subDurations", "rightValues", "conditions")
SMALLER = {"day": ("hour", 24), "hour": ("minute", 60)}


def rewritten(draw: st.DrawFn, value: Any, field: str = "") -> Any:
    """The same said otherwise: another order, unit, type of a number, or end of a description."""
    if isinstance(value, dict):
        value = {name: rewritten(draw, item, name) for name, item in value.items()}
        if value.get("unit") in SMALLER and draw(st.booleans()):
            unit, factor = SMALLER[value["unit"]]
            value |= {"unit": unit, "value": value["value"] * factor}
        return value
    if isinstance(value, list):
        items = [rewritten(draw, item, "item") for item in value]
        return draw(st.permutations(items)) if field in SETS else items
    if isinstance(value, str) and field == "description":
        return unicodedata.normalize("NFD", value) + draw(st.sampled_from(("", " ", "\n")))
    if isinstance(value, int) and field == "maxItems":
        return draw(st.sampled_from((value, str(value))))
    return value


@st.composite
def rewritings(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    """A live state, and the same one as an API may store it."""
    scenario = draw(scenarios())
    other = copy.deepcopy(scenario)
    for segment in other["segments"]:
        segment["realtime"] = rewritten(draw, segment["realtime"])
    return scenario, other


@given(pair=rewritings())
def test_a_rewriting_of_the_live_state_gives_an_empty_plan(
    pair: tuple[dict[str, Any], dict[str, Any]],
) -> None:
    scenario, other = pair
    with account(scenario) as there:
        loaded = parse("exported.yaml", config_text(there.live()).encode(), environ={})
    with account(other) as there:
        assert there.plan(loaded.config).pending == ()


def names(live: LiveState) -> set[tuple[str, str]]:
    return {
        *(("event table", str(table)) for table in live.event_tables),
        *(("stitching key", key.name) for key in live.stitching_keys),
        *(("batch attribute", part.column) for part in live.batch_attributes),
        *(("key event", event.value.name) for event in live.key_events),
        *(("attribute", attribute.value.key) for attribute in live.attributes),
        *(("imported attribute", part.column) for part in live.imported),
    }


@given(scenario=scenarios(), desired=configs(), jobs=st.sampled_from([1, 4]))
def test_after_apply_the_plan_is_empty_and_nothing_is_lost(
    scenario: dict[str, Any], desired: dict[str, Any], jobs: int
) -> None:
    config = RtConfig.model_validate(desired)
    with account(scenario) as there:
        plan = there.plan(config, PlanOptions(replace=True))
        # A key event cannot be replaced while attributes that the file does not know hang on it.
        assume(not plan.blockers)
        before = names(plan.live)
        there.carry_out(plan, jobs)

        again = there.plan(config)
        assert again.pending == ()
        assert before <= names(again.live)

        there.world.clear_calls()
        there.carry_out(again, jobs)
        assert there.world.writes() == []


MASTER = dict.fromkeys(("customer_id", "tier", "city"), "string")
# What an API may make of what it stores, and it still says the same.
KEEPING = ("trims", "sorts", "changes units")


@given(scenario=scenarios(), desired=configs(), ways=st.lists(st.sampled_from(KEEPING), min_size=1))
def test_an_api_that_stores_the_same_otherwise_changes_nothing(
    scenario: dict[str, Any], desired: dict[str, Any], ways: list[str]
) -> None:
    config = RtConfig.model_validate(desired)
    with account({**scenario, "tdx": {**scenario["tdx"], "normalizes": ways}}) as there:
        plan = there.plan(config, PlanOptions(replace=True))
        assume(not plan.blockers)
        there.carry_out(plan)
        again = there.plan(config)
        assert again.pending == ()

        there.world.clear_calls()
        there.carry_out(again)
        assert there.world.writes() == []


WAYS = (*KEEPING, "lower-cases", "turns numbers into text")


@given(desired=configs(), ways=st.lists(st.sampled_from(WAYS), min_size=1))
def test_what_an_api_stores_otherwise_is_known_as_what_was_created(
    desired: dict[str, Any], ways: list[str]
) -> None:
    config = RtConfig.model_validate(desired)
    blank = {"id": "394649", "name": "Customer 360"}
    scenario = {
        "tdx": {"normalizes": ways, "more_properties": [NOVELTY]},
        "databases": databases(),
        "segments": [{**blank, "master_table": {"columns": MASTER}}],
    }
    with account(scenario) as there:
        written = there.carry_out(there.plan(config))
        live = there.live()
        found = build_plan(config, live, made=written.made)
        assert {change.action for change in found.pending} <= {Action.UPDATE}
        options = PlanOptions(prune=True, replace=True)
        again = build_plan(config, live, options)
        assert again.blockers or {c.action for c in again.pending} <= {Action.UPDATE}


def lookup_keys(attribute: Any) -> tuple[Any, ...]:
    return tuple(getattr(attribute, "lookup_keys", ()))


@given(scenario=scenarios(), desired=configs())
def test_pruning_leaves_what_the_file_says(
    scenario: dict[str, Any], desired: dict[str, Any]
) -> None:
    config = RtConfig.model_validate(desired)
    options = PlanOptions(prune=True, replace=True, force=True)
    with account(scenario) as there:
        plan = there.plan(config, options)
        # What a lookup of the file is made with stays, with all that it needs itself.
        made_with = {key.id for each in config.attributes for key in lookup_keys(each)}
        labels = {
            label for each in plan.live.attributes for label in (each.value.key, each.value.name)
        }
        assume(not made_with & labels)
        there.carry_out(plan)

        again = there.plan(config, options)
        assert again.pending == ()
        assert not again.blockers
        left = {(str(c.kind), c.name) for c in again.changes if c.action is Action.UNMANAGED}
        assert left <= {("lookup key", "customer_id")}


@given(scenario=scenarios())
def test_an_export_is_valid_and_its_plan_is_empty(scenario: dict[str, Any]) -> None:
    with account(scenario) as there:
        live = there.live()
        text = config_text(live)
        loaded = parse("exported.yaml", text.encode(), environ={})

        plan = there.plan(loaded.config)
        assert plan.pending == ()
        assert {c.action for c in plan.changes} <= {Action.UNCHANGED}
        assert "left out" not in text


@given(scenario=scenarios())
@pytest.mark.long
def test_an_export_makes_an_equal_segment_elsewhere(scenario: dict[str, Any]) -> None:
    elsewhere = {**scenario, "segments": [{**scenario["segments"][0], "realtime": None}]}
    with account(scenario) as here, account(elsewhere) as there:
        exported = parse("exported.yaml", config_text(here.live()).encode(), environ={})
        there.carry_out(there.plan(exported.config))

        assert config_text(there.live()) == config_text(here.live())


@pytest.mark.parametrize("page", [1, 2, 7])
def test_all_pages_are_read(page: int) -> None:
    attributes = [
        {
            "name": f"counter {n}",
            "identifier": f"counter_{n}",
            "type": "counter",
            "keyEvent": "page_view",
            "increment": {"type": "const", "value": 1},
            "duration": {"value": 1, "unit": "day"},
        }
        for n in range(15)
    ]
    event = {"name": "page_view", "databaseName": "web", "tableName": "t"}
    scenario = {
        "tdx": {"page_size_max": page},
        "databases": {"web": {"t": {"x": "string"}}},
        "segments": [
            {
                "id": "394649",
                "name": "Customer 360",
                "realtime": {
                    "eventTables": [{"database": "web", "table": "t"}],
                    "keyEvents": [event],
                    "attributes": attributes,
                },
            }
        ],
    }
    with account(scenario) as there:
        live = there.live()
    assert [a.value.key for a in live.attributes] == [f"counter_{n}" for n in range(15)]
