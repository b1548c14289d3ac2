"""An account that holds whatever it is asked about (`tdx.open`)."""

from __future__ import annotations

from support.fakedriver import NewFake, single

EMAIL = {"tdx": {"open": ["email"], "require_identifier": False}, "segments": [], "databases": {}}


def test_it_has_what_is_named(new_fake: NewFake) -> None:
    fake = new_fake(EMAIL)
    assert fake.call("ps", "list", "--json").json == []
    named = fake.call("ps", "view", "Customer 360", "--json").json
    assert fake.call("ps", "view", "Customer 360", "--json").json == named
    assert named["realtime_config"] is None
    assert fake.ok(f"/audiences/{named['id']}/realtime_setting")["eventTables"] == []
    assert fake.ok("/audiences/12/realtime_setting")["eventTables"] == []
    rows = fake.call("ps", "rt", "list", "--json").json
    assert [row["name"] for row in rows] == ["Customer 360", "12"]
    columns = fake.call("describe", "web.views", "--json").json["columns"]
    assert columns == [{"name": "email", "type": "string"}, {"name": "time", "type": "long"}]
    assert fake.call("tables", "web.*", "--json").json == [{"database": "web", "name": "views"}]
    assert fake.call("tables", "none.*", "--json").json == []


def test_it_takes_tables_key_events_sites_and_keys_of_any_account(new_fake: NewFake) -> None:
    fake = new_fake(EMAIL)
    fake.env |= {"TD_API_KEY": "of another account"}
    table = {"database": "web", "table": "views"}
    fake.ok("/audiences/12/realtime_setting", "PATCH", {"eventTables": [table]})
    made = fake.ok("/audiences/12/realtime_attributes", "POST", single("90210"))
    assert made["data"]["realtimeKeyEventId"] == "90210"
    assert fake.call("ps", "view", "12", "--site", "eu01", "--profile", "x", "--json").code == 0


def test_what_is_wrong_is_wrong_there_too(new_fake: NewFake) -> None:
    fake = new_fake(EMAIL)
    fake.refused(400, "/audiences/12/realtime_setting", "PATCH", {"eventTables": "none"})
    assert fake.world.live() == {}


def test_data_may_name_a_file(new_fake: NewFake) -> None:
    fake = new_fake()
    (fake.cwd / "body.json").write_text('{"keyColumns": [{"name": "email"}]}')
    path = "/audiences/394649/realtime_setting"
    words = ("api", path, "--type", "cdp", "-X", "PATCH")
    assert fake.call(*words, "--data", "@body.json").json["keyColumns"][0]["name"] == "email"
    assert fake.world.calls()[-1].body == {"keyColumns": [{"name": "email"}]}
    assert "cannot read none.json" in fake.call(*words, "--data", "@none.json").err
