"""What the API accepts and never reports: tables, columns and keys that are not there (F18, F19).

Pure: `check` compares a configuration with what `SchemaReads` has read.
"""

import re
from collections.abc import Collection, Iterator
from typing import Any, TypeAlias

from tdxwrap.config.filters import Operator
from tdxwrap.config.models import EventTable, RtConfig
from tdxwrap.errors import NotFound, TdxwrapError
from tdxwrap.plan.changes import Finding, Level, Loc, Topic, listed
from tdxwrap.realtime.state import Schema
from tdxwrap.system.spelling import did_you_mean

Use: TypeAlias = tuple[str, str, Loc, str, Any]
"""A column that something reads: who reads it, the key event, the place in the file, the column,
and the part of the file that names it."""

# Every table has it, whether or not its description lists it.
_IMPLICIT = frozenset(("time",))
STRING = re.compile(r"(?i)(string|varchar|char|text)\b|$")
NUMBER = re.compile(r"(?i)((tiny|small|big)?int(eger)?|long|float|double|real|decimal)\b")
_LOOKUP_KEY: Loc = ("id_stitching", "ext_lookup_key")
_COLUMN_FIELDS = ("column", "value_column", "id_column")
_MAX_SUGGESTIONS = 100  # looking for the nearest name takes its time


def check(config: RtConfig, schema: Schema) -> tuple[Finding, ...]:
    """Everything that the file states and that cannot work; in the order of the recipe.

    What is in a table that could not be described is not judged.
    """
    return (
        *_tables(config, schema),
        *_stitching_keys(config, schema),
        *_lookup_key(config, schema),
        *_batch_attributes(config, schema),
        *_columns(config, schema),
    )


def _tables(config: RtConfig, schema: Schema) -> Iterator[Finding]:
    for table, loc in config.tables().items():
        found = schema.tables[table]
        if isinstance(found, NotFound):
            message = f"there is no table {table}"
            hint = f'see `tdx tables "{table.database}.*"`; a wrong profile or site looks the same'
            yield Finding(Topic.TABLES, Level.FAILED, message, hint, loc)
        elif isinstance(found, TdxwrapError):
            message = f"{table} could not be described, so its columns are not checked"
            yield Finding(Topic.TABLES, Level.WARNING, message, f"tdx said: {brief(found)}", loc)


def _stitching_keys(config: RtConfig, schema: Schema) -> Iterator[Finding]:
    readable = schema.readable()
    if not readable:
        return
    for index, key in enumerate(config.id_stitching.keys):
        loc: Loc = ("id_stitching", "keys", index)
        types = {t: columns[key.name] for t, columns in readable.items() if key.name in columns}
        if not types:
            yield _nowhere(key.name, schema, loc)
            continue
        lacking = [t for t in config.tables() if t in readable and t not in types]
        if lacking:
            message = f"stitching key {key.name} is not a column of {listed(lacking)}"
            message += ": profiles seen only there will not be stitched by it"
            yield Finding(Topic.KEYS, Level.WARNING, message, loc=loc)
        wrong = [f"{kind} in {t}" for t, kind in types.items() if not STRING.match(kind)]
        if wrong:
            message = f"stitching key {key.name} is not a string: {listed(wrong)}"
            hint = "only string values stitch; give the table a string column of it"
            yield Finding(Topic.KEYS, Level.FAILED, message, hint, loc)


def _nowhere(key: str, schema: Schema, loc: Loc) -> Finding:
    failures = (each for each in schema.tables.values() if isinstance(each, TdxwrapError))
    level, end = Level.FAILED, ": it will never stitch"
    if not all(isinstance(each, NotFound) for each in failures):
        level, end = Level.WARNING, " that could be described"
    message = f"stitching key {key} is not a column of any event table{end}"
    return Finding(Topic.KEYS, level, message, hint_for(key, sorted(schema.names())), loc)


def _lookup_key(config: RtConfig, schema: Schema) -> Iterator[Finding]:
    """F18. Which column is the profile key tdx does not tell; these it cannot be."""
    key, master = config.id_stitching.ext_lookup_key, schema.master
    if key is None:
        return
    stitching = {each.name for each in config.id_stitching.keys}
    columns = () if master is None or isinstance(master, TdxwrapError) else tuple(master)
    others = [name for name in columns if name not in stitching]
    if key in stitching:
        message = f"lookup key {key} is a stitching key: with it batch attributes never resolve"
        hint = "give the profile key of the parent segment"
        hint += f"; the master table has {listed(others)}" if others else ""
        yield Finding(Topic.LOOKUP_KEY, Level.FAILED, message, hint, _LOOKUP_KEY)
    if isinstance(master, TdxwrapError):
        message = f"the master table could not be read, so lookup key {key} is not checked"
        hint = f"tdx said: {brief(master)}"
        yield Finding(Topic.LOOKUP_KEY, Level.WARNING, message, hint, _LOOKUP_KEY)
    elif master is not None and key not in columns:
        message = f"lookup key {key} is not a column of the master table"
        yield Finding(Topic.LOOKUP_KEY, Level.FAILED, message, hint_for(key, others), _LOOKUP_KEY)


