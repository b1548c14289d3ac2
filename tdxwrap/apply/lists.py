"""The lists that a run replaces, each made from what is live right before the write (F11, F33).

A PATCH of the setting replaces whole lists, and so does the choice of imported columns (F14). The
API has no conditional PATCH: whatever somebody else adds between the read of a list and the PATCH
of it is taken away. So each list is read again, beside the call that comes before.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, TypeVar

from tdxwrap.apply.events import LiveKept
from tdxwrap.config.attributes import ImportedAttribute
from tdxwrap.config.equality import SETTING_LISTS
from tdxwrap.config.fields import ApiItem, ConfigItem
from tdxwrap.errors import NotReady
from tdxwrap.plan.changes import (
    Action,
    Change,
    Kind,
    Plan,
    member_key,
    member_name,
    members,
    missing_from,
)
from tdxwrap.realtime.api import Realtime
from tdxwrap.realtime.read import ATTRIBUTES, imported_columns, lists_of, read_setting
from tdxwrap.realtime.retry import Retry
from tdxwrap.realtime.state import LiveState
from tdxwrap.system.threads import Parallel, result
from tdxwrap.tdx.client import Tdx

T = TypeVar("T")


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


@dataclass
class Fresh(Generic[T]):
    """A value that is read again before each write that replaces it.

    Args:
        tdx: counts the calls.
        pool: runs the reads that are made beside other calls.
        read: reads the value, retried.
    """

    tdx: Tdx
    pool: Parallel
    read: Callable[[], T]
    _latest: tuple[Future[T], int] | None = None

    def begin(self, beside: int) -> None:
        """Start to read beside the calls that come before the write.

        Args:
            beside: how many calls these are.
        """
        until = self.tdx.begun + 1 + beside
        self._latest = (self.pool.start(self.read), until)

    def know(self, value: T, until: int) -> None:
        """Take a value that was read elsewhere.

        Args:
            until: it counts as long as no more calls than these have begun.
        """
        future: Future[T] = Future()
        future.set_result(value)
        self._latest = (future, until)

    def take(self) -> T:
        """Return the value: as it was read last, if no more calls have begun since; else read anew.

        Raises:
            CallFailed: the read kept failing.
        """
        latest, self._latest = self._latest, None
        if latest is not None:
            value = result(latest[0])
            if self.tdx.begun <= latest[1]:
                return value
        return self.read()


@dataclass
class Lists:
    """The lists of one parent segment, as one run replaces them.

    Args:
        pool: runs the reads that are made beside other calls.
        listen: called with what has appeared since the plan was made, and stays.
        reading: False takes what the plan was made with, and reads nothing.

    Attributes:
        setting, imported: what is live; to be read beside the call before the write.
        written: as this run wrote them.
    """

    plan: Plan
    api: Realtime
    retry: Retry
    pool: Parallel
    listen: Callable[[LiveKept], None]
    reading: bool
    written: dict[Kind, tuple[ConfigItem, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        read, tdx = self.retry.read, self.api.tdx
        self.setting = Fresh(tdx, self.pool, partial(read, self._read_setting))
        self.setting.know(self.plan.live, self.plan.live.calls)
        self.imported = Fresh(tdx, self.pool, partial(read, self._read_imported))

    def _read_setting(self) -> LiveState:
        live = self.plan.live
        if not self.reading:
            return live
        setting = read_setting(self.api, live.segment.id)
        lists = lists_of(live.segment, setting, initialized=live.initialized)
        if lists.unread >= SETTING_LISTS:  # a 404, {} or a message: it is read again
            lists.require(SETTING_LISTS)
        return lists

    def _read_imported(self) -> tuple[ConfigItem, ...]:
        if not self.reading:
            return self.plan.live.imported
        return imported_columns(self.api.items(self.plan.live.segment.id, ATTRIBUTES))

    def body(self, changes: Sequence[Change]) -> dict[str, Any]:
        """Make the body of the PATCH that carries out changes of the setting.

        Raises:
            MalformedOutput: a list that it replaces was not read.
            NotReady: somebody else has set the lookup key since the plan was made.
        """
        live = self.setting.take()
        live.require(change.kind.field for change in changes)
        body: dict[str, Any] = {}
        for change in changes:
            field = change.kind.field
            if change.kind is Kind.LOOKUP_KEY:
                body[field] = self._lookup_key(change, live.ext_lookup_key)
            elif field not in body:
                whole = self._whole(change, members(live, change.kind))
                body[field] = [part.to_api() for part in whole]
        return body

    def columns(self, changes: Sequence[Change]) -> list[str]:
        """Return the columns to import, after changes to them.

        Raises:
            MalformedOutput: those that are imported were not read whole.
        """
        whole = self._whole(changes[0], self.imported.take())
        return [part.column for part in whole if isinstance(part, ImportedAttribute)]

    def _lookup_key(self, change: Change, there: str | None) -> str:
        planned = self.plan.live.ext_lookup_key
        if there not in (planned, change.name, None):
            raise NotReady(
                f"the lookup key is {there} by now, and was {planned or 'not set'} when the plan "
                "was made",
                hint="somebody else has set it: run the same command again, and look at its plan",
            )
        return change.name

    def _whole(self, change: Change, there: Sequence[ConfigItem]) -> tuple[ConfigItem, ...]:
        """Return the list that a change belongs to, as it is to be written.

        Reads may lag behind: what this run has written is live, whatever was read since.
        """
        kind, plan = change.kind, self.plan
        mine = self.written.get(kind, ())
        stated = [other.desired for other in plan.of(kind) if other.desired is not None]
        for part in missing_from(there, (*members(plan.live, kind), *mine, *stated)):
            self.listen(LiveKept(kind, member_name(part)))
        now = (*mine, *missing_from(there, mine))
        whole = merged(plan, kind, now, without_deleted=change.action is Action.DELETE)
        self.written[kind] = whole
        return whole
