"""Find out why a plan must not be carried out as it is."""

from collections.abc import Iterator, Sequence
from typing import Any

from tdxwrap.config.attributes import BaseAttribute
from tdxwrap.config.cross_checks import FILTERS, MAX_FILTER_CHARACTERS, over_limit
from tdxwrap.config.equality import meaning
from tdxwrap.config.fields import ConfigItem
from tdxwrap.config.filters import OpaqueRule, rule_length
from tdxwrap.config.models import KeyEvent
from tdxwrap.plan.changes import STORED, Action, Blocker, Change, Kind, listed


def find_blockers(changes: Sequence[Change]) -> Iterator[Blocker]:
    """Yield every reason why these changes must not be written, with the option that allows it."""
    yield from _replace_blockers(changes)
    yield from _too_many(changes)
    yield from _long_filters(changes)
    for change in changes:
        if change.action is Action.CREATE and change.reason:
            yield Blocker(f"{change.kind} {change.name}: {change.reason}", "--force")
        if change.reason == STORED:
            yield Blocker(
                f"{change.kind} {change.name}: {STORED}; write it so in the file", "--force"
            )
        kind = change.live.unread.get("type") if isinstance(change.live, BaseAttribute) else None
        if kind is not None and change.writes:
            reason = f"is of type {kind} now, which this version cannot read"
            yield Blocker(f"attribute {change.name} {reason}", "")
        if _has_new_rule(change):
            what = "a filter in a form that this version does not know, and that is not live"
            yield Blocker(f"{change.kind} {change.name} has {what}", "--force")


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
        names = listed(f"{change.kind} {change.name}" for change in replaced)
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
                f"not in the file: {listed(hanging)}",
                "--prune",
            )
