"""What each kind of realtime attribute may and must hold (tdx-facts F14, F15)."""

from __future__ import annotations

from tdxwrap.fake import checks
from tdxwrap.fake.filters import filter_rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from tdxwrap.fake.checks import Check
    from tdxwrap.fake.jsontypes import Json

UNITS = checks.one_of("minute", "hour", "day")
DURATION = checks.mapping({"value": checks.positive, "unit": UNITS})
TYPES = ("single", "list", "counter", "lookupCatalog")
ALL_MATCH: Json = {"type": "And", "conditions": []}

# F32
_ACTION = checks.mapping(
    {
        "action": checks.one_of("delete_item", "clear"),
        "realtimeKeyEventId": checks.string,
        "filterRule": filter_rule,
    },
)
_AGGREGATION = checks.mapping(
    {
        "name": checks.string,
        "identifier": checks.string,
        "aggregationType": checks.one_of("first", "last", "sum", "min", "max", "distinct_list"),
        "column": checks.string,
    }
)
_SUB_DURATION = checks.mapping(
    {
        "name": checks.string,
        "identifier": checks.string,
        "value": checks.positive,
        "unit": UNITS,
    }
)
_CONST = checks.mapping({"type": checks.one_of("const"), "value": checks.positive})
_FIELD = checks.mapping({"type": checks.one_of("field"), "value": checks.string})


def _increment(value: Any, pointer: str) -> None:
    is_field = isinstance(value, dict) and value.get("type") == "field"
    check = _FIELD if is_field else _CONST
    check(value, pointer)


_HEAD: dict[str, Check] = {"name": checks.string, "type": checks.one_of(*TYPES)}
_EVENT: dict[str, Check] = {**_HEAD, "realtimeKeyEventId": checks.string}
_LOOKUP_COLUMN = checks.mapping(
    {"name": checks.string, "dataType": checks.one_of("string", "number")}
)
_LOOKUP_KEY = checks.mapping({"id": checks.string, "type": checks.string})
_PARTS: dict[str, Check] = {
    "aggregations": checks.list_of(_AGGREGATION),
    "actions": checks.list_of(_ACTION),
    "fields": checks.list_of(checks.string),
    "subDurations": checks.list_of(_SUB_DURATION),
    "maxItems": checks.positive,
}

REQUIRED: dict[str, dict[str, Check]] = {
    "single": {
        **_EVENT,
        "valueColumn": checks.string,
        "dataType": checks.one_of("string", "number"),
        "duration": DURATION,
    },
    "list": {**_EVENT, "duration": DURATION},
    "counter": {**_EVENT, "increment": _increment},
    "lookupCatalog": {
        **_HEAD,
        "lookupCatalogTableName": checks.string,
        "lookupCatalogColumns": checks.list_of(_LOOKUP_COLUMN, at_least=1),
        "lookupKeys": checks.list_of(_LOOKUP_KEY, at_least=1),
    },
}
OPTIONAL: dict[str, dict[str, Check]] = {
    "single": {"filterRule": filter_rule, "backfill": checks.boolean},
    "list": {
        "filterRule": filter_rule,
        "idColumn": checks.string,
        "valueColumn": checks.string,
        "fields": _PARTS["fields"],
        "maxItems": _PARTS["maxItems"],
        "actions": _PARTS["actions"],
        "aggregations": _PARTS["aggregations"],
    },
    "counter": {
        "filterRule": filter_rule,
        "backfill": checks.boolean,
        "counterType": checks.one_of("sliding", "total"),
        "duration": DURATION,
        "subDurations": _PARTS["subDurations"],
    },
    "lookupCatalog": {},
}
# What an answer shows for an optional field that was never sent.
DEFAULTS: dict[str, Json] = {
    "single": {"description": None, "sensitive": False, "filterRule": ALL_MATCH, "backfill": False},
    "list": {
        "description": None,
        "sensitive": False,
        "filterRule": ALL_MATCH,
        "idColumn": None,
        "valueColumn": None,
        "fields": [],
        "maxItems": None,
        "actions": [],
        "aggregations": [],
    },
    "counter": {
        "description": None,
        "sensitive": False,
        "filterRule": ALL_MATCH,
        "backfill": False,
        "counterType": "sliding",
        "duration": None,
        "subDurations": [],
    },
    "imported": {"description": None},
    "lookupCatalog": {"description": None, "sensitive": False},
}
_ALL_KINDS: dict[str, Check] = {
    "description": checks.text_or_null,
    "sensitive": checks.boolean,
}
_CHANGEABLE: dict[str, dict[str, Check]] = {
    "single": {"duration": DURATION},
    "list": {
        "duration": DURATION,
        "fields": _PARTS["fields"],
        "maxItems": _PARTS["maxItems"],
        "actions": _PARTS["actions"],
        "aggregations": _PARTS["aggregations"],
    },
    "counter": {"duration": DURATION, "subDurations": _PARTS["subDurations"]},
    "imported": {},
    "lookupCatalog": {},
}


def check_new(body: Any, require_identifier: bool) -> None:
    """Check the body of a POST (tdx-facts F14)."""
    if not isinstance(body, dict):
        raise checks.invalid("must be object", "", "type")
    if "type" not in body:
        raise checks.invalid("must have required property 'type'", "/type", "required")
    checks.one_of(*TYPES)(body["type"], "/type")
    kind = body["type"]
    required = dict(REQUIRED[kind])
    optional = {**OPTIONAL[kind], **_ALL_KINDS}
    derives = kind in ("list", "counter") and not require_identifier
    (optional if derives else required)["identifier"] = checks.string
    checks.mapping(required, optional)(body, "")
    check_whole(body)


def check_change(kind: str, body: Any) -> None:
    """Check the body of a PATCH: only what may change may be sent (tdx-facts F15)."""
    head: dict[str, Check] = {"name": checks.string, "description": checks.text_or_null}
    checks.mapping({}, {**head, **_CHANGEABLE[kind]})(body, "")


def check_whole(attribute: Json) -> None:
    """Check what concerns several fields of one attribute."""
    for part in ("aggregations", "subDurations"):
        checks.unique(attribute.get(part, []), "identifier", f"/{part}")
    if attribute["type"] == "list":
        _check_list(attribute)
    if attribute["type"] == "counter":
        _check_counter(attribute)


def _check_list(attribute: Json) -> None:
    if not any(attribute.get(field) for field in ("idColumn", "fields", "aggregations")):
        detail = "a list needs idColumn, fields or aggregations"
        raise checks.invalid(detail, "/aggregations", "required")


def _check_counter(attribute: Json) -> None:
    if "duration" not in attribute and not attribute.get("subDurations"):
        raise checks.invalid("a counter needs duration or subDurations", "/duration", "required")
