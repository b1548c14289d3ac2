"""Parent segments: finding them, their status, what they show."""

from __future__ import annotations

from tdxwrap.fake.errors import Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from tdxwrap.fake.jsontypes import Json

SETTING_FIELDS = ("eventTables", "keyColumns", "batchAttributes", "extLookupKey")


def find(account: Json, reference: str) -> Json:
    """The segment with this id or, failing that, this name (tdx-facts F10)."""
    with_id = [s for s in account["segments"] if s["id"] == reference]
    found: list[Json] = with_id or [s for s in account["segments"] if s["name"] == reference]
    if not found:
        raise Refused(f"Error: Parent segment '{reference}' not found")
    if len(found) > 1:
        ids = ", ".join(s["id"] for s in found)
        raise Refused(f"Error: Parent segment name '{reference}' is ambiguous (ids {ids})")
    return found[0]


def by_id(account: Json, segment_id: str) -> Json | None:
    """The segment with this id, the only way the API knows."""
    return next((s for s in account["segments"] if s["id"] == segment_id), None)


def status(segment: Json, now: float) -> str:
    """The realtime status as it shows now (tdx-facts F12, F21)."""
    realtime = segment["realtime"]
    if realtime is None:
        return "not_initialized"
    if realtime["updatingFrom"] <= now < realtime["updatingUntil"]:
        return "updating"
    settled: str = realtime["status"]
    return settled


def blank_realtime(realtime_id: str) -> Json:
    """The realtime configuration of a segment on which nothing is set."""
    return {
        "id": realtime_id,
        "status": "ok",
        "updatingFrom": 0,
        "updatingUntil": 0,
        "eventTables": [],
        "keyColumns": [],
        "batchAttributes": [],
        "extLookupKey": None,
        "keyEvents": [],
        "attributes": [],
    }


def setting(segment: Json, now: float) -> Json:
    """The `realtime_setting` of a segment (tdx-facts F11)."""
    realtime = segment["realtime"] or blank_realtime("")
    shown = {"id": realtime["id"] or None, "status": status(segment, now)}
    shown["statusDetailed"] = None
    return {**shown, **{field: realtime[field] for field in SETTING_FIELDS}}


def with_numeric_ids(value: Any) -> Any:
    """The same answer with numbers for ids, as some answers have it (tdx-facts F23)."""
    if isinstance(value, list):
        return [with_numeric_ids(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {key: _numeric(key, item) for key, item in value.items()}


def _numeric(key: str, value: Any) -> Any:
    if key in ("id", "realtimeKeyEventId") and isinstance(value, str) and value.isdigit():
        return int(value)
    return with_numeric_ids(value)
