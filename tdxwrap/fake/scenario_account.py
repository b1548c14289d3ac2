"""The accounts of a scenario: databases, parent segments, realtime configurations."""

from __future__ import annotations

import copy

from tdxwrap.fake import scenario_rules as rules

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from tdxwrap.fake.jsontypes import Json, JsonList


class Problems:
    """Everything that is wrong with a scenario, in the order in which it was found.

    Args:
        more: what this world knows beyond the contract (`tdx.more_properties`).
    """

    def __init__(self, more: Iterable[str] = ()) -> None:
        self.found: list[str] = []
        self._more = frozenset(more)

    def add(self, problem: str | None) -> None:
        """Note a problem, if there is one."""
        if problem:
            self.found.append(problem)

    def unknown(self, prefix: str, given: Json, known: Iterable[str]) -> None:
        """Note every key that is not known."""
        for name in given:
            if name not in self._more.union(known):
                self.add(f"{prefix}{name}: unknown key")

    def mapping(self, path: str, value: Any) -> Json:
        """The value as a mapping; an empty one when it is something else."""
        if isinstance(value, dict):
            return value
        self.add(f"{path}: must be a mapping")
        return {}

    def items(self, path: str, value: Any) -> list[Json]:
        """The value as a list of mappings."""
        if not isinstance(value, list):
            self.add(f"{path}: must be a list")
            return []
        return [self.mapping(f"{path}[{index}]", item) for index, item in enumerate(value)]


def build_account(prefix: str, given: Any, problems: Problems) -> Json:
    """One account, complete."""
    account = {**rules.ACCOUNT, **problems.mapping(prefix.rstrip("."), given)}
    problems.unknown(prefix, account, rules.ACCOUNT)
    databases = problems.mapping(f"{prefix}databases", account["databases"])
    for name, tables in databases.items():
        for table, columns in problems.mapping(f"{prefix}databases.{name}", tables).items():
            problems.mapping(f"{prefix}databases.{name}.{table}", columns)
    segments = problems.items(f"{prefix}segments", account["segments"])
    built = [
        _segment(f"{prefix}segments[{index}]", item, problems)
        for index, item in enumerate(segments)
    ]
    ids = [segment["id"] for segment in built]
    for twice in sorted({i for i in ids if ids.count(i) > 1}):
        problems.add(f"{prefix}segments: id {twice} is used twice")
    number = None if account["id"] is None else str(account["id"])
    return {"id": number, "site": account["site"], "databases": databases, "segments": built}


def _segment(path: str, given: Json, problems: Problems) -> Json:
    problems.unknown(f"{path}.", given, rules.SEGMENT)
    segment = {**copy.deepcopy(rules.SEGMENT), **given}
    for field in ("id", "name"):
        if segment[field] is None:
            problems.add(f"{path}.{field}: is required")
        segment[field] = str(segment[field])
    master = problems.mapping(f"{path}.master_table", segment["master_table"])
    problems.unknown(f"{path}.master_table.", master, rules.MASTER_TABLE)
    segment["master_table"] = {**rules.MASTER_TABLE, **master}
    for field in ("attributes", "personalizations"):
        problems.items(f"{path}.{field}", segment[field])
    if segment["realtime"] is not None:
        segment["realtime"] = _realtime(f"{path}.realtime", segment["realtime"], problems)
    return segment


def _realtime(path: str, given: Any, problems: Problems) -> Json:
    given = problems.mapping(path, given)
    problems.unknown(f"{path}.", given, rules.REALTIME)
    realtime = {
        **copy.deepcopy(rules.REALTIME),
        "updatingFrom": 0,
        "updatingUntil": 0,
        **copy.deepcopy(given),
    }
    if realtime["status"] not in rules.STATUSES:
        problems.add(f"{path}.status: must be one of {', '.join(rules.STATUSES)}")
    key_columns = problems.items(f"{path}.keyColumns", realtime["keyColumns"])
    blank_key: Json = {"validRegexp": None, "invalidTexts": [], "internal": False}
    realtime["keyColumns"] = [{**blank_key, **key} for key in key_columns]
    problems.items(f"{path}.eventTables", realtime["eventTables"])
    realtime["keyEvents"] = _key_events(f"{path}.keyEvents", realtime["keyEvents"], problems)
    events = realtime["keyEvents"]
    realtime["attributes"] = [
        _attribute(f"{path}.attributes[{index}]", item, events, problems)
        for index, item in enumerate(problems.items(f"{path}.attributes", realtime["attributes"]))
    ]
    return realtime


def _key_events(path: str, given: Any, problems: Problems) -> JsonList:
    events = []
    for index, event in enumerate(problems.items(path, given)):
        problems.unknown(f"{path}[{index}].", event, rules.KEY_EVENT)
        for field in ("name", "databaseName", "tableName"):
            if field not in event:
                problems.add(f"{path}[{index}].{field}: is required")
        events.append({"id": None, "filterRule": rules.ALL_MATCH, **event})
    return events


def _attribute(path: str, given: Json, events: JsonList, problems: Problems) -> Json:
    kind = given.get("type", "")
    if "name" not in given or kind not in rules.ATTRIBUTE_TYPES:
        known = ", ".join(rules.ATTRIBUTE_TYPES)
        problems.add(f"{path}: needs a name and a type ({known})")
        return given
    problems.unknown(f"{path}.", given, rules.attribute_fields(kind))
    _check_key_events(path, given, events, problems)
    identifier = "".join(c if c.isalnum() else "_" for c in given["name"].lower())
    return {"id": None, "name": given["name"], "identifier": identifier, **given}


def _check_key_events(path: str, given: Json, events: JsonList, problems: Problems) -> None:
    names = [event.get("name") for event in events]
    ids = [str(event.get("id")) for event in events]
    for holder in [given, *given.get("actions", [])]:
        if "keyEvent" in holder and holder["keyEvent"] not in names:
            problems.add(f"{path}.keyEvent: no key event {holder['keyEvent']!r}")
        event_id = holder.get("realtimeKeyEventId")
        if event_id is not None and event_id not in ids:
            problems.add(f"{path}.realtimeKeyEventId: no key event {event_id!r}")
