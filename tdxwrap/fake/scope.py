"""What an endpoint works on: one segment of one account, and the request."""

from __future__ import annotations

from tdxwrap.fake import segments
from tdxwrap.fake.errors import HttpError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from tdxwrap.fake.jsontypes import Json


class Request:
    """One HTTP request."""

    __slots__ = ("body", "method", "path", "query")

    def __init__(self, method: str, path: str, query: dict[str, str], body: Any) -> None:
        self.method = method
        self.path = path
        self.query = query
        self.body = body


class Reply:
    """A successful answer, and whether the state changed."""

    __slots__ = ("body", "changed")

    def __init__(self, body: Any, changed: bool = False) -> None:
        self.body = body
        self.changed = changed


class Scope:
    """A parent segment with everything that a request to it may touch."""

    __slots__ = ("account", "data", "now", "request", "segment", "settings", "tdx")

    def __init__(
        self,
        request: Request,
        segment: Json,
        account: Json,
        data: Json,
        settings: Json,
        now: float,
    ) -> None:
        self.request = request
        self.segment = segment
        self.account = account
        self.data = data
        self.settings = settings
        self.tdx: Json = settings["tdx"]
        self.now = now

    def known(self, body: Any) -> Any:
        """The part of a body that the contract knows: an account may know more properties."""
        more = self.tdx["more_properties"]
        if not more or not isinstance(body, dict):
            return body
        return {name: value for name, value in body.items() if name not in more}

    def stored(self, body: Json) -> Json:
        """A body that has been checked, as the account stores it."""
        if not self.tdx["normalizes"]:
            return body
        from tdxwrap.fake import normalizing

        whole: Json = normalizing.stored(body, self.tdx["normalizes"])
        return whole

    def new_id(self) -> str:
        """An id that nothing else bears."""
        self.data["next_id"] += 1
        return str(self.data["next_id"])

    def realtime(self) -> Json:
        """The segment's realtime configuration, made when there is none yet."""
        if self.segment["realtime"] is None:
            self.segment["realtime"] = segments.blank_realtime(self.new_id())
        realtime: Json = self.segment["realtime"]
        return realtime

    def items(self, kind: str) -> list[Json]:
        """The segment's key events or attributes, for reading."""
        realtime = self.segment["realtime"]
        items: list[Json] = realtime[kind] if realtime else []
        return items

    def touch(self) -> None:
        """Start the time in which a change is being deployed (tdx-facts F21)."""
        realtime = self.realtime()
        realtime["status"] = self.settings["final_status"]
        # The status may still be that of before for a moment.
        begin = self.now + self.settings["updating_after_seconds"]
        realtime["updatingFrom"] = begin
        realtime["updatingUntil"] = begin + self.settings["updating_seconds"]

    def table_exists(self, database: str, table: str) -> bool:
        """Whether the account holds this table."""
        return table in self.account["databases"].get(database, {})

    def refuse_taken(self, kind: str, field: str, value: str, own_id: str | None) -> None:
        """Refuse a name or identifier that another item bears (tdx-facts F17, F22)."""
        if not self.tdx["unique_names"]:
            return
        for item in self.items(kind):
            if item.get(field) == value and item["id"] != own_id:
                status = self.tdx["conflict_status"]
                detail = f"{field} '{value}' has already been taken"
                raise HttpError(status, detail, pointer=f"/{field}")
