"""When two values say the same. Whatever is compared between a file and what is live is here.

Documents are compared as the API writes them. Null and absent are one, as they are to a create;
so are `not: false` and no `not`, a rule without conditions and none, 1 and 1.0. Each kind of field
has its rule below; everything else keeps its order and is compared exactly.
"""

import json
from typing import Any

from pydantic import BaseModel

from tdxwrap.config.odd_characters import composed

# What the setting must hold (F11).
SETTING_LISTS = frozenset(("eventTables", "keyColumns", "batchAttributes"))
# Lists whose order says nothing.
_SETS = SETTING_LISTS | {"invalidTexts", "fields", "aggregations", "subDurations"}
# The operators whose `rightValues` are a set (F25).
_SET_OPERATORS = ("In", "Contain", "StartWith", "EndWith")
# Texts in which normal form and trailing white space say nothing.
_LABELS = frozenset(("name", "identifier", "description", "realtimeKeyEventId"))
_MANY_DIGITS = 19  # a number of so many is none that these fields can hold
MINUTES = {"minute": 1, "hour": 60, "day": 24 * 60}

# Where null is a value of its own: the API can be told to clear these (F11, F13, F14).
CLEARED_BY_NULL = frozenset(("description", "valid_regexp", "name"))


def same(one: Any, other: Any, field: str = "") -> bool:
    """Whether two JSON values say the same.

    Args:
        field: the API's name of the field that holds them.
    """
    return meaning(one, field) == meaning(other, field)


def meaning(value: Any, field: str = "") -> str:
    """A text that is the same for all JSON values that say the same."""
    return _text(_plain(value, field))


def alike(one: Any, other: Any) -> bool:
    """Whether two values differ at most in what an API may change when it stores them.

    That is case, white space, order, and whether a number is a text.
    """
    return _loose(_plain(one)) == _loose(_plain(other))


def states(item: BaseModel) -> tuple[str, ...]:
    """The names of the fields that a file states; most nulls state nothing."""
    fields = type(item).model_fields.items()
    named = (name for name, info in fields if name in item.model_fields_set and not info.exclude)
    return tuple(n for n in named if getattr(item, n) is not None or n in CLEARED_BY_NULL)


def carried(new: Any, old: Any) -> Any:
    """What is sent in place of `old`: `new`, with the properties that only `old` has.

    Entries of lists belong together by their identifier; actions, which have none, by what they do
    on which event. A filter is one value.
    """
    if isinstance(new, dict) and isinstance(old, dict):
        parts = {n: value for n, value in old.items() if n != "filterRule"}
        return parts | {name: carried(value, parts.get(name)) for name, value in new.items()}
    if isinstance(new, list) and isinstance(old, list):
        entries = {_identity(entry): entry for entry in reversed(old)}
        return [carried(entry, entries.get(_identity(entry))) for entry in new]
    return new


def _identity(entry: Any) -> str:
    names = ("identifier", "action", "realtimeKeyEventId")
    return meaning({n: entry.get(n) for n in names} if isinstance(entry, dict) else entry)


def _plain(value: Any, field: str = "") -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str):
        return _plain_text(value, field)
    if isinstance(value, list | tuple):
        items = [_plain(item) for item in value]
        return _unordered(items) if field in _SETS else items
    return _plain_object(value) if isinstance(value, dict) else value


def _plain_text(value: str, field: str) -> Any:
    if field == "maxItems":
        return _number(value)
    if field not in _LABELS:
        return value
    # An empty description and none at all are the same to the API.
    return composed(value).rstrip() or None


def _plain_object(value: dict[str, Any]) -> dict[str, Any]:
    plain = {name: _plain(item, name) for name, item in value.items()}
    plain = {name: item for name, item in plain.items() if item is not None}
    kind, unit = plain.get("type"), plain.get("unit")
    if plain.get("not") is False:
        del plain["not"]
    if isinstance(plain.get("rightValues"), list) and kind in _SET_OPERATORS:
        plain["rightValues"] = _unordered(plain["rightValues"])
    if isinstance(plain.get("conditions"), list):
        plain["conditions"] = sorted(plain["conditions"], key=_text)
    if "value" in plain and (kind == "const" or "unit" in plain):
        plain["value"] = _number(plain["value"])
    if isinstance(unit, str) and unit in MINUTES and isinstance(plain.get("value"), int):
        plain["value"] *= MINUTES[plain.pop("unit")]
    return {name: item for name, item in plain.items() if (name, item) != ("conditions", [])}


def _loose(value: Any) -> object:
    if isinstance(value, dict):
        return {name: _loose(item) for name, item in value.items()}
    if isinstance(value, list):
        return sorted((_loose(item) for item in value), key=_text)
    is_text = isinstance(value, str | int | float) and not isinstance(value, bool)
    return "".join(str(value).casefold().split()) if is_text else value


def _number(value: Any) -> Any:
    """The number of a field that is a whole number by contract (F14), which a text may hold."""
    is_number = isinstance(value, str) and value.isdecimal() and len(value) < _MANY_DIGITS
    return int(value) if is_number else value


def _unordered(items: list[Any]) -> list[Any]:
    by_text = {_text(item): item for item in items}
    return [by_text[text] for text in sorted(by_text)]


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
