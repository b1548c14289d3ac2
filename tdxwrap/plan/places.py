"""Where the items of a configuration stand in its file."""

from __future__ import annotations

from tdxwrap.config.models import RtConfig
from tdxwrap.plan.changes import Loc


def table_locs(config: RtConfig) -> list[Loc]:
    """Where each of `config.tables()` stands: in its own list, or in its first key event."""
    if config.event_tables is not None:
        return item_locs("event_tables", count=len(config.event_tables))
    read = [event.event_table for event in config.key_events]
    return [("key_events", read.index(table)) for table in config.tables()]


def batch_locs(config: RtConfig) -> list[Loc]:
    """Where each of `config.batch()` stands: in its own list, or as an imported attribute."""
    stated = {part.column for part in config.batch_attributes}
    new = [i for i, each in config.imported().items() if each.column not in stated]
    own = item_locs("batch_attributes", count=len(config.batch_attributes))
    return [*own, *(("attributes", index) for index in new)]


def item_locs(*path: str, count: int) -> list[Loc]:
    """Return the places of so many items of a list."""
    return [(*path, index) for index in range(count)]
