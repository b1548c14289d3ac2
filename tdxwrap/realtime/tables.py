"""Describe the tables of a file and the master table, for the column checks (F10, F18, F19)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass

from tdxwrap.config.models import EventTable, RtConfig
from tdxwrap.errors import CallFailed, Refused, TdxwrapError
from tdxwrap.realtime.read import READS_AT_ONCE, Reads
from tdxwrap.realtime.state import Columns, Schema
from tdxwrap.system.threads import result

# So many tables are described, and the master table, beside the reads of what is live (five).
FEW = READS_AT_ONCE - 6


@dataclass(frozen=True, slots=True)
class SchemaReads:
    """The descriptions of a file's tables and of the master table, under way."""

    tables: Mapping[EventTable, Future[dict[str, str]]]
    master: Future[dict[str, str]] | None


def start_schema(reads: Reads, config: RtConfig, segment_id: str | None) -> SchemaReads:
    """Start to describe the tables of a file; the master table if it names its columns.

    Args:
        segment_id: None leaves the master table out.
    """
    tables = _start_tables(reads, config.tables())
    wanted = segment_id is not None and (config.id_stitching.ext_lookup_key or config.batch())
    master = reads.start(reads.api.master_columns, segment_id) if wanted else None
    return SchemaReads(tables, master)


def finish_schema(
    reads: Reads, config: RtConfig, started: SchemaReads, live_tables: Iterable[EventTable]
) -> Schema:
    """The tables, once they have been described.

    Args:
        live_tables: event tables of the segment; described only for a stitching key that none of
            the file's tables has, since what is live is kept beside what the file says.
    Raises:
        EnvironmentProblem: there is no tdx or no login. Whatever else fails is in the result.
    """
    tables = _described(started.tables)
    found = Schema(tables).names()
    if any(key.name not in found for key in config.id_stitching.keys):
        more = [table for table in live_tables if table not in tables]
        tables |= _described(_start_tables(reads, more))
    return Schema(tables, None if started.master is None else _outcome(started.master))


def _start_tables(
    reads: Reads, tables: Iterable[EventTable]
) -> dict[EventTable, Future[dict[str, str]]]:
    return {table: reads.start(reads.api.columns, str(table)) for table in tables}


def _described(
    started: Mapping[EventTable, Future[dict[str, str]]],
) -> dict[EventTable, Columns | TdxwrapError]:
    return {table: _outcome(future) for table, future in started.items()}


def _outcome(future: Future[dict[str, str]]) -> Columns | TdxwrapError:
    try:
        return result(future)
    except (Refused, CallFailed) as error:
        return error
