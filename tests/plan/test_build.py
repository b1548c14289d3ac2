"""The plan: a pure function of configuration and live state, rule by rule."""

from __future__ import annotations

from typing import Any

import pytest
from support.items import ATTRIBUTE

from tdxwrap.apply.lists import merged
from tdxwrap.config.attributes import BaseAttribute, attribute_from_api
from tdxwrap.config.models import BatchAttribute, EventTable, KeyEvent, RtConfig, StitchingKey
from tdxwrap.plan.build import build_plan
from tdxwrap.plan.changes import Action, Kind, Plan, PlanOptions
from tdxwrap.realtime.state import LiveAttribute, LiveKeyEvent, LiveState, Segment

SEGMENT = Segment("394649", "Customer 360", "ok")
COUNTER = {"type": "counter", "key_event": "page_view", "duration": "1 day"}
SINGLE = {
    "type": "single",
    "key_event": "page_view",
    "value_column": "product_id",
    "data_type": "string",
    "duration": "1 day",
}


def live(**parts: Any) -> LiveState:
    return LiveState(SEGMENT, initialized=True, **parts)


def event(id: str = "1", **fields: Any) -> LiveKeyEvent:
    stated = {"name": "page_view", "database": "web", "table": "pageviews", **fields}
    return LiveKeyEvent(id, KeyEvent.model_validate(stated))


def attribute(id: str = "11", **fields: Any) -> LiveAttribute:
    return LiveAttribute(id, ATTRIBUTE.validate_python(fields))


def tables(*names: str) -> tuple[EventTable, ...]:
    return tuple(EventTable.model_validate(name) for name in names)


def keys(*items: Any) -> tuple[StitchingKey, ...]:
    return tuple(StitchingKey.model_validate(item) for item in items)


def plan(config: dict[str, Any], state: LiveState, **options: bool) -> Plan:
    return build_plan(RtConfig.model_validate(config), state, PlanOptions(**options))


def actions(made: Plan, kind: Kind) -> dict[str, Action]:
    return {change.name: change.action for change in made.changes if change.kind is kind}


# Lists of the setting


def test_event_tables_are_merged_in_the_order_of_what_is_there() -> None:
    made = plan({"event_tables": ["web.new", "web.b"]}, live(event_tables=tables("web.a", "web.b")))
    assert actions(made, Kind.EVENT_TABLE) == {
        "web.new": Action.CREATE,
        "web.b": Action.UNCHANGED,
        "web.a": Action.UNMANAGED,
    }
    after = merged(made, Kind.EVENT_TABLE, made.live.event_tables, without_deleted=False)
    assert [str(table) for table in after] == ["web.a", "web.b", "web.new"]


def test_a_stitching_key_given_by_name_keeps_what_live_has() -> None:
    state = live(stitching_keys=keys({"name": "email", "valid_regexp": "@", "internal": True}))
    made = plan({"id_stitching": {"keys": ["email"]}}, state)
    assert made.pending == ()


def test_a_stitching_key_with_other_settings_is_an_update_of_that_key_only() -> None:
    state = live(
        stitching_keys=keys({"name": "email", "valid_regexp": "@"}, "td_client_id", "device")
    )
    config = {"id_stitching": {"keys": [{"name": "email", "invalid_texts": ["null"]}]}}
    made = plan(config, state)
    (change,) = made.pending
    assert (change.action, change.name) == (Action.UPDATE, "email")
    assert [(f.name, f.old, f.new) for f in change.fields] == [("invalid_texts", [], ["null"])]
    after = merged(made, Kind.STITCHING_KEY, made.live.stitching_keys, without_deleted=False)
    assert [key.to_api() for key in after] == [
        {"name": "email", "validRegexp": "@", "invalidTexts": ["null"], "internal": False},
        {"name": "td_client_id", "validRegexp": None, "invalidTexts": [], "internal": False},
        {"name": "device", "validRegexp": None, "invalidTexts": [], "internal": False},
    ]


