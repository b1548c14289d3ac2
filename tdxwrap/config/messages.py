"""What pydantic finds in a file, in the words of the file format.

Paths lose the tags of the unions, a misspelt name gets the nearest right one as a hint, everything
else a right value for this very field (examples.yaml), and no message is pydantic's own.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, reduce
from importlib import resources
from itertools import pairwise
from operator import getitem
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from tdxwrap.config import attributes, fields, filters, models
from tdxwrap.config.fields import IN_SHORT
from tdxwrap.config.yaml_source import Loc, Source
from tdxwrap.config.yaml_text import yaml_text
from tdxwrap.errors import Problem
from tdxwrap.system.spelling import nearest

# The class behind the last name in pydantic's location: a field, or a union's tag.
_OWNERS: Mapping[str, type[BaseModel]] = {
    "": models.RtConfig,
    "event_tables": models.EventTable,
    "key_events": models.KeyEvent,
    "id_stitching": models.IdStitching,
    "keys": models.StitchingKey,
    "batch_attributes": models.BatchAttribute,
    **attributes.COLLECTED,
    "imported": attributes.ImportedAttribute,
    "lookup_catalog_columns": attributes.LookupColumn,
    "lookup_keys": attributes.LookupKey,
    "aggregations": attributes.Aggregation,
    "actions": attributes.ListAction,
    "sub_durations": attributes.SubDuration,
    "duration": fields.Duration,
    "const": attributes.ConstIncrement,
    "field": attributes.FieldIncrement,
    "filter_rule": filters.FilterRule,
    "group": filters.FilterRule,
    "Column": filters.ColumnCondition,
    "operator": filters.Operator,
    IN_SHORT: filters.ShortFilter,
    filters.COMPARISON: filters.Comparison,
    filters.COMPARISONS: filters.Comparison,
}
_ATTRIBUTES = (*attributes.COLLECTED, "imported")
_COMPARING = ("operator", filters.COMPARISON, filters.COMPARISONS)
# To look for the nearest name takes time, and of so many errors most are not shown.
_MAX_SUGGESTIONS = 100


@dataclass(slots=True)
class _Finding:
    """One entry of pydantic's list, with what the messages need."""

    raw: Loc
    loc: Loc
    owner: str
    value: Any
    shown: str
    context: Mapping[str, Any]
    meant: str = ""
    hint: str = ""

    @property
    def name(self) -> str:
        return str(self.loc[-1]) if self.loc else ""


def problems_of(error: ValidationError, source: Source, at: Loc = ()) -> Iterator[Problem]:
    """Each thing that pydantic found, once, where it stands in the file.

    Args:
        at: where what pydantic has looked at stands.
    """
    found = error.errors(include_url=False)
    entries = [each for entry in found for each in (entry, *_beside_type(entry))]
    findings = [(entry["type"], _finding(entry, source, at)) for entry in entries]
    unknown = [finding for kind, finding in findings if kind == "extra_forbidden"]
    for finding in unknown[:_MAX_SUGGESTIONS]:
        fields = _fields(finding.owner)
        finding.meant, finding.hint = _suggested(finding, finding.name, fields)
    # A misspelt field is also a missing one: report it once.
    misspelt = {(*finding.loc[:-1], finding.meant) for finding in unknown}
    # The database of a key event may be stated by its table, which could not be read.
    reported = {(*loc[:-1], "database") for loc in source.broken if loc[-1:] == ("table",)}
    reported |= source.broken
    for kind, finding in findings:
        if finding.loc in reported or (kind == "missing" and finding.loc in misspelt):
            continue
        reported.add(finding.loc)
        message, hint = _WORDS.get(kind, _says("cannot stand here"))(finding)
        hint = hint or ("" if at else right_value(finding.loc, finding.raw))
        yield source.problem(finding.loc, message, hint, of_key=kind == "extra_forbidden")


def _finding(entry: Any, source: Source, at: Loc) -> _Finding:
    raw = (*at[-1:], *entry["loc"])
    loc, value = _in_file(raw, at[:-1], source.data)
    meant = ""
    if entry["type"] == "missing":
        loc = (*loc, raw[-1])
    elif entry["type"].startswith("union_tag"):
        meant = "const" if "increment" in loc else _likely_kind(value)
        loc, value = (*loc, "type"), value.get("type")
    names = [part for part in raw[:-1] if isinstance(part, str)]
    owner = names[-1] if names else ""
    shown = _shown(value, source.text(loc))
    return _Finding(raw, loc, owner, value, shown, entry.get("ctx", {}), meant)


