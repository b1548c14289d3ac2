"""Answers that are not what they should be: any JSON, and mutations of right ones."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import strategies as st

# JSON may hold half of a surrogate pair, and Python also reads NaN and Infinity.
TEXTS = st.text(max_size=8) | st.sampled_from(["\ud800", "\x00", "--help", "a.b"])
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)
_OTHERS: dict[str, Any] = {
    "null": None,
    "number": 7,
    "flag": True,
    "list": [[]],
    "object": {"x": 1},
}
HOW = st.sampled_from(["drop", "extra", "text", "empty", "twice", *_OTHERS])


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a document, the document itself first."""
    inner = value.items() if isinstance(value, dict) else ()
    inner = enumerate(value) if isinstance(value, list) else inner
    return [path, *(place for key, each in inner for place in places(each, (*path, key)))]


def mutated(document: Any, place: tuple[Any, ...], how: str) -> Any:
    """The document with one place dropped, of another type, or with something extra."""
    holder = {"": copy.deepcopy(document)}
    inner: Any = holder
    for key in (part := ("", *place))[:-1]:
        inner = inner[key]
    value = inner[part[-1]]
    if how == "drop" and place:
        del inner[part[-1]]
    elif how == "extra" and isinstance(value, dict):
        value["surprise"] = [1]
    elif how == "twice" and isinstance(value, list):
        value += copy.deepcopy(value)
    else:
        inner[part[-1]] = copy.deepcopy(_OTHERS.get(how))
    return holder[""]