def test_what_is_live_beside_the_extra_of_a_stitching_key_stays() -> None:
    there = {"name": "email", "validRegexp": "@", "novelty": 1, "other": [2]}
    state = live(stitching_keys=(StitchingKey.of(there),))
    stated = {"name": "email", "extra": {"novelty": 3}}
    made = plan({"id_stitching": {"keys": [stated]}}, state)
    (key,) = merged(made, Kind.STITCHING_KEY, state.stitching_keys, without_deleted=False)
    assert key.to_api() == there | {"novelty": 3}


def test_an_explicit_null_is_set() -> None:
    state = live(stitching_keys=keys({"name": "email", "valid_regexp": "@"}))
    made = plan({"id_stitching": {"keys": [{"name": "email", "valid_regexp": None}]}}, state)
    (change,) = made.pending
    assert [(f.name, f.old, f.new) for f in change.fields] == [("valid_regexp", "@", None)]


def test_batch_attributes_are_merged_by_column() -> None:
    state = live(batch_attributes=(BatchAttribute(column="tier", name="Tier"),))
    made = plan({"batch_attributes": ["tier", "city"]}, state)
    after = merged(made, Kind.BATCH_ATTRIBUTE, made.live.batch_attributes, without_deleted=False)
    assert [part.to_api() for part in after] == [
        {"column": "tier", "name": "Tier"},
        {"column": "city", "name": None},
    ]


@pytest.mark.parametrize(
    ("there", "wanted", "action", "dangerous"),
    [
        (None, "customer_id", Action.CREATE, False),
        ("customer_id", "customer_id", Action.UNCHANGED, False),
        ("customer_id", "member_id", Action.UPDATE, True),
        ("customer_id", None, Action.UNMANAGED, False),
    ],
)
def test_lookup_key(there: str | None, wanted: str | None, action: Action, dangerous: bool) -> None:
    stated = {} if wanted is None else {"ext_lookup_key": wanted}
    made = plan({"id_stitching": stated}, live(ext_lookup_key=there))
    (change,) = made.changes
    assert (change.action, change.dangerous) == (action, dangerous)


# Key events


def test_a_field_that_the_file_does_not_give_is_left_as_it_is() -> None:
    state = live(event_tables=tables("web.pageviews"), key_events=(event(description="by hand"),))
    config = {"key_events": [{"name": "page_view", "table": "web.pageviews"}]}
    assert plan(config, state).pending == ()


@pytest.mark.parametrize(
    ("there", "stated"),
    [
        ({"description": None}, {"description": ""}),
        ({"description": ""}, {"description": None}),
        ({"filter_rule": None}, {"filter_rule": {"type": "And", "conditions": []}}),
        ({}, {"filter_rule": None}),
    ],
)
def test_absent_null_and_empty_are_the_same(there: dict[str, Any], stated: dict[str, Any]) -> None:
    state = live(event_tables=tables("web.pageviews"), key_events=(event(**there),))
    config = {"key_events": [{"name": "page_view", "table": "web.pageviews", **stated}]}
    assert plan(config, state).pending == ()


def test_a_key_event_of_another_table_is_replaced_and_says_what_hangs_on_it() -> None:
    state = live(
        event_tables=tables("web.pageviews"),
        key_events=(event(),),
        attributes=(attribute(name="visits", identifier="visits", **COUNTER),),
    )
    config = {
        "key_events": [{"name": "page_view", "table": "web.other"}],
        "attributes": [{"name": "visits", **COUNTER}],
    }
    made = plan(config, state)
    (change,) = made.of(Kind.KEY_EVENT, Action.REPLACE)
    assert "visits" in change.reason
    assert made.of(Kind.ATTRIBUTE, Action.REPLACE)
    assert [blocker.flag for blocker in made.blockers] == ["--replace"]
    assert plan(config, state, replace=True).blockers == ()


def test_a_key_event_cannot_be_replaced_under_attributes_that_the_file_does_not_know() -> None:
    state = live(
        event_tables=tables("web.pageviews"),
        key_events=(event(),),
        attributes=(attribute(name="visits", identifier="visits", **COUNTER),),
    )
    made = plan({"key_events": [{"name": "page_view", "table": "web.other"}]}, state, replace=True)
    (blocker,) = made.blockers
    assert "visits" in blocker.reason
    assert blocker.flag == "--prune"


# Attributes