def _in_file(raw: Loc, loc: Loc, data: Any) -> tuple[Loc, Any]:
    """The place in the file that pydantic means, and what stands there.

    What the file does not have is left out: the tag of a union, the parts of something in short.

    Args:
        loc: what `raw` begins from.
    """
    value: Any = reduce(getitem, loc, data)
    for before, part in pairwise(("", *raw)):
        name = "filter" if part == IN_SHORT else part
        if isinstance(value, dict):
            is_union = isinstance(before, int) or before == "increment"
            is_there = name in value and not (is_union and value.get("type") == part)
        else:
            is_there = isinstance(value, list) and isinstance(part, int)
        if is_there:
            value, loc = value[name], (*loc, name)
    return loc, value


def _beside_type(entry: Any) -> Iterator[Any]:
    """What else is wrong with an attribute of no known type: with it as what it looks most like."""
    if not entry["type"].startswith("union_tag") or len(entry["loc"]) != 2:
        return
    kind = _likely_kind(entry["input"])
    known = {name for other in _ATTRIBUTES for name in _fields(other)}
    try:
        _OWNERS[kind].model_validate({**entry["input"], "type": kind})
    except ValidationError as error:
        for more in error.errors(include_url=False):
            is_known = more["type"] == "extra_forbidden" and more["loc"][-1] in known
            if more["type"] != "missing" and not is_known:
                yield {**more, "loc": (*entry["loc"], kind, *more["loc"])}


def _likely_kind(item: Mapping[str, Any]) -> str:
    """The type that an attribute is meant to have, or else with which it has most fields."""
    fields = {kind: len(item.keys() & _fields(kind).keys()) for kind in _ATTRIBUTES}
    return nearest(str(item.get("type")), _ATTRIBUTES) or max(fields, key=fields.__getitem__)


def _shown(value: Any, text: str) -> str:
    if isinstance(value, list):
        return "a list"
    if isinstance(value, dict):
        return "a mapping"
    if value is None:
        return "an empty value"
    return f"'{value}'" if isinstance(value, str) else text


def right_value(loc: Loc, raw: Loc = ()) -> str:
    """Return the hint that shows a right value for a field; empty where none is known.

    Args:
        loc: where the field stands, or an item of the list that it holds.
        raw: the same as pydantic has it, with what has the field.
    """
    field = next((part for part in reversed(loc) if isinstance(part, str)), "")
    owners = ["", *(part for part in (raw or loc)[:-1] if isinstance(part, str))]
    while field in owners[1:]:  # of a part of it, pydantic's location goes on
        owners.pop()
    examples = _examples().get(owners[-1], {})
    example = examples.get(field, examples.get("*"))
    if example is None:
        return ""
    is_item = isinstance(loc[-1], int)
    whole = [example[0]] if is_item else {field: example}
    text = yaml_text(whole, default_flow_style=True, width=math.inf).strip()[1:-1]
    return f"write e.g. {'- ' if is_item else ''}{text}"


def examples_of(model: str) -> Mapping[str, Any]:
    """Return a right value for each field of a model, by the name of its class."""
    owner = next((owner for owner, home in _OWNERS.items() if home.__name__ == model), "?")
    return dict(_examples().get(owner, {}))


@cache
def _examples() -> Any:
    file = resources.files("tdxwrap.config").joinpath("examples.yaml")
    return yaml.safe_load(file.read_text("utf-8"))


@cache
def _fields(owner: str) -> dict[str, str]:
    """Every name that a field has, in the file or in the API → its name in the file."""
    model = _OWNERS.get(owner, BaseModel)
    names: dict[str, str] = {}
    for name, info in model.model_fields.items():
        alias = info.alias or name
        names[name] = names[alias] = name if issubclass(model, fields.ConfigItem) else alias
    if issubclass(model, fields.Filtered):
        names["filter"] = "filter"
    return names | ({} if owner else {"extends": "extends"})


