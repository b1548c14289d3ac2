"""The contract of the API, written down from tdx-facts F11–F20 and F25: every body fits it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from support.examples import examples
from support.generated import NOVELTY, configs, databases, realtime, scenarios
from support.inprocess import account

from tdxwrap.apply.export import config_text
from tdxwrap.config.attributes import BaseAttribute
from tdxwrap.config.load import parse
from tdxwrap.config.models import RtConfig
from tdxwrap.fake.control import Call
from tdxwrap.plan.changes import PlanOptions

TEXT = {"type": "string", "minLength": 1}
MAYBE_TEXT = {"type": ["string", "null"]}
YES_OR_NO = {"type": "boolean"}
WHOLE = {"type": "integer", "minimum": 1}
SCALAR = {"type": ["string", "number"]}


def exactly(required: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    """An object with these properties and no others."""
    return {
        "type": "object",
        "properties": {**required, **(optional or {})},
        "required": list(required),
        "additionalProperties": False,
    }


def some_of(properties: dict[str, Any]) -> dict[str, Any]:
    return exactly({}, properties) | {"minProperties": 1}


def each(items: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "array", "items": items, **more}


def one_of(*words: str) -> dict[str, Any]:
    return {"enum": list(words)}


def operator(types: tuple[str, ...], **operands: Any) -> dict[str, Any]:
    return exactly({"type": one_of(*types), "not": YES_OR_NO, **operands})


# F25
FILTER = {"$ref": "#/$defs/group"}
OPERATOR = {
    "oneOf": [
        operator(("Equal", "Greater", "GreaterEqual", "Less", "LessEqual"), rightValue=SCALAR),
        operator(("Regexp",), rightValue={"type": "string"}),
        operator(("IsNull",), rightValue={"type": "null"}),
        operator(("In", "Contain", "StartWith", "EndWith"), rightValues=each(SCALAR)),
        operator(("Between",), minValue=SCALAR, maxValue=SCALAR),
    ]
}
DEFINITIONS = {
    "group": exactly(
        {
            "type": one_of("And", "Or"),
            "conditions": each({"oneOf": [FILTER, {"$ref": "#/$defs/column"}]}),
        }
    ),
    "column": exactly({"type": one_of("Column"), "column": TEXT, "operator": OPERATOR}),
}
# F11, F20
KEY_COLUMN = exactly(
    {
        "name": TEXT,
        "validRegexp": MAYBE_TEXT,
        "invalidTexts": each({"type": "string"}),
        "internal": YES_OR_NO,
    }
)
SETTING = some_of(
    {
        "eventTables": each(
            exactly({"database": TEXT, "table": TEXT}), maxItems=100, uniqueItems=True
        ),
        "keyColumns": each(KEY_COLUMN, maxItems=100),
        "batchAttributes": each(exactly({"column": TEXT, "name": MAYBE_TEXT})),
        "extLookupKey": TEXT,  # F18: never null
    }
)
# F13
KEY_EVENT = {"name": TEXT, "databaseName": TEXT, "tableName": TEXT, "filterRule": FILTER}
KEY_EVENT_MORE = {"description": MAYBE_TEXT}
# F14
UNIT = one_of("minute", "hour", "day")
DURATION = exactly({"value": WHOLE, "unit": UNIT})
DATA_TYPE = one_of("string", "number")
# F32
ACTION = exactly(
    {
        "action": one_of("delete_item", "clear"),
        "realtimeKeyEventId": TEXT,
        "filterRule": FILTER,
    }
)
AGGREGATION = exactly(
    {
        "name": TEXT,
        "identifier": TEXT,
        "aggregationType": one_of("first", "last", "sum", "min", "max", "distinct_list"),
        "column": TEXT,
    }
)
SUB_DURATION = exactly({"name": TEXT, "identifier": TEXT, "value": WHOLE, "unit": UNIT})
INCREMENT = {
    "oneOf": [
        exactly({"type": one_of("const"), "value": WHOLE}),
        exactly({"type": one_of("field"), "value": TEXT}),
    ]
}
ANY_KIND = {"description": MAYBE_TEXT, "sensitive": YES_OR_NO}
LIST_PARTS = {
    "fields": each(TEXT),
    "maxItems": WHOLE,
    "actions": each(ACTION),
    "aggregations": each(AGGREGATION),
}


def kind(name: str, required: dict[str, Any], optional: dict[str, Any]) -> dict[str, Any]:
    head = {"name": TEXT, "identifier": TEXT, "type": one_of(name)}
    return exactly(head | required, ANY_KIND | optional)


EVENT = {"realtimeKeyEventId": {"type": "string", "pattern": "^[0-9]+$"}}
ATTRIBUTE = {
    "oneOf": [
        kind(
            "single",
            EVENT | {"valueColumn": TEXT, "dataType": DATA_TYPE, "duration": DURATION},
            {"filterRule": FILTER, "backfill": YES_OR_NO},
        ),
        kind(
            "list",
            EVENT | {"duration": DURATION},
            LIST_PARTS | {"filterRule": FILTER, "idColumn": TEXT, "valueColumn": TEXT},
        ),
        kind(
            "counter",
            EVENT | {"increment": INCREMENT},
            {
                "filterRule": FILTER,
                "counterType": one_of("sliding", "total"),
                "duration": DURATION,
                "backfill": YES_OR_NO,
                "subDurations": each(SUB_DURATION),
            },
        ),
        kind(
            "lookupCatalog",
            {
                "lookupCatalogTableName": TEXT,
                "lookupCatalogColumns": each(exactly({"name": TEXT, "dataType": DATA_TYPE})),
                "lookupKeys": each(exactly({"id": TEXT, "type": TEXT})),
            },
            {},
        ),
    ]
}
# F15
ATTRIBUTE_CHANGE = some_of(
    LIST_PARTS
    | {
        "name": TEXT,
        "description": MAYBE_TEXT,
        "duration": DURATION,
        "subDurations": each(SUB_DURATION),
    }
)
CONTRACT = {
    ("PATCH", "realtime_setting"): SETTING,
    ("POST", "realtime_key_events"): exactly(KEY_EVENT, KEY_EVENT_MORE),
    ("PATCH", "realtime_key_events/ID"): some_of(KEY_EVENT | KEY_EVENT_MORE),
    ("DELETE", "realtime_key_events/ID"): {"type": "null"},
    ("POST", "realtime_attributes"): ATTRIBUTE,
    ("PATCH", "realtime_attributes/ID"): ATTRIBUTE_CHANGE,
    ("DELETE", "realtime_attributes/ID"): {"type": "null"},
    ("POST", "realtime_imported_attributes/bulk_update"): exactly(
        {"columns": each(TEXT, uniqueItems=True)}
    ),
}
VALIDATORS = {
    place: Draft202012Validator({"$defs": DEFINITIONS, **schema})
    for place, schema in CONTRACT.items()
}


def endpoint(call: Call) -> tuple[str, str]:
    path = (call.path or "").removeprefix("/audiences/394649/")
    return call.method or "", re.sub(r"/[0-9]+$", "/ID", path)


def check(writes: list[Call]) -> None:
    for call in writes:
        validator = VALIDATORS[endpoint(call)]
        assert [error.message for error in validator.iter_errors(call.body)] == [], call


def without_extra(value: Any) -> Any:
    """The contract knows nothing of what it does not know."""
    if isinstance(value, list):
        return [without_extra(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {name: without_extra(item) for name, item in value.items() if name != "extra"}


def contents(config: RtConfig) -> tuple[Any, ...]:
    """All that a configuration says, whichever way it says it."""
    return (
        tuple(config.tables()),
        config.key_events,
        config.id_stitching,
        {part.column: part.name for part in config.batch()},
        [each for each in config.attributes if isinstance(each, BaseAttribute)],
        [each.column for each in config.imported().values()],
    )


plain_configs = configs().map(without_extra)


@settings(max_examples=examples(60))
@given(desired=plain_configs)
def test_every_body_of_a_first_apply_fits_and_export_gives_the_same_back(
    desired: dict[str, Any],
) -> None:
    config = RtConfig.model_validate(desired)
    with account(BLANK) as there:
        there.carry_out(there.plan(config))
        check(there.world.writes())

        assert there.plan(config).pending == ()
        exported = parse("rt.yaml", config_text(there.live()).encode(), environ={}).config
        assert contents(exported) == contents(config)


@pytest.mark.long
def test_every_body_of_a_later_apply_fits() -> None:
    met: set[Any] = set()

    # The same examples each time, so that what they meet can be counted.
    @settings(max_examples=150, derandomize=True, database=None)
    @given(scenario=scenarios(), desired=plain_configs, prune=st.booleans(), near=st.booleans())
    def any_apply(
        scenario: dict[str, Any], desired: dict[str, Any], prune: bool, near: bool
    ) -> None:
        config = RtConfig.model_validate(desired)
        if near:
            scenario["segments"][0]["realtime"] = earlier(config)
        with account(without_novelties(scenario)) as there:
            plan = there.plan(config, PlanOptions(prune=prune, replace=True, force=True))
            assume(not plan.blockers)
            there.carry_out(plan)
            calls = there.world.writes()
        check(calls)
        met.update(endpoint(call) for call in calls)
        met.update(call.body["type"] for call in calls if call.body and "type" in call.body)

    any_apply()
    assert met == {*CONTRACT, "single", "list", "counter", "lookupCatalog"}


def earlier(config: RtConfig) -> dict[str, Any]:
    """What is live where this configuration has been applied, and was described otherwise."""
    live = realtime(config)
    for item in (*live["keyEvents"], *live["attributes"]):
        item["description"] = "as it was earlier"
    return live


def without_novelties(scenario: dict[str, Any]) -> dict[str, Any]:
    """What is live is sent back whole; here nothing is live that the contract does not know."""
    [segment] = scenario["segments"]
    for key in (segment["realtime"] or {}).get("keyColumns", ()):
        key.pop(NOVELTY, None)
    return scenario


@settings(max_examples=examples(40))
@given(desired=configs())
def test_what_is_not_known_is_passed_on_as_it_is(desired: dict[str, Any]) -> None:
    config = RtConfig.model_validate(desired)
    stated = [*config.key_events, *config.collected().values(), *config.id_stitching.keys]
    with account({**BLANK, "tdx": {"more_properties": [NOVELTY]}}) as there:
        there.carry_out(there.plan(config))

        assert there.plan(config).pending == ()
        sent = [call.body for call in there.world.writes()]
        sent += [key for body in sent for key in body.get("keyColumns", ())]
        found = {body["name"]: body.get(NOVELTY) for body in sent if "name" in body}
        assert found == {part.name: part.extra.get(NOVELTY) for part in stated}


SEGMENT = {
    "id": "394649",
    "name": "Customer 360",
    "master_table": {"columns": {"customer_id": "string", "tier": "string", "city": "string"}},
}
BLANK = {"updating_seconds": 0, "databases": databases(), "segments": [SEGMENT]}
