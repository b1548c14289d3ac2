"""The declared shapes: what fits, and where an answer deviates."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tdxwrap.realtime import shapes
from tdxwrap.realtime.shapes import Shape

EVENTS, ATTRIBUTES = (shapes.LISTS[f"realtime_{name}"] for name in ("key_events", "attributes"))
EVENT = {"id": 1, "name": "view", "databaseName": "web", "tableName": "views", "filterRule": None}
SINGLE = {
    "id": "2",
    "name": "Last",
    "identifier": "last",
    "type": "single",
    "realtimeKeyEventId": "1",
    "valueColumn": "product",
    "dataType": "string",
    "duration": {"value": 1, "unit": "day"},
}
SETTING: dict[str, Any] = {
    "status": "ok",
    "eventTables": [{"database": "web", "table": "views"}],
    "keyColumns": [{"name": "email", "validRegexp": "", "invalidTexts": ["null"]}],
    "batchAttributes": [],
    "extLookupKey": None,
}


def deviations(shape: Shape, answer: Any) -> set[tuple[str, str]]:
    return set(shape.deviations(answer))


def page(*items: Any, **more: Any) -> dict[str, Any]:
    return {"data": list(items), "pagination": {"nextPage": None}, **more}


def test_what_is_as_declared_does_not_deviate() -> None:
    assert deviations(EVENTS, page(EVENT)) == set()
    assert deviations(ATTRIBUTES, page(SINGLE, SINGLE)) == set()
    assert deviations(shapes.REALTIME_SETTING, SETTING) == set()


@pytest.mark.parametrize(
    ("shape", "answer", "expected"),
    [
        (EVENTS, page({**EVENT, "name": 7}), {("data[].name", "in another form")}),
        (EVENTS, page(EVENT, surprise=1), {("surprise", "unknown")}),
        (EVENTS, {"data": [EVENT]}, {("pagination", "missing")}),
        (EVENTS, [EVENT], {("", "in another form")}),
        (ATTRIBUTES, page({**SINGLE, "dataType": ""}), {("data[].dataType", "in another form")}),
        (ATTRIBUTES, page({**SINGLE, "type": "new"}), {("data[].type", "in another form")}),
        (
            ATTRIBUTES,
            page({**SINGLE, "duration": {"value": "1"}}),
            {("data[].duration.value", "in another form"), ("data[].duration.unit", "missing")},
        ),
        (
            shapes.REALTIME_SETTING,
            {**SETTING, "keyColumns": None},
            {("keyColumns", "in another form")},
        ),
        (shapes.REALTIME_SETTING, {}, {(name, "missing") for name in SETTING}),
        (
            shapes.REALTIME_SETTING,
            {**SETTING, "eventTables": ["web.views"]},
            {("eventTables[]", "in another form")},
        ),
    ],
)
def test_where_an_answer_deviates(shape: Shape, answer: Any, expected: Any) -> None:
    found = deviations(shape, answer)
    assert expected <= found
    assert {each for each in found - expected if each[1] != "unknown"} == set()


def test_only_what_is_needed_stops_a_read() -> None:
    assert EVENTS.fits(page({"id": 7, "surprise": {}}, {"id": "8", "name": None}))
    assert not EVENTS.fits(page({"id": 7}, {"name": "no id"}))
    assert not EVENTS.fits({"data": 7})
    assert EVENTS.fits(page({"id": 7, "data[].id": None}))
    assert ATTRIBUTES.fits(page({"id": 7, "type": "new"}))
    assert not ATTRIBUTES.fits(page({"id": True, "type": "new"}))
    assert shapes.REALTIME_SETTING.fits({})


@given(st.dictionaries(st.text(min_size=1), st.integers(), max_size=4))
def test_the_place_of_what_is_known_holds_no_name_of_the_answer(more: dict[str, int]) -> None:
    answer = page({**EVENT, **more, "databaseName": None})
    declared = {f"data[].{name}" for name in (*EVENT, "description")}
    for place, problem in EVENTS.deviations(answer):
        assert problem == shapes.UNKNOWN or place in declared
    assert ("data[].databaseName", shapes.OTHER) in deviations(EVENTS, answer)
