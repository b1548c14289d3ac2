"""Read what is live on a parent segment, with as few tdx calls as the contract allows."""

import json
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import replace
from typing import Any, TypeVar

from tdxwrap.config.attributes import (
    BaseAttribute,
    ImportedAttribute,
    attribute_from_api,
    with_names,
)
from tdxwrap.config.equality import SETTING_LISTS
from tdxwrap.config.models import BatchAttribute, EventTable, KeyEvent, Member, StitchingKey
from tdxwrap.errors import MalformedOutput, NotFound, Refused, TdxwrapError
from tdxwrap.realtime.api import Realtime, not_enabled
from tdxwrap.realtime.retry import Retry
from tdxwrap.realtime.state import LiveItem, LiveState, Segment
from tdxwrap.system.spelling import did_you_mean
from tdxwrap.system.threads import Parallel, result

T = TypeVar("T")

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


def why_missing(api: Realtime, retry: Retry, ps: str) -> Refused:
    """Why a segment is not in `tdx ps rt list`: it does not exist, or is not RT-enabled (F24)."""
    try:
        retry.read(lambda: api.view(ps))
    except Refused as error:
        others: tuple[Segment, ...] = ()
        with suppress(TdxwrapError):
            others = api.segments()
        meant = did_you_mean(ps, (segment.name for segment in others))
        way = "see `tdx ps list`; a wrong profile or site looks the same (--profile, --site)"
        return NotFound(
            f"there is no parent segment '{ps}' in this account",
            said=error.said,
            command=error.command,
            hint=f"{meant}\n{way}".strip(),
        )
    return not_enabled(f"'{ps}'")


def resolve_segment(
    api: Realtime, retry: Retry, ps: str, found: tuple[Segment, ...] | None = None
) -> Segment:
    """Return the RT-enabled parent segment with the id `ps`, else the one with that name.

    Args:
        found: what `tdx ps rt list` has answered already; None asks it.
    Raises:
        NotFound: there is no such parent segment.
        Refused: it is not RT-enabled (F24), or the name is not unique.
    """
    if found is None:
        found = retry.read(lambda: api.segments(ps))
    candidates = tuple(segment for segment in found if segment.id == ps) or found
    if not candidates:
        raise why_missing(api, retry, ps)
    if len(candidates) > 1:
        ids = ", ".join(segment.id for segment in candidates)
        raise Refused(
            f"{len(candidates)} parent segments are called '{ps}'",
            hint=f"use the id of the right one as parent_segment: {ids}",
        )
    if api.on_segment is not None:
        api.on_segment(candidates[0])
    return candidates[0]


def is_id(ps: str) -> bool:
    """Whether this looks like the id of a parent segment; a name may look like one, too."""
    return ps.isascii() and ps.isdigit()


class LiveReads:
    """The reads of everything configured on a parent segment, under way.

    Given an id, all reads run side by side; given a name, the segment is resolved first, since
    the endpoints only take an id.

    Args:
        ps: the id or name of the segment.
        at_once: whether to read what is configured before the segment is resolved.
    """

    def __init__(self, reads: Reads, ps: str, *, at_once: bool = True) -> None:
        self._reads = reads
        self._ps = ps
        self._listing = reads.start(reads.api.segments, ps)
        self._items = start_items(reads, ps) if at_once and is_id(ps) else None

    def segment(self) -> Segment:
        """Return the segment once it is listed.

        Raises:
            NotFound, Refused: as `resolve_segment`. Without a segment the other reads fail too,
                with a 404 that explains less.
        """
        found = result(self._listing)
        return resolve_segment(self._reads.api, self._reads.retry, self._ps, found)

    def finish(self, segment: Segment) -> LiveState:
        """Return the live state of `segment`, which `segment()` gave.

        Raises:
            CallFailed: a read kept failing.
        """
        # An id may turn out to be a name made of digits.
        if self._items is None or segment.id != self._ps:
            self._items = start_items(self._reads, segment.id)
        return live_state(segment, self._items)


def start_items(reads: Reads, segment_id: str, *, view: bool = True) -> dict[str, Future[Any]]:
    """Start to read what is configured on a segment.

    Args:
        view: whether to ask also if there is a realtime configuration at all (recipe, 7a).
    """
    api = reads.api
    started: dict[str, Future[Any]] = {
        "setting": reads.start(read_setting, api, segment_id),
        KEY_EVENTS: reads.start(api.items, segment_id, KEY_EVENTS),
        ATTRIBUTES: reads.start(api.items, segment_id, ATTRIBUTES),
    }
    if view:
        started["view"] = reads.start(api.view, segment_id)
    return started


