"""When two values say the same, and what is carried along when one is sent in place of another."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tdxwrap.config.equality import carried, same, states
from tdxwrap.config.models import KeyEvent, StitchingKey


def column(name: str, **operator: Any) -> dict[str, Any]:
    return {"type": "Column", "column": name, "operator": {"type": "Equal", **operator}}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (None, None),
        ({"a": None, "b": 1}, {"b": 1.0}),
        ([{"a": {"b": None}}], [{"a": {}}]),
        (column("a", rightValue=1), column("a", rightValue=1, **{"not": False})),
        ({"type": "And", "conditions": None}, {"type": "And", "conditions": []}),
        (
            {"type": "Or", "conditions": [column("a"), column("b")]},
            {"type": "Or", "conditions": [column("b"), column("a")]},
        ),
        (
            {"conditions": [{"conditions": [column("a"), column("b")]}, column("c")]},
            {"conditions": [column("c"), {"conditions": [column("b"), column("a")]}]},
        ),
    ],
)
def test_what_says_the_same(one: object, other: object) -> None:
    assert same(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, True),
        (1, "1"),
        ("", None),
        ([], None),
        ([1, 2], [2, 1]),
        ({"not": True}, {}),
        ({"not": 0}, {}),
        ({"type": "And", "conditions": [column("a")]}, {"type": "Or", "conditions": [column("a")]}),
        (column("a", rightValue=1), column("a", rightValue=2)),
    ],
)
def test_what_does_not(one: object, other: object) -> None:
    assert not same(one, other)


@pytest.mark.parametrize(
    ("field", "one", "other"),
    [
        ("invalidTexts", ["a", "b"], ["b", "a", "a"]),
        ("fields", ["a", "b"], ["b", "a"]),
        (
            "aggregations",
            [{"identifier": "a"}, {"identifier": "b"}],
            [{"identifier": "b"}, {"identifier": "a"}],
        ),
        (
            "subDurations",
            [{"identifier": "a", "value": 24, "unit": "hour"}],
            [{"identifier": "a", "value": "1", "unit": "day"}],
        ),
        ("duration", {"value": 1, "unit": "day"}, {"value": 1440, "unit": "minute"}),
        ("increment", {"type": "const", "value": 1}, {"type": "const", "value": "1"}),
        ("maxItems", 100, "100"),
        ("name", "プレビュー", "フ\u309aレヒ\u3099ュー"),
        ("description", "Any view", "Any view \n"),
        ("description", " ", None),
        (
            "filterRule",
            {"type": "In", "rightValues": [1, "a"]},
            {"type": "In", "rightValues": ["a", 1.0]},
        ),
    ],
)
def test_a_field_that_says_the_same(field: str, one: object, other: object) -> None:
    assert same(one, other, field)


@pytest.mark.parametrize(
    ("field", "one", "other"),
    [
        ("actions", [{"action": "clear"}, {"action": "x"}], [{"action": "x"}, {"action": "clear"}]),
        ("lookupKeys", [{"id": "1"}, {"id": "2"}], [{"id": "2"}, {"id": "1"}]),
        ("filterRule", {"type": "In", "rightValues": [1]}, {"type": "In", "rightValues": ["1"]}),
        (
            "filterRule",
            {"type": "Novel", "rightValues": [1, 2]},
            {"type": "Novel", "rightValues": [2, 1]},
        ),
        ("increment", {"type": "field", "value": "1"}, {"type": "field", "value": "01"}),
        ("invalidTexts", ["a"], ["a "]),
        ("validRegexp", "é", "e\u0301"),
        ("description", " a", "a"),
        ("duration", {"value": 1, "unit": "day"}, {"value": 23, "unit": "hour"}),
    ],
)
def test_a_field_that_does_not(field: str, one: object, other: object) -> None:
    assert not same(one, other, field)


def test_a_null_is_stated_only_where_the_api_can_be_told_to_clear_something() -> None:
    key = StitchingKey.model_validate({"name": "email", "valid_regexp": None})
    assert states(key) == ("name", "valid_regexp")
    event = KeyEvent.model_validate({"name": "e", "table": "a.b", "description": None})
    assert states(event) == ("name", "database", "table", "description")


def test_entries_keep_what_only_the_earlier_ones_have() -> None:
    old = [
        {"identifier": "a", "name": "A", "novel": {"x": 1}},
        {"identifier": "b", "name": "B", "novel": 2},
    ]
    new = [{"identifier": "b", "name": "Bee"}, {"identifier": "c", "name": "C"}]
    assert carried(new, old) == [
        {"identifier": "b", "name": "Bee", "novel": 2},
        {"identifier": "c", "name": "C"},
    ]
    assert carried({"value": 1}, {"value": 2, "novel": 3}) == {"value": 1, "novel": 3}
    assert carried("x", {"novel": 3}) == "x"


def test_a_filter_is_replaced_as_a_whole() -> None:
    old = [{"action": "clear", "realtimeKeyEventId": "1", "novel": 1, "filterRule": {"novel": 2}}]
    new = [{"action": "clear", "realtimeKeyEventId": "1", "filterRule": {"type": "And"}}]
    assert carried(new, old) == [{**new[0], "novel": 1}]


NAMES = st.sampled_from(["type", "unit", "value", "rightValues", "conditions", "maxItems", "name"])
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.text() | st.from_regex(r"\d+", fullmatch=True)
)
ANY_JSON = st.recursive(
    SCALARS | st.sampled_from(["day", "const", "In", "9" * 5000]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5),
)


@given(ANY_JSON)
def test_any_answer_has_a_meaning(value: Any) -> None:
    assert same(value, value)
