"""When two values say the same. Whatever is compared between a file and what is live is here.

Null and absent are one, as they are to a create. So are `not: false` and no `not`, a rule without
conditions and none, 1 and 1.0, and conditions in another order.
"""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel

# Where null is a value of its own: the API can be told to clear these (F11, F13, F14).
CLEARED_BY_NULL = frozenset(("description", "valid_regexp", "name"))


def same(one: Any, other: Any) -> bool:
    """Whether two JSON values say the same."""
    return meaning(one) == meaning(other)


def meaning(value: Any) -> str:
    """A text that is the same for all JSON values that say the same."""
    return json.dumps(_plain(value), sort_keys=True)


def states(item: BaseModel) -> tuple[str, ...]:
    """The names of the fields that a file states; most nulls state nothing."""
    named = (name for name in type(item).model_fields if name in item.model_fields_set)
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


def _plain(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    plain = {name: _plain(item) for name, item in value.items() if item is not None}
    if plain.get("not") is False:
        del plain["not"]
    conditions = plain.get("conditions")
    if isinstance(conditions, list):
        plain["conditions"] = sorted(conditions, key=lambda each: json.dumps(each, sort_keys=True))
    return {name: item for name, item in plain.items() if (name, item) != ("conditions", [])}