def _suggested(finding: _Finding, word: str, options: Mapping[str, str]) -> tuple[str, str]:
    """What a word was meant to be, which may be an operator of another language, and the hint."""
    if finding.owner in _COMPARING:
        words = _examples()["operators"]
        word = next((name for name in words if word.lower() in words[name]), word)
    meant = options.get(nearest(word.lstrip("!"), options), "")
    opposite = ", with not: true beside it" if word.startswith("!") else ""
    return meant, f"did you mean {meant}{opposite}?" if meant else ""


def _unknown(finding: _Finding) -> tuple[str, str]:
    others = [kind for kind in sorted(_ATTRIBUTES) if finding.name in _fields(kind).values()]
    if others and finding.owner in _ATTRIBUTES:
        what = f"{finding.name} belongs to {' and '.join(others)} attributes"
        return what, f"this one is of type {finding.owner}"
    if finding.owner == "group" and finding.name in _fields("Column").values():
        return f"{finding.name} belongs to conditions of type Column", "write type: Column"
    if finding.name == "filter" and finding.name in _fields(finding.owner):
        return "filter and filter_rule say the same", "keep one of them"
    known = ", ".join(dict.fromkeys(_fields(finding.owner).values()))
    hint = finding.hint or f"the fields here are {known}"
    if not finding.hint and finding.owner in ("filter_rule", "group"):
        hint += "; conditions in short go under filter"
    return f"there is no field {finding.name}", hint


def _missing(finding: _Finding) -> tuple[str, str]:
    or_so = finding.name == "database" and finding.owner == "key_events"
    return f"{finding.name} is missing", "or write table: database.table" if or_so else ""


def _rejected(finding: _Finding) -> tuple[str, str]:
    error = finding.context["error"]
    return str(error), getattr(error, "hint", "")


def _not_text(finding: _Finding) -> tuple[str, str]:
    if isinstance(finding.value, bool | int | float):
        kind = "true or false" if isinstance(finding.value, bool) else "a number"
        return f"{finding.shown} without quotes is read as {kind}", f'write "{finding.shown}"'
    is_operand = finding.loc[-1] in filters.Operator.OPERAND
    expected = "text or number" if is_operand else "text"
    return f"{finding.shown} where a {expected} is expected", ""


def _no_choice(finding: _Finding) -> tuple[str, str]:
    expected = finding.context.get("expected") or finding.context.get("expected_tags") or ""
    options = re.findall(r"'([^']*)'", expected)
    if finding.owner == "group":
        options.append("Column")
    _, hint = _suggested(finding, str(finding.value), {name: name for name in options})
    if finding.meant:
        hint = hint or f"write e.g. type: {finding.meant}"
    return f"{finding.shown} is not one of {', '.join(options)}", hint


def _no_kind(finding: _Finding) -> tuple[str, str]:
    options = "const or field" if "increment" in finding.loc else ", ".join(_ATTRIBUTES)
    return f"type is missing: one of {options}", f"write e.g. type: {finding.meant}"


def _no_mapping(finding: _Finding) -> tuple[str, str]:
    names = [part for part in finding.loc if isinstance(part, str)]
    label = names[-1].replace("_", " ").removesuffix("s")
    article = "an" if label[0] in "aeiou" else "a"
    return f"{finding.shown} is not {article} {label}", ""


def _says(what: str, hint: str = "") -> Callable[[_Finding], tuple[str, str]]:
    return lambda finding: (f"{finding.shown} {what}", hint)


_WORDS: Mapping[str, Callable[[_Finding], tuple[str, str]]] = {
    "extra_forbidden": _unknown,
    "missing": _missing,
    "value_error": _rejected,
    "string_type": _not_text,
    "string_too_short": _says("is empty"),
    "too_short": _says("without items"),
    "literal_error": _no_choice,
    "union_tag_invalid": _no_choice,
    "union_tag_not_found": _no_kind,
    "tuple_type": _says("where a list is expected"),
    "model_type": _no_mapping,
    "model_attributes_type": _no_mapping,
    "greater_than_equal": _says("is less than 1"),
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float"), _says("is not a whole number")),
    **dict.fromkeys(("bool_type", "bool_parsing"), _says("is not true or false")),
}
