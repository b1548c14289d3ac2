"""Credentials, profiles, sessions, sites, and the reading commands (F4, F5, F6, F9, F10, F24)."""

from __future__ import annotations

import pytest
from support.fakedriver import PS, Fake, NewFake
from support.shells import FAKE_TDX

from tdxwrap.fake import identity

KEYS = {"K-default": "a", "K-prod": "b", "K-env": "c", "K-old": "d", "K-token": "e", "K-own": "f"}
KEYCHAIN = {"default": "K-default", "production": "K-prod"}


def _accounts(new_fake: NewFake, keychain: dict[str, str]) -> Fake:
    accounts = {
        name: {"segments": [{"id": str(n), "name": name}]} for n, name in enumerate("abcdef")
    }
    credentials = {"keychain": keychain, "keys": KEYS}
    return new_fake({"accounts": accounts, "tdx": {"credentials": credentials}})


@pytest.mark.parametrize(
    ("profile", "env", "keychain", "account"),
    [
        (None, {}, KEYCHAIN, "a"),
        (None, {"TD_API_KEY": "K-old"}, KEYCHAIN, "a"),
        (None, {"TD_API_KEY": "K-old"}, {}, "d"),
        (None, {"TDX_API_KEY": "K-env", "TD_API_KEY": "K-old"}, KEYCHAIN, "c"),
        (None, {"TDX_ACCESS_TOKEN": "K-token", "TDX_API_KEY": "K-env"}, KEYCHAIN, "e"),
        ("production", {"TDX_API_KEY": "K-env"}, KEYCHAIN, "b"),
        ("production", {"TDX_API_KEY_PRODUCTION": "K-own"}, KEYCHAIN, "f"),
        ("pro-d.1", {"TDX_API_KEY_PRO_D_1": "K-own"}, KEYCHAIN, "f"),
        ("other", {"TDX_API_KEY": "K-env", "TD_API_KEY": "K-old"}, KEYCHAIN, "c"),
        ("other", {"TD_API_KEY": "K-old"}, KEYCHAIN, "d"),
        ("other", {"TDX_ACCESS_TOKEN": "K-token"}, KEYCHAIN, None),
        (None, {}, {}, None),
    ],
)
def test_f4_credentials_are_looked_for_in_order(
    new_fake: NewFake,
    profile: str | None,
    env: dict[str, str],
    keychain: dict[str, str],
    account: str | None,
) -> None:
    fake = _accounts(new_fake, keychain)
    said = fake.call("auth", *(["--profile", profile] if profile else []), env=env)
    if account is None:
        assert (said.code, "Not authenticated" in said.err) == (1, True)
    else:
        assert (
            said.out
            == f"Authenticated: account {account}, profile {profile or 'default'}, site us01\n"
        )
    assert fake.world.calls()[0].account == account


def test_f4_unknown_key_is_answered_with_401(fake: Fake) -> None:
    for argv in (["auth"], ["ps", "list"], ["api", PS, "--type", "cdp"]):
        said = fake.call(*argv, env={"TDX_API_KEY": "nobody's"})
        assert (said.code, "401 Unauthorized" in said.err) == (1, True)


def test_f5_profile_is_remembered_per_parent_process(new_fake: NewFake) -> None:
    fake = _accounts(new_fake, KEYCHAIN)
    assert fake.call("use", "profile", "production").code == 0
    assert "account b" in fake.call("auth").out
    # A wrapper in between is another parent: the choice is lost.
    said = fake.run("-c", '"$0" auth; true', str(FAKE_TDX), launcher="/bin/sh")
    assert "account a" in said.out


def test_f5_tdx_session_overrides_the_parent(new_fake: NewFake) -> None:
    fake = _accounts(new_fake, KEYCHAIN)
    fake.call("use", "profile", "production", env={"TDX_SESSION": "se/ss"})
    assert "account b" in fake.call("auth", env={"TDX_SESSION": "se/ss"}).out
    assert "account a" in fake.call("auth").out
    assert [call.session for call in fake.world.calls()[:2]] == ["se/ss", "se/ss"]


def test_f5_option_then_variable_then_session(new_fake: NewFake) -> None:
    fake = _accounts(new_fake, {**KEYCHAIN, "x": "K-env", "y": "K-own"})
    fake.call("use", "profile", "production")
    assert "profile x" in fake.call("auth", env={"TDX_PROFILE": "x"}).out
    assert (
        "account f, profile y" in fake.call("auth", "--profile", "y", env={"TDX_PROFILE": "x"}).out
    )


def test_f5_session_id_is_safe_as_a_file_name() -> None:
    assert identity.session_file("../../x") == "sessions/%2e%2e%2f%2e%2e%2fx.json"


def test_f17_another_site_or_account_does_not_find_the_segment(new_fake: NewFake) -> None:
    fake = _accounts(new_fake, KEYCHAIN)
    assert fake.call("ps", "view", "0", "--json").code == 0
    assert fake.call("ps", "view", "1", "--json").code == 1
    assert fake.call("ps", "view", "1", "--json", "--profile", "production").code == 0
    assert fake.call("ps", "rt", "list", "--json", "--site", "jp01").json == []
    fake.call("use", "site", "jp01")
    assert "404 Not Found" in fake.api("/audiences/0/realtime_setting").err
    assert "site jp01" in fake.call("auth").out
    assert fake.call("auth", "--json").json["site"] == "jp01"


