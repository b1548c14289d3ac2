"""When two live states are one configuration, and when not."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest

from tdxwrap.config.attributes import ImportedAttribute
from tdxwrap.config.models import BatchAttribute, EventTable, KeyEvent, StitchingKey
from tdxwrap.realtime.state import LiveItem, LiveState, Segment

SEGMENT = Segment("394649", "Customer 360", "ok")
EVENT = KeyEvent.model_validate({"name": "view", "database": "web", "table": "views"})
STATE = LiveState(SEGMENT, initialized=True, ext_lookup_key="customer_id")
# How each of them may differ.
DIFFERENT: dict[str, Any] = {
    "segment": Segment("394650", "Customer 360", "ok"),
    "event_tables": (EventTable(database="web", table="views"),),
    "stitching_keys": (StitchingKey(name="email"),),
    "batch_attributes": (BatchAttribute(column="tier"),),
    "ext_lookup_key": "member_id",
    "key_events": (LiveItem("1", EVENT),),
    "attributes": (LiveItem("1", "any value"),),
    "imported": (ImportedAttribute(type="imported", column="tier"),),
    "unread": frozenset(("keyColumns",)),
}
# What is no configuration.
ASIDE = {"segment": Segment("394649", "Customer 180", "updating"), "initialized": False, "calls": 7}


def test_every_field_is_looked_at() -> None:
    assert {field.name for field in fields(LiveState)} == DIFFERENT.keys() | ASIDE.keys()


@pytest.mark.parametrize("name", DIFFERENT)
def test_what_is_configured_otherwise_is_noticed(name: str) -> None:
    other = replace(STATE, **{name: DIFFERENT[name]})
    assert not STATE.configured_like(other)
    assert not other.configured_like(STATE)


@pytest.mark.parametrize("name", ASIDE)
def test_what_is_no_configuration_may_differ(name: str) -> None:
    assert STATE.configured_like(replace(STATE, **{name: ASIDE[name]}))
