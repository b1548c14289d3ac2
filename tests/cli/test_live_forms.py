"""What is live in a form that nobody here wrote: it counts, is named, and stays as it is."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from support.shells import Shell

from tdxwrap.fake.control import World

pytestmark = pytest.mark.usefixtures("tdx_inside")


def condition(**fields: Any) -> dict[str, Any]:
    whole = {"type": "Column", "column": "price", "operator": {"type": "Equal", "rightValue": 1}}
    return {"type": "And", "conditions": [{**whole, **fields}]}


VALUE = {"type": "Value", "leftValue": {"name": "event_name", "source": "event"}, "column": None}
FILTERS = {
    "value": condition(**VALUE),
    "operator": condition(operator={"type": "GreaterThan", "rightValue": 1}),
    "arrayMatching": condition(arrayMatching={"any": True}),
    "caseSensitive": condition(caseSensitive=False),
    "not null": condition(operator={"type": "Equal", "not": None, "rightValue": 1}),
    "conditions null": {"type": "Or", "conditions": None},
    "group": {"type": "Not", "conditions": [condition()]},
}


@pytest.fixture
def world(new_world: Callable[..., World]) -> World:
    return new_world("configured")


@pytest.fixture
def user(world: World, new_shell: Callable[..., Shell]) -> Shell:
    return new_shell(world)


def live(world: World) -> dict[str, Any]:
    return dict(world.segment("394649")["realtime"])


def named(items: list[dict[str, Any]], name: str) -> dict[str, Any]:
    [found] = [item for item in items if item["name"] == name]
    return found


def read(user: Shell) -> str:
    return (user.cwd / "rt.yaml").read_text(encoding="utf-8")


def exported(user: Shell) -> str:
    done = user.run("export", "394649", "-f", "rt.yaml")
    assert done.code == 0, done.text
    checked = user.run("check", "rt.yaml")
    assert checked.code == 0, checked.text
    plan = user.run("plan", "rt.yaml", "--exit-code")
    assert plan.code == 0, plan.text
    return read(user)


@pytest.mark.parametrize("rule", FILTERS.values(), ids=FILTERS)
def test_a_filter_in_any_form_is_carried_as_it_is(
    rule: dict[str, Any], user: Shell, world: World
) -> None:
    with world.edit_segment("394649") as segment:
        named(segment["realtime"]["keyEvents"], "page_view")["filterRule"] = rule
        named(segment["realtime"]["attributes"], "cart_items")["actions"][0]["filterRule"] = rule
    text = exported(user)
    assert "left out" not in text
    if rule != FILTERS["conditions null"]:  # it says the same as no filter
        assert "filter_rule:" in text
        assert "passed on as it is" in user.run("check", "rt.yaml").text
    assert "✓ key events    3\n✓ RT attributes 6" in user.run("verify", "394649").text

    changed = text.replace("Any page view", "Each page view")
    user.write("rt.yaml", changed)
    world.clear_calls()
    assert user.run("apply", "rt.yaml", "--yes", "--no-check-columns").code == 0
    assert [call.body for call in world.writes()] == [{"description": "Each page view"}]
    assert named(live(world)["keyEvents"], "page_view")["filterRule"] == rule


def test_a_filter_of_another_form_that_is_not_live_needs_force(user: Shell, world: World) -> None:
    rule = {
        "type": "And",
        "conditions": [{"type": "Column", "column": "price", "operator": {"type": "Eqaul"}}],
    }
    event = {"name": "typo", "database": "web_events", "table": "carts", "filter_rule": rule}
    user.write("rt.yaml", json.dumps({"parent_segment": "394649", "key_events": [event]}))
    checked = user.run("check", "rt.yaml")
    assert checked.code == 0
    assert "did you mean Equal?" in checked.text
    world.clear_calls()
    for command in (["plan", "rt.yaml", "--exit-code"], ["apply", "rt.yaml", "--yes"]):
        refused = user.run(*command)
        assert refused.code == 4, refused.text
        assert "a filter in a form that this version does not know" in refused.text
        assert "--force" in refused.text
    assert world.writes() == []
    assert user.run("plan", "rt.yaml", "--force").code == 0
    assert (
        user.run("apply", "rt.yaml", "--yes", "--no-check-columns", "--force").code == 4
    )  # tdx says no
    assert [call.body["filterRule"] for call in world.writes()] == [rule]


FORMS: dict[str, tuple[str, str, Any]] = {
    "data type": ("last_product_viewed", "dataType", "boolean"),
    "weeks": ("last_product_viewed", "duration", {"value": 1, "unit": "week"}),
    "months": ("page_views", "subDurations", [{"name": "m", "value": 1, "unit": "month"}]),
    "aggregation": ("cart_items", "aggregations", [{"identifier": "x", "column": "price"}]),
    "description": ("items_bought", "description", 5),
    "increment": ("items_bought", "increment", {"type": "formula", "value": "a*b"}),
    "no type": ("items_bought", "type", "hologram"),
    "identifier": ("items_bought", "identifier", 5),
    "filter": ("items_bought", "filterRule", "price > 5"),
    "fields": ("cart_items", "fields", {"all": True}),
    "actions": ("cart_items", "actions", [{"action": "merge", "realtimeKeyEventId": "8103"}]),
}


@pytest.mark.parametrize(("name", "field", "value"), FORMS.values(), ids=FORMS)
def test_an_attribute_in_another_form_counts_and_stays(
    name: str, field: str, value: Any, user: Shell, world: World
) -> None:
    with world.edit_segment("394649") as segment:
        named(segment["realtime"]["attributes"], name)[field] = value
    before = live(world)["attributes"]
    text = exported(user)
    assert f'# left out: attribute "{name}": "this version cannot read its ' in text
    assert "✓ key events    3\n✓ RT attributes 6" in user.run("verify", "394649").text

    user.write("rt.yaml", "parent_segment: '394649'\nevent_tables: []\n")
    pruned = user.run("apply", "rt.yaml", "--yes", "--no-check-columns", "--prune", "--force")
    assert pruned.code == 0, pruned.text
    left = named(live(world)["attributes"], name)
    assert left == named(before, name)
    ids = {left["realtimeKeyEventId"], *(a["realtimeKeyEventId"] for a in left.get("actions", []))}
    assert ids == {event["id"] for event in live(world)["keyEvents"]}


def test_a_field_that_is_live_in_another_form_is_set_where_the_file_states_it(
    user: Shell, world: World
) -> None:
    text = exported(user)
    with world.edit_segment("394649") as segment:
        attribute = named(segment["realtime"]["attributes"], "page_views")
        attribute |= {"duration": {"value": 1, "unit": "week"}, "novelty": [1]}
    plan = user.run("plan", "rt.yaml")
    assert '{"value": 1, "unit": "week"}  →  7 days' in plan.out, plan.text
    assert user.run("apply", "rt.yaml", "--yes", "--no-check-columns").code == 0
    now = named(live(world)["attributes"], "page_views")
    assert (now["duration"], now["novelty"]) == ({"value": 7, "unit": "day"}, [1])
    assert text == read(user)


def test_an_update_of_a_list_keeps_what_its_entries_have_beside(user: Shell, world: World) -> None:
    with world.edit_segment("394649") as segment:
        for part in named(segment["realtime"]["attributes"], "cart_items")["aggregations"]:
            part["novelty"] = part["identifier"]
    text = exported(user)
    assert '# left out: properties that this version does not know: ["novelty"]' in text
    user.write("rt.yaml", text.replace("name: total", "name: The total", 1))
    world.set("tdx.more_properties", ["novelty"])
    done = user.run("apply", "rt.yaml", "--yes", "--no-check-columns")
    [sent] = [call.body for call in world.writes()]
    assert [(part["name"], part["novelty"]) for part in sent["aggregations"]] == [
        ("items", "items"),
        ("The total", "total"),
    ]
    assert done.code in (0, 4)


ENTRIES: dict[str, list[Any]] = {
    "eventTables": [
        {"novel": 1, "database": "web_events", "table": "pageviews"},
        {"db": "web_events", "table": "carts"},
        {"database": "web_events", "table": "orders", "sampling": None},
        {"db": "web_events", "table": "carts"},
        "web_events.taps",
    ],
    "keyColumns": [
        {"name": "td_client_id", "validRegexp": 5, "novel": {"a": None}},
        {"column": "email"},
        {"invalidTexts": [], "name": "customer_id"},
    ],
    "batchAttributes": [{"column": "loyalty_tier", "label": "Tier"}, {"attribute": "city"}, 7],
}


def test_lists_of_the_setting_are_sent_back_as_they_are(user: Shell, world: World) -> None:
    with world.edit_segment("394649") as segment:
        segment["realtime"].update(deepcopy(ENTRIES))
    text = exported(user)
    for name in ('stitching key "td_client_id"', "event table", "batch attribute"):
        assert f"# left out: {name}" in text
    user.write(
        "rt.yaml",
        "parent_segment: '394649'\nevent_tables: [web_events.carts]\n"
        "id_stitching: {keys: [cart_id, {name: customer_id, internal: true}]}\n"
        "batch_attributes: [lifetime_value]\n",
    )
    world.set("tdx.more_properties", ["novel"])
    world.clear_calls()
    done = user.run("apply", "rt.yaml", "--yes", "--no-check-columns")
    assert done.code == 0, done.text
    tables, stitching = (call.body for call in world.writes())
    carts = {"database": "web_events", "table": "carts"}
    assert tables == {"eventTables": [*ENTRIES["eventTables"], carts]}
    key, column, customer = ENTRIES["keyColumns"]
    cart = {"name": "cart_id", "validRegexp": None, "invalidTexts": [], "internal": False}
    assert stitching == {
        "keyColumns": [key, column, customer | {"internal": True}, cart],
        "batchAttributes": [
            *ENTRIES["batchAttributes"],
            {"column": "lifetime_value", "name": None},
        ],
    }
    assert user.run("plan", "rt.yaml", "--exit-code").code == 0
    pruned = user.run("apply", "rt.yaml", "--yes", "--no-check-columns", "--prune", "--force")
    assert pruned.code == 0, pruned.text
    assert "this version cannot read its form" in user.run("plan", "rt.yaml", "--prune").text
    assert live(world)["keyColumns"][:2] == [key, column]
    _, db, _, same, text, *_ = ENTRIES["eventTables"]
    assert live(world)["eventTables"] == [db, same, text, carts]


def test_a_null_in_the_file_is_as_good_as_nothing(user: Shell, world: World) -> None:
    text = exported(user)
    user.write("rt.yaml", text.replace("identifier: page_views\n", "identifier:\n"))
    assert "identifier:\n" in read(user)
    assert user.run("plan", "rt.yaml", "--exit-code").code == 0
    assert user.run("verify", "rt.yaml").code == 0


def test_an_action_always_carries_its_filter(user: Shell, world: World) -> None:
    user.write(
        "rt.yaml",
        "parent_segment: '394649'\n"
        "key_events: [{name: cart_add, table: web_events.carts}]\n"
        "attributes:\n"
        "- {name: a, type: list, key_event: cart_add, id_column: price, duration: 1 day,\n"
        "   actions: [{action: clear, key_event: cart_add}]}\n",
    )
    assert user.run("apply", "rt.yaml", "--yes", "--no-check-columns").code == 0
    [action] = named(live(world)["attributes"], "a")["actions"]
    assert action["filterRule"] == {"type": "And", "conditions": []}


def test_prune_leaves_what_a_lookup_is_made_with(user: Shell, world: World) -> None:
    text = exported(user)
    event, attributes = text.index("key_events:"), text.index("attributes:\n- name: last")
    lookup = text[text.index("- name: product_lookup") :]
    assert event < attributes
    user.write("rt.yaml", text[:attributes] + "attributes:\n" + lookup)
    plan = user.run("plan", "rt.yaml", "--prune", "--force")
    assert "a lookup is made with it" in plan.text
    assert (
        user.run("apply", "rt.yaml", "--yes", "--no-check-columns", "--prune", "--force").code == 0
    )
    left = [attribute["name"] for attribute in live(world)["attributes"]]
    assert {"last_product_viewed", "product_lookup"} <= set(left)
    assert "cart_items" not in left


def test_prune_leaves_what_an_unstated_action_reads(user: Shell, world: World) -> None:
    user.write(
        "rt.yaml",
        "parent_segment: '394649'\n"
        "key_events: [{name: cart_add, table: web_events.carts}]\n"
        "attributes:\n"
        "- {name: cart_items, type: list, key_event: cart_add, id_column: product_id,\n"
        "   duration: 14 days}\n",
    )
    assert (
        user.run("apply", "rt.yaml", "--yes", "--no-check-columns", "--prune", "--force").code == 0
    )
    assert {event["name"] for event in live(world)["keyEvents"]} == {"cart_add", "purchase"}
    assert user.run("plan", "rt.yaml", "--prune", "--exit-code").code == 0


def test_what_check_would_refuse_is_left_out(user: Shell, world: World) -> None:
    with world.edit_segment("394649") as segment:
        realtime = segment["realtime"]
        realtime["eventTables"] = [t for t in realtime["eventTables"] if t["table"] != "carts"]
        realtime["keyColumns"].append(deepcopy(realtime["keyColumns"][0]))
        twice = deepcopy(named(realtime["attributes"], "page_views"))
        realtime["attributes"].append(twice | {"id": "9", "name": "Page Views"})
    text = exported(user)
    left_out = {line.split('"')[1] for line in text.splitlines() if line.startswith("# left out")}
    assert left_out == {"cart_add", "cart_items", "td_client_id", "Page Views"}


def test_long_filters_are_a_fact_where_they_are_live(user: Shell, world: World) -> None:
    with world.edit_segment("394649") as segment:
        for event in segment["realtime"]["keyEvents"]:
            rule = condition(operator={"type": "Equal", "not": False, "rightValue": "x" * 500})
            event["filterRule"] = rule
    text = exported(user)
    assert "left out" not in text
    assert "characters in the filters of all key events" in user.run("check", "rt.yaml").text

    user.write("rt.yaml", text.replace("Any page view", "Each page view"))
    assert user.run("plan", "rt.yaml", "--exit-code", "--no-check-columns").code == 7
    user.write("rt.yaml", text.replace("x" * 500, "y" * 500, 1))
    refused = user.run("apply", "rt.yaml", "--yes", "--no-check-columns")
    assert refused.code == 4
    assert "a parent segment takes at most 1,000" in refused.text
