"""The live state of a parent segment as typed values. No I/O: `read.py` reads it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Generic, TypeAlias, TypeVar

from tdxwrap.config.attributes import BaseAttribute, ImportedAttribute
from tdxwrap.config.fields import ApiItem
from tdxwrap.config.models import EventTable, KeyEvent, Member
from tdxwrap.errors import MalformedOutput, TdxwrapError

# The RT statuses that end a wait: live, and those that no waiting helps (F12).
READY = "ok"
NOTHING_YET = "not_initialized"
TERMINAL = frozenset(("inconsistent", "error", "failed"))


# As `tdx ps rt list` shows it (F10, F12, F23).
@dataclass(frozen=True, slots=True)
class Segment:
    """A parent segment and its RT status.

    Attributes:
        id: as text, also where tdx answers a number.
        status: `ok`, `updating` or another; null if tdx gave none.
    """

    id: str
    name: str
    status: str | None


V = TypeVar("V", bound=ApiItem)


@dataclass(frozen=True)
class LiveItem(Generic[V]):
    """An item that exists, with the id that the API gave it; its key events are given by name."""

    id: str
    value: V


LiveKeyEvent: TypeAlias = LiveItem[KeyEvent]
LiveAttribute: TypeAlias = LiveItem[BaseAttribute]


@dataclass(frozen=True, slots=True)
class LiveState:
    """Everything of a parent segment's realtime configuration.

    Attributes:
        initialized: `realtime_config != null` in `tdx ps view` (recipe, 7a).
        unread: the lists of the setting that it did not hold, under the API's names. They are
            empty here, but nobody knows what is live.
        calls: how many tdx calls had begun at the end of the reads that the setting belongs to; 0
            if it is not known.
    """

    segment: Segment
    initialized: bool
    event_tables: tuple[Member, ...] = ()
    stitching_keys: tuple[Member, ...] = ()
    batch_attributes: tuple[Member, ...] = ()
    ext_lookup_key: str | None = None
    key_events: tuple[LiveKeyEvent, ...] = ()
    attributes: tuple[LiveAttribute, ...] = ()
    imported: tuple[ImportedAttribute, ...] = ()
    unread: frozenset[str] = frozenset()
    calls: int = field(default=0, compare=False)

    @property
    def size(self) -> int:
        """How many items are live, in all."""
        lists = (self.event_tables, self.stitching_keys, self.batch_attributes, self.imported)
        return sum(map(len, (*lists, self.key_events, self.attributes)))

    def configured_like(self, other: LiveState) -> bool:
        """Whether both hold the same configuration; the status may differ."""
        alike = replace(other, segment=self.segment, initialized=self.initialized)
        return self.segment.id == other.segment.id and self == alike

    def require(self, lists: Iterable[str]) -> None:
        """Stop where a list of the setting is needed that was not read.

        Raises:
            MalformedOutput: a PATCH would take away what nobody has seen (F11).
        """
        missing = sorted(self.unread.intersection(lists))
        if missing:
            raise MalformedOutput(
                f"the realtime setting of {self.segment.name} ({self.segment.id}) came without "
                f"{', '.join(missing)}",
                hint="what is live there is not known, and a write would replace it: run the same "
                f"command again, or see what this answers: tdx api "
                f"/audiences/{self.segment.id}/realtime_setting --type cdp",
            )


BLANK = LiveState(Segment("", "", None), initialized=False)
"""Nothing is configured, on no segment in particular."""

Columns: TypeAlias = Mapping[str, str]
"""The names of a table's columns with their types."""


@dataclass(frozen=True, slots=True)
class Schema:
    """The columns of the tables, or the error for a table that could not be described.

    Attributes:
        tables: at least those of the file.
        master: the master table; None if it was not read.
    """

    tables: Mapping[EventTable, Columns | TdxwrapError]
    master: Columns | TdxwrapError | None = None

    def readable(self) -> dict[EventTable, Columns]:
        """The tables whose columns are known."""
        known = self.tables.items()
        return {t: columns for t, columns in known if not isinstance(columns, TdxwrapError)}

    def names(self) -> set[str]:
        """Every column of every table that is known."""
        return {name for columns in self.readable().values() for name in columns}
