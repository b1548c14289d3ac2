"""Reading what is live: which segment, which forms of answer, and what this version cannot read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from support.inprocess import NO_RETRY, account
from support.worlds import shipped

from tdxwrap.config.equality import SETTING_LISTS
from tdxwrap.errors import MalformedOutput, NotFound, Refused
from tdxwrap.realtime.api import Realtime
from tdxwrap.realtime.read import ATTRIBUTES, KEY_EVENTS, is_id, resolve_segment
from tdxwrap.realtime.state import LiveState, Segment
from tdxwrap.tdx.client import Tdx

HALF = shipped("half-configured")
Answers = Mapping[str, Callable[..., Any]]


def live(segment: str = "394649", answers: Answers | None = None, **fields: Any) -> LiveState:
    """What is live on the half configured segment.

    Args:
        segment: its id or name, as a file states it.
        answers: calls of the API that answer otherwise.
        fields: of the segment in the scenario, in place of what is there.
    """
    [there] = HALF["segments"]
    with account({**HALF, "segments": [there | fields]}) as found:
        found.segment = segment
        for name, answer in (answers or {}).items():
            setattr(found.api, name, answer)
        return found.live()


# Which segment


def resolved(ps: str, *found: Segment) -> Segment:
    """The one of these that is meant; no call is made."""
    return resolve_segment(Realtime(Tdx("/nowhere")), NO_RETRY, ps, found)


@pytest.mark.parametrize(("ps", "is_one"), [("394649", True), ("39464²", False), ("٣", False)])
def test_an_id_consists_of_the_digits_that_an_endpoint_knows(ps: str, is_one: bool) -> None:
    assert is_id(ps) is is_one


def test_an_id_goes_before_a_name() -> None:
    named, meant = Segment("1", "2", "ok"), Segment("2", "other", "ok")
    assert resolved("2", named, meant) is meant
    assert resolved("2", named) is named


def test_a_name_of_several_is_refused_with_their_ids() -> None:
    with pytest.raises(Refused, match="2 parent segments are called 'x'") as caught:
        resolved("x", Segment("1", "x", None), Segment("2", "x", None))
    assert "1, 2" in str(caught.value.hint)


@pytest.mark.parametrize("name", ["Customer 360", "777", "顧客"])
def test_it_is_found_by_its_name_also_by_one_of_digits(name: str) -> None:
    found = live(name, name=name)
    assert (found.segment.id, found.segment.name) == ("394649", name)
    assert found.key_events


@pytest.mark.parametrize("missing", ["nobody", "1"])
def test_a_segment_that_is_not_there(missing: str) -> None:
    with pytest.raises(NotFound, match=f"there is no parent segment '{missing}'"):
        live(missing)


# The forms of answers


def no_setting(segment: str) -> Any:
    raise NotFound("404")


@pytest.mark.parametrize(
    "setting",
    [
        lambda segment: {},
        lambda segment: {"eventTables": None, "keyColumns": None, "batchAttributes": None},
        no_setting,
    ],
)
def test_a_setting_without_its_lists_is_blank_only_where_nothing_was_configured(
    setting: Callable[..., Any],
) -> None:
    found = live(answers={"setting": setting})
    assert found.unread == {"eventTables", "keyColumns", "batchAttributes", "extLookupKey"}
    with pytest.raises(MalformedOutput, match="came without batchAttributes, eventTables"):
        found.require(SETTING_LISTS)
    blank = live(answers={"setting": setting, "view": lambda segment: False})
    assert (blank.event_tables, blank.stitching_keys, blank.batch_attributes) == ((), (), ())
    assert blank.ext_lookup_key is None
    assert blank.unread == frozenset()
    blank.require(SETTING_LISTS)


@pytest.mark.parametrize("missing", ["eventTables", "keyColumns", "batchAttributes"])
def test_one_list_that_is_missing_leaves_the_others_alone(missing: str) -> None:
    whole = {"eventTables": [], "keyColumns": [], "batchAttributes": [], "extLookupKey": None}
    found = live(answers={"setting": lambda segment: whole | {missing: None}})
    assert found.unread == {missing}
    found.require(SETTING_LISTS - {missing})


LISTS = {
    "eventTables": "event_tables",
    "keyColumns": "stitching_keys",
    "batchAttributes": "batch_attributes",
}


@pytest.mark.parametrize("name", LISTS)
def test_a_list_of_the_setting_that_is_none_stops_all(name: str) -> None:
    with pytest.raises(MalformedOutput, match=f"cannot read the {name}") as caught:
        live(answers={"setting": lambda segment: {name: 7}})
    assert caught.value.said


@pytest.mark.parametrize("name", LISTS)
def test_every_entry_of_a_list_is_there_to_be_sent_back(name: str) -> None:
    entries = [
        "x",
        {"db": "x"},
        7,
        None,
        {"database": "a", "table": "b", "name": "n", "column": "c", "more": [1], "nothing": None},
        {"database": "a", "table": "b", "name": "n", "column": "c", "internal": 2, "other": {}},
    ]
    found = live(answers={"setting": lambda segment: {name: entries}})
    assert [part.to_api() for part in getattr(found, LISTS[name])] == entries


def test_ids_become_names_wherever_a_key_event_is_meant() -> None:
    events = ({"id": 5, "name": "view"} | EVENT, {"id": "6", "name": "gone"} | EVENT)
    attributes = (
        LIST | {"realtimeKeyEventId": 5, "actions": [CLEAR | {"realtimeKeyEventId": "6"}]},
    )
    [found] = live(answers=listed(events, attributes)).attributes
    document = found.value.model_dump()
    assert document["key_event"] == "view"
    assert [action["key_event"] for action in document["actions"]] == ["gone"]


def test_what_cannot_be_read_counts_and_is_named_and_what_hangs_on_it_is_found() -> None:
    part = {"of": [{"realtimeKeyEventId": 6}, {"keyEventIds": ["6", 5]}]}
    strange = {"id": 9, "name": None, "identifier": "strange_id", "type": "hologram"} | part
    events = ({"id": 5, "name": "view"} | EVENT, {"id": 6, "name": None, "tableName": "t"})
    weeks = {"duration": {"value": 1, "unit": "week"}}
    attributes = (LIST | weeks | {"realtimeKeyEventId": 5}, strange)
    found = live(answers=listed(events, attributes))
    read = {event.value.name: dict(event.value.unread) for event in found.key_events}
    assert read == {"view": {}, "6": {"database": None}}
    viewed, hologram = (attribute.value for attribute in found.attributes)
    assert (viewed.name, viewed.key_events(), viewed.unread) == ("viewed", ("view",), weeks)
    assert (hologram.name, hologram.key) == ("strange_id", "strange_id")
    assert hologram.key_events() == ("6", "view")
    assert hologram.unread["type"] == "hologram"


EVENT = {
    "databaseName": "web_events",
    "tableName": "pageviews",
    "filterRule": {"type": "And", "conditions": []},
}
LIST = {
    "id": "1",
    "name": "viewed",
    "identifier": "viewed",
    "type": "list",
    "duration": {"value": 1, "unit": "day"},
    "aggregations": [
        {"name": "i", "identifier": "i", "column": "id", "aggregationType": "distinct_list"}
    ],
}
CLEAR = {"action": "clear"}


def listed(*items: tuple[dict[str, Any], ...]) -> Answers:
    """Lists of key events and of attributes."""
    held = dict(zip((KEY_EVENTS, ATTRIBUTES), items, strict=True))
    return {"items": lambda segment, collection: held[collection]}
