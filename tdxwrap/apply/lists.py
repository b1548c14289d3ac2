"""The lists that a run replaces, each made from what is live right before the write (F11, F33).

A PATCH of the setting replaces whole lists, and so does the choice of imported columns (F14).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from tdxwrap.apply.events import LiveKept
from tdxwrap.apply.fresh import Fresh
from tdxwrap.config.attributes import ImportedAttribute
from tdxwrap.config.fields import ConfigItem
from tdxwrap.errors import NotReady
from tdxwrap.plan.changes import SETTING_FIELDS, Action, Change, Kind, Plan, member_name
from tdxwrap.plan.lists import members, merged, missing_from
from tdxwrap.realtime.api import Realtime
from tdxwrap.realtime.read import ATTRIBUTES, imported_columns, lists_of, read_setting
from tdxwrap.realtime.retry import Retry
from tdxwrap.realtime.state import SETTING_LISTS, LiveState
from tdxwrap.system.threads import Parallel


class Lists:
    """The lists of one parent segment, as one run replaces them.

    Attributes:
        setting, imported: what is live; to be read beside the call before the write.
        written: as this run wrote them.

    Args:
        pool: runs the reads that are made beside other calls.
        listen: called with what has appeared since the plan was made, and stays.
        reading: False takes what the plan was made with, and reads nothing.
    """

    def __init__(
        self,
        plan: Plan,
        api: Realtime,
        retry: Retry,
        pool: Parallel,
        listen: Callable[[LiveKept], None],
        *,
        reading: bool,
    ) -> None:
        self._plan = plan
        self._api = api
        self._listen = listen
        self.written: dict[Kind, tuple[ConfigItem, ...]] = {}
        self._reading = reading
        self.setting = Fresh(api.tdx, pool, partial(retry.read, self._read_setting))
        self.setting.know(plan.live, plan.live.calls)
        self.imported = Fresh(api.tdx, pool, partial(retry.read, self._read_imported))

    def _read_setting(self) -> LiveState:
        live = self._plan.live
        if not self._reading:
            return live
        setting = read_setting(self._api, live.segment.id)
        lists = lists_of(live.segment, setting, initialized=live.initialized)
        if lists.unread >= SETTING_LISTS:  # a 404, {} or a message: it is read again
            lists.require(SETTING_LISTS)
        return lists

    def _read_imported(self) -> tuple[ConfigItem, ...]:
        if not self._reading:
            return self._plan.live.imported
        return imported_columns(self._api.items(self._plan.live.segment.id, ATTRIBUTES))

    def body(self, changes: Sequence[Change]) -> dict[str, Any]:
        """Make the body of the PATCH that carries out changes of the setting.

        Raises:
            MalformedOutput: a list that it replaces was not read.
            NotReady: somebody else has set the lookup key since the plan was made.
        """
        live = self.setting.take()
        live.require(SETTING_FIELDS[change.kind] for change in changes)
        body: dict[str, Any] = {}
        for change in changes:
            field = SETTING_FIELDS[change.kind]
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
        planned = self._plan.live.ext_lookup_key
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
        kind, plan = change.kind, self._plan
        mine = self.written.get(kind, ())
        stated = [other.desired for other in plan.of(kind) if other.desired is not None]
        for part in missing_from(there, (*members(plan.live, kind), *mine, *stated)):
            self._listen(LiveKept(kind, member_name(part)))
        now = (*mine, *missing_from(there, mine))
        whole = merged(plan, kind, now, without_deleted=change.action is Action.DELETE)
        self.written[kind] = whole
        return whole
