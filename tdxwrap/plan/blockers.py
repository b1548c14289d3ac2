"""Find out why a plan must not be carried out as it is, and in which order names can be given."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from tdxwrap.config.attributes import BaseAttribute
from tdxwrap.config.cross_checks import FILTERS, MAX_FILTER_CHARACTERS, over_limit
from tdxwrap.config.equality import meaning
from tdxwrap.config.fields import ConfigItem
from tdxwrap.config.filters import OpaqueRule, rule_length
from tdxwrap.config.models import KeyEvent
from tdxwrap.plan.changes import (
    STORED,
    Action,
    Blocker,
    Change,
    Kind,
    listed,
    member_key,
    member_name,
)
from tdxwrap.realtime.state import LiveState


def find_blockers(changes: Sequence[Change]) -> Iterator[Blocker]:
    """Yield every reason why these changes must not be written, with the option that allows it."""
    yield from _replace_blockers(changes)
    yield from _too_many(changes)
    yield from _long_filters(changes)
    for change in changes:
        if change.action is Action.CREATE and change.reason:
            yield Blocker(f"{change}: {change.reason}", "--force")
        if change.reason == STORED:
            yield Blocker(f"{change}: {STORED}; write it so in the file", "--force")
        kind = change.live.unread.get("type") if isinstance(change.live, BaseAttribute) else None
        if kind is not None and change.writes:
            yield Blocker(f"{change} is of type {kind} now, which this version cannot read", "")
        if _has_new_rule(change):
            what = "a filter in a form that this version does not know, and that is not live"
            yield Blocker(f"{change} has {what}", "--force")


def _too_many(changes: Sequence[Change]) -> Iterator[Blocker]:
    """More than a third and more than two of a kind, or all of several: it may be a mistake."""
    for kind in Kind:
        there = [change for change in changes if change.kind is kind and change.live is not None]
        taken = [change for change in there if change.takes]
        if 3 * len(taken) > len(there) > 1 and (len(taken) > 2 or len(taken) == len(there)):
            deleted = sum(change.action is Action.DELETE for change in taken)
            done = {0: "replaced", len(taken): "deleted"}.get(deleted, "deleted or replaced")
            names = listed(change.name for change in taken)
            what = f"{len(taken)} of {len(there)} {kind}s would be {done}"
            yield Blocker(f"{what}: {names}", "--force")


def _long_filters(changes: Sequence[Change]) -> Iterator[Blocker]:
    """F20, which the API checks when it is given a filter."""
    total, longest = 0, 0
    for change in changes:
        in_update = any(field.name == "filter_rule" for field in change.fields)
        new = change.writes and (change.action is not Action.UPDATE or in_update)
        event = change.desired if new else change.live
        length = rule_length(event.filter_rule) if isinstance(event, KeyEvent) else 0
        total, longest = total + length, max(longest, length if new else 0)
    if longest and total > MAX_FILTER_CHARACTERS:
        yield Blocker(over_limit(total, MAX_FILTER_CHARACTERS, FILTERS), "--force")


def _has_new_rule(change: Change) -> bool:
    """Whether a filter is to be written that nobody here has seen to work: it may be a typo."""
    new, old = (set(map(meaning, _opaque_rules(item))) for item in (change.desired, change.live))
    return change.writes and not new <= old


def _opaque_rules(item: ConfigItem | None) -> Iterator[dict[str, Any]]:
    for part in (item, *getattr(item, "actions", ())):
        rule = getattr(part, "filter_rule", None)
        if isinstance(rule, OpaqueRule):
            yield rule.document


def _replace_blockers(changes: Sequence[Change]) -> Iterator[Blocker]:
    replaced = [change for change in changes if change.action is Action.REPLACE]
    if replaced:
        yield Blocker(f"to be deleted and created anew: {listed(replaced)}", "--replace")
    staying = [c for c in changes if c.action is Action.UNMANAGED]
    attributes = [c.live for c in staying if isinstance(c.live, BaseAttribute)]
    for event in (change.name for change in replaced if change.kind is Kind.KEY_EVENT):
        if hanging := [item.name for item in attributes if event in item.key_events()]:
            reason = f"key event {event} cannot be replaced while attributes hang on it"
            yield Blocker(f"{reason} that are not in the file: {listed(hanging)}", "--prune")


# Names, which are unique


def taken_names(changes: Sequence[Change], live: LiveState) -> Iterator[Blocker]:
    """A name that something else has and keeps cannot be taken.

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