def _batch_attributes(config: RtConfig, schema: Schema) -> Iterator[Finding]:
    """A column of an attribute table is imported as well, and tdx does not tell those (F10)."""
    if schema.master is None or isinstance(schema.master, TdxwrapError):
        return
    for part, loc in config.batch().items():
        if part.column not in schema.master:
            message = f"batch attribute {part.column} is not a column of the master table"
            hint = hint_for(part.column, schema.master)
            yield Finding(Topic.COLUMNS, Level.WARNING, message, hint, loc)


def _columns(config: RtConfig, schema: Schema) -> Iterator[Finding]:
    readable = schema.readable()
    tables = {event.name: event.event_table for event in config.key_events}
    hints: dict[tuple[str, EventTable], str] = {}
    for what, event, loc, column, part in uses(config):
        table = tables[event]
        known = readable.get(table)
        if known is not None and (wrong := _of_other_type(part, known.get(column, ""))):
            message = f"{what}: filter {column} is {known[column]} in {table}"
            message += f", and compared with {listed(map(repr, wrong))}"
            hint = "a text has quotes, a number has none"
            yield Finding(Topic.COLUMNS, Level.WARNING, message, hint, loc)
        if known is None or column in known or column in _IMPLICIT:
            continue
        if len(hints) < _MAX_SUGGESTIONS and (column, table) not in hints:
            hints[column, table] = hint_for(column, known)
        field = "filter" if loc[2] == "filter_rule" else loc[2]
        message = f"{what}: {field} {column} is not a column of {table}"
        hint = hints.get((column, table), "")
        yield Finding(Topic.COLUMNS, Level.FAILED, message, hint, loc)


def _of_other_type(condition: Any, kind: str) -> list[Any]:
    """The numbers that a condition compares with a text column, or the texts with a number."""
    operator = condition.get("operator") if isinstance(condition, dict) else None
    if not kind or not isinstance(operator, dict) or operator.get("type") == "Regexp":
        return []
    values: list[Any] = []
    for operand in map(operator.get, Operator.OPERAND):
        values += operand if isinstance(operand, list) else [operand]
    if STRING.match(kind):
        return [v for v in values if isinstance(v, int | float) and not isinstance(v, bool)]
    return [v for v in values if isinstance(v, str)] if NUMBER.match(kind) else []


def uses(config: RtConfig) -> Iterator[Use]:
    """Every column that a key event, an attribute or an action reads from a key event's table."""
    file = config.model_dump(mode="json", by_alias=False)
    for section, kind in (("key_events", "key event"), ("attributes", "attribute")):
        for index, item in enumerate(file[section]):
            what, loc = f"{kind} {item['name']}", (section, index)
            actions = enumerate(item.pop("actions", ()))
            parts = [(loc, item), *(((*loc, "actions", n), action) for n, action in actions)]
            for part_loc, part in parts:
                event = item["name"] if section == "key_events" else part.get("key_event")
                if event is not None:
                    yield from ((what, event, *named) for named in _named(part, part_loc))


def _named(part: Any, loc: Loc) -> Iterator[tuple[Loc, str, Any]]:
    """Every column that a part of the file names, with its place and what names it."""
    if isinstance(part, list):
        part = dict(enumerate(part))
    if not isinstance(part, dict):
        return
    for name, value in part.items():
        is_column = name in _COLUMN_FIELDS or loc[-1] == "fields"
        is_column = is_column or (name == "value" and part.get("type") == "field")
        if is_column and isinstance(value, str):
            yield (*loc, name), value, part
        elif name != "extra":
            yield from _named(value, (*loc, name))


def hint_for(name: str, known: Collection[str]) -> str:
    """Return what a name that is not known may have been meant to be, or what there is."""
    return did_you_mean(name, known) or (f"there are {listed(known)}" if known else "")


def brief(error: TdxwrapError) -> str:
    """What tdx said in one line, or else what went wrong."""
    return (error.said or error.what).splitlines()[0].strip()
