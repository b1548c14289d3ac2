"""What a world of the fake holds, in forms that tests can compare."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import yaml

from support.shells import FIXTURES
from tdxwrap.config.models import RtConfig
from tdxwrap.fake.control import World
from tdxwrap.plan.columns import uses

# A file for the parent segment of half-configured.yaml.
HALF = """
parent_segment: "394649"
event_tables: [web_events.pageviews, web_events.carts]
key_events:
  - {name: page_view, table: web_events.pageviews, description: Every page view}
  - {name: add_to_cart, table: web_events.carts}
id_stitching:
  keys: [td_client_id, {name: email, invalid_texts: [unknown]}]
  ext_lookup_key: customer_id
attributes:
  - name: last_product_viewed
    type: single
    key_event: page_view
    value_column: product_id
    data_type: string
    duration: 2 days
"""


@cache
def _shipped(name: str) -> str:
    return json.dumps(yaml.safe_load((FIXTURES / "scenarios" / f"{name}.yaml").read_text("utf-8")))


def shipped(name: str, **keys: Any) -> dict[str, Any]:
    """A shipped scenario, some of its keys replaced; its YAML is read once only."""
    return {**json.loads(_shipped(name)), **keys}


def scenario_for(config: RtConfig) -> dict[str, Any]:
    """A blank segment in an account that has all that a configuration names."""
    columns = {str(table): {"time": "long"} for table in config.tables()}
    for table in columns.values():
        table.update(dict.fromkeys((key.name for key in config.id_stitching.keys), "string"))
    tables = {event.name: str(event.event_table) for event in config.key_events}
    for _, event, _, column, _ in uses(config):
        columns[tables[event]].setdefault(column, "long")
    master = [config.id_stitching.ext_lookup_key, *(part.column for part in config.batch())]
    return {
        "tdx": {"check_columns": True},
        "databases": {
            table.database: {
                other.table: columns[str(other)]
                for other in config.tables()
                if other.database == table.database
            }
            for table in config.tables()
        },
        "segments": [
            {
                "id": "394649",
                "name": "Customer 360",
                "master_table": {"columns": dict.fromkeys(filter(None, master), "string")},
            }
        ],
    }


def exact(world: World, segment: str = "394649") -> dict[str, Any]:
    """A parent segment as it is, ids included; only the clock is left out."""
    found = world.segment(segment)
    if found["realtime"] is not None:
        found["realtime"].pop("updatingFrom", None)
        found["realtime"].pop("updatingUntil", None)
    return found


def configuration(world: World, segment: str = "394649") -> dict[str, Any]:
    """What is configured, independent of ids and of the order of key events and attributes.

    Duplicates stay visible: the lists hold every item.
    """
    realtime = world.segment(segment)["realtime"] or {}
    names = {str(event["id"]): event["name"] for event in realtime.get("keyEvents", [])}
    return {
        "eventTables": realtime.get("eventTables", []),
        "keyColumns": realtime.get("keyColumns", []),
        "extLookupKey": realtime.get("extLookupKey"),
        "batchAttributes": realtime.get("batchAttributes", []),
        "keyEvents": _sorted(realtime.get("keyEvents", []), names),
        "attributes": _sorted(realtime.get("attributes", []), names),
    }


def _sorted(items: list[dict[str, Any]], names: dict[str, str]) -> list[dict[str, Any]]:
    anonymous = [_named({k: v for k, v in item.items() if k != "id"}, names) for item in items]
    return sorted(anonymous, key=lambda item: json.dumps(item, sort_keys=True))


def _named(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, list):
        return [_named(item, names) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        name: names.get(str(item), item) if name == "realtimeKeyEventId" else _named(item, names)
        for name, item in value.items()
    }
