"""Reading what is live: which segment, which forms of answer, and what this version cannot read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
import yaml
from support.inprocess import NO_RETRY, account
from support.shells import FIXTURES

from tdxwrap.errors import MalformedOutput, NotFound, Refused
from tdxwrap.realtime.api import Realtime
from tdxwrap.realtime.read import ATTRIBUTES, KEY_EVENTS, resolve_segment
from tdxwrap.realtime.state import SETTING_LISTS, LiveState, Segment
from tdxwrap.tdx.client import Tdx

HALF = yaml.safe_load((FIXTURES / "scenarios" / "half-configured.yaml").read_text("utf-8"))
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


@pytest.mark.parametrize("name", ["eventTables", "keyColumns", "batchAttributes"])
@pytest.mark.parametrize("value", [["x"], [{"db": "x"}], 7, [None]])
def test_a_list_of_the_setting_that_cannot_be_read_stops_all(name: str, value: object) -> None:
    with pytest.raises(MalformedOutput, match=f"cannot read the {name}") as caught:
        live(answers={"setting": lambda segment: {name: value}})
    assert caught.value.said


def test_ids_become_names_wherever_a_key_event_is_meant() -> None:
    events = ({"id": 5, "name": "view"} | EVENT, {"id": "6", "name": "gone"} | EVENT)
    attributes = (
        LIST | {"realtimeKeyEventId": 5, "actions": [CLEAR | {"realtimeKeyEventId": "6"}]},
    )
    [found] = live(answers=listed(events, attributes)).attributes
    document = found.value.model_dump()
    assert document["key_event"] == "view"
    assert [action["key_event"] for action in document["actions"]] == ["gone"]


def test_what_cannot_be_read_is_named_and_the_rest_is_read() -> None:
    strange = {"id": 9, "name": "strange", "identifier": "strange_id", "type": "hologram"}
    events = ({"id": 5, "name": "view"} | EVENT, {"id": 6, "name": "half"})
    attributes = (LIST | {"realtimeKeyEventId": 5}, strange | {"realtimeKeyEventId": 5})
    found = live(answers=listed(events, attributes))
    assert [event.value.name for event in found.key_events] == ["view"]
    assert [attribute.value.name for attribute in found.attributes] == ["viewed"]
    told = {(each.kind, each.id, each.name, each.identifier) for each in found.unreadable}
    assert told == {
        ("key event", "6", "half", ""),
        ("attribute", "9", "strange", "strange_id"),
    }
    [attribute] = [each for each in found.unreadable if each.kind == "attribute"]
    assert attribute.key_events == ("view",)
    assert "hologram" in attribute.reason


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
