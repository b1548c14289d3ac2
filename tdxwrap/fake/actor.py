"""Somebody else who writes to the same parent segment between two calls (tdx-facts F33)."""

from __future__ import annotations

from tdxwrap.fake import segments
from tdxwrap.fake.store import DATA

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from tdxwrap.fake.context import Context
    from tdxwrap.fake.jsontypes import Json

TABLE: Json = {"database": "elsewhere", "table": "others"}
KEY: Json = {"name": "others_id", "validRegexp": None, "invalidTexts": [], "internal": False}
COLUMN = "others_column"
EVENT = "others_event"
ATTRIBUTE = "others_attribute"


def write(context: Context, does: str) -> None:
    """Do one thing to the first RT-enabled parent segment of the account."""
    with context.store.lock():
        data = context.store.load_data()
        account = context.account(data)
        segment = next(s for s in account["segments"] if s["rt_enabled"])
        data["next_id"] += 1
        segment["realtime"] = segment["realtime"] or segments.blank_realtime(str(data["next_id"]))
        WAYS[does](segment, data)
        context.store.save(DATA, data)


def _new_id(data: Json) -> str:
    data["next_id"] += 1
    return str(data["next_id"])


def _table(segment: Json, data: Json) -> None:
    if TABLE not in segment["realtime"]["eventTables"]:
        segment["realtime"]["eventTables"].append(dict(TABLE))


def _key(segment: Json, data: Json) -> None:
    segment["realtime"]["keyColumns"].append(dict(KEY))


def _key_event(segment: Json, data: Json) -> None:
    _table(segment, data)
    event = {
        "id": _new_id(data),
        "name": EVENT,
        "databaseName": TABLE["database"],
        "tableName": TABLE["table"],
        "filterRule": {"type": "And", "conditions": []},
        "description": None,
    }
    segment["realtime"]["keyEvents"].append(event)


def _attribute(segment: Json, data: Json) -> None:
    _key_event(segment, data)
    attribute = {
        "id": _new_id(data),
        "name": ATTRIBUTE,
        "identifier": ATTRIBUTE,
        "type": "counter",
        "realtimeKeyEventId": segment["realtime"]["keyEvents"][-1]["id"],
        "counterType": "total",
        "increment": {"type": "const", "value": 1},
        "duration": {"value": 1, "unit": "day"},
        "filterRule": {"type": "And", "conditions": []},
        "description": None,
    }
    segment["realtime"]["attributes"].append(attribute)


def _column(segment: Json, data: Json) -> None:
    segment["master_table"]["columns"][COLUMN] = "string"
    segment["realtime"]["batchAttributes"].append({"column": COLUMN, "name": None})
    imported = {"type": "imported", "identifier": COLUMN, "name": COLUMN, "description": None}
    segment["realtime"]["attributes"].append({"id": _new_id(data), **imported})


def _change(segment: Json, data: Json) -> None:
    for item in (*segment["realtime"]["keyEvents"], *segment["realtime"]["attributes"]):
        item["description"] = "changed by somebody else"


def _change_first(segment: Json, data: Json) -> None:
    segment["realtime"]["attributes"][0]["description"] = f"changed, number {_new_id(data)}"


def _set_lookup_key(segment: Json, data: Json) -> None:
    segment["realtime"]["extLookupKey"] = KEY["name"]


def _take_tables(segment: Json, data: Json) -> None:
    used = {
        (event["databaseName"], event["tableName"]) for event in segment["realtime"]["keyEvents"]
    }
    segment["realtime"]["eventTables"] = [
        table
        for table in segment["realtime"]["eventTables"]
        if (table["database"], table["table"]) in used
    ]


def _take_attribute(segment: Json, data: Json) -> None:
    del segment["realtime"]["attributes"][0]


WAYS: dict[str, Callable[[Json, Json], None]] = {
    "adds a table": _table,
    "adds a key": _key,
    "adds a key event": _key_event,
    "adds an attribute": _attribute,
    "adds a column": _column,
    "changes every item": _change,
    "changes the first attribute": _change_first,
    "sets the lookup key": _set_lookup_key,
    "takes unused tables": _take_tables,
    "takes the first attribute": _take_attribute,
}
