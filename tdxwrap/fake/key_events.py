"""The endpoint `realtime_key_events` (tdx-facts F13, F20)."""

from __future__ import annotations

from tdxwrap.fake import checks, filters, paging
from tdxwrap.fake.errors import HttpError, not_found, unprocessable
from tdxwrap.fake.references import attributes_of
from tdxwrap.fake.scope import Reply
from tdxwrap.fake.showing import filled, shaped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tdxwrap.fake.checks import Check
    from tdxwrap.fake.jsontypes import Json
    from tdxwrap.fake.scope import Scope

KIND = "keyEvents"
FIELDS: dict[str, Check] = {
    "name": checks.string,
    "databaseName": checks.string,
    "tableName": checks.string,
    "filterRule": filters.filter_rule,
}
OPTIONAL: dict[str, Check] = {"description": checks.text_or_null}
DEFAULTS: Json = {"description": None}


def handle(scope: Scope, item: str | None) -> Reply:
    """Carry out one request to the list or to one key event."""
    method = scope.request.method
    if item is None and method == "GET":
        return _list(scope)
    if item is None and method == "POST":
        return _create(scope)
    if item is None or method not in ("GET", "PATCH", "DELETE"):
        raise HttpError(405, f"{method} is not allowed here")
    event = next((e for e in scope.items(KIND) if e["id"] == item), None)
    if event is None:
        raise not_found(f"Realtime key event {item}")
    if method == "GET":
        return Reply(_shown(scope, event))
    return _change(scope, event) if method == "PATCH" else _delete(scope, event)


def _shown(scope: Scope, event: Json) -> Json:
    return shaped(filled(event, DEFAULTS, scope.tdx), "key_event", scope.tdx)


def _list(scope: Scope) -> Reply:
    shown = paging.page(scope.items(KIND), scope.request.path, scope.request.query, scope.tdx)
    shown["data"] = [filled(event, DEFAULTS, scope.tdx) for event in shown["data"]]
    return Reply(shown)


def _create(scope: Scope) -> Reply:
    body = scope.request.body
    checks.mapping(FIELDS, OPTIONAL)(scope.known(body), "")
    body = scope.stored(body)
    _check_place(scope, body)
    scope.refuse_taken(KIND, "name", body["name"], None)
    filters.check_total_length([*scope.items(KIND), body])
    event = {"id": scope.new_id(), **body}
    scope.realtime()[KIND].append(event)
    scope.touch()
    return Reply(_shown(scope, event), True)


def _check_place(scope: Scope, event: Json) -> None:
    realtime = scope.segment["realtime"]
    table = {"database": event["databaseName"], "table": event["tableName"]}
    if realtime is None or table not in realtime["eventTables"]:
        place = f"{table['database']}.{table['table']}"
        raise unprocessable(f"{place} is not among the event tables", "/tableName")


def _change(scope: Scope, event: Json) -> Reply:
    body = scope.request.body
    checks.mapping({}, {**FIELDS, **OPTIONAL})(scope.known(body), "")
    body = scope.stored(body)
    wanted = {**event, **body}
    if _place(wanted) != _place(event) and attributes_of(scope, event["id"]):
        raise unprocessable("attributes use this key event; its table is fixed", "/tableName")
    _check_place(scope, wanted)
    if wanted["name"] != event["name"]:
        scope.refuse_taken(KIND, "name", wanted["name"], event["id"])
    others = [other for other in scope.items(KIND) if other is not event]
    filters.check_total_length([*others, wanted])
    before = {**DEFAULTS, **event}
    changed = {**before, **body} != before
    if changed:
        event.update(body)
        scope.touch()
    return Reply(_shown(scope, event), changed)


def _place(event: Json) -> tuple[str, str]:
    return event["databaseName"], event["tableName"]


def _delete(scope: Scope, event: Json) -> Reply:
    users = attributes_of(scope, event["id"])
    if users:
        names = ", ".join(attribute["name"] for attribute in users)
        detail = f"key event '{event['name']}' is used by attributes: {names}"
        raise HttpError(scope.tdx["conflict_status"], detail)
    scope.items(KIND).remove(event)
    scope.touch()
    return Reply(_shown(scope, event), True)
