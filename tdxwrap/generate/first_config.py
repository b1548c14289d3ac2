"""Propose a first CONFIG from what an account holds, and write the commented file. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from tdxwrap.config.attributes import derived_identifier
from tdxwrap.config.models import EventTable
from tdxwrap.config.yaml_text import as_stated, yaml_text
from tdxwrap.plan.columns import NUMBER, STRING
from tdxwrap.realtime.state import Columns, Segment
from tdxwrap.system.text import comment, json_text
from tdxwrap.version import __version__

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
_ONE_LINE = 1_000_000  # characters
_COMMENT_COLUMN = 36
_VALUE = re.compile(r"@(\w+)")


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


def likely(names: Sequence[str], count: int) -> list[str]:
    """Return the first databases or tables that are named like events, else the first of all."""
    return [name for name in names if _EVENTS.search(name)][:count] or list(names[:1])


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


def config_text(chosen: Chosen, *, samples: bool, schema: str = "") -> str:
    """Return the commented file; `check` and `doctor` accept it.

    Args:
        samples: propose attributes, too.
        schema: the name of the file beside it that holds its JSON Schema, if there is one.
    """
    events = _events(list(chosen.tables))
    key = chosen.lookup_key
    blocks = (
        _block("schema", schema=schema) if schema else "",
        _block("head", segment=json_text(chosen.segment.name), version=__version__),
        _block("configured", id=chosen.segment.id) if chosen.configured else "",
        _block("tables", parent_segment=chosen.segment.id),
        *(_block("table", event_tables=table.to_config()) for table in chosen.tables),
        _block("key events"),
        *(
            _block(
                "key event" if number == 0 else "next key event",
                name=name,
                description=f"Every row of {table}",
                **dict(table),
            )
            for number, (table, name) in enumerate(events.items())
        ),
        _block("stitching"),
        _block("keys" if chosen.keys else "no keys"),
        *(_block("key", keys=each) for each in chosen.keys),
        _block("lookup"),
        _block("lookup key", ext_lookup_key=key) if key else _block("no lookup key"),
        *(_samples(chosen, events) if samples else [_block("no attributes")]),
    )
    return "".join(blocks)


def _samples(chosen: Chosen, events: Mapping[EventTable, str]) -> Iterator[str]:
    """Yield an attribute of each kind that the first event, or a column with a value, can fill."""
    yield _block("attributes")
    found = _subject(chosen)
    if found is not None:
        table, column = found
        slug = derived_identifier(column) or "value"
        aggregation = {
            "name": "items",
            "identifier": "items",
            "column": column,
            "aggregation_type": "distinct_list",
        }
        yield _block(
            "value attributes",
            last_name=f"last_{slug}",
            list_name=f"recent_{slug}",
            key_event=events[table],
            value_column=column,
            data_type="string" if STRING.match(chosen.tables[table][column]) else "number",
            aggregations=[aggregation],
        )
    first = next(iter(events.values()))
    counter = f"{derived_identifier(first) or 'events'}_24h"
    yield _block("counter", name=counter, key_event=first)


def _events(tables: Sequence[EventTable]) -> dict[EventTable, str]:
    """Name a key event after each table; with its database where two tables share a name."""
    names = [table.table for table in tables]
    alike = {name for name in names if names.count(name) > 1}
    return {t: f"{t.database}.{t.table}" if t.table in alike else t.table for t in tables}


@cache
def _blocks() -> dict[str, list[str]]:
    """Return the lines of each block of `first_config.yaml`, by the name above it."""
    text = resources.files("tdxwrap.generate").joinpath("first_config.yaml").read_text("utf-8")
    blocks = (block.splitlines() for block in text.split("#: ")[1:])
    return {name: lines for name, *lines in blocks}


def _block(name: str, /, **values: Any) -> str:
    """Return a block with its values, as YAML outside of comments, and aligned comments."""
    lines: list[str] = []
    for line in _blocks()[name]:
        if line.lstrip().startswith("#"):
            lines.append(comment(_VALUE.sub(lambda found: values[found[1]], line)))
            continue
        field, _, aside = line.partition("  # ")
        field = _VALUE.sub(lambda found: _yaml(found[1], values[found[1]]), field)
        if not aside:
            lines.append(field)
        elif len(field) <= _COMMENT_COLUMN:
            lines.append(f"{field:<{_COMMENT_COLUMN}}  # {aside}")
        else:
            lines += (f"    # {aside}", field)
    return "".join(f"{line}\n" for line in lines)


def _yaml(name: str, value: Any) -> str:
    """Return the value of a field as one line of YAML."""
    text = yaml_text(as_stated(value, (name,)), default_flow_style=True, width=_ONE_LINE)
    return text.removesuffix("\n").removesuffix("\n...")
