"""Read what is live on a parent segment, with as few tdx calls as the contract allows."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from pydantic import ValidationError

from tdxwrap.config.models import (
    BaseAttribute,
    BatchAttribute,
    EventTable,
    ImportedAttribute,
    KeyEvent,
    StitchingKey,
    attribute_from_api,
)
from tdxwrap.errors import MalformedOutput, NotFound, Refused
from tdxwrap.realtime.api import Realtime, not_enabled
from tdxwrap.realtime.retry import Retry
from tdxwrap.realtime.state import LiveAttribute, LiveKeyEvent, LiveState, Segment, Unreadable
from tdxwrap.system.threads import Parallel, result

T = TypeVar("T")
P = TypeVar("P", EventTable, StitchingKey, BatchAttribute)

# Independent reads run side by side: what is live takes five, a few tables and the master table the
# rest. More would trouble an account's rate limit, and a laptop.
READS_AT_ONCE = 10

KEY_EVENTS = "realtime_key_events"
ATTRIBUTES = "realtime_attributes"


class Reads(Parallel):
    """Independent reads side by side, each retried as `Retry` says."""

    def __init__(self, api: Realtime, retry: Retry) -> None:
        super().__init__(READS_AT_ONCE, api.tdx.kill_all)
        self.api = api
        self.retry = retry

    def start(self, call: Callable[..., T], *args: Any) -> Future[T]:
        """Start a read; its result or error is in the Future."""
        return super().start(self.retry.read, lambda: call(*args))


def find_segment(found: tuple[Segment, ...], ps: str) -> Segment | None:
    """The one that is meant by an id or a name; an id goes before a name.

    Raises:
        Refused: several segments bear the name.
    """
    by_id = tuple(segment for segment in found if segment.id == ps)
    candidates = by_id or found
    if len(candidates) > 1:
        ids = ", ".join(segment.id for segment in candidates)
        raise Refused(
            f"{len(candidates)} parent segments are called '{ps}'",
            hint=f"use the id of the one you mean as parent_segment: {ids}",
        )
    return candidates[0] if candidates else None


def why_missing(api: Realtime, retry: Retry, ps: str) -> Refused:
    """Why a segment is not in `tdx ps rt list`: it does not exist, or is not RT-enabled (F24)."""
    try:
        retry.read(lambda: api.view(ps))
    except Refused as error:
        return NotFound(
            f"there is no parent segment '{ps}' in this account",
            said=error.said,
            command=error.command,
            hint="see `tdx ps list`; a wrong profile or site looks the same (--profile, --site)",
        )
    return not_enabled(f"'{ps}'")


def resolve_segment(api: Realtime, retry: Retry, ps: str) -> Segment:
    """The RT-enabled parent segment that `ps` (id or name) means.

    Raises:
        NotFound: there is no such parent segment.
        Refused: it is not RT-enabled (F24), or the name is not unique.
    """
    return meant(api, retry, retry.read(lambda: api.segments(ps)), ps)


def meant(api: Realtime, retry: Retry, found: tuple[Segment, ...], ps: str) -> Segment:
    """Of the segments that `tdx ps rt list` shows, the one that `ps` means.

    Raises:
        NotFound, Refused: as `resolve_segment`.
    """
    segment = find_segment(found, ps)
    if segment is None:
        raise why_missing(api, retry, ps)
    return segment


@dataclass(frozen=True, slots=True)
class LiveReads:
    """The reads of a segment, under way.

    Attributes:
        asked: the id or name of the segment.
        listing: `tdx ps rt list`.
        items: what is configured on it; None while its id is not known.
    """

    asked: str
    listing: Future[tuple[Segment, ...]]
    items: Mapping[str, Future[Any]] | None


def start_live(reads: Reads, ps: str, hold: Callable[[str], None] | None = None) -> LiveReads:
    """Start to read everything that is configured on the parent segment `ps`, an id or a name.

    With an id all reads run side by side; with a name the segment is looked up first, since the
    endpoints take an id only.

    Args:
        hold: told the id before anything of it is read; may raise (the lock of the segment).
    """
    # An id is tried at once; should it turn out to be a name of digits, `finish_live` reads again.
    by_id = is_id(ps)
    if by_id and hold is not None:
        hold(ps)
    listing = reads.start(reads.api.segments, ps)
    return LiveReads(ps, listing, start_items(reads, ps) if by_id else None)


def is_id(ps: str) -> bool:
    """Whether this looks like the id of a parent segment; a name may look like one, too."""
    return ps.isascii() and ps.isdigit()


def finish_live(
    reads: Reads, started: LiveReads, hold: Callable[[str], None] | None = None
) -> LiveState:
    """What is live, once it has been read.

    Args:
        hold: as for `start_live`; told the id here if it was not known then.
    Raises:
        NotFound, Refused: as `resolve_segment`.
        CallFailed: a read kept failing.
    """
    # Before the other reads: without a segment they fail as well, with a 404 that explains less.
    segment = meant(reads.api, reads.retry, result(started.listing), started.asked)
    items = started.items
    if items is None or segment.id != started.asked:
        if hold is not None:
            hold(segment.id)
        items = start_items(reads, segment.id)
    return _assemble(segment, items)


def read_live(reads: Reads, ps: str, hold: Callable[[str], None] | None = None) -> LiveState:
    """Everything that is configured on `ps`: `start_live` and `finish_live` in one."""
    return finish_live(reads, start_live(reads, ps, hold), hold)


def start_items(reads: Reads, segment_id: str, *, view: bool = True) -> dict[str, Future[Any]]:
    """Start to read what is configured on a segment.

    Args:
        view: whether to ask also if there is a realtime configuration at all (recipe, 7a).
    """
    api = reads.api
    started: dict[str, Future[Any]] = {
        "setting": reads.start(_setting_or_blank, api, segment_id),
        KEY_EVENTS: reads.start(api.items, segment_id, KEY_EVENTS),
        ATTRIBUTES: reads.start(api.items, segment_id, ATTRIBUTES),
    }
    if view:
        started["view"] = reads.start(api.view, segment_id)
    return started


def read_again(
    before: LiveState, status: str | None, items: Mapping[str, Future[Any]]
) -> LiveState:
    """What is configured now, on a segment that has been read before.

    Args:
        status: the RT status, where the wait has just read it.
        items: what `start_items` has started.
    """
    return _assemble(replace(before.segment, status=status), items)


def _setting_or_blank(api: Realtime, segment_id: str) -> dict[str, Any]:
    """The setting; a segment that was never configured may have none yet."""
    try:
        return api.setting(segment_id)
    except NotFound:
        return {}


def _assemble(segment: Segment, read: Mapping[str, Future[Any]]) -> LiveState:
    setting: dict[str, Any] = result(read["setting"])
    key_events, strange_events = _key_events(result(read[KEY_EVENTS]))
    names = {event.id: event.value.name for event in key_events}
    attributes, imported, strange_attributes = _attributes(result(read[ATTRIBUTES]), names)
    lookup_key = setting.get("extLookupKey")
    return LiveState(
        segment=segment,
        initialized=result(read["view"]) if "view" in read else True,
        event_tables=_parts(EventTable, setting, "eventTables"),
        stitching_keys=_parts(StitchingKey, setting, "keyColumns"),
        batch_attributes=_parts(BatchAttribute, setting, "batchAttributes"),
        ext_lookup_key=str(lookup_key) if lookup_key else None,
        key_events=key_events,
        attributes=attributes,
        imported=imported,
        unreadable=(*strange_events, *strange_attributes),
    )


def _parts(kind: type[P], setting: Mapping[str, Any], name: str) -> tuple[P, ...]:
    """A list of the setting. One that cannot be read could not be sent back whole (F11)."""
    try:
        return tuple(kind.from_api(document) for document in setting.get(name) or ())
    except (ValidationError, AttributeError, TypeError):
        raise MalformedOutput(
            f"this version cannot read the {name} of the realtime setting",
            said=json.dumps(setting.get(name), ensure_ascii=False)[:500],
            hint="nothing was written; a newer tdxwrap may know this form",
        ) from None


def _key_events(
    documents: Sequence[Mapping[str, Any]],
) -> tuple[tuple[LiveKeyEvent, ...], list[Unreadable]]:
    read: list[LiveKeyEvent] = []
    strange: list[Unreadable] = []
    for document in documents:
        try:
            value = KeyEvent.from_api(document)
            read.append(LiveKeyEvent(str(document["id"]), value, document))
        except ValidationError as error:
            strange.append(_unreadable("key event", document, error))
    return tuple(read), strange


def _attributes(
    documents: Sequence[Mapping[str, Any]], names: Mapping[str, str]
) -> tuple[tuple[LiveAttribute, ...], tuple[ImportedAttribute, ...], list[Unreadable]]:
    read: list[LiveAttribute] = []
    imported: list[ImportedAttribute] = []
    strange: list[Unreadable] = []
    for document in documents:
        named = with_names(document, names)
        try:
            value = attribute_from_api(named)
        except ValidationError as error:
            strange.append(_unreadable("attribute", named, error))
            continue
        if isinstance(value, BaseAttribute):
            read.append(LiveAttribute(str(document["id"]), value, document))
        else:
            imported.append(value)
    return tuple(read), tuple(imported), strange


def with_names(document: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """An attribute's document with other references to key events: ids to names, or back.

    Args:
        names: what to put for what; a reference that is not in it is kept as text.
    """
    changed = dict(document)
    reference = changed.get("realtimeKeyEventId")
    if reference is not None:
        changed["realtimeKeyEventId"] = names.get(str(reference), str(reference))
    if isinstance(changed.get("actions"), list):
        changed["actions"] = [with_names(action, names) for action in changed["actions"]]
    return changed


def _unreadable(kind: str, document: Mapping[str, Any], error: ValidationError) -> Unreadable:
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    reason = f"{place}: {first['msg']}" if place else f"its type is {document.get('type')}"
    return Unreadable(
        kind=kind,
        id=str(document.get("id")),
        name=str(document.get("name")),
        identifier=str(document.get("identifier") or ""),
        key_events=(str(document.get("realtimeKeyEventId")),),
        reason=reason,
    )