def read_setting(api: Realtime, segment_id: str) -> dict[str, Any]:
    """Return the setting; a segment that was never configured may have none yet.

    On one that is configured, `lists_of` takes an empty setting for one that was not read.
    """
    try:
        return api.setting(segment_id)
    except NotFound:
        return {}


def live_state(segment: Segment, read: Mapping[str, Future[Any]]) -> LiveState:
    """Return what is configured on a segment, once the reads of `start_items` have ended."""
    # In this order, of several errors the first one is raised.
    parts = (KEY_EVENTS, ATTRIBUTES, "view", "setting")
    return live_from(segment, {part: result(read[part]) for part in parts if part in read})


def live_from(segment: Segment, documents: Mapping[str, Any]) -> LiveState:
    """Return a live state from what the API answered, by the names of `start_items`."""
    events = tuple(
        LiveItem(str(each["id"]), KeyEvent.from_api(each)) for each in documents[KEY_EVENTS]
    )
    names = {event.id: event.value.name for event in events}
    named = [with_names(document, names) for document in documents[ATTRIBUTES]]
    attributes = [(attribute_from_api(document), document) for document in named]
    return replace(
        lists_of(segment, documents["setting"], initialized=documents.get("view", True)),
        key_events=events,
        attributes=tuple(
            LiveItem(str(document["id"]), attribute)
            for attribute, document in attributes
            if isinstance(attribute, BaseAttribute)
        ),
        imported=tuple(each for each, _ in attributes if isinstance(each, ImportedAttribute)),
    )


def documents_of(live: LiveState) -> dict[str, Any]:
    """Return what the API answered of a live state, for `live_from`."""
    lists = {
        "eventTables": live.event_tables,
        "keyColumns": live.stitching_keys,
        "batchAttributes": live.batch_attributes,
    }
    read = {name: items for name, items in lists.items() if name not in live.unread}
    setting = {name: [item.document for item in items] for name, items in read.items()}
    ids = {event.value.name: event.id for event in live.key_events}
    attributes = [with_names(each.value.document, ids) for each in live.attributes]
    return {
        "setting": setting | {"extLookupKey": live.ext_lookup_key},
        KEY_EVENTS: [event.value.document for event in live.key_events],
        ATTRIBUTES: [*attributes, *(each.document for each in live.imported)],
        "view": live.initialized,
    }


def imported_columns(items: Iterable[Mapping[str, Any]]) -> tuple[ImportedAttribute, ...]:
    """Return the imported columns among the attributes that the API lists (F14)."""
    found = (attribute_from_api(item) for item in items if item.get("type") == "imported")
    return tuple(each for each in found if isinstance(each, ImportedAttribute))


def lists_of(segment: Segment, setting: Mapping[str, Any], *, initialized: bool) -> LiveState:
    """Return what `read_setting` gave as a live state without key events and attributes."""
    lookup_key = setting.get("extLookupKey")
    # Only where nothing was ever configured is a list that is not there an empty one.
    unread = {name for name in SETTING_LISTS if initialized and setting.get(name) is None}
    if unread == SETTING_LISTS:
        unread |= {"extLookupKey"}
    return LiveState(
        segment=segment,
        initialized=initialized,
        event_tables=_parts(EventTable, setting, "eventTables"),
        stitching_keys=_parts(StitchingKey, setting, "keyColumns"),
        batch_attributes=_parts(BatchAttribute, setting, "batchAttributes"),
        ext_lookup_key=str(lookup_key) if lookup_key else None,
        unread=frozenset(unread),
    )


def _parts(kind: type[Member], setting: Mapping[str, Any], name: str) -> tuple[Member, ...]:
    """A list of the setting with all its entries: a PATCH sends it back whole (F11)."""
    entries = setting.get(name) or ()
    if not isinstance(entries, list | tuple):
        raise MalformedOutput(
            f"this version cannot read the {name} of the realtime setting",
            said=json.dumps(entries, ensure_ascii=False)[:500],
            hint="nothing was written; a newer tdxwrap may know this form",
        )
    return tuple(kind.of(entry) for entry in entries)
