"""The endpoint `realtime_imported_attributes/bulk_update` (tdx-facts F14)."""

from __future__ import annotations

from tdxwrap.fake import checks
from tdxwrap.fake.errors import HttpError, not_found, unprocessable
from tdxwrap.fake.scope import Reply

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tdxwrap.fake.jsontypes import Json
    from tdxwrap.fake.scope import Scope

_BODY = checks.mapping({"columns": checks.list_of(checks.string)})


def handle(scope: Scope, item: str | None) -> Reply:
    """Choose which batch attributes are imported; the list replaces the earlier one."""
    if item != "bulk_update":
        raise not_found("realtime_imported_attributes")
    if scope.request.method != "POST":
        raise HttpError(405, "bulk_update takes POST")
    _BODY(scope.request.body, "")
    columns = list(dict.fromkeys(scope.request.body["columns"]))
    _check_columns(scope, columns)
    present = {a["identifier"]: a for a in scope.items("attributes") if a["type"] == "imported"}
    changed = set(present) != set(columns)
    if changed:
        _replace(scope, columns, present)
        scope.touch()
    shown = [a for a in scope.items("attributes") if a["type"] == "imported"]
    return Reply({"data": shown}, changed)


def _check_columns(scope: Scope, columns: list[str]) -> None:
    known = set(scope.segment["master_table"]["columns"])
    known |= {attribute["name"] for attribute in scope.segment["attributes"]}
    for index, column in enumerate(columns):
        if column not in known:
            raise unprocessable(f"column '{column}' does not exist", f"/columns/{index}")


def _replace(scope: Scope, columns: list[str], present: dict[str, Json]) -> None:
    realtime = scope.realtime()
    others = [a for a in realtime["attributes"] if a["type"] != "imported"]
    names = {
        part.get("column"): part.get("name")
        for part in realtime["batchAttributes"]
        if isinstance(part, dict)
    }
    wanted = [
        present.get(column) or _new(scope, column, names.get(column) or column)
        for column in columns
    ]
    realtime["attributes"] = others + wanted


def _new(scope: Scope, column: str, name: str) -> Json:
    return {"id": scope.new_id(), "name": name, "identifier": column, "type": "imported"}