def state_with(*attributes: LiveAttribute) -> LiveState:
    return live(event_tables=tables("web.pageviews"), key_events=(event(),), attributes=attributes)


def config_with(*attributes: dict[str, Any]) -> dict[str, Any]:
    return {
        "key_events": [{"name": "page_view", "table": "web.pageviews"}],
        "attributes": list(attributes),
    }


def test_attributes_match_by_identifier_before_name() -> None:
    state = state_with(
        attribute("11", name="old name", identifier="visits", **COUNTER),
        attribute("12", name="other", identifier="other", **COUNTER),
    )
    made = plan(config_with({"name": "new name", "identifier": "visits", **COUNTER}), state)
    (change,) = made.pending
    assert (change.live_id, change.action) == ("11", Action.UPDATE)
    assert [(f.name, f.old, f.new) for f in change.fields] == [("name", "old name", "new name")]


def test_an_identifier_that_is_not_stated_is_left_as_it_is() -> None:
    state = state_with(attribute(name="visits", identifier="v_1", **COUNTER))
    assert plan(config_with({"name": "visits", **COUNTER}), state).pending == ()


@pytest.mark.parametrize(
    ("stated", "action"),
    [
        ({"duration": "2 days"}, Action.UPDATE),
        ({"description": "x"}, Action.UPDATE),
        ({"value_column": "other"}, Action.REPLACE),
        ({"data_type": "number"}, Action.REPLACE),
        ({"backfill": True}, Action.REPLACE),
        ({"filter_rule": {"type": "Or", "conditions": []}}, Action.REPLACE),
        ({"identifier": "other", "description": "x"}, Action.REPLACE),
    ],
)
def test_what_cannot_be_patched_is_replaced(stated: dict[str, Any], action: Action) -> None:
    state = state_with(attribute(name="last", identifier="last", **SINGLE))
    made = plan(config_with({"name": "last", **SINGLE, **stated}), state)
    (change,) = made.pending
    assert change.action is action
    assert bool(made.blockers) is (action is Action.REPLACE)
    if action is Action.REPLACE:
        assert "what it has collected is lost" in change.reason


def test_another_type_is_a_replace() -> None:
    state = state_with(attribute(name="last", identifier="last", **SINGLE))
    made = plan(config_with({"name": "last", **COUNTER}), state)
    (change,) = made.pending
    assert change.action is Action.REPLACE
    assert ("type", "single", "counter") in [(f.name, f.old, f.new) for f in change.fields]


@pytest.mark.parametrize(
    ("live", "file", "said"),
    [
        ({"sub": "ab"}, {"sub": "a"}, "sub_durations"),
        ({"sub": "a"}, {"sub": "ba"}, ""),
        ({"sub": "a"}, {"sub": "a", "name": "called otherwise"}, ""),
        ({"sub": "a"}, {"sub": "a", "value": 2}, "sub_durations"),
        ({"duration": "2 days"}, {"duration": "47 hours"}, "duration"),
        ({"duration": "2 days"}, {"duration": "49 hours"}, ""),
        ({"sub": "a", "duration": None}, {"sub": "a", "duration": "1 day"}, "duration"),
    ],
)
def test_less_of_a_counter_is_said(live: dict[str, Any], file: dict[str, Any], said: str) -> None:
    def counter(
        sub: str = "", duration: str | None = "2 days", value: int = 1, name: str = ""
    ) -> dict[str, Any]:
        windows = [
            {"name": name or n, "identifier": n, "value": value, "unit": "hour"} for n in sub
        ]
        return {"name": "a", **COUNTER, "duration": duration, "sub_durations": windows}

    made = plan(config_with(counter(**file)), state_with(attribute(**counter(**live))))
    (change,) = made.pending
    assert change.reason == (f"older values go: less is kept by {said}" if said else "")


def test_a_name_that_another_attribute_has_cannot_be_given_away() -> None:
    state = state_with(
        attribute("11", name="a", identifier="a", **COUNTER),
        attribute("12", name="b", identifier="b", **COUNTER),
    )
    made = plan(config_with({"name": "b", "identifier": "a", **COUNTER}), state)
    (blocker,) = made.blockers
    assert "cannot be called 'b'" in blocker.reason


