"""The commands `databases`, `tables` and `describe` (tdx-facts F10)."""

from __future__ import annotations

from tdxwrap.fake import answer
from tdxwrap.fake.errors import Refused, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tdxwrap.fake.answer import Answer
    from tdxwrap.fake.context import Context
    from tdxwrap.fake.jsontypes import Json


def run(context: Context) -> Answer:
    """Carry out one reading command about databases."""
    databases = context.account(context.load_data())["databases"]
    as_json = context.invocation.json
    name = context.invocation.command
    if name == "databases":
        return answer.listing([{"name": database} for database in databases], as_json)
    database, table = _reference(context.invocation.arguments[0])
    if name == "tables":
        return answer.listing(_tables(databases, database, table), as_json)
    columns = databases.get(database, {}).get(table)
    if columns is None:
        raise Refused(f"Error: Table '{database}.{table}' not found")
    shown = [{"name": column, "type": kind} for column, kind in columns.items()]
    return answer.listing({"database": database, "name": table, "columns": shown}, as_json)


def _reference(text: str) -> tuple[str, str]:
    database, dot, table = text.partition(".")
    if not dot or not database or not table:
        raise UsageError(f"'{text}' is not DATABASE.TABLE")
    return database, table


def _tables(databases: Json, database: str, pattern: str) -> list[Json]:
    if database not in databases:
        raise Refused(f"Error: Database '{database}' not found")
    from fnmatch import fnmatchcase

    found = [name for name in databases[database] if fnmatchcase(name, pattern)]
    return [{"database": database, "name": name} for name in found]
