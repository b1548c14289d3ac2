"""An account that holds whatever it is asked about (`tdx.open`), for scripts of unknown ones."""

from __future__ import annotations

from tdxwrap.fake.store import DATA

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from tdxwrap.fake.context import Context
    from tdxwrap.fake.jsontypes import Json


def make_what_is_named(context: Context) -> None:
    """Make the parent segment, the databases and the tables that a call names."""
    segment, tables = _named(context)
    if segment is None and not tables:
        return
    with context.store.lock():
        data = context.store.load(DATA)
        account = context.account(data)
        changed = segment is not None and _add_segment(data, account, segment)
        for database, table in tables:
            changed = _add_table(account, database, table, context.tdx["open"]) or changed
        if changed:
            context.store.save(DATA, data)


def _named(context: Context) -> tuple[str | None, list[tuple[str, str]]]:
    invocation = context.invocation
    name, argument = invocation.command, "".join(invocation.arguments[:1])
    if name == "api":
        from tdxwrap.fake import api

        request = api.read_request(invocation)
        parts = request.path.split("/")
        segment = parts[2] if parts[1] == "audiences" and len(parts) > 2 else ""
        return segment if segment.isdigit() else None, _tables(request.body)
    if name.startswith("ps "):
        return argument or None, []
    database, dot, table = argument.partition(".")
    return None, [(database, table)] if dot else []


def _tables(body: Any) -> list[tuple[str, str]]:
    tables = body.get("eventTables") if isinstance(body, dict) else None
    found = [each for each in tables or () if isinstance(each, dict)]
    return [(str(each.get("database")), str(each.get("table"))) for each in found]


def _add_segment(data: Json, account: Json, reference: str) -> bool:
    if any(reference in (segment["id"], segment["name"]) for segment in account["segments"]):
        return False
    from tdxwrap.fake import scenario

    data["next_id"] += 1
    segment_id = reference if reference.isdigit() else str(data["next_id"])
    made = scenario.build({"segments": [{"id": segment_id, "name": reference}]})
    account["segments"] += made["data"]["accounts"]["main"]["segments"]
    return True


def _add_table(account: Json, database: str, table: str, columns: list[str]) -> bool:
    known = account["databases"].setdefault(database, {})
    if table in known or "*" in table:
        return table not in known
    known[table] = {**dict.fromkeys(columns, "string"), "time": "long"}
    return True
