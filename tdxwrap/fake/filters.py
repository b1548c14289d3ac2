"""Filter rules: groups of conditions, checked strictly (tdx-facts F25, F20)."""

from __future__ import annotations

from tdxwrap.fake import checks, quickjson
from tdxwrap.fake.errors import unprocessable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from tdxwrap.fake.jsontypes import Json

MOST_CHARACTERS = 1000

_HEAD = {"type": checks.string, "not": checks.boolean}
_ONE = checks.mapping({**_HEAD, "rightValue": checks.scalar})
_TEXT = checks.mapping({**_HEAD, "rightValue": checks.string})
_NULL = checks.mapping({**_HEAD, "rightValue": checks.null})
_MANY = checks.mapping({**_HEAD, "rightValues": checks.list_of(checks.scalar)})
_RANGE = checks.mapping({**_HEAD, "minValue": checks.scalar, "maxValue": checks.scalar})
OPERATORS = {
    "Equal": _ONE,
    "Greater": _ONE,
    "GreaterEqual": _ONE,
    "Less": _ONE,
    "LessEqual": _ONE,
    "Regexp": _TEXT,
    "IsNull": _NULL,
    "In": _MANY,
    "Contain": _MANY,
    "StartWith": _MANY,
    "EndWith": _MANY,
    "Between": _RANGE,
}


def filter_rule(value: Any, pointer: str) -> None:
    """A group at the top of a rule."""
    _GROUP(value, pointer)


def _operator(value: Any, pointer: str) -> None:
    if not isinstance(value, dict):
        raise checks.invalid("must be object", pointer, "type")
    check = OPERATORS.get(str(value.get("type")))
    if check is None:
        allowed = ", ".join(OPERATORS)
        raise checks.invalid(f"must be one of {allowed}", f"{pointer}/type", "enum")
    check(value, pointer)


_COLUMN = checks.mapping(
    {"type": checks.one_of("Column"), "column": checks.string, "operator": _operator}
)


def _condition(value: Any, pointer: str) -> None:
    is_column = isinstance(value, dict) and value.get("type") == "Column"
    check = _COLUMN if is_column else _GROUP
    check(value, pointer)


_GROUP = checks.mapping(
    {"type": checks.one_of("And", "Or"), "conditions": checks.list_of(_condition)}
)


def check_total_length(key_events: list[Json]) -> None:
    """Refuse key events whose filters together are too long (tdx-facts F20)."""
    rules = [event.get("filterRule") for event in key_events]
    written = [rule for rule in rules if isinstance(rule, dict) and rule.get("conditions")]
    total = sum(len(quickjson.compact(rule)) for rule in written)
    if total > MOST_CHARACTERS:
        detail = f"Filters of all key events have {total} characters, at most {MOST_CHARACTERS}"
        raise unprocessable(detail, "/filterRule")
