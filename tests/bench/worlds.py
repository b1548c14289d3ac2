"""Accounts and configurations of any size, and the shell recipe for the same configuration."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tdxwrap.config.attributes import BaseAttribute
from tdxwrap.config.models import RtConfig
from tdxwrap.fake.control import World

PS = "394649"
# Seconds in which a segment is updating after its last write; the recipe looks as often.
UPDATING = 2
COLUMNS = ("td_client_id", "email", "product_id", "price")


def config(tables: int, events: int, attributes: int) -> dict[str, Any]:
    """A configuration of a size, as a file would say it."""
    return {
        "parent_segment": PS,
        "event_tables": [f"web.t{n}" for n in range(tables)],
        "key_events": [
            {"name": f"event_{n}", "table": f"web.t{n % tables}", "description": "An event"}
            for n in range(events)
        ],
        "id_stitching": {"keys": ["td_client_id", "email"], "ext_lookup_key": "customer_id"},
        "attributes": [
            {
                "name": f"attribute_{n}",
                "type": "single",
                "key_event": f"event_{n % events}",
                "value_column": "product_id",
                "data_type": "string",
                "duration": "1 day",
            }
            for n in range(attributes)
        ],
    }


def world(
    folder: Path,
    tables: int,
    latency_ms: int,
    live: RtConfig | None = None,
    segments: Sequence[str] = (PS,),
    updating: float = UPDATING,
) -> World:
    """An account with as many tables; blank, or configured as `live` says."""
    scenario = {
        "tdx": {"latency_ms": latency_ms, "require_identifier": False},
        "updating_seconds": updating,
        "databases": {
            "web": {f"t{n}": dict.fromkeys(COLUMNS, "string") for n in range(tables)},
        },
        "segments": [
            {
                "id": segment,
                "name": f"Customer {segment}",
                "master_table": {"columns": {"customer_id": "string"}},
                "realtime": None if live is None else _realtime(live),
            }
            for segment in segments
        ],
    }
    return World.create(folder, scenario)


def _realtime(live: RtConfig) -> dict[str, Any]:
    return {
        "eventTables": [table.to_api() for table in live.tables()],
        "keyColumns": [key.to_api() for key in live.id_stitching.keys],
        "extLookupKey": live.id_stitching.ext_lookup_key,
        "keyEvents": [event.to_api() for event in live.key_events],
        "attributes": [_by_name(attribute) for attribute in live.attributes],
    }


def _by_name(attribute: BaseAttribute) -> dict[str, Any]:
    body = attribute.to_api()
    key_event = body.pop("realtimeKeyEventId")
    return {**body, "keyEvent": key_event}


def shell_recipe(desired: RtConfig) -> str:
    """The recipe's commands for a configuration, in its order, ids carried by jq."""
    lines = [
        "set -euo pipefail",
        f"""if [ "$(tdx ps view {PS} --json | jq '.realtime_config != null')" = "false" ]; then""",
        f"  tdx ps pz init {PS} -o rt_config.yaml; else tdx ps pull {PS} -o rt_config.yaml; fi",
        _send("PATCH", "realtime_setting", {"eventTables": _all(desired.tables())}),
    ]
    for number, event in enumerate(desired.key_events):
        created = _send("POST", "realtime_key_events", event.to_api())
        lines.append(f"EVENT_{number}=$({created} | jq -r '.id')")
    keys = _all(desired.id_stitching.keys)
    lookup = desired.id_stitching.ext_lookup_key
    lines.append(_send("PATCH", "realtime_setting", {"keyColumns": keys, "extLookupKey": lookup}))
    ids = {event.name: f"EVENT_{n}" for n, event in enumerate(desired.key_events)}
    for attribute in desired.attributes:
        body = {**attribute.to_api(), "realtimeKeyEventId": "@ID@"}
        sent = _send("POST", "realtime_attributes", body)
        lines.append(sent.replace("@ID@", f"'\"${ids[attribute.key_event]}\"'"))
    status = f"tdx ps rt list --json | jq -r --arg ps {PS}"
    lines += [
        f"""while [ "$({status} '.[] | select(.id==$ps) | .status')" != "ok" ]""",
        f"do sleep {UPDATING}; done",
        f"{status} '.[] | select(.id==$ps or .name==$ps) | .status'",
        f'tdx api "/audiences/{PS}/realtime_key_events" --type cdp | jq ".data | length"',
        f'tdx api "/audiences/{PS}/realtime_attributes?page[size]=100" --type cdp '
        '| jq ".data | length"',
    ]
    return "\n".join(lines) + "\n"


def _send(method: str, path: str, body: dict[str, Any]) -> str:
    data = shlex.quote(json.dumps(body))
    return f'tdx api "/audiences/{PS}/{path}" --type cdp -X {method} --data {data}'


def _all(parts: Any) -> list[Any]:
    return [part.to_api() for part in parts]
