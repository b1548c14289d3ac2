"""Find out why a plan must not be carried out as it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tdxwrap.config.models import BaseAttribute
from tdxwrap.plan.changes import Action, Blocker, Change, Kind, PlanOptions
from tdxwrap.realtime.state import LiveState


def find_blockers(
    changes: Sequence[Change], live: LiveState, options: PlanOptions
) -> Iterator[Blocker]:
    """Yield every reason why these changes must not be written, with the option that allows it."""
    yield from _replace_blockers(changes, live, options)
    deletes = sum(change.action is Action.DELETE for change in changes)
    if deletes * 3 > live.size and not options.force:
        yield Blocker(
            f"{deletes} of {live.size} live items would be deleted, more than a third", "--force"
        )
    yield from _taken_names(changes, live)
    for change in changes:
        if change.action is Action.CREATE and _hits_unreadable(change, live):
            yield Blocker(
                f"{change.kind} {change.name} exists in a form that this version cannot read", ""
            )


def _taken_names(changes: Sequence[Change], live: LiveState) -> Iterator[Blocker]:
    """Names are unique: one that another attribute still has cannot be taken in the same run."""
    holders = {there.value.name: there for there in live.attributes}
    for change in changes:
        holder = holders.get(change.name)
        has_it = isinstance(change.live, BaseAttribute) and change.live.name == change.name
        if isinstance(change.desired, BaseAttribute) and holder is not None and not has_it:
            yield Blocker(
                f"attribute {change.desired.key} cannot be called {change.name!r} while attribute "
                f"{holder.value.key} is",
                "",
            )
    imported = {part.column for part in live.imported}
    for change in changes:
        new = change.desired if change.action is Action.CREATE else None
        if isinstance(new, BaseAttribute) and {new.name, new.key} & imported:
            yield Blocker(f"attribute {new.name}: the column of this name is imported", "")


def _hits_unreadable(change: Change, live: LiveState) -> bool:
    key = change.desired.key if isinstance(change.desired, BaseAttribute) else change.name
    return any(
        item.kind == change.kind and (item.name == change.name or item.identifier == key)
        for item in live.unreadable
    )


def _replace_blockers(
    changes: Sequence[Change], live: LiveState, options: PlanOptions
) -> Iterator[Blocker]:
    replaced = [change for change in changes if change.action is Action.REPLACE]
    if replaced and not options.replace:
        names = ", ".join(f"{change.kind} {change.name}" for change in replaced)
        yield Blocker(f"to be deleted and created anew: {names}", "--replace")
    staying = [c for c in changes if c.action is Action.UNMANAGED]
    for change in replaced:
        if change.kind is not Kind.KEY_EVENT:
            continue
        hanging = [
            c.name
            for c in staying
            if isinstance(c.live, BaseAttribute) and change.name in c.live.key_events()
        ]
        if hanging:
            yield Blocker(
                f"key event {change.name} cannot be replaced while attributes hang on it that are "
                f"not in the file: {', '.join(hanging)}",
                "--prune",
            )
