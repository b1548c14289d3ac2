"""Find what is live, and in the file perhaps under another name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tdxwrap.config.attributes import BaseAttribute
from tdxwrap.config.equality import meaning
from tdxwrap.config.fields import ConfigItem
from tdxwrap.config.models import KeyEvent
from tdxwrap.plan.changes import Action, Change, Kind

# What an attribute is called and described by; all else says what it collects.
_LABELS = frozenset(("name", "identifier", "description"))


def find_renames(changes: Sequence[Change]) -> Iterator[tuple[Change, str]]:
    """Yield what is live only and may have another name in the file, each with what to say of it.

    That is what has a former name, and what is equal to something to be created but for what it
    is called: it can be renamed (F13, F15).
    """
    events = {c.desired.renamed_from: c for c in changes if isinstance(c.desired, KeyEvent)}
    left: dict[str, Change] = {}
    for change in changes:
        if change.kind is Kind.KEY_EVENT and change.desired is None and change.name in events:
            new = events[change.name]
            yield change, f"key event {new.name}: its former name {change.name} is live as well"
        elif change.desired is None:
            left.setdefault(_content(change.live), change)
    for change in changes:
        content = _content(change.desired) if change.action is Action.CREATE else ""
        if content in left and content and not change.reason:
            old = left.pop(content)
            yield old, f"{change.kind} {change.name}: renamed? {_way(old)}"


def _content(item: ConfigItem | None) -> str:
    """What makes an item the same under any name; empty if that is not known."""
    if isinstance(item, KeyEvent) and not item.unread:
        return meaning(item.body_of(("database", "table", "filter_rule")))
    if isinstance(item, BaseAttribute) and not item.unread:
        return meaning(item.body_of(type(item).model_fields.keys() - _LABELS))
    return ""


def _way(old: Change) -> str:
    if isinstance(old.live, BaseAttribute):
        return f"`identifier: {old.live.key}` keeps what it has collected"
    return f"`renamed_from: {old.name}` keeps what hangs on it"
