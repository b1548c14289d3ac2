"""The commands under `tdx ps` (tdx-facts F10, F24)."""

from __future__ import annotations

import os

from tdxwrap.fake import answer, quickjson, segments, streams
from tdxwrap.fake.errors import Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from tdxwrap.fake.answer import Answer
    from tdxwrap.fake.context import Context
    from tdxwrap.fake.jsontypes import Json


def run(context: Context) -> Answer:
    """Carry out one `tdx ps …` command."""
    account = context.account(context.load_data())
    name = context.invocation.command
    if name == "ps list":
        return _list(context, account)
    if name == "ps rt list":
        return _rt_list(context, account)
    segment = segments.find(account, context.invocation.arguments[0])
    if name == "ps view":
        return _view(context, segment)
    if name == "ps desc":
        return _desc(context, segment)
    if name == "ps pz list":
        return _shown(context, segment["personalizations"], "Loading personalizations...\n")
    body = _template(segment) if name == "ps pz init" else _pulled(segment)
    return _write_file(context, body)


def _shown(context: Context, value: Json | list[Json], err: str) -> Answer:
    if context.tdx["numeric_ids"] is True:
        value = segments.with_numeric_ids(value)
    return answer.listing(value, context.invocation.json, err)


def _list(context: Context, account: Json) -> Answer:
    rows = [{"id": s["id"], "name": s["name"]} for s in account["segments"]]
    return _shown(context, rows, "Loading parent segments...\n")


def _rt_list(context: Context, account: Json) -> Answer:
    rows = [_rt_row(s, context.now) for s in account["segments"] if s["rt_enabled"]]
    if context.tdx["numeric_ids"] == "some":
        rows = segments.with_numeric_ids(rows)
    return _shown(context, rows, "Loading realtime parent segments...\n")


def _rt_row(segment: Json, now: float) -> Json:
    realtime = segment["realtime"] or segments.blank_realtime("")
    return {
        "id": segment["id"],
        "name": segment["name"],
        "status": segments.status(segment, now),
        "event_tables": [_table(table) for table in realtime["eventTables"]],
        "key_events": [event.get("name") for event in realtime["keyEvents"]],
    }


def _table(table: Any) -> str:
    """What is shown of an entry of the setting, of whatever form."""
    is_table = isinstance(table, dict)
    return f"{table.get('database')}.{table.get('table')}" if is_table else str(table)


def _view(context: Context, segment: Json) -> Answer:
    configured = segment["realtime"] is not None
    shown = {
        "id": segment["id"],
        "name": segment["name"],
        "attributes": segment["attributes"],
        "realtime_config": segments.setting(segment, context.now) if configured else None,
    }
    return _shown(context, shown, f"Loading parent segment {segment['name']}...\n")


def _desc(context: Context, segment: Json) -> Answer:
    master = dict(segment["master_table"])
    columns = master["columns"].items()
    master["columns"] = [{"name": column, "type": kind} for column, kind in columns]
    shown = {"id": segment["id"], "name": segment["name"], "master": master}
    return _shown(context, shown, f"Loading parent segment {segment['name']}...\n")


def _template(segment: Json) -> Json:
    service = {"name": "", "description": "", "trigger_event": "", "sections": []}
    return {"parent_segment_id": segment["id"], "personalization_service": service}


def _pulled(segment: Json) -> Json:
    realtime = segment["realtime"] or {}
    return {
        "parent_segment_id": segment["id"],
        "parent_segment_name": segment["name"],
        "master": segment["master_table"],
        "attributes": segment["attributes"],
        "realtime": {key: realtime[key] for key in realtime if not key.startswith("updating")},
    }


def _write_file(context: Context, body: Json) -> Answer:
    """Write the YAML file, asking first when there is one already (tdx-facts F9)."""
    target = context.invocation.values.get("output")
    if target is None:
        raise Refused("error: required option '-o, --output <file>' not specified", 2)
    if context.invocation.dry_run:
        return answer.text(f"Would write {target}")
    if os.path.exists(target) and "yes" not in context.invocation.flags:
        _confirm_overwrite()
    # Every JSON document is a YAML document too.
    try:
        with open(target, "w", encoding="utf-8") as file:
            file.write(quickjson.dumps(body) + "\n")
    except OSError as error:
        raise Refused(f"Error: cannot write {target}: {error.strerror}") from None
    return answer.text(f"Wrote {target}")


def _confirm_overwrite() -> None:
    if not streams.confirmed("Overwrite? (y/N) "):
        raise Refused("Aborted.")
