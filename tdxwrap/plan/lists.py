"""The lists of the setting, and of the imported columns: what they hold, and are to hold (F11)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tdxwrap.config.fields import ApiItem, ConfigItem
from tdxwrap.plan.changes import Action, Change, Kind, Plan, member_key
from tdxwrap.realtime.state import LiveState


def members(live: LiveState, kind: Kind) -> tuple[ConfigItem, ...]:
    """A list of the setting, or the imported columns; empty for what is no list."""
    lists: dict[Kind, tuple[ConfigItem, ...]] = {
        Kind.EVENT_TABLE: live.event_tables,
        Kind.STITCHING_KEY: live.stitching_keys,
        Kind.BATCH_ATTRIBUTE: live.batch_attributes,
        Kind.IMPORTED: live.imported,
    }
    return lists.get(kind, ())


def missing_from(
    parts: Iterable[ConfigItem], others: Iterable[ConfigItem]
) -> tuple[ConfigItem, ...]:
    """The members of a list that another one lacks."""
    known = {member_key(part) for part in others}
    return tuple(part for part in parts if member_key(part) not in known)


def merged(
    plan: Plan, kind: Kind, there: Sequence[ConfigItem], *, without_deleted: bool
) -> tuple[ConfigItem, ...]:
    """A list of the setting as it is to be: what is there in its order, updated, then the new.

    What is there and not in the plan has appeared since, and is kept (F33).

    Args:
        kind: EVENT_TABLE, STITCHING_KEY, BATCH_ATTRIBUTE or IMPORTED.
        there: what the list holds now.
        without_deleted: leave out what is to be pruned; that happens last.
    """
    both = ((change.desired or change.live, change) for change in plan.of(kind))
    mine = {member_key(part): change for part, change in both if part is not None}
    kept: list[ConfigItem] = []
    for part in there:
        change = mine.get(member_key(part))
        if not (without_deleted and change is not None and change.action is Action.DELETE):
            kept.append(_updated(part, change))
    stated = [_updated(c.live or c.desired, c) for c in mine.values() if c.desired]
    return (*kept, *missing_from(stated, there))


def _updated(part: ConfigItem, change: Change | None) -> ConfigItem:
    """Return a member with what the file states; what the file does not state stays."""
    if change is None or change.desired is None:
        return part
    desired = change.desired
    names = {field.name for field in change.fields}
    if change.action is Action.CREATE:  # it may have appeared since the plan
        names = desired.model_fields_set
    return part.updated(desired, names) if isinstance(part, ApiItem) else part