def test_a_doubled_attribute_does_not_stand_in_its_own_way() -> None:
    state = state_with(
        attribute("11", name="a", identifier="a", **COUNTER),
        attribute("12", name="a", identifier="a", **COUNTER),
    )
    made = plan(config_with({"name": "a", **COUNTER}), state)
    assert made.pending == ()
    assert made.blockers == ()


def test_no_live_attribute_is_matched_twice() -> None:
    state = state_with(attribute("11", name="b", identifier="a", **COUNTER))
    made = plan(config_with({"name": "a", **COUNTER}, {"name": "b", **COUNTER}), state)
    ids = [change.live_id for change in made.changes if change.kind is Kind.ATTRIBUTE]
    assert sorted(ids, key=str) == ["11", None]


def test_an_item_of_a_kind_that_is_not_known_is_never_touched() -> None:
    answer = {"name": "visits", "type": "new", "realtimeKeyEventId": "page_view", "of": [1]}
    value = attribute_from_api(answer)
    assert isinstance(value, BaseAttribute)
    state = state_with(LiveAttribute("9", value))
    made = plan({"event_tables": ["web.pageviews"]}, state, prune=True, force=True)
    assert not made.pending
    # The key event stays as well: the strange attribute hangs on it.
    assert actions(made, Kind.KEY_EVENT) == {"page_view": Action.UNMANAGED}
    wanted = plan(config_with({"name": "visits", **COUNTER}), state, replace=True, force=True)
    assert "of type new now, which this version cannot read" in wanted.blockers[0].reason
    assert wanted.blockers[0].flag == ""


def test_an_item_that_cannot_be_read_is_found_by_its_identifier() -> None:
    value = attribute_from_api({"id": "9", "name": None, "identifier": "visits", "type": "new"})
    assert isinstance(value, BaseAttribute)
    wanted = config_with({"name": "Visits of a day", "identifier": "visits", **COUNTER})
    made = plan(wanted, state_with(LiveAttribute("9", value)), replace=True, force=True)
    assert [change.live_id for change in made.of(Kind.ATTRIBUTE)] == ["9"]
    assert [blocker.flag for blocker in made.blockers] == [""]


# Pruning


def full() -> LiveState:
    return live(
        event_tables=tables("web.pageviews", "web.b", "web.c", "web.d"),
        stitching_keys=keys("td_client_id", "device"),
        key_events=(event("1"), event("2", name="unused", table="b")),
        attributes=(
            attribute("11", name="kept", identifier="kept", **COUNTER),
            attribute("12", name="gone", identifier="gone", **COUNTER),
        ),
    )


KEPT = {
    "event_tables": ["web.pageviews", "web.c", "web.d"],
    "key_events": [{"name": "page_view", "table": "web.pageviews"}],
    "id_stitching": {"keys": ["td_client_id", "device"]},
    "attributes": [{"name": "kept", **COUNTER}],
}


def test_without_prune_nothing_is_deleted() -> None:
    made = plan(KEPT, full())
    assert made.pending == ()
    assert made.counts[Action.UNMANAGED] == 3


def test_prune_deletes_what_is_not_in_the_file() -> None:
    made = plan(KEPT, full(), prune=True)
    deleted = {(str(change.kind), change.name) for change in made.pending}
    assert deleted == {
        ("event table", "web.b"),
        ("key event", "unused"),
        ("attribute", "gone"),
    }
    assert made.blockers == ()
    after = merged(made, Kind.EVENT_TABLE, made.live.event_tables, without_deleted=True)
    assert [str(table) for table in after] == ["web.pageviews", "web.c", "web.d"]


