"""Which attributes hang on which key events."""

from __future__ import annotations

from tdxwrap.fake.errors import unprocessable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tdxwrap.fake.jsontypes import Json
    from tdxwrap.fake.scope import Scope


def key_event_ids(attribute: Json) -> dict[str, str]:
    """Every key event id in an attribute, by the pointer to it."""
    ids = {}
    if "realtimeKeyEventId" in attribute:
        ids["/realtimeKeyEventId"] = attribute["realtimeKeyEventId"]
    for index, action in enumerate(attribute.get("actions") or []):
        ids[f"/actions/{index}/realtimeKeyEventId"] = action["realtimeKeyEventId"]
    return ids


def attributes_of(scope: Scope, key_event_id: str) -> list[Json]:
    """The attributes that use a key event, by themselves or in an action."""
    found = scope.items("attributes")
    return [item for item in found if key_event_id in key_event_ids(item).values()]


def check(scope: Scope, attribute: Json) -> None:
    """Refuse an attribute that names a key event that is not there."""
    known = {event["id"]: event for event in scope.items("keyEvents")}
    for pointer, event_id in key_event_ids(attribute).items():
        if event_id not in known and not scope.tdx["open"]:
            raise unprocessable(f"realtime key event {event_id} does not exist", pointer)
    if scope.tdx["check_columns"] and "realtimeKeyEventId" in attribute:
        _check_columns(scope, attribute, known[attribute["realtimeKeyEventId"]])


def _check_columns(scope: Scope, attribute: Json, event: Json) -> None:
    """An attribute's columns must be those of its key event's table (tdx-facts F19)."""
    tables = scope.account["databases"].get(event["databaseName"], {})
    columns = tables.get(event["tableName"], {})
    for pointer, column in _columns(attribute).items():
        if column not in columns:
            raise unprocessable(f"column '{column}' does not exist", pointer)


def _columns(attribute: Json) -> dict[str, str]:
    found = {f"/{key}": attribute[key] for key in ("valueColumn", "idColumn") if key in attribute}
    increment = attribute.get("increment", {})
    if increment.get("type") == "field":
        found["/increment/value"] = increment["value"]
    for index, name in enumerate(attribute.get("fields", [])):
        found[f"/fields/{index}"] = name
    for index, part in enumerate(attribute.get("aggregations", [])):
        found[f"/aggregations/{index}/column"] = part["column"]
    return found
