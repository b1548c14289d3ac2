"""What a scenario may say, with the default of everything (the only list of its keys)."""

from __future__ import annotations

from tdxwrap.fake import attribute_schema

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from tdxwrap.fake.jsontypes import Json

TDX: Json = {
    "version": "2026.8.1",
    "api_enabled": True,
    "status": "flat",
    "auth": "full",
    "error_style": "stderr",
    "error_body": "jsonapi",
    "banner": None,
    "ansi": False,
    "bom": False,
    "latency_ms": 0,
    "lag_seconds": 0,
    "numeric_ids": False,
    "page_size_default": 100,
    "page_size_max": 1000,
    "defaults": "filled",
    "require_identifier": True,
    "unique_names": True,
    "conflict_status": 409,
    "check_columns": False,
    "blank_setting": "empty",
    "post_shape": "documented",
    "conflict_while_updating": False,
    "more_properties": [],
    "normalizes": [],
    # The columns of every table of an account that holds whatever it is asked about.
    "open": [],
}
# What `tdx.normalizes` may hold, one or several (see normalizing.py).
NORMALIZES = ("trims", "lower-cases", "sorts", "changes units", "turns numbers into text")
CHOICES: dict[str, tuple[Any, ...]] = {
    # What `tdx status` prints, and whether `tdx auth` names anything (tdx-facts F34).
    "tdx.status": ("flat", "nested", "silent", "absent"),
    "tdx.auth": ("full", "bare"),
    "tdx.error_style": ("stderr", "body", "ok-body"),
    "tdx.error_body": ("jsonapi", "code", "text"),
    "tdx.numeric_ids": (True, False, "some"),
    "tdx.defaults": ("filled", "absent", "null", None),
    "tdx.conflict_status": (409, 422),
    "tdx.blank_setting": ("empty", "not-found"),
    "tdx.post_shape": ("documented", "swapped", "bare", "data"),
    "final_status": ("ok", "inconsistent", "error"),
}
TOP: Json = {"updating_seconds": 1, "updating_after_seconds": 0, "final_status": "ok"}
ACCOUNT: Json = {"id": None, "site": "us01", "databases": {}, "segments": []}
CREDENTIALS: Json = {"keychain": {}, "keys": {}}
SEGMENT: Json = {
    "id": None,
    "name": None,
    "rt_enabled": True,
    "profile_key": None,
    "master_table": {},
    "attributes": [],
    "personalizations": [],
    "realtime": None,
}
MASTER_TABLE: Json = {"database": "cdp", "table": "customers", "columns": {}}
REALTIME: Json = {
    "id": None,
    "status": "ok",
    "eventTables": [],
    "keyColumns": [],
    "batchAttributes": [],
    "extLookupKey": None,
    "keyEvents": [],
    "attributes": [],
}
STATUSES = ("not_initialized", "initialized", "updating", "ok", "inconsistent", "error")
ATTRIBUTE_TYPES = (*attribute_schema.TYPES, "imported")
KEY_EVENT = ("id", "name", "databaseName", "tableName", "filterRule", "description")
ALL_MATCH = attribute_schema.ALL_MATCH


def attribute_fields(kind: str) -> set[str]:
    """What an attribute of this kind may hold in a scenario."""
    fields = {"id", "name", "identifier", "type", "description"}
    if kind == "imported":
        return fields
    fields.add("sensitive")
    fields |= set(attribute_schema.REQUIRED[kind]) | set(attribute_schema.OPTIONAL[kind])
    return fields | {"keyEvent"}


def setting_problem(path: str, value: Any) -> str | None:
    """What is wrong with the value of one setting, or None."""
    if path in CHOICES:
        allowed = CHOICES[path]
        fits = any(value is option or value == option for option in allowed)
        return None if fits else f"{path}: must be one of {', '.join(map(str, allowed))}"
    section, _, name = path.rpartition(".")
    table = TDX if section == "tdx" else TOP
    if name not in table:
        return f"{path}: unknown key"
    if name == "normalizes" and isinstance(value, list):
        fits = all(way in NORMALIZES for way in value)
        return None if fits else f"{path}: may hold {', '.join(NORMALIZES)}"
    return _type_problem(path, value, table[name])


def _type_problem(path: str, value: Any, default: Any) -> str | None:
    if default is None:
        fits = value is None or isinstance(value, str)
    elif isinstance(default, bool):
        fits = isinstance(value, bool)
    elif isinstance(default, int):
        fits = isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0
    else:
        fits = isinstance(value, type(default))
    kind = {int: "a number from 0", bool: "true or false"}.get(type(default), "text")
    kind += " or null" if default is None else ""
    return None if fits else f"{path}: must be {kind}"