@pytest.mark.parametrize(
    ("there", "kept", "replaced", "said"),
    [
        (6, 2, 0, "4 of 6 attributes would be deleted: a2, a3, a4, a5"),
        (6, 6, 3, "3 of 6 attributes would be replaced: a0, a1, a2"),
        (6, 5, 2, "3 of 6 attributes would be deleted or replaced: a0, a1, a5"),
        (9, 6, 0, ""),
        (3, 1, 0, ""),
        (2, 0, 0, "2 of 2 attributes would be deleted: a0, a1"),
        (2, 1, 1, "2 of 2 attributes would be deleted or replaced: a0, a1"),
        (1, 0, 0, ""),
        (9, 0, 0, "9 of 9 attributes would be deleted: a0, a1, a2, a3, a4, a5, a6, a7 and 1 more"),
    ],
)
def test_to_take_away_much_of_a_kind_needs_force(
    there: int, kept: int, replaced: int, said: str
) -> None:
    """Keys of which nothing goes do not water the share down."""
    items = [attribute(str(n), name=f"a{n}", identifier=f"a{n}", **COUNTER) for n in range(there)]
    names = ["td_client_id", "email", *(f"key{n}" for n in range(30))]
    state = live(
        event_tables=tables("web.pageviews"),
        stitching_keys=keys(*names),
        key_events=(event(),),
        attributes=tuple(items),
    )
    file = [
        {"name": f"a{n}", **COUNTER, **({"counter_type": "total"} if n < replaced else {})}
        for n in range(kept)
    ]
    config = {
        "key_events": [{"name": "page_view", "table": "web.pageviews"}],
        "id_stitching": {"keys": names},
        "attributes": file,
    }
    made = plan(config, state, prune=True, replace=True)
    assert [(b.reason, b.flag) for b in made.blockers] == ([(said, "--force")] if said else [])
    assert plan(config, state, prune=True, replace=True, force=True).blockers == ()


def test_a_second_key_event_of_a_name_stays_while_attributes_hang_on_the_name() -> None:
    state = live(
        event_tables=tables("web.pageviews"),
        key_events=(event("1"), event("2")),
        attributes=(attribute(name="kept", identifier="kept", **COUNTER),),
    )
    config = config_with({"name": "kept", **COUNTER})
    made = plan(config, state, prune=True, force=True)
    assert made.pending == ()
    reasons = [c.reason for c in made.of(Kind.KEY_EVENT, Action.UNMANAGED)]
    assert reasons == ["left alone: attributes hang on it"]


def test_of_two_of_one_name_the_first_is_meant() -> None:
    state = live(
        event_tables=tables("web.pageviews"),
        stitching_keys=keys({"name": "email", "valid_regexp": "@"}, "email"),
        key_events=(event("1", description="first"), event("2", description="second")),
        attributes=(
            attribute("11", name="a", identifier="a", description="first", **COUNTER),
            attribute("12", name="a", identifier="a", description="second", **COUNTER),
        ),
    )
    config = {
        "key_events": [{"name": "page_view", "table": "web.pageviews", "description": "first"}],
        "id_stitching": {"keys": [{"name": "email", "valid_regexp": "@"}]},
        "attributes": [{"name": "a", "description": "first", **COUNTER}],
    }
    made = plan(config, state)
    assert made.pending == ()
    second = "a second one of this name; 1 is the first"
    assert [c.reason for c in made.of(Kind.KEY_EVENT, Action.UNMANAGED)] == [second]


def test_what_a_file_does_not_mention_at_all_is_not_managed() -> None:
    made = plan({"event_tables": ["web.pageviews"]}, full())
    assert made.pending == ()
    assert made.counts[Action.UNMANAGED] == 9


@pytest.mark.parametrize(
    ("there", "stated", "blocked"),
    [
        ("Page View", "page  view", True),
        ("プレビュー", "フ\u309aレヒ\u3099ュー", False),
        ("プレビュー x", "フ\u309aレヒ\u3099ュー X", True),
        ("page_view", "ｐage_view", False),
        ("page_view", "page_views", False),
    ],
)
def test_a_name_that_live_spells_otherwise_needs_force(
    there: str, stated: str, blocked: bool
) -> None:
    config = {"key_events": [{"name": stated, "table": "web.pageviews"}]}
    state = live(key_events=(event(name=there),))
    flags = ["--force"] if blocked else []
    assert [blocker.flag for blocker in plan(config, state).blockers] == flags
    assert plan(config, state, force=True).blockers == ()


def test_a_name_beside_one_that_the_file_states_too_is_created() -> None:
    table = "web.pageviews"
    config = {"key_events": [{"name": n, "table": table} for n in ("page_view", "Page_View")]}
    assert plan(config, live(key_events=(event(name="page_view"),))).blockers == ()
