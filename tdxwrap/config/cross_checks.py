"""What must hold between the items of a configuration: names, references, limits.

The checks read the raw data, not the model, so that they also run when some items are wrong;
what does not have the right form is skipped here, since the model reports it.
"""

import contextlib
import re
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import reduce
from itertools import chain
from operator import getitem
from typing import Any, TypeAlias

from pydantic import ValidationError
from pydantic.alias_generators import to_snake

from tdxwrap.config.attributes import derived_identifier
from tdxwrap.config.filters import FilterRule, rule_length
from tdxwrap.config.messages import problems_of, right_value
from tdxwrap.config.models import RtConfig
from tdxwrap.config.odd_characters import called, composed, folded, odd_character, yaml_escape
from tdxwrap.config.yaml_source import Loc, Place, Source
from tdxwrap.errors import Problem
from tdxwrap.system.spelling import did_you_mean
from tdxwrap.system.text import argument_fault

Entry: TypeAlias = tuple[Loc, str]

SECTIONS = ("event_tables", "key_events", "id_stitching", "batch_attributes", "attributes")
MAX_TABLES = 100
MAX_KEYS = 100
MAX_FILTER_CHARACTERS = 1_000
FILTERS = "characters in the filters of all key events together"
_MAX_SUGGESTIONS = 100
# Of these an attribute of the type needs one (F14).
_ONE_OF = {
    "counter": ("duration", "sub_durations"),
    "list": ("id_column", "fields", "aggregations"),
}
# What to do where an attribute has the identifier of another one.
_UNIQUE = {
    "column": "each column is imported once, under its own name",
    "identifier": "give an identifier of its own",
}
# What stands in the recipe for a value of the user's own, and in our own output for a secret.
_PLACEHOLDER = re.compile(
    r"<(?:ps_id(?:_or_name)?|db|table\d*|event_name|description|primary_key|key_event_id"
    r"|(?:list_|counter_)?attr_name|attr_identifier|column_name)>|\[redacted\]"
)
_VARIABLE = re.compile(r"(?<!\$)\$\{([A-Za-z_]\w*)")
# In these a part of a value may well look like one: a group of a regular expression, a tag.
_FREE = {"filter", "filter_rule", "valid_regexp", "invalid_texts", "extra"}
# What takes a text as well as a number; ids do, and the first three with everything in them.
_TEXT_OR_NUMBER = {"filter", "filter_rule", "extra", "parent_segment", "id"}
# Operators for which a number is a number, however it is written.
_BY_ORDER = {"greater", "greater_equal", "less", "less_equal", "between"}


def errors(source: Source) -> Iterator[Problem]:
    """Duplicates, dangling names and what is over the limits of F20."""
    checks = (_no_section, _duplicates, _identifiers, _batch_names, _dangling, _foreign_tables)
    for check in (*checks, _incomplete, _limits, _odd_forms):
        yield from check(source)
    yield from (problem for is_refused, problem in _odd_texts(source) if is_refused)


def cautions(source: Source, config: RtConfig) -> Iterator[Problem]:
    """What is accepted, and probably not what is wanted."""
    stitching = config.id_stitching
    if stitching.ext_lookup_key in {key.name for key in stitching.keys}:
        message = f"{stitching.ext_lookup_key} is also a stitching key"
        message += "; the lookup key is the segment's profile key"
        hint = "with another one batch attributes never resolve"
        yield source.problem(("id_stitching", "ext_lookup_key"), message, hint)
    for index, key in enumerate(stitching.keys):
        if reason := _regexp_fault(key.valid_regexp or ""):
            message = f"'{key.valid_regexp}' does not look like a regular expression: {reason}"
            yield source.problem(("id_stitching", "keys", index, "valid_regexp"), message)
    # F20. What is live may be longer, so a plan refuses only what is to be written.
    characters = sum(rule_length(event.filter_rule) for event in config.key_events)
    yield from _over(source, ("key_events",), characters, MAX_FILTER_CHARACTERS, FILTERS)
    yield from (problem for is_refused, problem in _odd_texts(source) if not is_refused)
    yield from _lookalikes(source)
    for loc, value in _formed(source):
        if isinstance(value, str):
            hint = f"write '{source.text(loc)}': quotes make it plain"
            yield source.problem(loc, f"{source.text(loc)} is read as a text", hint)
    yield from _passed_on(source)


