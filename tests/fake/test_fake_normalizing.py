"""What an account stores otherwise than it was sent: `tdx.normalizes`."""

from __future__ import annotations

from typing import Any

import pytest
from support.fakedriver import KEY_EVENT, PS, Fake, counter

from tdxwrap.fake.normalizing import stored

SENT: dict[str, Any] = {
    "name": " Email",
    "invalidTexts": ["b", "A"],
    "maxItems": 3,
    "duration": {"value": 24, "unit": "hour"},
    "valueColumn": " Kept",
    "backfill": True,
}


@pytest.mark.parametrize(
    ("way", "other"),
    [
        ("trims", {"name": "Email"}),
        ("lower-cases", {"name": " email", "invalidTexts": ["b", "a"]}),
        ("sorts", {"invalidTexts": ["A", "b"]}),
        ("changes units", {"duration": {"value": 1, "unit": "day"}}),
        (
            "turns numbers into text",
            {"maxItems": "3", "duration": {"value": "24", "unit": "hour"}},
        ),
    ],
)
def test_each_way_changes_its_own(way: str, other: dict[str, Any]) -> None:
    assert stored(SENT, [way]) == SENT | other


def test_a_length_of_time_is_always_said_otherwise_where_that_can_be() -> None:
    for sent, then in (((1, "day"), (24, "hour")), ((90, "minute"), (90, "minute"))):
        duration = {"value": sent[0], "unit": sent[1]}
        assert stored(duration, ["changes units"]) == {"value": then[0], "unit": then[1]}


def test_what_is_stored_is_answered_and_listed_and_taken(fake: Fake) -> None:
    event = fake.configure()
    fake.world.set("tdx.normalizes", ["lower-cases", "turns numbers into text"])
    body = {**KEY_EVENT, "name": "Cart", "description": "Any CART"}
    made = fake.ok(f"{PS}/realtime_key_events", "POST", body)
    assert (made["name"], made["description"]) == ("cart", "any cart")
    assert "name 'cart' has already been taken" in fake.refused(
        409, f"{PS}/realtime_key_events", "POST", body
    )
    attribute = fake.ok(f"{PS}/realtime_attributes", "POST", counter(event))["data"]
    assert attribute["duration"]["value"] == "24"
    changed = fake.ok(f"{PS}/realtime_attributes/{attribute['id']}", "PATCH", {"name": "VISITS"})
    assert changed["data"]["name"] == "visits"
    keys = {"keyColumns": [{"name": "Email", "validRegexp": "^A"}]}
    (key,) = fake.ok(f"{PS}/realtime_setting", "PATCH", keys)["keyColumns"]
    assert (key["name"], key["validRegexp"]) == ("email", "^a")
