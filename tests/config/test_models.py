"""What the parts of a configuration accept, and what they become for the API and for a file."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError
from support.items import ATTRIBUTE

from tdxwrap.config.attributes import (
    CounterAttribute,
    ListAttribute,
    SingleAttribute,
    derived_identifier,
)
from tdxwrap.config.fields import Duration
from tdxwrap.config.filters import FilterRule, rule_document, rule_length
from tdxwrap.config.models import (
    BatchAttribute,
    EventTable,
    IdStitching,
    KeyEvent,
    RtConfig,
    StitchingKey,
)

CONDITION = {"type": "Column", "column": "c", "operator": {"type": "Equal", "rightValue": "x"}}


def rejection(model: Any, value: object) -> tuple[str, str]:
    """The message and the hint of the one error that the value has."""
    with pytest.raises(ValidationError) as caught:
        model.model_validate(value)
    (error,) = caught.value.errors()
    cause = error["ctx"]["error"]
    return str(cause), cause.hint


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("1 day", 1, "day"),
        ("24 hours", 24, "hour"),
        ("30 Minutes", 30, "minute"),
        ("60days", 60, "day"),
        ("  7  days ", 7, "day"),
    ],
)
def test_duration_from_text(text: str, value: int, unit: str) -> None:
    assert Duration.model_validate(text) == Duration(value=value, unit=unit)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text", ["", "day", "24", "24 hour s", "-1 day", "1.5 days", "1 week", "9" * 5000 + " days"]
)
def test_other_text_is_no_duration(text: str) -> None:
    assert rejection(Duration, text) == (f"'{text}' is not a duration", "")


def test_duration_is_short_in_a_file_and_long_for_the_api() -> None:
    duration = Duration(value=24, unit="hour")
    assert duration.to_config() == "24 hours"
    assert duration.to_api() == {"value": 24, "unit": "hour"}


@pytest.mark.parametrize("text", ["", ".", "a", "a.", ".b", "a.b.c"])
def test_event_table_is_database_and_table(text: str) -> None:
    assert rejection(EventTable, text) == (f"'{text}' is not a table", "write database.table")


def test_key_event_takes_its_database_from_its_table() -> None:
    event = KeyEvent.model_validate({"name": "e", "table": "web.views"})
    assert event.to_api() == {
        "name": "e",
        "databaseName": "web",
        "tableName": "views",
        "filterRule": {"type": "And", "conditions": []},
    }


def test_stitching_key_from_its_name_is_that_of_the_recipe() -> None:
    assert StitchingKey.model_validate("email").to_api() == {
        "name": "email",
        "validRegexp": None,
        "invalidTexts": [],
        "internal": False,
    }


def test_batch_attribute_from_its_column() -> None:
    assert BatchAttribute.model_validate("tier").to_api() == {"column": "tier", "name": None}


def test_lookup_key_cannot_be_null_but_can_be_absent() -> None:
    message, hint = rejection(IdStitching, {"ext_lookup_key": None})
    assert message == "once set, the lookup key can never be null again"
    assert hint == "remove the line to leave it as it is"
    assert IdStitching.model_validate({}).ext_lookup_key is None


@pytest.mark.parametrize("value", [True, False])
def test_true_is_no_number(value: bool) -> None:
    assert rejection(Duration, {"value": value, "unit": "day"}) == (
        "true or false where a whole number is expected",
        "",
    )


# The bodies of the recipe, Step 7c, from what a file says; identifier is always sent (F14).
RECIPE = {
    "single": (
        {
            "name": "a",
            "type": "single",
            "key_event": "e",
            "value_column": "c",
            "data_type": "string",
            "duration": "1 day",
        },
        {
            "name": "a",
            "identifier": "a",
            "type": "single",
            "realtimeKeyEventId": "e",
            "valueColumn": "c",
            "dataType": "string",
            "duration": {"value": 1, "unit": "day"},
        },
    ),
    "list": (
        {
            "name": "Browsed products",
            "type": "list",
            "key_event": "e",
            "value_column": "c",
            "id_column": "c",
            "max_items": 100,
            "aggregations": [
                {
                    "name": "items",
                    "identifier": "items",
                    "column": "c",
                    "aggregation_type": "distinct_list",
                }
            ],
            "duration": {"value": 60, "unit": "day"},
        },
        {
            "name": "Browsed products",
            "identifier": "browsed_products",
            "type": "list",
            "realtimeKeyEventId": "e",
            "valueColumn": "c",
            "idColumn": "c",
            "maxItems": 100,
            "aggregations": [
                {
                    "name": "items",
                    "identifier": "items",
                    "column": "c",
                    "aggregationType": "distinct_list",
                }
            ],
            "duration": {"value": 60, "unit": "day"},
        },
    ),
    "counter": (
        {
            "name": "n",
            "type": "counter",
            "key_event": "e",
            "counter_type": "total",
            "duration": "24 hours",
        },
        {
            "name": "n",
            "identifier": "n",
            "type": "counter",
            "realtimeKeyEventId": "e",
            "counterType": "total",
            "increment": {"type": "const", "value": 1},
            "duration": {"value": 24, "unit": "hour"},
        },
    ),
}


@pytest.mark.parametrize(("stated", "body"), RECIPE.values(), ids=RECIPE)
def test_attribute_becomes_the_body_of_the_recipe(
    stated: dict[str, Any], body: dict[str, Any]
) -> None:
    assert ATTRIBUTE.validate_python(stated).to_api() == body


@pytest.mark.parametrize(("stated", "body"), RECIPE.values(), ids=RECIPE)
def test_attribute_read_from_the_api_is_the_stated_one(
    stated: dict[str, Any], body: dict[str, Any]
) -> None:
    kinds = {"single": SingleAttribute, "list": ListAttribute, "counter": CounterAttribute}
    answer = {**body, "id": "7", "description": None, "audienceId": "1"}
    live = kinds[body["type"]].from_api(answer)
    assert live.to_api() == body
    assert live == ATTRIBUTE.validate_python(stated | {"identifier": body["identifier"]})


@pytest.mark.parametrize(
    ("increment", "expected"),
    [
        (3, {"type": "const", "value": 3}),
        ({"type": "const", "value": 3}, {"type": "const", "value": 3}),
        ({"type": "field", "value": "quantity"}, {"type": "field", "value": "quantity"}),
    ],
)
def test_increment(increment: object, expected: object) -> None:
    counter = ATTRIBUTE.validate_python(RECIPE["counter"][0] | {"increment": increment})
    assert counter.to_api()["increment"] == expected


@pytest.mark.parametrize(
    ("name", "identifier"),
    [("Page views", "page_views"), ("a--b", "a_b"), ("_x_", "x"), ("1st", "1st"), ("…", "")],
)
def test_derived_identifier(name: str, identifier: str) -> None:
    assert derived_identifier(name) == identifier


def test_the_identifier_of_a_name_without_letters_is_the_stated_one() -> None:
    stated = RECIPE["single"][0] | {"name": "値", "identifier": "value"}
    assert SingleAttribute.model_validate(stated).key == "value"


def test_tables_are_those_of_the_key_events_unless_stated() -> None:
    events = [{"name": "a", "table": "d.t"}, {"name": "b", "database": "d", "table": "t"}]
    assert RtConfig.model_validate({"key_events": events}).tables() == {
        EventTable(database="d", table="t"): ("key_events", 0),
    }
    stated = {"key_events": events, "event_tables": []}
    assert RtConfig.model_validate(stated).tables() == {}


@pytest.mark.parametrize(
    ("operator", "message", "hint"),
    [
        ({"type": "Equal"}, "Equal needs rightValue", ""),
        ({"type": "In", "rightValue": 1}, "In takes no rightValue", "it takes rightValues"),
        (
            {"type": "Between", "rightValue": 1},
            "Between takes no rightValue",
            "it takes minValue and maxValue",
        ),
        ({"type": "IsNull", "rightValue": 1}, "IsNull takes no rightValue but null", "remove it"),
    ],
)
def test_operator_takes_its_own_operands(
    operator: dict[str, object], message: str, hint: str
) -> None:
    rule = {"conditions": [CONDITION | {"operator": operator}]}
    assert rejection(FilterRule, rule) == (message, hint)


def test_filter_is_the_same_in_both_directions() -> None:
    document = {"type": "Or", "conditions": [{"type": "And", "conditions": [CONDITION]}]}
    whole = rule_document(FilterRule.model_validate(document))
    assert whole["type"] == "Or"
    assert rule_document(FilterRule.model_validate(whole)) == whole


def test_filter_length_counts_what_is_sent() -> None:
    assert rule_length(FilterRule()) == 0
    rule = FilterRule.model_validate({"conditions": [CONDITION]})
    longer = CONDITION | {"column": "column"}
    assert rule_length(FilterRule.model_validate({"conditions": [longer]})) == rule_length(rule) + 5