@pytest.mark.parametrize("name", ["KEY", "key with spaces", "日本"])
def test_f4_profile_variable_replaces_other_characters(name: str) -> None:
    variable = identity.profile_variable(name)
    assert variable.startswith("TDX_API_KEY_")
    assert variable.isascii()
    assert " " not in variable


def test_f6_disabled_api_names_the_guide_and_reads_go_on(new_fake: NewFake) -> None:
    fake = new_fake(tdx__api_enabled=False)
    said = fake.api(f"{PS}/realtime_setting")
    assert said.code == 1
    assert "'tdx api' command is disabled" in said.err
    assert "API command safety" in said.err
    assert fake.call("ps", "rt", "list", "--json").code == 0


def test_f10_reading_commands_answer_as_documented(fake: Fake) -> None:
    view = fake.call("ps", "view", "Customer 360", "--json").json
    assert (view["id"], view["name"], view["realtime_config"]) == ("394649", "Customer 360", None)
    assert view["attributes"][0]["name"] == "loyalty_tier"
    (row,) = fake.call("ps", "rt", "list", "--json").json
    assert (row["status"], row["event_tables"], row["key_events"]) == ("not_initialized", [], [])
    master = fake.call("ps", "desc", "394649", "--json").json["master"]
    assert {"name": "customer_id", "type": "string"} in master["columns"]
    assert fake.call("ps", "pz", "list", "394649", "--json").json == []
    assert fake.call("databases", "--json").json == [{"name": "web_events"}]
    tables = fake.call("tables", "web_events.*", "--json").json
    assert [table["name"] for table in tables] == ["pageviews", "carts", "orders"]
    columns = fake.call("describe", "web_events.orders", "--json").json["columns"]
    assert {"name": "price", "type": "double"} in columns


def test_f10_view_shows_the_configuration_once_there_is_one(fake: Fake) -> None:
    fake.configure()
    config = fake.call("ps", "view", "394649", "--json").json["realtime_config"]
    assert config["eventTables"] == [{"database": "web_events", "table": "pageviews"}]
    assert config["status"] == "updating"


def test_without_json_the_commands_print_lines(fake: Fake) -> None:
    assert fake.call("ps", "list").out == "394649\tCustomer 360\n"
    assert fake.call("databases").out == "web_events\n"


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["ps", "view", "nobody"], "'nobody' not found"),
        (["tables", "nowhere.*"], "'nowhere' not found"),
        (["describe", "web_events.none"], "'web_events.none' not found"),
    ],
)
def test_what_does_not_exist_is_an_error(fake: Fake, argv: list[str], message: str) -> None:
    said = fake.call(*argv, "--json")
    assert (said.code, said.out) == (1, "")
    assert message in said.err


def test_f10_a_name_borne_twice_is_refused_and_an_id_is_not(new_fake: NewFake) -> None:
    fake = new_fake("troubles")
    said = fake.call("ps", "view", "Customers", "--json")
    assert (said.code, "ambiguous" in said.err) == (1, True)
    assert '"id": 500002' in fake.call("ps", "view", "500002", "--json").out


def test_f23_a_name_of_any_characters_is_found(new_fake: NewFake) -> None:
    fake = new_fake("troubles")
    name = fake.world.segment("500004")["name"]
    assert all(character in name for character in "\"`\\'顧")
    assert "500004" in fake.call("ps", "view", name, "--json").out


def test_f24_segment_without_realtime_is_not_listed_and_not_found(new_fake: NewFake) -> None:
    fake = new_fake("troubles")
    assert "Batch only" not in fake.call("ps", "rt", "list", "--json").out
    assert "Batch only" in fake.call("ps", "list", "--json").out
    said = fake.api("/audiences/500003/realtime_setting")
    assert (said.code, "record-not-found-error" in said.out) == (1, True)


@pytest.mark.parametrize("command", [("ps", "pz", "init"), ("ps", "pull")], ids=" ".join)
def test_f9_existing_file_prompts_and_end_of_input_aborts(
    fake: Fake, command: tuple[str, ...]
) -> None:
    import yaml

    target = fake.cwd / "rt_config.yaml"
    assert fake.call(*command, "394649", "-o", "rt_config.yaml").code == 0
    assert yaml.safe_load(target.read_text())["parent_segment_id"] == "394649"
    target.write_text("mine")
    said = fake.run(*command, "394649", "-o", "rt_config.yaml")
    assert (said.code, target.read_text()) == (1, "mine")
    assert "Overwrite? (y/N)" in said.out
    yes = fake.cwd / "yes"
    yes.write_text("y\n")
    with yes.open() as stdin:
        assert fake.run(*command, "394649", "-o", "rt_config.yaml", stdin=stdin).code == 0
    assert target.read_text() != "mine"
    assert fake.call(*command, "394649", "-o", "none/x.yaml").code == 1
