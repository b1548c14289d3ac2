"""Find the items of a file that live has in another spelling, or under another name."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from tdxwrap.config.attributes import BaseAttribute, attribute_from_api, with_names
from tdxwrap.config.equality import meaning
from tdxwrap.config.fields import ConfigItem
from tdxwrap.config.models import KeyEvent, RtConfig
from tdxwrap.config.odd_characters import composed, folded
from tdxwrap.config.yaml_text import as_stated, yaml_text
from tdxwrap.plan.changes import Action, Change, Kind, member_key
from tdxwrap.realtime.state import LiveItem, LiveState

KEPT = "left alone: the file has it in another spelling"

# What an item is called and described by; all else says what it recognizes or collects.
_LABELS = frozenset(("name", "identifier", "description"))
# How many items are named that may have been renamed.
_WAYS = 3
_Spellings = Mapping[str, Mapping[str, str]]


def as_live(config: RtConfig, live: LiveState) -> RtConfig:
    """Return a configuration with its names as live has them: exactly, else in normal form C.

    What is not live has its name in normal form C.
    """
    stated = (text for e in config.key_events for text in (e.name, e.renamed_from) if text)
    events = _spelled(stated, (event.value.name for event in live.key_events))
    attributes, there = config.collected().values(), [a.value for a in live.attributes]
    columns = map(member_key, (*live.batch_attributes, *live.imported))
    spellings = {
        "name": _spelled((a.name for a in attributes), (a.name for a in there)),
        "identifier": _spelled((a.key for a in attributes), (a.key for a in there)),
        "key_event": events,
        "column": _spelled((part.column for part in config.batch()), columns),
    }
    keys = (key.name for key in config.id_stitching.keys)
    in_key = {"name": _spelled(keys, map(member_key, live.stitching_keys))}
    in_section = {
        "key_events": {"name": events, "renamed_from": events},
        "id_stitching": in_key,
        "batch_attributes": spellings,
        "attributes": spellings,
    }
    changed = {n: _respelled(getattr(config, n), texts) for n, texts in in_section.items()}
    return config.model_copy(update=changed)


def as_renamed(config: RtConfig, live: LiveState) -> LiveState:
    """Return what is live with attributes that name their key events as the file names them.

    Args:
        config: as `as_live` returns it.
    """
    there = {event.value.name for event in live.key_events}
    events = (e for e in config.key_events if e.renamed_from in there and e.name not in there)
    names = {str(event.renamed_from): event.name for event in events}
    if not names:
        return live
    renamed = ((each.id, with_names(each.value.document, names)) for each in live.attributes)
    items = ((item_id, attribute_from_api(document)) for item_id, document in renamed)
    found = (LiveItem(item_id, item) for item_id, item in items if isinstance(item, BaseAttribute))
    return replace(live, attributes=tuple(found))


def _spelled(wanted: Iterable[str], there: Iterable[str]) -> Mapping[str, str]:
    """How each name of the file is written in the end; the first live item of a form is meant."""
    texts, live = {*wanted}, dict.fromkeys(there)
    free = {composed(name): name for name in reversed(live) if name not in texts}
    found = {
        text: text
        if text in live or composed(text) in texts - {text}
        else free.get(composed(text), composed(text))
        for text in texts
    }
    return {composed(text): spelling for text, spelling in found.items()} | found


def _respelled(value: Any, spellings: _Spellings, field: str = "") -> Any:
    """Return a part of a configuration with other texts in the fields that have spellings."""
    if isinstance(value, str) and field in spellings:
        return spellings[field].get(value, composed(value))
    if isinstance(value, tuple):
        return tuple(_respelled(part, spellings) for part in value)
    if isinstance(value, ConfigItem):
        names = value.model_fields_set
        changed = {name: _respelled(getattr(value, name), spellings, name) for name in names}
        return value.model_copy(update=changed)
    return value


def find_renames(changes: Sequence[Change]) -> Iterator[tuple[bool, str]]:
    """Yield what to say of what is live only and may have another name in the file.

    That is what has a former name, and what is equal to something to be created but for what it
    is called: it can be renamed (F13, F15).

    Returns:
        Whether it is to be deleted, and the text.
    """
    formers = {c.desired.renamed_from: c.name for c in changes if isinstance(c.desired, KeyEvent)}
    left: dict[str, list[Change]] = {}
    for change in changes:
        if change.desired is None:
            left.setdefault(_content(change.live), []).append(change)
    for change in changes:
        if change.desired is None and change.kind is Kind.KEY_EVENT and change.name in formers:
            text = f"its former name {change.name} is live as well"
            yield change.takes, f"key event {formers[change.name]}: {text}"
        is_new = change.action is Action.CREATE and not change.reason
        content = _content(change.desired) if is_new else ""
        if content and (olds := left.pop(content, [])):
            ways = " or ".join(_way(old) for old in olds[:_WAYS])
            kept = "what hangs on it" if change.kind is Kind.KEY_EVENT else "what it has collected"
            text = f"{change}: renamed? {ways} keeps {kept}"
            yield any(old.takes for old in olds), text


def _content(item: ConfigItem | None) -> str:
    """What makes an item the same under any name; empty if that is not known."""
    if not isinstance(item, KeyEvent | BaseAttribute) or item.unread:
        return ""
    return meaning(item.body_of(type(item).model_fields.keys() - _LABELS))


def _way(old: Change) -> str:
    """The line of a file that renames a live item."""
    key = {"identifier": old.live.key} if isinstance(old.live, BaseAttribute) else {}
    line = yaml_text(as_stated(key or {"renamed_from": old.name}), width=math.inf)
    return f"`{line.strip()}`"


def with_lookalikes(changes: Sequence[Change]) -> Iterator[Change]:
    """Give a reason to what is to be created while live alone has it in another spelling.

    It may be a typing error, or an API that stores names its own way; what is live is `KEPT`.
    """
    new = {_spelling(change) for change in changes if change.action is Action.CREATE}
    old = {_spelling(change): change for change in changes if change.action is Action.UNMANAGED}
    for change in changes:
        there = old.get(_spelling(change))
        if change.action is Action.CREATE and there is not None and there.live is not None:
            live = member_key(there.live)
            reason = f"live has {live!r}; it differs only in case, white space or Unicode form"
            yield replace(change, reason=reason)
        elif change.action is Action.UNMANAGED and _spelling(change) in new:
            yield replace(change, reason=KEPT)
        else:
            yield change


def _spelling(change: Change) -> tuple[Kind, str]:
    item = change.desired or change.live
    return change.kind, folded(member_key(item)) if item is not None else ""
