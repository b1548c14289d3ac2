"""Describe the tables of a file and the master table, for the column checks (F10, F18, F19)."""

from collections.abc import Iterable
from concurrent.futures import Future

from tdxwrap.config.models import EventTable, Member, RtConfig
from tdxwrap.errors import CallFailed, Refused, TdxwrapError
from tdxwrap.realtime.read import READS_AT_ONCE, Reads
from tdxwrap.realtime.state import Columns, Schema
from tdxwrap.system.threads import result

# How many tables can be described beside the master table and the five reads of what is live.
FEW = READS_AT_ONCE - 6


class SchemaReads:
    """The descriptions of a file's tables, under way; of the master table if the file names its
    columns.

    Args:
        segment_id: None leaves the master table out.
    """

    def __init__(self, reads: Reads, config: RtConfig, segment_id: str | None) -> None:
        self._reads = reads
        self._keys = config.id_stitching.keys
        self._tables = self._start(config.tables())
        wanted = segment_id is not None and (config.id_stitching.ext_lookup_key or config.batch())
        self._master = reads.start(reads.api.master_columns, segment_id) if wanted else None

    def finish(self, live_tables: Iterable[Member]) -> Schema:
        """Return the tables once they are described.

        Args:
            live_tables: event tables of the segment; described only for a stitching key that none
                of the file's tables has, since what is live is kept beside what the file says.
        Raises:
            EnvironmentProblem: there is no tdx or no login. Other failures are in the result.
        """
        tables = {table: _outcome(future) for table, future in self._tables.items()}
        found = Schema(tables).names()
        if any(key.name not in found for key in self._keys):
            known = (table for table in live_tables if isinstance(table, EventTable))
            more = self._start(table for table in known if table not in tables)
            tables |= {table: _outcome(future) for table, future in more.items()}
        return Schema(tables, None if self._master is None else _outcome(self._master))

    def _start(self, tables: Iterable[EventTable]) -> dict[EventTable, Future[dict[str, str]]]:
        return {table: self._reads.start(self._reads.api.columns, str(table)) for table in tables}


def _outcome(future: Future[dict[str, str]]) -> Columns | TdxwrapError:
    try:
        return result(future)
    except (Refused, CallFailed) as error:
        return error
