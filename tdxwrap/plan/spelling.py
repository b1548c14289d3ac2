"""Find the items of a file that live has in another spelling."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from tdxwrap.config.attributes import BaseAttribute, attribute_from_api, with_names
from tdxwrap.config.fields import ConfigItem
from tdxwrap.config.models import RtConfig
from tdxwrap.config.odd_characters import composed, folded
from tdxwrap.plan.changes import Action, Change, Kind, member_key
from tdxwrap.realtime.state import LiveItem, LiveState

KEPT = "left alone: the file has it in another spelling"

_Item = TypeVar("_Item", bound=ConfigItem)
_Spellings = Mapping[str, Mapping[str, str]]


def as_live(config: RtConfig, live: LiveState) -> RtConfig:
    """Return a configuration with its names as live has them: exactly, else in normal form C.

    What is not live has its name in normal form C.
    """
    names = [event.value.name for event in live.key_events]
    events = _spelled((event.name for event in config.key_events), names)
    in_event = {
        "name": events,
        "renamed_from": _spelled(filter(None, (e.renamed_from for e in config.key_events)), names),
    }
    attributes, there = config.collected().values(), [a.value for a in live.attributes]
    spellings = {
        "name": _spelled((a.name for a in attributes), (a.name for a in there)),
        "identifier": _spelled((a.key for a in attributes), (a.key for a in there)),
        "key_event": events,
        "column": _spelled(
            (part.column for part in config.batch()),
            (member_key(part) for part in (*live.batch_attributes, *live.imported)),
        ),
    }
    keys = config.id_stitching.keys
    in_key = {"name": _spelled((key.name for key in keys), map(member_key, live.stitching_keys))}
    stitching = {"keys": tuple(_respelled(key, in_key) for key in keys)} if keys else {}
    changed = {
        "key_events": tuple(_respelled(each, in_event) for each in config.key_events),
        "id_stitching": config.id_stitching.model_copy(update=stitching),
        "batch_attributes": tuple(_respelled(each, spellings) for each in config.batch_attributes),
        "attributes": tuple(_respelled(each, spellings) for each in config.attributes),
    }
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
    attributes = (
        LiveItem(there.id, value)
        for there in live.attributes
        if isinstance(
            value := attribute_from_api(with_names(there.value.document, names)), BaseAttribute
        )
    )
    return replace(live, attributes=tuple(attributes))


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


def _respelled(item: _Item, spellings: _Spellings) -> _Item:
    changed: dict[str, object] = {}
    for name in item.model_fields_set:
        value = getattr(item, name)
        if isinstance(value, str) and name in spellings:
            changed[name] = spellings[name].get(value, composed(value))
        elif isinstance(value, tuple):
            changed[name] = tuple(
                _respelled(part, spellings) if isinstance(part, ConfigItem) else part
                for part in value
            )
    return item.model_copy(update=changed)


def with_lookalikes(changes: Sequence[Change]) -> Iterator[Change]:
    """Give a reason to what is to be created while live alone has it in another spelling.

    It may be a typing error, or an API that stores names its own way; what is live is `KEPT`.
    """
    new = {_spelling(change.kind, change.desired) for change in changes if _is_new(change)}
    old = {
        _spelling(change.kind, change.live): change.live
        for change in changes
        if change.action is Action.UNMANAGED
    }
    for change in changes:
        spelling = _spelling(change.kind, change.desired or change.live)
        there = old.get(spelling)
        if _is_new(change) and there is not None:
            live = member_key(there)
            reason = f"live has {live!r}; it differs only in case, white space or Unicode form"
            yield replace(change, reason=reason)
        elif change.action is Action.UNMANAGED and spelling in new:
            yield replace(change, reason=KEPT)
        else:
            yield change


def _is_new(change: Change) -> bool:
    return change.action is Action.CREATE


def _spelling(kind: Kind, item: ConfigItem | None) -> tuple[Kind, str]:
    return kind, folded(member_key(item)) if item is not None else ""
