"""Compare what tdx answers with the declared shapes, so that doctor can list what deviates.

Of an answer nothing is kept but the places of its deviations: no value, and no name that is not
declared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from typing import Any

from tdxwrap.apply.checklist import Check, State
from tdxwrap.config.models import EventTable
from tdxwrap.errors import TdxwrapError
from tdxwrap.realtime.read import Reads
from tdxwrap.realtime.shapes import UNKNOWN, Deviation, Shape


class Answers:
    """The answers seen so far. May be told of them from several threads."""

    def __init__(self) -> None:
        self._seen: list[tuple[Shape, frozenset[Deviation]]] = []

    def note(self, shape: Shape, answer: Any) -> None:
        """Compare one answer with its shape."""
        self._seen.append((shape, frozenset(shape.deviations(answer))))

    def checks(self, not_read: Mapping[str, TdxwrapError]) -> list[Check]:
        """Return a warning for each deviation, and a count.

        Args:
            not_read: the reads that failed.
        """
        found = {(shape.name, shape.fact, *each) for shape, some in self._seen for each in some}
        known = sorted(each for each in found if each[3] != UNKNOWN)
        warnings = [
            f"{name}: {at or 'it is'} {problem} ({fact})" for name, fact, at, problem in known
        ]
        warnings += [f"{name}: not read ({error.kind})" for name, error in not_read.items()]
        kinds, unknown = len({shape.name for shape, _ in self._seen}), len(found) - len(known)
        total = f"{kinds} kinds read{'' if warnings else ', each in the known form'}"
        total += f"; unknown properties: {unknown}" if unknown else ""
        checks = [Check("answers", State.WARNING, text) for text in warnings]
        return [*checks, Check("answers", State.OK, total)]


def start_reads(
    reads: Reads, segment_id: str, tables: Sequence[EventTable]
) -> dict[str, Future[Any]]:
    """Start the reads that are made beside those of what is live.

    Args:
        tables: the first of them is described.
    """
    api = reads.api
    started: dict[str, Future[Any]] = {"databases": reads.start(api.databases)}
    started["ps desc"] = reads.start(api.master_columns, segment_id)
    for table in tables[:1]:
        started["tables"] = reads.start(api.tables, table.database)
        started["describe"] = reads.start(api.columns, str(table))
    return started
