"""Propose a first CONFIG from what an account holds, and write the commented file. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from tdxwrap.config.attributes import derived_identifier
from tdxwrap.config.models import EventTable
from tdxwrap.config.yaml_text import as_stated, yaml_text
from tdxwrap.plan.columns import NUMBER, STRING
from tdxwrap.realtime.state import Columns, Segment
from tdxwrap.system.text import comment, json_text
from tdxwrap.version import __version__

Field: TypeAlias = tuple[str, Any] | tuple[str, Any, str]
"""A field of the file: its name, its value and, if it has one, its comment."""

# Names of columns that identify a person, best first.
_PERSON = (
    re.compile(r"(?i)^td_(client|ssc|global)_id$"),
    re.compile(r"(?i)e?mail"),
    re.compile(
        r"(?i)(client|user|customer|member|visitor|device|account|subscriber)_?(u?id|no)$|^uid$"
    ),
    re.compile(r"(?i)phone"),
)
_ID = re.compile(r"(?i)(^|_)u?u?id$|[^a-z]id$")
# The platform makes cdp_… and td_… itself.
_PROFILE_KEY = (
    re.compile(r"(?i)^(?!cdp_|td_).*(customer|member|user|account|profile)_?(id|no)$"),
    re.compile(r"(?i)^(?!cdp_|td_).*(_|[^a-z]|^)id$"),
)
# Names of columns that say what an event is about, best first.
_SUBJECT = (
    re.compile(r"(?i)(product|item|content|article)_?(id|code)|sku"),
    re.compile(r"(?i)product|item|content|article|category"),
    re.compile(r"(?i)page|path|url|title"),
)
_EVENTS = re.compile(r"(?i)event|view|click|cart|order|purchase|visit|access")
_TABLES_PROPOSED = 3
_ONE_LINE = 1_000_000  # characters
_COMMENT_COLUMN = 36


@dataclass(frozen=True, slots=True)
class Chosen:
    """The choices that the file is made from.

    Attributes:
        tables: the event tables with their columns; at least one.
        keys: the stitching keys.
        lookup_key: the profile key; None leaves it out.
        configured: whether the segment has a realtime configuration already.
    """

    segment: Segment
    tables: Mapping[EventTable, Columns]
    keys: Sequence[str]
    lookup_key: str | None
    configured: bool = False


# What to propose


def likely_databases(names: Sequence[str]) -> list[str]:
    """Return the first database named like events, else the first of all."""
    return [name for name in names if _EVENTS.search(name)][:1] or list(names[:1])


def likely_tables(names: Sequence[str]) -> list[str]:
    """Return a few tables named like events, else the first of all."""
    return [name for name in names if _EVENTS.search(name)][:_TABLES_PROPOSED] or list(names[:1])


def possible_keys(tables: Iterable[Columns]) -> list[str]:
    """Return the columns that are strings in every table that has them, ids first (F19)."""
    kinds: dict[str, list[str]] = {}
    for columns in tables:
        for name, kind in columns.items():
            kinds.setdefault(name, []).append(kind)
    strings = [name for name, found in kinds.items() if all(map(STRING.match, found))]
    return sorted(strings, key=lambda name: (_rank(name, _PERSON), not _ID.search(name)))


def likely_keys(possible: Iterable[str], tables: Sequence[Columns]) -> list[str]:
    """Return those possible keys that identify people and are in the most tables."""
    people = [name for name in possible if _rank(name, _PERSON) < len(_PERSON)]
    spread = {name: sum(name in columns for columns in tables) for name in people}
    return [name for name in people if spread[name] == max(spread.values())]


def likely_lookup_keys(master: Columns) -> list[str]:
    """Return the column of the master table most likely to be the profile key, if any (F18)."""
    ranked = sorted(master, key=lambda name: _rank(name, _PROFILE_KEY))
    return [name for name in ranked[:1] if _rank(name, _PROFILE_KEY) < len(_PROFILE_KEY)]


def picked(
    answer: str, options: Sequence[str], *, several: bool = False, none: bool = False
) -> list[str] | None:
    """Return the options that an answer names, by name or number from 1; None if any is unknown.

    Args:
        several: whether it may name more than one, separated by commas or blanks.
        none: whether `-` may choose none.
    """
    if none and answer == "-":
        return []
    words = (
        [answer] if answer in options or not several else re.split(r"[,\s]+", answer.strip(" ,"))
    )
    by_number = {str(number): name for number, name in enumerate(options, 1)}
    found = [word if word in options else by_number.get(word) for word in words]
    names = [name for name in dict.fromkeys(found) if name is not None]
    return None if None in found else names


def _rank(name: str, patterns: Sequence[re.Pattern[str]]) -> int:
    return next((n for n, pattern in enumerate(patterns) if pattern.search(name)), len(patterns))


def _subject(chosen: Chosen) -> tuple[EventTable, str] | None:
    """Return a table, and the column that says what its events are about."""
    taken = {"time", *chosen.keys, chosen.lookup_key}
    fit = [
        (_rank(name, _SUBJECT), not STRING.match(kind), place, table, name)
        for place, (table, columns) in enumerate(chosen.tables.items())
        for name, kind in columns.items()
        if name not in taken and (STRING.match(kind) or NUMBER.match(kind))
    ]
    best = min(fit, key=lambda each: each[:3], default=None)
    return None if best is None else best[3:]


# The file


def config_text(chosen: Chosen) -> str:
    """Return the commented file; `check` and `doctor` accept it."""
    events = _events(list(chosen.tables))
    sections = (
        _header(chosen),
        [
            "# Id or name of the parent segment.",
            f"parent_segment: {_yaml('parent_segment', chosen.segment.id)}",
        ],
        ["# The tables whose rows are events.", "event_tables:"]
        + [f"  - {_yaml('event_tables', table.to_config())}" for table in chosen.tables],
        _key_events(events),
        _id_stitching(chosen),
        _attributes(chosen, events),
    )
    return "\n\n".join("\n".join(lines) for lines in sections) + "\n"


def _header(chosen: Chosen) -> list[str]:
    there = [
        "#",
        "# It has a realtime configuration already, which stays beside what this file says:",
        f"# `tdxwrap export {chosen.segment.id}` writes that one as a file.",
    ]
    lines = [
        "# yaml-language-server: $schema=rt-config.schema.json",
        "# (written by: tdxwrap schema > rt-config.schema.json; editors then complete and check)",
        "#",
        f"# A first realtime configuration of {json_text(chosen.segment.name)},",
        f"# proposed by tdxwrap {__version__} from what the account holds. Change it, then:",
        "#",
        "#   tdxwrap check FILE      is the file valid? needs no account",
        "#   tdxwrap doctor FILE     does everything it needs exist?",
        "#   tdxwrap rehearse FILE   the whole apply, on a stand-in for tdx",
        "#   tdxwrap plan FILE       what would change? writes nothing",
        *(there if chosen.configured else ()),
    ]
    return [comment(line) for line in lines]


def _events(tables: Sequence[EventTable]) -> dict[EventTable, str]:
    """Name a key event after each table; with its database where two tables share a name."""
    names = [table.table for table in tables]
    alike = {name for name in names if names.count(name) > 1}
    return {t: f"{t.database}.{t.table}" if t.table in alike else t.table for t in tables}


def _key_events(events: Mapping[EventTable, str]) -> list[str]:
    lines = ["# Events with a name; a filter_rule can leave out rows.", "key_events:"]
    for number, (table, name) in enumerate(events.items()):
        fields = (
            ("name", name, "what attributes refer to it by"),
            ("database", table.database, "where its rows are,"),
            ("table", table.table, "in which table"),
            ("description", f"Every row of {table}", "for people to read"),
        )
        lines += _item(*fields) if number == 0 else _item(*(field[:2] for field in fields))
    return lines


def _id_stitching(chosen: Chosen) -> list[str]:
    keys = [f"    - {_yaml('keys', key)}" for key in chosen.keys]
    key = chosen.lookup_key
    return [
        "# How a person is recognized.",
        "id_stitching:",
        "  # The columns that identify the person of an event; strings only.",
        *(["  keys:", *keys] if keys else ["  keys: []"]),
        "  # The profile key: the column of the master table that batch attributes are looked up",
        "  # by. It is not one of the keys above.",
        "  # ext_lookup_key: customer_id"
        if key is None
        else f"  ext_lookup_key: {_yaml('ext_lookup_key', key)}",
    ]


def _attributes(chosen: Chosen, events: Mapping[EventTable, str]) -> Iterator[str]:
    """Yield the section with one attribute of each kind; those that keep a value need a column."""
    yield from ("# What to keep of the events, and for how long.", "attributes:")
    found = _subject(chosen)
    if found is not None:
        yield from _value_attributes(*found, chosen, events)
    first = next(iter(events.values()))
    yield "  # counter: how often something happened"
    yield from _item(
        ("name", f"{derived_identifier(first) or 'events'}_24h"),
        ("type", "counter"),
        ("key_event", first, "the event that is counted"),
        ("counter_type", "total", "total or sliding"),
        ("increment", 1, "what each event adds"),
        ("duration", "24 hours"),
    )


def _value_attributes(
    table: EventTable, column: str, chosen: Chosen, events: Mapping[EventTable, str]
) -> Iterator[str]:
    slug = derived_identifier(column) or "value"
    is_string = STRING.match(chosen.tables[table][column])
    aggregation = {
        "name": "items",
        "identifier": "items",
        "column": column,
        "aggregation_type": "distinct_list",
    }
    yield "  # single: the last value of a column"
    yield from _item(
        ("name", f"last_{slug}", "what it is called"),
        ("type", "single", "single, list or counter"),
        ("key_event", events[table], "the event that it is taken from"),
        ("value_column", column, "the column whose last value is kept"),
        ("data_type", "string" if is_string else "number", "string or number"),
        ("duration", "1 day", "how long; in minutes, hours or days"),
    )
    yield "  # list: the last items"
    yield from _item(
        ("name", f"recent_{slug}"),
        ("type", "list"),
        ("key_event", events[table]),
        ("value_column", column, "the column whose values are kept"),
        ("id_column", column, "the column that tells items apart"),
        ("max_items", 100, "how many are kept"),
        ("aggregations", [aggregation], "what is computed from them"),
        ("duration", "30 days"),
    )


def _item(*fields: Field) -> Iterator[str]:
    """Yield the lines of an item of a list, with the comments aligned."""
    mark = "-"
    for name, value, *aside in fields:
        line = f"  {mark} {name}: {_yaml(name, value)}"
        mark = " "
        if not aside:
            yield line
        elif len(line) <= _COMMENT_COLUMN:
            yield f"{line:<{_COMMENT_COLUMN}}  # {aside[0]}"
        else:
            yield from (f"    # {aside[0]}", line)


def _yaml(name: str, value: Any) -> str:
    """Return the value of a field as one line of YAML."""
    text = yaml_text(as_stated(value, (name,)), default_flow_style=True, width=_ONE_LINE)
    return text.removesuffix("\n").removesuffix("\n...")
