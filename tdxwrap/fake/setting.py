"""The endpoint `realtime_setting` (tdx-facts F11, F18, F20)."""

from __future__ import annotations

from tdxwrap.fake import checks, segments
from tdxwrap.fake.errors import HttpError, not_found, unprocessable
from tdxwrap.fake.scope import Reply

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tdxwrap.fake.jsontypes import Json, JsonList
    from tdxwrap.fake.scope import Scope

MOST_TABLES = 100
MOST_KEYS = 100
READ_ONLY = ("id", "status", "statusDetailed")
_KEY = checks.mapping(
    {"name": checks.string},
    {
        "validRegexp": checks.text_or_null,
        "invalidTexts": checks.list_of(checks.string),
        "internal": checks.boolean,
    },
)
_TABLE = checks.mapping({"database": checks.string, "table": checks.string})
_BATCH = checks.mapping({"column": checks.string}, {"name": checks.text_or_null})
_BODY = checks.mapping(
    {},
    {
        "keyColumns": checks.list_of(_KEY, at_most=MOST_KEYS),
        "eventTables": checks.list_of(_TABLE, at_most=MOST_TABLES),
        "batchAttributes": checks.list_of(_BATCH),
        "extLookupKey": checks.text_or_null,
    },
)
_VALID: Json = {
    "eventTables": {"database": "valid", "table": "valid"},
    "keyColumns": {"name": "valid"},
    "batchAttributes": {"column": "valid"},
}
_KEY_DEFAULTS: Json = {"validRegexp": None, "invalidTexts": [], "internal": False}


def handle(scope: Scope, item: str | None) -> Reply:
    """GET or PATCH the setting."""
    if item is not None:
        raise not_found("realtime_setting")
    if scope.request.method == "GET":
        return _get(scope)
    if scope.request.method == "PATCH":
        return _patch(scope)
    raise HttpError(405, "realtime_setting takes GET and PATCH")


def _get(scope: Scope) -> Reply:
    if scope.segment["realtime"] is None and scope.tdx["blank_setting"] == "not-found":
        raise not_found("Realtime setting")
    return Reply(segments.setting(scope.segment, scope.now))


def _patch(scope: Scope) -> Reply:
    body = scope.request.body
    _refuse_read_only(body)
    current = segments.setting(scope.segment, scope.now)
    _BODY(_known(scope, _with_valid_entries(body, current)), "")
    wanted = scope.stored(_completed(body, current))
    _check_lookup_key(wanted, current)
    _check_tables(scope, wanted, current)
    keys = [key for key in wanted.get("keyColumns", []) if isinstance(key, dict) and "name" in key]
    checks.unique(keys, "name", "/keyColumns")
    changed = any(current[field] != value for field, value in wanted.items())
    if changed:
        scope.realtime().update(wanted)
        scope.touch()
    return Reply(segments.setting(scope.segment, scope.now), changed)


def _with_valid_entries(body: object, current: Json) -> object:
    """The body for the checks: what the setting holds already is as it is, in whatever form."""
    if not isinstance(body, dict):
        return body
    return {
        field: [_VALID[field] if e in current[field] else e for e in value]
        if field in _VALID and isinstance(value, list)
        else value
        for field, value in body.items()
    }


def _known(scope: Scope, body: object) -> object:
    keys = body.get("keyColumns") if isinstance(body, dict) else None
    if not isinstance(body, dict) or not isinstance(keys, list):
        return body
    return {**body, "keyColumns": [scope.known(key) for key in keys]}


def _refuse_read_only(body: object) -> None:
    for field in READ_ONLY:
        if isinstance(body, dict) and field in body:
            raise checks.invalid(f"{field} is read-only", f"/{field}", "readOnly")


def _completed(body: Json, current: Json) -> Json:
    wanted = dict(body)
    for field, defaults in (("keyColumns", _KEY_DEFAULTS), ("batchAttributes", {"name": None})):
        if field in wanted:
            wanted[field] = [e if e in current[field] else {**defaults, **e} for e in wanted[field]]
    return wanted


def _check_lookup_key(wanted: Json, current: Json) -> None:
    """Once set it is never null again; a wrong column passes unnoticed (tdx-facts F18)."""
    if "extLookupKey" in wanted and wanted["extLookupKey"] is None and current["extLookupKey"]:
        raise unprocessable("extLookupKey cannot be null once it is set", "/extLookupKey")


def _check_tables(scope: Scope, wanted: Json, current: Json) -> None:
    if "eventTables" not in wanted:
        return
    tables = wanted["eventTables"]
    for index, table in enumerate(tables):
        pointer = f"/eventTables/{index}"
        known = table in current["eventTables"]
        if tables.index(table) != index and not known:
            raise checks.invalid("the table is listed twice", pointer, "uniqueItems")
        if not known and not scope.table_exists(table["database"], table["table"]):
            raise unprocessable(f"table {table['database']}.{table['table']} not found", pointer)
    _refuse_removal(scope, tables, current)


def _refuse_removal(scope: Scope, tables: JsonList, current: Json) -> None:
    """A table that a key event reads cannot be left out."""
    for event in scope.items("keyEvents"):
        table = {"database": event.get("databaseName"), "table": event.get("tableName")}
        if table not in tables and table in current["eventTables"]:
            detail = (
                "violates foreign key constraint: event table "
                f"{table['database']}.{table['table']} is used by key event '{event['name']}'"
            )
            raise unprocessable(detail, "/eventTables")
