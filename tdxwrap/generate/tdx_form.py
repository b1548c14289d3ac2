"""A CONFIG out of tdx's own form of a realtime configuration, `rt_config.yaml` (F29)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeAlias

from tdxwrap.config.load import parse
from tdxwrap.config.yaml_source import Loc, Source
from tdxwrap.config.yaml_text import as_stated, yaml_text
from tdxwrap.errors import ConfigError, Problem
from tdxwrap.system.text import comment
from tdxwrap.version import __version__

Fields: TypeAlias = dict[str, Any]

_WINDOW = re.compile(r"([1-9][0-9]*) ?(minute|hour|day|m|h|d)s?")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
# A regular expression of whole texts, which is what invalid_texts says.
_TEXTS = re.compile(r"\^(?:([\w @/-]+)|\(([\w @/|-]+)\))\$")
_AGGREGATIONS = ("first", "last", "sum", "min", "max", "distinct_list")
_HEAD = """\
# The realtime configuration of {}, converted from tdx's own form by tdxwrap {}.
# That form says neither whether a value is a string or a number (data_type), nor how a counter
# counts (counter_type): check them."""


def convert(source: Source) -> tuple[str, list[Problem]]:
    """Convert a file of which `is_tdx_form` holds.

    Returns:
        The text of a CONFIG; and what has no exact counterpart, with the nearest form, which are
        comments in the text.
    Raises:
        ConfigError: the file is not valid, or the result would not be.
    """
    if source.problems:
        raise ConfigError(source.path, source.problems)
    form = _Form(source)
    whole = dict(source.data)
    stitching = _mapping(whole.pop("id_stitching", None) or {})
    events = form.items(whole, ("events",), _key_event)
    names = {str(event.get("name")) for event in events}
    keys = form.items(stitching, ("id_stitching", "stitching_keys"), _stitching_key)
    if stitching.get("primary_key") in [key.get("name") for key in keys]:
        stitching.pop("primary_key", None)  # one of them, which is all that it says
    lookup_key = stitching.pop("ext_lookup_key", None)
    document = {
        "parent_segment": whole.pop("parent_segment_id", None),
        "event_tables": None if events else [],
        "key_events": events,
        "id_stitching": _stated({"keys": keys or None, "ext_lookup_key": lookup_key}),
        "attributes": form.items(whole, ("attributes",), lambda each: _attribute(each, names)),
    }
    form.note_fields(stitching, ("id_stitching",))
    form.note_fields(whole, ())
    text = yaml_text(as_stated(_stated(document)), width=100)
    _check(source.path, text)
    head = _HEAD.format(source.path, __version__).splitlines()
    lines = [*head, *(f"# left out: {p.path} in line {p.line}: {p.message}" for p in form.left_out)]
    return "\n".join([*map(comment, lines), "", text]), form.left_out


