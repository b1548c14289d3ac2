"""What a body may hold, without starting a process (F14, F15, F25)."""

from __future__ import annotations

from typing import Any

import pytest
from support.fakedriver import ALL, counter, listed, single

from tdxwrap.fake import attribute_schema, filters
from tdxwrap.fake.errors import HttpError

GONE = object()


def _changed(body: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in {**body, **changes}.items() if v is not GONE}


CLEAR = {
    "action": "delete_item",
    "realtimeKeyEventId": "1",
    "filterRule": {"type": "And", "conditions": []},
}


@pytest.mark.parametrize(
    ("make", "changes", "pointer", "code"),
    [
        (single, {"name": GONE}, "/name", "required"),
        (single, {"identifier": GONE}, "/identifier", "required"),
        (single, {"type": GONE}, "/type", "required"),
        (single, {"type": "imported"}, "/type", "enum"),
        (single, {"duration": GONE}, "/duration", "required"),
        (single, {"valueColumn": GONE}, "/valueColumn", "required"),
        (single, {"dataType": "double"}, "/dataType", "enum"),
        (single, {"duration": {"value": 0, "unit": "day"}}, "/duration/value", "minimum"),
        (single, {"duration": {"value": 1, "unit": "days"}}, "/duration/unit", "enum"),
        (single, {"duration": "1 day"}, "/duration", "type"),
        (single, {"backfill": "yes"}, "/backfill", "type"),
        (single, {"name": ""}, "/name", "minLength"),
        (single, {"description": 5}, "/description", "type"),
        (single, {"maxItems": 5}, "/maxItems", "additionalProperties"),
        (single, {"realtimeKeyEventId": 5}, "/realtimeKeyEventId", "type"),
        (single, {"filterRule": {}}, "/filterRule/type", "required"),
        (listed, {"identifier": GONE}, "/identifier", "required"),
        (listed, {"maxItems": True}, "/maxItems", "type"),
        (listed, {"fields": "a"}, "/fields", "type"),
        (listed, {"counterType": "total"}, "/counterType", "additionalProperties"),
        (listed, {"idColumn": GONE, "aggregations": []}, "/aggregations", "required"),
        (listed, {"aggregations": [{"name": "x"}]}, "/aggregations/0/identifier", "required"),
        (listed, {"actions": [{"action": "drop"}]}, "/actions/0/realtimeKeyEventId", "required"),
        (counter, {"increment": GONE}, "/increment", "required"),
        (counter, {"increment": {"type": "const", "value": 0}}, "/increment/value", "minimum"),
        (counter, {"increment": {"type": "field", "value": 1}}, "/increment/value", "type"),
        (counter, {"increment": {"type": "sum", "value": 1}}, "/increment/type", "enum"),
        (counter, {"counterType": "rolling"}, "/counterType", "enum"),
        (counter, {"duration": GONE}, "/duration", "required"),
        (counter, {"valueColumn": "x"}, "/valueColumn", "additionalProperties"),
    ],
)
def test_f14_bodies_that_are_refused(
    make: Any, changes: dict[str, Any], pointer: str, code: str
) -> None:
    with pytest.raises(HttpError) as caught:
        attribute_schema.check_new(_changed(make("1"), changes), require_identifier=True)
    assert (caught.value.status, caught.value.pointer) == (400, pointer)
    assert caught.value.validation == code


def test_f14_sub_identifiers_are_unique() -> None:
    part = {"name": "a", "identifier": "a", "value": 1, "unit": "day"}
    body = counter("1", counterType="sliding", subDurations=[part, part])
    with pytest.raises(HttpError, match="used twice"):
        attribute_schema.check_new(body, require_identifier=True)
    with pytest.raises(HttpError, match="must be object"):
        attribute_schema.check_new([], require_identifier=True)


@pytest.mark.parametrize(
    ("make", "changes"),
    [
        (single, {"filterRule": ALL, "backfill": True, "description": None, "dataType": "number"}),
        (listed, {"valueColumn": GONE, "fields": ["a"], "maxItems": GONE}),
        (listed, {"actions": [CLEAR]}),
        (counter, {"counterType": GONE, "increment": {"type": "field", "value": "n"}}),
        (counter, {"subDurations": [{"name": "d", "identifier": "d", "value": 1, "unit": "day"}]}),
    ],
)
def test_f14_bodies_that_are_taken(make: Any, changes: dict[str, Any]) -> None:
    attribute_schema.check_new(_changed(make("1"), changes), require_identifier=True)


OPERATORS: list[dict[str, Any]] = [
    *({"type": name, "rightValue": 5} for name in ("Equal", "Greater", "GreaterEqual", "Less")),
    {"type": "LessEqual", "rightValue": "x"},
    {"type": "Regexp", "rightValue": "^a"},
    {"type": "IsNull", "rightValue": None},
    *(
        {"type": name, "rightValues": ["a", 1]}
        for name in ("In", "Contain", "StartWith", "EndWith")
    ),
    {"type": "Between", "minValue": 1, "maxValue": 2},
]


def _column(operator: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "Column", "column": "c", "operator": {"not": False, **operator}, **more}


@pytest.mark.parametrize("operator", OPERATORS, ids=str)
def test_f25_every_operator_is_taken_at_any_depth(operator: dict[str, Any]) -> None:
    rule = {"type": "Or", "conditions": [_column(operator)]}
    filters.filter_rule({"type": "And", "conditions": [rule, _column(operator)]}, "/filterRule")


@pytest.mark.parametrize(
    ("condition", "pointer"),
    [
        (_column({"type": "GreaterThan", "rightValue": 1}), "/operator/type"),
        (_column({"type": "Equal"}), "/operator/rightValue"),
        (_column({"type": "Equal", "rightValue": None}), "/operator/rightValue"),
        (_column({"type": "Regexp", "rightValue": 5}), "/operator/rightValue"),
        (_column({"type": "IsNull", "rightValue": 5}), "/operator/rightValue"),
        (_column({"type": "In", "rightValue": "a"}), "/operator/rightValue"),
        (_column({"type": "In", "rightValues": "a"}), "/operator/rightValues"),
        (_column({"type": "Between", "minValue": 1}), "/operator/maxValue"),
        (_column({"type": "Equal", "rightValue": 1, "not": None}), "/operator/not"),
        (_column({"type": "Equal", "rightValue": 1}, arrayMatching="any"), "/arrayMatching"),
        ({"type": "Column", "column": "c", "operator": "="}, "/operator"),
        ({"type": "Xor", "conditions": []}, "/type"),
        ("x", ""),
    ],
    ids=str,
)
def test_f25_everything_else_is_refused(condition: Any, pointer: str) -> None:
    with pytest.raises(HttpError) as caught:
        filters.filter_rule({"type": "And", "conditions": [condition]}, "")
    assert caught.value.pointer == f"/conditions/0{pointer}"


@pytest.mark.parametrize("kind", ["single", "list", "counter", "imported", "lookupCatalog"])
def test_f15_every_kind_takes_name_and_description(kind: str) -> None:
    attribute_schema.check_change(kind, {"name": "x", "description": None})
    with pytest.raises(HttpError, match="identifier"):
        attribute_schema.check_change(kind, {"identifier": "x"})