def _passed_on(source: Source) -> Iterator[Problem]:
    """Properties and filters that this version does not know."""
    for path in ("key_events.*", "attributes.*", "id_stitching.keys.*"):
        for loc, extra in _at(source.data, f"{path}.extra"):
            for name in extra or ():
                message = f"{name} is passed on as it is: this version does not know it"
                hint = "see that the API does; a newer tdxwrap may know it, too"
                yield source.problem((*loc, name), message, hint, of_key=True)
    for path in ("key_events.*", "attributes.*", "attributes.*.actions.*"):
        for loc, rule in _at(source.data, f"{path}.filter_rule"):
            try:
                FilterRule.model_validate(rule or {})
            except ValidationError as error:
                # The first thing that is strange about it.
                first = next(problems_of(error, source, loc))
                message = f"{first.message}; the rule is passed on as it is"
                hint = f"{first.hint or 'this version does not know it'}; a new one needs --force"
                yield replace(first, message=message, hint=hint)


def _regexp_fault(pattern: str) -> str:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        return str(error)
    return ""


def _no_section(source: Source) -> Iterator[Problem]:
    if not set(source.data) - {"parent_segment", "account"}:
        message = "the file configures nothing"
        yield source.problem((), message, f"it needs one or more of {', '.join(SECTIONS)}")


def _duplicates(source: Source) -> Iterator[Problem]:
    for what, (loc, text), (first, _) in _pairs(source, str):
        yield source.problem(loc, f"{what} {text} is already in {source.beside(loc, first)}")


def _lookalikes(source: Source) -> Iterator[Problem]:
    for what, (loc, text), (first, name) in _pairs(source, folded):
        if text != name and loc[-1] != "renamed_from":
            other = f"{what} in {source.beside(loc, first)}"
            message = f"{text} differs from {other} only in case, white space or Unicode form"
            yield source.problem(loc, message)


def _pairs(source: Source, form: Callable[[str], str]) -> Iterator[tuple[str, Entry, Entry]]:
    """What has a name that an item before it has in the same form, and that item."""
    for what, entries in _named(source):
        first: dict[str, Entry] = {}
        for entry in entries:
            before = first.setdefault(form(entry[1]), entry)
            if before is not entry:
                yield what, entry, before


def _named(source: Source) -> Iterator[tuple[str, Iterable[Entry]]]:
    data = source.data
    yield "the event table", _event_tables(data)
    names, former = _texts(data, "key_events.*.name"), _texts(data, "key_events.*.renamed_from")
    yield "the key event", (*names, *former)
    yield "the attribute", _texts(data, "attributes.*.name")
    yield "the stitching key", _stitching_keys(data)
    yield "the batch attribute", _named_in_short(data, "batch_attributes.*", "column")
    for loc, attribute in _at(data, "attributes.*"):
        for part in ("aggregations", "sub_durations"):
            found = _texts(attribute, f"{part}.*.identifier")
            yield "the identifier", [((*loc, *inner), text) for inner, text in found]


def _identifiers(source: Source) -> Iterator[Problem]:
    first: dict[str, Loc] = {}
    names: set[str] = set()
    for loc, attribute in _at(source.data, "attributes.*"):
        field = "column" if _get(attribute, "type") == "imported" else "identifier"
        stated, name = _get(attribute, field), _get(attribute, "name")
        derived = derived_identifier(name) if isinstance(name, str) else ""
        identifier = stated if isinstance(stated, str) and stated else derived
        # The same name twice is reported as a duplicate.
        if identifier in first and (stated or name not in names):
            place = (*loc, field if stated else "name")
            told = f"{identifier}{'' if stated else ', derived from the name,'}"
            other = source.beside(place, first[identifier])
            message = f"{told} is the identifier of the attribute in {other}"
            yield source.problem(place, message, _UNIQUE[field])
        if identifier:
            first.setdefault(identifier, loc)
        elif name and isinstance(name, str) and field == "identifier" and not stated:
            message = f"no identifier can be derived from the name '{name}'"
            yield source.problem(loc, message, "write e.g. identifier: some_name")
        names |= {name} if isinstance(name, str) else set()


def _incomplete(source: Source) -> Iterator[Problem]:
    """What an attribute lacks that no single field of it has to have."""
    for loc, item in _at(source.data, "attributes.*"):
        kind = str(_get(item, "type"))
        names = _ONE_OF.get(kind, ())
        is_broken = any((*loc, name) in source.broken for name in names)
        if names and not is_broken and all(_get(item, name) in (None, []) for name in names):
            hint = right_value((*loc, names[0]), (*loc, kind, names[0]))
            yield source.problem(loc, f"a {kind} needs {' or '.join(names)}", hint)