class _Form:
    """Converts the lists of a file, and remembers what has no exact counterpart."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.left_out: list[Problem] = []

    def items(
        self, holder: Fields, loc: Loc, convert: Callable[[Fields], tuple[Fields, bool]]
    ) -> list[Fields]:
        """Take a list out of what holds it; return what has an exact counterpart."""
        kept = []
        name = str(loc[-1])
        listed = holder.pop(name, None) or []
        if not isinstance(listed, list):
            holder[name], listed = listed, []
        for index, original in enumerate(listed):
            fields = _mapping(original)
            nearest, exact = convert(fields)
            nearest = _stated(nearest)
            if exact:
                kept.append(nearest)
                self.note_fields(fields, (*loc, index))
            else:
                what = f"{_flow(original)}; the nearest is {_flow(nearest)}"
                self._note((*loc, index), what)
        return kept

    def note_fields(self, left: Fields, loc: Loc) -> None:
        """Note the fields that nothing was made of."""
        for name, value in left.items():
            self._note((*loc, name), f"{_flow(value)}; there is nothing like it")

    def _note(self, loc: Loc, what: str) -> None:
        # Whole, since it is all that is left of it.
        self.left_out.append(replace(self._source.problem(loc, ""), message=what))


def _key_event(fields: Fields) -> tuple[Fields, bool]:
    names = ("name", "database", "table", "description")
    event = {name: fields.pop(name, None) for name in names}
    rule = fields.pop("filter", None)
    if rule is None:
        return event, True
    if not isinstance(rule, dict) or rule.keys() != {"field", "pattern"}:
        return event, False
    return event | {"filter": {str(rule["field"]): {"regexp": rule["pattern"]}}}, True


def _stitching_key(fields: Fields) -> tuple[Fields, bool]:
    """A key that would stitch what the file excludes is no counterpart."""
    key, excluded = {"name": fields.pop("name", None)}, fields.pop("exclude_regex", None)
    if not excluded:
        return key, True
    texts = _TEXTS.fullmatch(str(excluded))
    if texts:
        return key | {"invalid_texts": (texts[1] or texts[2]).split("|")}, True
    return key | {"valid_regexp": f"^(?!.*(?:{excluded}))"}, False


def _attribute(fields: Fields, events: set[str]) -> tuple[Fields, bool]:
    kind, name = str(fields.pop("type", "")), fields.pop("name", None)
    column, aggregation = fields.pop("source_field", None), fields.pop("aggregation", None)
    if kind == "imported_batch":
        batch = fields.pop("source", None) or column or name
        return {"name": name if name != batch else None, "type": "imported", "column": batch}, True
    event, sensitivity = fields.pop("source_event", None), fields.pop("sensitivity", None)
    kept, exact_duration = _duration(fields)
    make = {"single": _single, "list": _list, "counter": _counter}.get(kind)
    own, exact = make(column, aggregation) if make else ({}, False)
    attribute = {"name": name, "type": kind, "description": fields.pop("description", None)}
    attribute |= {"sensitive": sensitivity == "sensitive" or None, "key_event": event}
    attribute |= {"max_items": fields.pop("max_items", None), **own, "duration": kept}
    known = sensitivity in (None, "sensitive", "non-sensitive") and str(event) in events
    return attribute, exact and exact_duration and known


def _duration(fields: Fields) -> tuple[str, bool]:
    window, days = fields.pop("window_duration", None), fields.pop("expiry_days", None)
    found = _WINDOW.fullmatch(str(window if window is not None else f"{days}d"))
    if not found or None not in (window, days):
        return "30 days", False
    return f"{found[1]} {_UNITS[found[2][0]]}", True


def _single(column: Any, aggregation: Any) -> tuple[Fields, bool]:
    if aggregation in (None, "last"):
        return {"value_column": column, "data_type": "string"}, True
    return (_counter if aggregation == "sum" else _list)(column, aggregation)[0], False


def _list(column: Any, aggregation: Any) -> tuple[Fields, bool]:
    exact = aggregation in (None, *_AGGREGATIONS)
    whole = aggregation if exact else "distinct_list"
    part = {"name": whole, "identifier": whole, "column": column, "aggregation_type": whole}
    own = {"type": "list", "value_column": column, "id_column": column}
    return own | {"aggregations": [part] if whole else None}, exact


def _counter(column: Any, aggregation: Any) -> tuple[Fields, bool]:
    increment = {"type": "field", "value": column} if aggregation == "sum" else None
    own = {"type": "counter", "counter_type": "total", "increment": increment}
    return own, aggregation in (None, "count", "sum")


def _check(path: str, text: str) -> None:
    try:
        parse(path, text.encode(), environ={})
    except ConfigError as error:
        # The lines are those of a text that nobody sees.
        problems = [Problem(path, 0, 0, p.path, p.message, p.hint) for p in error.problems]
        raise ConfigError(path, problems) from None


def _mapping(value: Any) -> Fields:
    return dict(value) if isinstance(value, dict) else {"name": value}


def _stated(fields: Fields) -> Fields:
    return {name: value for name, value in fields.items() if value is not None and value != {}}


def _flow(value: Any) -> str:
    text = yaml_text(value, default_flow_style=True, width=1_000_000)
    return text.removesuffix("\n").removesuffix("\n...")
