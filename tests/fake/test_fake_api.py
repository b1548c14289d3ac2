"""The realtime endpoints through real calls (F7, F8, F11 to F24)."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from support.fakedriver import ALL, KEY_EVENT, PS, TABLE, Fake, NewFake, counter, listed, single

SETTING = f"{PS}/realtime_setting"
EVENTS = f"{PS}/realtime_key_events"
ATTRIBUTES = f"{PS}/realtime_attributes"


def test_f7_cdp_path_needs_the_type(fake: Fake) -> None:
    said = fake.run("api", SETTING)
    assert (said.code, "404 Not Found" in said.err) == (1, True)
    assert fake.run("api", SETTING, "--type", "cdp").code == 0


@pytest.mark.parametrize(
    "path", ["/audiences/Customer", "/audiences/1", "/nowhere", f"{PS}/none", f"{SETTING}/1/2"]
)
def test_f17_unknown_paths_are_404(fake: Fake, path: str) -> None:
    fake.refused(404, path)


@pytest.mark.parametrize("path", [SETTING, f"{PS}/realtime_imported_attributes/bulk_update"])
def test_methods_that_an_endpoint_lacks_are_405(fake: Fake, path: str) -> None:
    fake.refused(405, path, "DELETE")
    fake.refused(405, EVENTS, "DELETE")
    fake.refused(405, ATTRIBUTES, "PATCH", {})


def test_audience_itself_can_be_read(fake: Fake) -> None:
    assert fake.ok(PS) == {"id": "394649", "name": "Customer 360"}


def test_f11_patch_replaces_whole_lists_and_keeps_the_rest(fake: Fake) -> None:
    tables = [{"database": "web_events", "table": name} for name in ("pageviews", "carts")]
    fake.ok(SETTING, "PATCH", {"eventTables": tables, "extLookupKey": "customer_id"})
    after = fake.ok(SETTING, "PATCH", {"eventTables": tables[1:]})
    assert after["eventTables"] == tables[1:]
    assert after["extLookupKey"] == "customer_id"
    keys = fake.ok(SETTING, "PATCH", {"keyColumns": [{"name": "email"}]})["keyColumns"]
    blank: dict[str, Any] = {"validRegexp": None, "invalidTexts": [], "internal": False}
    assert keys == [{"name": "email", **blank}]
    assert fake.ok(SETTING)["eventTables"] == tables[1:]


@pytest.mark.parametrize(
    ("status", "body", "pointer"),
    [
        (400, {"status": "ok"}, "/status"),
        (400, {"id": "1"}, "/id"),
        (400, {"event_tables": []}, "/event_tables"),
        (400, {"eventTables": [{"database": "web_events"}]}, "/eventTables/0/table"),
        (400, {"eventTables": [TABLE, TABLE]}, "/eventTables/1"),
        (400, {"eventTables": [TABLE] * 101}, "/eventTables"),
        (400, {"keyColumns": [{"name": str(n)} for n in range(101)]}, "/keyColumns"),
        (400, {"keyColumns": [{"name": "a"}, {"name": "a"}]}, "/keyColumns/1/name"),
        (400, {"keyColumns": [{"name": "a", "internal": "no"}]}, "/keyColumns/0/internal"),
        (400, {"extLookupKey": 5}, "/extLookupKey"),
        (400, [], "/"),
        (422, {"eventTables": [{"database": "web_events", "table": "no"}]}, "/eventTables/0"),
    ],
    ids=str,
)
def test_f11_refused_settings_change_nothing(
    fake: Fake, status: int, body: Any, pointer: str
) -> None:
    before = fake.world.state()
    assert f" at {pointer} " in fake.refused(status, SETTING, "PATCH", body)
    assert fake.world.state() == before
    assert [call.applied for call in fake.world.writes()] == [False]


def test_f18_lookup_key_is_never_null_again(fake: Fake) -> None:
    assert fake.ok(SETTING, "PATCH", {"extLookupKey": None})["extLookupKey"] is None
    fake.ok(SETTING, "PATCH", {"extLookupKey": "email"})
    fake.refused(422, SETTING, "PATCH", {"extLookupKey": None})
    assert fake.ok(SETTING)["extLookupKey"] == "email"


def test_f11_table_of_a_key_event_cannot_be_removed(fake: Fake) -> None:
    fake.configure()
    assert "foreign key" in fake.refused(422, SETTING, "PATCH", {"eventTables": []})


def test_blank_setting_is_empty_or_not_found(new_fake: NewFake) -> None:
    assert new_fake().ok(SETTING)["status"] == "not_initialized"
    fake = new_fake(tdx__blank_setting="not-found")
    fake.refused(404, SETTING)
    fake.ok(SETTING, "PATCH", {"extLookupKey": "customer_id"})
    assert fake.ok(SETTING)["extLookupKey"] == "customer_id"


def test_f13_key_event_lives_and_dies(fake: Fake) -> None:
    event = fake.configure()
    one = f"{EVENTS}/{event}"
    assert fake.ok(one) == {"id": event, "description": None, **KEY_EVENT}
    assert fake.ok(one, "PATCH", {"name": "view", "description": "x"})["name"] == "view"
    tables = [TABLE, {**TABLE, "table": "carts"}]
    fake.ok(SETTING, "PATCH", {"eventTables": tables})
    assert fake.ok(one, "PATCH", {"tableName": "carts"})["tableName"] == "carts"
    fake.refused(422, one, "PATCH", {"tableName": "orders"})
    fake.refused(400, one, "PATCH", {"id": "5"})
    fake.ok(one, "DELETE")
    fake.refused(404, one)
    assert fake.ok(EVENTS)["data"] == []


def test_f13_refused_key_events(fake: Fake) -> None:
    fake.refused(422, EVENTS, "POST", KEY_EVENT)
    fake.configure()
    fake.refused(409, EVENTS, "POST", KEY_EVENT)
    bare = {name: value for name, value in KEY_EVENT.items() if name != "filterRule"}
    fake.refused(400, EVENTS, "POST", {**bare, "name": "b"})
    fake.refused(400, EVENTS, "POST", {**KEY_EVENT, "name": "b", "filter_rule": ALL})
    fake.refused(422, EVENTS, "POST", {**KEY_EVENT, "name": "b", "tableName": "orders"})
    assert len(fake.ok(EVENTS)["data"]) == 1


def test_f20_filters_of_all_key_events_have_a_limit(fake: Fake) -> None:
    fake.configure()
    fake.ok(EVENTS, "POST", {**KEY_EVENT, "name": "b", "filterRule": _rule(400)})
    fake.refused(422, EVENTS, "POST", {**KEY_EVENT, "name": "c", "filterRule": _rule(500)})
    event = fake.ok(EVENTS, "POST", KEY_EVENT | {"name": "c"})["id"]
    fake.refused(422, f"{EVENTS}/{event}", "PATCH", {"filterRule": _rule(500)})
    fake.ok(f"{EVENTS}/{event}", "PATCH", {"filterRule": _rule(200)})


def _rule(length: int) -> dict[str, Any]:
    operator = {"type": "Equal", "not": False, "rightValue": "x" * length}
    return {"type": "And", "conditions": [{"type": "Column", "column": "a", "operator": operator}]}


def test_f14_every_kind_can_be_created(fake: Fake) -> None:
    event = fake.configure()
    for body in (single(event), listed(event), counter(event)):
        made = fake.ok(ATTRIBUTES, "POST", body)["data"]
        assert {name: made[name] for name in body} == body
        assert fake.ok(f"{ATTRIBUTES}/{made['id']}")["data"] == made
    lookup = {
        "name": "l",
        "identifier": "l",
        "type": "lookupCatalog",
        "lookupCatalogTableName": "products",
        "lookupCatalogColumns": [{"name": "price", "dataType": "number"}],
        "lookupKeys": [{"id": "1", "type": "attribute"}],
    }
    fake.ok(ATTRIBUTES, "POST", lookup)
    assert len(fake.ok(ATTRIBUTES)["data"]) == 4


def test_f14_names_identifiers_and_references(fake: Fake) -> None:
    event = fake.configure()
    fake.ok(ATTRIBUTES, "POST", single(event))
    assert "/name" in fake.refused(409, ATTRIBUTES, "POST", single(event, identifier="b"))
    assert "/identifier" in fake.refused(409, ATTRIBUTES, "POST", single(event, name="b"))
    fake.refused(422, ATTRIBUTES, "POST", single("99", name="b", identifier="b"))
    action = {"action": "clear", "realtimeKeyEventId": "99", "filterRule": ALL}
    error = fake.refused(422, ATTRIBUTES, "POST", listed(event, actions=[action]))
    assert "/actions/0/realtimeKeyEventId" in error


def test_f14_identifier_is_derived_when_the_server_allows_it(new_fake: NewFake) -> None:
    fake = new_fake(tdx__require_identifier=False)
    event = fake.configure()
    body = counter(event)
    del body["identifier"]
    assert fake.ok(ATTRIBUTES, "POST", body)["data"]["identifier"] == "page_views_24h"
    body = single(event)
    del body["identifier"]
    fake.refused(400, ATTRIBUTES, "POST", body)


def test_f15_patch_takes_its_fields_only(fake: Fake) -> None:
    event = fake.configure()
    made = fake.ok(ATTRIBUTES, "POST", listed(event))["data"]["id"]
    one = f"{ATTRIBUTES}/{made}"
    assert fake.ok(one, "PATCH", {"maxItems": 5})["data"]["maxItems"] == 5
    for field in ("type", "identifier", "realtimeKeyEventId", "filterRule", "idColumn"):
        fake.refused(400, one, "PATCH", {field: "x"})
    fake.ok(one, "DELETE")
    fake.refused(404, one)


def test_f13_key_event_in_use_keeps_its_table_and_its_life(fake: Fake) -> None:
    event = fake.configure()
    tables = [TABLE, {**TABLE, "table": "carts"}]
    fake.ok(SETTING, "PATCH", {"eventTables": tables})
    other = fake.ok(EVENTS, "POST", {**KEY_EVENT, "name": "clear"})["id"]
    action = {"action": "clear", "realtimeKeyEventId": other, "filterRule": ALL}
    fake.ok(ATTRIBUTES, "POST", listed(event, actions=[action]))
    for used in (event, other):
        assert "browsed" in fake.refused(409, f"{EVENTS}/{used}", "DELETE")
        fake.refused(422, f"{EVENTS}/{used}", "PATCH", {"tableName": "carts"})


def test_f19_columns_are_checked_only_when_asked(new_fake: NewFake) -> None:
    for check in (False, True):
        fake = new_fake(tdx__check_columns=check)
        event = fake.configure()
        body = single(event, valueColumn="nowhere")
        assert (fake.api(ATTRIBUTES, "POST", body).code == 1) is check
        more = {"fields": ["price"], "idColumn": "product_id"}
        fake.ok(ATTRIBUTES, "POST", listed(event, name="c", identifier="c", **more))
        increment = {"type": "field", "value": "quantity"}
        fake.ok(ATTRIBUTES, "POST", counter(event, increment=increment))


def test_f14_imported_attributes_are_chosen_as_a_whole(fake: Fake) -> None:
    path = f"{PS}/realtime_imported_attributes/bulk_update"
    assert len(fake.ok(path, "POST", {"columns": ["city", "loyalty_tier"]})["data"]) == 2
    (kept,) = fake.ok(path, "POST", {"columns": ["city"]})["data"]
    assert (kept["type"], kept["identifier"]) == ("imported", "city")
    assert [a["id"] for a in fake.ok(ATTRIBUTES)["data"]] == [kept["id"]]
    fake.ok(path, "POST", {"columns": ["city"]})
    fake.refused(422, path, "POST", {"columns": ["nowhere"]})
    fake.refused(400, path, "POST", {"columns": "city"})
    fake.refused(404, f"{PS}/realtime_imported_attributes")
    assert [call.applied for call in fake.world.writes()] == [True, True, False, False, False]


def _fill(fake: Fake, count: int) -> None:
    event = fake.configure()
    with fake.world.edit_segment("394649") as segment:
        segment["realtime"]["attributes"] = [
            {**single(event), "id": str(n), "name": f"a{n}", "identifier": f"a{n}"}
            for n in range(5000, 5000 + count)
        ]


def test_f16_pages_lead_through_the_whole_list(fake: Fake) -> None:
    _fill(fake, 101)
    first = fake.ok(f"{ATTRIBUTES}?page[size]=100")
    assert len(first["data"]) == 100
    second = fake.ok(first["pagination"]["nextPage"])
    assert [a["name"] for a in second["data"]] == ["a5100"]
    assert second["pagination"] == {"nextPage": None}
    assert len(fake.ok(ATTRIBUTES)["data"]) == 100
    assert len(fake.ok(f"{ATTRIBUTES}?page%5Bsize%5D=1000")["data"]) == 101


@pytest.mark.parametrize(
    "query",
    ["page[size]=0", "page[size]=1001", "page[size]=x", "size=1", "page[after]=zz", "a=%zz"],
)
def test_f16_bad_parameters(fake: Fake, query: str) -> None:
    assert "bad-parameter-error" in fake.refused(400, f"{ATTRIBUTES}?{query}")


def test_f16_scenario_sets_the_page_sizes(new_fake: NewFake) -> None:
    fake = new_fake(tdx__page_size_max=7, tdx__page_size_default=3)
    _fill(fake, 10)
    assert len(fake.ok(ATTRIBUTES)["data"]) == 3
    assert len(fake.ok(f"{ATTRIBUTES}?page[size]=1000")["data"]) == 7


def test_f21_status_is_updating_for_a_while_after_a_change(new_fake: NewFake) -> None:
    fake = new_fake(updating_seconds=0.4, final_status="inconsistent")
    assert fake.ok(SETTING)["status"] == "not_initialized"
    assert fake.ok(SETTING, "PATCH", {"extLookupKey": "customer_id"})["status"] == "updating"
    time.sleep(0.5)
    (row,) = fake.call("ps", "rt", "list", "--json").json
    assert row["status"] == "inconsistent"
    assert fake.ok(SETTING, "PATCH", {"extLookupKey": "customer_id"})["status"] == "inconsistent"
    assert [call.applied for call in fake.world.writes()] == [True, False]


def test_conflict_while_updating(new_fake: NewFake) -> None:
    fake = new_fake(updating_seconds=30, tdx__conflict_while_updating=True)
    fake.ok(SETTING, "PATCH", {"extLookupKey": "customer_id"})
    fake.refused(409, SETTING, "PATCH", {"extLookupKey": "email"})
    assert fake.ok(SETTING)["extLookupKey"] == "customer_id"


def test_f22_posts_double_when_names_need_not_be_unique(new_fake: NewFake) -> None:
    fake = new_fake(tdx__unique_names=False)
    fake.configure()
    fake.ok(EVENTS, "POST", KEY_EVENT)
    assert [event["name"] for event in fake.ok(EVENTS)["data"]] == ["page_view"] * 2


def test_f17_taken_names_are_422_when_the_scenario_says_so(new_fake: NewFake) -> None:
    fake = new_fake(tdx__conflict_status=422)
    fake.configure()
    fake.refused(422, EVENTS, "POST", KEY_EVENT)


@pytest.mark.parametrize(
    ("shape", "event_wrapped", "attribute_wrapped"),
    [
        ("documented", False, True),
        ("swapped", True, False),
        ("bare", False, False),
        ("data", True, True),
    ],
)
def test_f14_shapes_of_post_answers(
    new_fake: NewFake, shape: str, event_wrapped: bool, attribute_wrapped: bool
) -> None:
    fake = new_fake(tdx__post_shape=shape)
    fake.ok(SETTING, "PATCH", {"eventTables": [TABLE]})
    event = fake.ok(EVENTS, "POST", KEY_EVENT)
    assert ("data" in event) is event_wrapped
    event_id = event.get("data", event)["id"]
    assert ("data" in fake.ok(ATTRIBUTES, "POST", single(event_id))) is attribute_wrapped


@pytest.mark.parametrize("style", ["filled", "absent", "null", None])
def test_unset_fields_come_back_in_the_style_of_the_scenario(
    new_fake: NewFake, style: str | None
) -> None:
    fake = new_fake(tdx__defaults=style)
    event = fake.configure()
    body = counter(event)
    del body["counterType"]
    made = fake.ok(ATTRIBUTES, "POST", body)["data"]
    expected = {"filled": "sliding", "absent": "none", "null": None, None: None}[style]
    assert made.get("counterType", "none") == expected
    assert ("description" in fake.ok(EVENTS)["data"][0]) is (style != "absent")


@pytest.mark.parametrize("numeric", [True, "some", False])
def test_f23_ids_are_numbers_where_the_scenario_says_so(new_fake: NewFake, numeric: Any) -> None:
    fake = new_fake(tdx__numeric_ids=numeric)
    event = fake.configure()
    assert isinstance(event, int) is (numeric is True)
    (row,) = fake.call("ps", "rt", "list", "--json").json
    assert row["id"] == (394649 if numeric else "394649")
    made = fake.ok(ATTRIBUTES, "POST", single(str(event)))["data"]
    assert made["realtimeKeyEventId"] == event


@pytest.mark.parametrize("style", ["stderr", "body", "ok-body"])
@pytest.mark.parametrize("form", ["jsonapi", "code", "text"])
def test_f8_f17_styles_and_forms_of_errors(new_fake: NewFake, style: str, form: str) -> None:
    fake = new_fake(tdx__error_style=style, tdx__error_body=form)
    said = fake.api(SETTING, "PATCH", {"nope": 1})
    assert said.code == (0 if style == "ok-body" else 1)
    if style == "stderr":
        assert said.out == ""
        assert "400 Bad Request" in said.err
        return
    detail = "must NOT have additional property 'nope'"
    item = {
        "code": "validation-error",
        "status": "400",
        "detail": detail,
        "source": {"pointer": "/nope"},
        "meta": {"validationCode": "additionalProperties"},
    }
    bodies = {
        "jsonapi": {"errors": [item]},
        "code": {"code": "validation-error", "message": detail},
        "text": {"errors": detail},
    }
    assert said.json == bodies[form]


def test_banner_colours_and_byte_order_mark(new_fake: NewFake) -> None:
    fake = new_fake(tdx__banner="Update!", tdx__ansi=True, tdx__bom=True)
    out = fake.run("ps", "list", "--json").out
    assert out.startswith("\ufeffUpdate!\n\n\x1b[32m[")
    assert fake.run("--version").out == "2026.8.1\n"


def test_latency_delays_every_call(new_fake: NewFake) -> None:
    fake = new_fake(tdx__latency_ms=150)
    started = time.monotonic()
    fake.run("auth")
    assert time.monotonic() - started >= 0.15
    assert len(fake.world.calls()) == 1


def test_shipped_configurations_survive_their_own_rules(new_fake: NewFake) -> None:
    """What a scenario holds could have been sent: it round-trips through the API."""
    source = new_fake("configured").world.segment("394649")["realtime"]
    fake = new_fake()
    fake.ok(SETTING, "PATCH", {name: source[name] for name in ("eventTables", "keyColumns")})
    ids = {}
    for event in source["keyEvents"]:
        body = {name: value for name, value in event.items() if name != "id"}
        ids[event["id"]] = fake.ok(EVENTS, "POST", body)["id"]
    for attribute in source["attributes"]:
        if attribute["type"] == "imported":
            continue
        text = json.dumps({k: v for k, v in attribute.items() if k != "id"})
        for old, new in ids.items():
            text = text.replace(f'"{old}"', f'"{new}"')
        fake.ok(ATTRIBUTES, "POST", json.loads(text))