def _batch_names(source: Source) -> Iterator[Problem]:
    """An imported column that is a batch attribute as well has its name from there."""
    names: dict[str, object] = {}
    for _, part in _at(source.data, "batch_attributes.*"):
        column = part if isinstance(part, str) else _get(part, "column")
        if isinstance(column, str):
            names[column] = _get(part, "name")
    for loc, attribute in _at(source.data, "attributes.*"):
        column, name = _get(attribute, "column"), _get(attribute, "name")
        if _get(attribute, "type") != "imported" or not isinstance(column, str) or name is None:
            continue
        if names.get(column, name) != name:
            message = f"{column} has another name under batch_attributes"
            yield source.problem((*loc, "name"), message, "name it there, or take it out there")


def _dangling(source: Source) -> Iterator[Problem]:
    data = source.data
    known = {name for _, name in _texts(data, "key_events.*.name")}
    # A name such as 12 or no, without quotes, is reported where it stands, not where it is used.
    known |= {source.text((*loc, "name")) for loc, _ in _at(data, "key_events.*")} - {""}
    others = f"the key events are {', '.join(sorted(known)[:5])}" if known else "there is none"
    forms = {composed(name) for name in known}
    hints: dict[str, str] = {}
    used = _texts(data, "attributes.*.key_event"), _texts(data, "attributes.*.actions.*.key_event")
    for loc, name in chain(*used):
        if composed(name) in forms:
            continue
        # Looking for the nearest of thousands of names takes its time: not for thousands of them.
        if name not in hints and len(hints) < _MAX_SUGGESTIONS:
            hints[name] = did_you_mean(name, known) or others
        yield source.problem(loc, f"no key event is called '{name}'", hints.get(name, others))


def _foreign_tables(source: Source) -> Iterator[Problem]:
    stated = {table for _, table in _event_tables(source.data)}
    if not isinstance(_get(source.data, "event_tables"), list):
        return
    for loc, event in _at(source.data, "key_events.*"):
        table = _table(event)
        if table and table not in stated:
            hint = did_you_mean(table, stated) or f"add {table} to event_tables"
            yield source.problem((*loc, "table"), f"{table} is not among event_tables", hint)


def _limits(source: Source) -> Iterator[Problem]:
    """F20."""
    stated = {table for _, table in _event_tables(source.data)}
    where: Loc = ("event_tables",) if stated else ("key_events",)
    tables = stated or {_table(event) for _, event in _at(source.data, "key_events.*")} - {""}
    yield from _over(source, where, len(tables), MAX_TABLES, "event tables")
    keys: Loc = ("id_stitching", "keys")
    yield from _over(source, keys, len(_stitching_keys(source.data)), MAX_KEYS, "stitching keys")


def _over(source: Source, loc: Loc, count: int, limit: int, what: str) -> Iterator[Problem]:
    if count > limit:
        yield source.problem(loc, over_limit(count, limit, what))


def over_limit(count: int, limit: int, what: str) -> str:
    """Return what to say of more than a parent segment takes (F20)."""
    return f"{count:,} {what}; a parent segment takes at most {limit:,}"


def _odd_texts(source: Source) -> Iterator[tuple[bool, Problem]]:
    """Placeholders, names that tdx would misread as an argument of a command, and odd characters.

    Each with whether it is refused.
    """
    for loc, text in _all_texts(source.data, ()):
        search = _PLACEHOLDER.search if _FREE.isdisjoint(loc) else _PLACEHOLDER.fullmatch
        odd, is_error = odd_character(text, loc)
        is_meant = not odd or _is_meant(source, loc, text, odd)
        is_refused = is_error and not is_meant
        if found := search(text):
            message = f"the placeholder {found[0]} is left in the value"
            yield True, source.problem(loc, message, "write what it stands for")
        elif not is_refused and _is_argument(loc) and (fault := argument_fault(text)):
            hint = "give its id instead" if loc == ("parent_segment",) else right_value(loc)
            yield True, source.problem(loc, f"'{text}' {fault}", hint)
        if is_error or not is_meant:
            message, hint = _odd_character(source.place(loc), text, odd)
            hint = "" if is_meant else hint
            yield is_refused, source.problem(loc, message, hint, of_key=text == loc[-1])


def _odd_character(place: Place, text: str, odd: str) -> tuple[str, str]:
    """What to say of a character that a name holds by mistake; one that is escaped is meant."""
    where = "ends with" if text.endswith(odd) else "begins with" if text[0] == odd else "holds"
    message = f"{text.strip(odd) or 'the text'} {where} {called(odd)}"
    variables = _VARIABLE.findall(place.text) if odd not in place.written else ()
    if variables:
        message += f", from the environment variable {' or '.join(variables)}"
        return message, "remove it from the value of the variable"
    return message, f"remove it, or write {yaml_escape(odd)} in double quotes if it is meant"


