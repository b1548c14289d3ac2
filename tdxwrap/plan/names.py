"""Names are unique: in which order they can be given, and which cannot. Pure."""

from collections.abc import Iterable, Iterator, Sequence

from tdxwrap.config.attributes import BaseAttribute
from tdxwrap.plan.changes import Action, Blocker, Change, Kind, member_key, member_name
from tdxwrap.realtime.state import LiveState


def taken_names(changes: Sequence[Change], live: LiveState) -> Iterator[Blocker]:
    """Names are unique: one that something else has and keeps cannot be taken.

    What is to be pruned goes first.
    """
    staying = [change for change in changes if change.action is not Action.DELETE]
    holders = {c.live.name: c.live for c in staying if isinstance(c.live, BaseAttribute)}
    free = {change.name for turn in turns(changes) for change in turn}
    for change in staying:
        if isinstance(change.desired, BaseAttribute) and change.writes and change.name not in free:
            name, holder = change.desired.key, holders[change.name].key
            reason = f"cannot be called {change.name!r} while attribute {holder} is"
            yield Blocker(f"attribute {name} {reason}", "")
    columns = (change for change in staying if change.kind is Kind.IMPORTED and change.live)
    imported = imported_names(columns, live)
    for change in staying:
        if new_names(change) & imported:
            yield Blocker(f"attribute {change.name}: the column of this name is imported", "")


def turns(changes: Iterable[Change]) -> list[list[Change]]:
    """Return the attributes to write so that each name, which is unique, is free by its turn.

    One whose name does not become free, as in a swap, has no turn.
    """
    staying = [c for c in changes if c.kind is Kind.ATTRIBUTE and c.action is not Action.DELETE]
    held = {_live_name(change) for change in staying}
    waiting, found = [change for change in staying if change.writes], []
    while turn := [c for c in waiting if c.name not in held or c.name == _live_name(c)]:
        found.append(turn)
        held -= {_live_name(change) for change in turn}
        written = {change.name for change in turn}
        waiting = [change for change in waiting if change.name not in written]
    return found


def new_names(change: Change) -> set[str]:
    """Return the name and the identifier of an attribute that are not yet its own, if any."""
    new, live = change.desired, change.live
    if not isinstance(new, BaseAttribute) or not change.writes:
        return set()
    key = new.identifier if change.action is Action.UPDATE else new.key
    own = {live.name, live.key} if isinstance(live, BaseAttribute) else set()
    return {new.name, key or new.name} - own


def imported_names(columns: Iterable[Change], live: LiveState) -> set[str]:
    """What imported columns, and by their names the batch attributes, do not leave to others."""
    names = {member_key(part): member_name(part) for part in live.batch_attributes}
    return {name for each in columns for name in (each.name, names.get(each.name, each.name))}


def _live_name(change: Change) -> str:
    return change.live.name if isinstance(change.live, BaseAttribute) else ""
