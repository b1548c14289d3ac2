"""The questions of `tdxwrap new`: what the options leave open is proposed or asked for."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import partial

from pydantic import ValidationError

from tdxwrap.apply.session import Session
from tdxwrap.cli.app import App
from tdxwrap.config.models import EventTable
from tdxwrap.errors import CallFailed, NotFound, Refused, UsageProblem
from tdxwrap.generate import first_config
from tdxwrap.generate.first_config import Chosen
from tdxwrap.output.console import Console
from tdxwrap.output.lines import BLANK, Line
from tdxwrap.output.plan_text import segment_line
from tdxwrap.plan.columns import hint_for
from tdxwrap.realtime.read import Reads, resolve_segment
from tdxwrap.realtime.state import Columns, Segment
from tdxwrap.system.spelling import did_you_mean
from tdxwrap.system.threads import result

SHOWN = 30  # choices that are listed; the others can be typed


def choose(
    app: App, ps: str | None, tables: Sequence[str], keys: Sequence[str], lookup_key: str | None
) -> Chosen:
    """Settle what the first CONFIG is made of, from the options, the account and the answers.

    Args:
        ps: id or name of a parent segment.
        tables: as `database.table`.
        keys: stitching keys.
    """
    console = app.console
    wanted = [_table(text) for text in tables]
    with app.connected(ps) as connected, Reads(connected.api, connected.retry) as reads:
        segment = _segment(console, connected, ps)
        console.print_note([segment_line(segment, app.account)])
        described = _described(reads, wanted or _ask_tables(console, connected))
        configured = reads.start(connected.api.view, segment.id)
        master = _master(app, reads, segment)
        lookup_key = _lookup_key(console, lookup_key, keys, master)
        keys = _stitching_keys(console, keys, [*described.values()], lookup_key)
        return Chosen(segment, described, keys, lookup_key, result(configured))


def _table(text: str) -> EventTable:
    try:
        return EventTable.model_validate(text)
    except ValidationError:
        raise UsageProblem(f"'{text}' is not a table", hint="write database.table") from None


def _segment(console: Console, session: Session, ps: str | None) -> Segment:
    """Return the RT-enabled parent segment that was named or chosen.

    Raises:
        NotFound, Refused: there is none, or it is not RT-enabled (F24).
    """
    if ps is not None:
        return resolve_segment(session.api, session.retry, ps)
    found = {f"{each.name} ({each.id})": each for each in session.retry.read(session.api.segments)}
    if not found:
        raise Refused(
            "no parent segment of this account is RT-enabled: `tdx ps rt list` is empty",
            hint="ask your customer success manager to enable RT; a wrong profile or site looks "
            "the same (--profile, --site)",
        )
    names = list(found)
    return found[_ask(console, "Parent segment", names, names[:1])[0]]


def _ask_tables(console: Console, session: Session) -> list[EventTable]:
    databases = session.retry.read(session.api.databases)
    if not databases:
        raise Refused(
            "this account has no databases", hint="events have to arrive in a table first"
        )
    (database,) = _ask(console, "Database", databases, first_config.likely(databases, 1))
    tables = session.retry.read(lambda: session.api.tables(database))
    if not tables:
        raise Refused(
            f"the database {database} has no tables", hint="events have to arrive in one first"
        )
    proposed = first_config.likely(tables, 3)
    names = _ask(console, f"Event tables of {database}", tables, proposed, several=True)
    return [EventTable(database=database, table=name) for name in names]


def _described(reads: Reads, tables: Sequence[EventTable]) -> Mapping[EventTable, Columns]:
    """Read the columns of the tables side by side."""
    started = {table: reads.start(reads.api.columns, str(table)) for table in tables}
    found = {}
    for table, future in started.items():
        try:
            found[table] = result(future)
        except NotFound as error:
            raise NotFound(
                f"there is no table {table}",
                said=error.said,
                command=error.command,
                hint=f'{_near(reads, table)}\nsee `tdx tables "{table.database}.*"`'.strip(),
            ) from None
    return found


def _near(reads: Reads, table: EventTable) -> str:
    """Return the hint for a table that is not there, from those of its database."""
    try:
        known = reads.retry.read(partial(reads.api.tables, table.database))
    except (Refused, CallFailed):
        return ""
    return did_you_mean(table.table, known)


def _master(app: App, reads: Reads, segment: Segment) -> Columns:
    """Read the columns of the master table; none if tdx refuses."""
    try:
        return reads.retry.read(lambda: reads.api.master_columns(segment.id))
    except (Refused, CallFailed) as error:
        app.warn(f"the master table could not be read: {error.what}")
        return {}


def _lookup_key(
    console: Console, wished: str | None, keys: Sequence[str], master: Columns
) -> str | None:
    """Return the profile key: a column of the master table that is no stitching key (F18)."""
    if wished in keys:
        hint = "give the profile key of the parent segment"
        raise UsageProblem(f"the lookup key {wished} is a stitching key too", hint=hint)
    if wished is not None:
        if master:
            _demand(wished, master, "a column of the master table")
        return wished
    free = {name: kind for name, kind in master.items() if name not in keys}
    asked = _ask(console, "Profile key", [*free], first_config.likely_lookup_keys(free), none=True)
    return asked[0] if asked else None


def _stitching_keys(
    console: Console, wished: Sequence[str], tables: Sequence[Columns], lookup_key: str | None
) -> Sequence[str]:
    possible = [name for name in first_config.possible_keys(tables) if name != lookup_key]
    for name in wished:
        _demand(name, possible, "a string column of the tables")
    if wished or not possible:
        return wished
    proposed = first_config.likely_keys(possible, tables)
    if not (proposed or console.can_ask):
        hint = f"the columns are {', '.join(possible[:8])}"
        raise UsageProblem(
            "no column looks like a stitching key: name one, --stitch-by COL", hint=hint
        )
    return _ask(console, "Stitching keys", possible, proposed, several=True, none=True)


def _demand(name: str, known: Collection[str], what: str) -> None:
    if name not in known:
        raise UsageProblem(f"{name} is not {what}", hint=hint_for(name, known))


def _ask(
    console: Console,
    what: str,
    options: Sequence[str],
    proposed: Sequence[str],
    *,
    several: bool = False,
    none: bool = False,
) -> Sequence[str]:
    """Ask for some of the options; without a terminal, or by Enter alone, those proposed.

    Args:
        several, none: whether more than one, or none of them, may be chosen.
    """
    if not (options and console.can_ask):
        return proposed
    lines = [Line(f"  {n:>3}  ", name) for n, name in enumerate(options[:SHOWN], 1)]
    if len(options) > SHOWN:
        lines.append(Line("       ", f"and {len(options) - SHOWN} more: type the name"))
    how = "numbers or names" if several else "number or name"
    question = f"{what} ({how}{', - for none' if none else ''})"
    default = ", ".join(proposed) or ("-" if none else "")
    while True:
        answer = console.choose([BLANK, *lines], question, default)
        if answer == default and (proposed or none):
            return proposed
        picked = first_config.picked(answer, options, several=several, none=none)
        if picked is not None:
            return picked
        lines = [Line("! ", f"{answer or 'nothing'} is not among the choices", mark="yellow")]