def _is_meant(source: Source, loc: Loc, text: str, odd: str) -> bool:
    place = source.keys[loc] if text == loc[-1] else source.place(loc)
    is_there = odd_character(place.written, loc)[0] == odd
    return not (is_there or _VARIABLE.search(place.text))


def _odd_forms(source: Source) -> Iterator[Problem]:
    """Numbers, true and false written so that the text is as likely meant."""
    for loc, value in _formed(source):
        form, written = source.values[loc].form, source.text(loc)
        if not form.startswith("'") and _is_exact(source.data, loc, value):
            kind = "boolean" if isinstance(value, bool) else "number"
            hint = f"write '{written}' for the text, {form} for the {kind}"
            yield source.problem(loc, f"{written} is read as the {kind} {form}", hint)


def _formed(source: Source) -> Iterator[tuple[Loc, Any]]:
    """What takes a text as well as a number and stands in another form than an export writes."""
    for loc, place in source.values.items():
        if place.form and not _TEXT_OR_NUMBER.isdisjoint(loc):
            # What was merged and then replaced is not in the data.
            with contextlib.suppress(LookupError, TypeError):
                yield loc, reduce(getitem, loc, source.data)


def _is_exact(data: Any, loc: Loc, value: Any) -> bool:
    """Whether the form of a value counts; not where the model refuses such a value by itself."""
    start = next(i for i, part in enumerate(loc) if part in _TEXT_OR_NUMBER)
    names = [part for part in loc[start + 1 :] if isinstance(part, str)]
    if not names:
        return loc[start] in ("parent_segment", "id") and type(value) in (int, str)
    if loc[start] == "filter":
        operators = [name for name in names if name not in ("any", "all")][1:]
        others = _BY_ORDER | {"regexp", "is_null", "not"}
        return not isinstance(value, bool) and others.isdisjoint(operators)
    kind = to_snake(str(_get(reduce(getitem, loc[:-1], data), "type")))
    by_order = loc[start] == "filter_rule" and kind in _BY_ORDER
    return names[-1] != "not" and (isinstance(value, bool) or not by_order)


def _is_argument(loc: Loc) -> bool:
    of_event = loc[0] == "key_events" and loc[2:] in (("database",), ("table",))
    return of_event or loc[0] in ("parent_segment", "event_tables")


def _all_texts(data: Any, loc: Loc) -> Iterator[Entry]:
    """Every text and number in the data, the names of columns in a short filter included."""
    if isinstance(data, str | int):
        yield loc, str(data)
    elif isinstance(data, dict | list):
        for name, value in data.items() if isinstance(data, dict) else enumerate(data):
            yield from (((*loc, name), name),) if isinstance(name, str) and "filter" in loc else ()
            yield from _all_texts(value, (*loc, name))


def _get(data: Any, name: str) -> Any:
    return data.get(name) if isinstance(data, dict) else None


def _at(data: Any, path: str) -> Iterator[tuple[Loc, Any]]:
    """What stands at a path such as `attributes.*.name`, with its place; `*` is any item."""
    first, _, rest = path.partition(".")
    parts: Iterable[tuple[str | int, Any]] = ()
    if first == "*" and isinstance(data, list):
        parts = enumerate(data)
    elif isinstance(data, dict) and first in data:
        parts = [(first, data[first])]
    for name, part in parts:
        for loc, value in _at(part, rest) if rest else [((), part)]:
            yield (name, *loc), value


def _texts(data: Any, path: str) -> Iterator[Entry]:
    """The texts at a path."""
    return ((loc, text) for loc, text in _at(data, path) if isinstance(text, str) and text)


def _named_in_short(data: Any, path: str, field: str) -> list[Entry]:
    """The texts that the items at a path are, or have in a field."""
    return sorted([*_texts(data, path), *_texts(data, f"{path}.{field}")])


def _stitching_keys(data: Any) -> list[Entry]:
    return _named_in_short(data, "id_stitching.keys.*", "name")


def _event_tables(data: Any) -> Iterator[Entry]:
    for loc, item in _at(data, "event_tables.*"):
        table = item if isinstance(item, str) else _table(item)
        if table:
            yield loc, table


def _table(item: Any) -> str:
    """`database.table` of a key event or an event table; empty if it is not clear."""
    database, table = _get(item, "database"), _get(item, "table")
    if not isinstance(table, str) or not table:
        return ""
    if isinstance(database, str) and database:
        return f"{database}.{table}"
    return table if database is None and "." in table else ""
