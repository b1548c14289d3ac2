"""JSON for a process that lives for a moment.

The json package imports re, which imports enum: that takes longer than all the rest of a call of
the fake. Its accelerator reads and writes JSON by itself, so the hot path uses that; for what it
cannot do, and on a Python without it, there is the package.
"""

from __future__ import annotations

try:
    import _json
except ImportError:
    _json = None  # type: ignore[assignment]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class _Plain:
    """How the accelerator reads: plain values, as the package does by default."""

    strict = True
    object_hook = None
    object_pairs_hook = None
    array_hook = None
    parse_float = float
    parse_int = int
    parse_constant = float


def _refuse(value: object) -> Any:
    raise TypeError(f"{type(value).__name__} has no JSON")


def loads(text: str) -> Any:
    """Read one JSON document; ValueError if the text is none."""
    text = text.strip(" \t\r\n")
    try:
        value, end = _json.make_scanner(_Plain())(text, 0)  # type: ignore[arg-type]
        if end == len(text):
            return value
    except (AttributeError, StopIteration, SystemError, ValueError):
        # Without the package the accelerator fails at its own error messages.
        pass
    import json

    return json.loads(text)


def dumps(value: Any) -> str:
    """Write a JSON document on one line, any script as it is."""
    return _written(value, ", ", ": ")


def compact(value: Any) -> str:
    """The same without any space."""
    return _written(value, ",", ":")


def _written(value: Any, comma: str, colon: str) -> str:
    if _json is None:
        import json

        return json.dumps(value, ensure_ascii=False, separators=(comma, colon))
    quote = _json.encode_basestring
    encode = _json.make_encoder(None, _refuse, quote, None, colon, comma, False, False, True)
    return "".join(encode(value, 0))
