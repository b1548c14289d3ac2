"""`tdxwrap doctor` from the outside: the checklist, its hints, its exit codes."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from support.shells import FAKE_TDX, WEB, Ran, Shell

from tdxwrap.fake.control import World

pytestmark = pytest.mark.usefixtures("tdx_inside")

KEY = "1/" + "f" * 40
TEXT = WEB.read_text(encoding="utf-8")
COLUMN_CHECKS = ("event tables", "stitching keys", "lookup key", "columns")


def states(done: Ran) -> dict[str, str]:
    return {check["name"]: check["state"] for check in done.file["checks"]}


def assert_line(done: Ran, symbol: str, name: str, *texts: str) -> None:
    [line] = [line for line in done.out.splitlines() if line.startswith(f"{symbol} {name:<15} ")]
    for text in texts:
        assert text in line, done.out


def test_all_is_well(shell: Shell, world: World) -> None:
    done = shell.run("doctor", WEB)

    assert done.code == 0, done.text
    assert_line(done, "✓", "tdx", "2026.8.1", str(FAKE_TDX))
    assert_line(done, "✓", "login", "tdx's stored login")
    assert_line(done, "✓", "profile", "profile default, site us01")
    assert_line(done, "✓", "tdx api", "enabled")
    assert_line(done, "✓", "parent segment", "Customer 360 (394649), RT enabled", "not_initialized")
    assert_line(done, "✓", "event tables", "3 found")
    assert_line(done, "✓", "stitching keys", "each a string in every event table")
    assert_line(done, "✓", "lookup key", "whether it is the profile key, tdx does not tell")
    assert_line(done, "✓", "columns")
    assert_line(done, "✓", "answers", "9 kinds read, each in the known form")
    assert done.out.endswith("all is well\n")
    assert done.err == ""
    assert len(world.calls()) == 16
    assert world.writes() == []


def test_without_a_config_the_parent_segment_may_be_named(shell: Shell, world: World) -> None:
    bare = shell.run("doctor")
    assert bare.code == 0
    assert_line(bare, "·", "parent segment", "not checked: none was named", "--parent-segment PS")
    assert "event tables" not in bare.out
    for ps in ("394649", "Customer 360"):
        done = shell.run("doctor", "--parent-segment", ps)
        assert done.code == 0
        assert_line(done, "✓", "parent segment", "Customer 360 (394649)")
    assert world.writes() == []


# The environment: exit 3


def test_no_tdx(shell: Shell) -> None:
    done = shell.run("doctor", WEB, TDXWRAP_TDX="no-such-tdx")
    assert done.code == 3
    assert_line(done, "✗", "tdx", "there is no no-such-tdx on the PATH")
    assert "npm install -g @treasuredata/tdx" in done.out
    for name in ("login", "tdx api", "parent segment", *COLUMN_CHECKS):
        assert_line(done, "·", name, "not checked: needs tdx")
    assert done.out.endswith("1 failed\n")


def test_no_login(new_world: Callable[..., World], new_shell: Callable[..., Shell]) -> None:
    world = new_world()
    world.set_credentials(keychain={}, keys={})
    done = new_shell(world).run("doctor", WEB)
    assert done.code == 3
    assert_line(done, "✓", "tdx", "2026.8.1")
    assert_line(done, "✗", "login", "TD_API_KEY environment variable not set")
    assert "export TD_API_KEY=your_master_api_key" in done.out
    for name in ("tdx api", "parent segment", *COLUMN_CHECKS):
        assert_line(done, "·", name, "not checked: needs a login")


@pytest.mark.parametrize("variable", ["TD_API_KEY", "TDX_API_KEY", "TDX_ACCESS_TOKEN"])
def test_the_source_of_the_login_is_told_and_never_its_value(
    new_world: Callable[..., World], new_shell: Callable[..., Shell], variable: str
) -> None:
    world = new_world()
    world.set_credentials(keychain={}, keys={KEY: next(iter(world.state()["accounts"]))})
    for args in (("doctor", WEB), ("doctor", WEB, "--json"), ("doctor", WEB, "-v")):
        done = new_shell(world, name="-".join(map(str, args[2:])) or "user").run(
            *args, **{variable: KEY}
        )
        assert done.code == 0, done.text
        assert f"credentials from {variable}" in done.text
        assert "f" * 40 not in done.text


def test_the_key_of_a_profile(
    new_world: Callable[..., World], new_shell: Callable[..., Shell]
) -> None:
    world = new_world()
    world.set_credentials(keychain={}, keys={KEY: next(iter(world.state()["accounts"]))})
    shell = new_shell(world)
    args = ("doctor", "--site", "jp01")
    for done in (
        shell.run(*args, "--profile", "my-prod", TDX_API_KEY_MY_PROD=KEY),
        shell.run(*args, TDX_PROFILE="my-prod", TDX_API_KEY_MY_PROD=KEY),
    ):
        assert done.code == 0, done.text
        assert_line(done, "✓", "login", "credentials from TDX_API_KEY_MY_PROD")
        assert_line(done, "✓", "profile", "my-prod · jp01")


def test_a_key_that_is_not_accepted(shell: Shell, world: World) -> None:
    world.add_fault("echo-secrets", {"command": "auth"})
    done = shell.run("doctor", WEB, TDX_API_KEY=KEY)
    assert done.code == 3
    assert "f" * 40 not in done.text
    world.clear_faults()
    done = shell.run("doctor", WEB, TDX_API_KEY=KEY)
    assert_line(done, "✗", "login", "tdx does not accept the credentials from TDX_API_KEY")
    assert_line(done, "·", "parent segment", "needs a login")
    assert "f" * 40 not in done.text


def test_tdx_api_switched_off(
    new_world: Callable[..., World], new_shell: Callable[..., Shell]
) -> None:
    world = new_world(tdx__api_enabled=False)
    done = new_shell(world).run("doctor", WEB)
    assert done.code == 3
    assert_line(done, "✗", "tdx api", "switched off")
    assert '"enable_api_command": true' in done.out
    assert "~/.config/tdx/tdx.json" in done.out
    assert "a person must do it" in done.out
    # What does not need it is checked all the same.
    for name in ("parent segment", *COLUMN_CHECKS):
        assert_line(done, "✓", name)


def test_an_environment_failure_goes_before_the_others(
    new_world: Callable[..., World], new_shell: Callable[..., Shell]
) -> None:
    world = new_world(tdx__api_enabled=False)
    done = new_shell(world).run("doctor", WEB, "--parent-segment", "999")
    assert done.code == 3
    assert done.out.endswith("2 failed\n")


# The parent segment and the columns: exit 4


def test_unknown_parent_segment(shell: Shell) -> None:
    done = shell.run("doctor", WEB, "--parent-segment", "999")
    assert done.code == 4
    assert_line(done, "✗", "parent segment", "there is no parent segment '999'")
    assert_line(done, "·", "lookup key", "not checked: needs the parent segment")
    for name in ("tdx", "login", "tdx api", "event tables", "stitching keys", "columns"):
        assert_line(done, "✓", name)


def test_not_rt_enabled(new_world: Callable[..., World], new_shell: Callable[..., Shell]) -> None:
    done = new_shell(new_world("troubles")).run("doctor", "--parent-segment", "500003")
    assert done.code == 4
    assert_line(done, "✗", "parent segment", "is not RT-enabled")
    assert "customer success manager" in done.out
    assert_line(done, "✓", "tdx api", "enabled")


@pytest.mark.parametrize("status", ["inconsistent", "error"])
def test_a_terminal_status_is_a_warning(shell: Shell, world: World, status: str) -> None:
    world.set_status("394649", status)
    done = shell.run("doctor", "--parent-segment", "394649")
    assert done.code == 0
    assert_line(done, "!", "parent segment", f"status {status}")
    assert done.out.endswith("1 to look at\n")


@pytest.mark.parametrize("ps", ["394649", "Customer 360"])
def test_columns_are_judged_with_their_places(shell: Shell, ps: str) -> None:
    text = (
        TEXT.replace("value_column: product_id", "value_column: produkt_id", 1)
        .replace("    - td_client_id\n", "    - td_cliend_id\n", 1)
        .replace("ext_lookup_key: customer_id", "ext_lookup_key: email")
    )
    config = shell.write("rt.yaml", text)
    done = shell.run("doctor", config, "--parent-segment", ps)
    lines = text.splitlines()
    assert done.code == 4
    key = 1 + lines.index("    - td_cliend_id")
    assert_line(done, "✗", "stitching keys", "td_cliend_id", f"{config}:{key}")
    lookup = 1 + lines.index("  ext_lookup_key: email")
    assert_line(done, "✗", "lookup key", "email is a stitching key", f"{config}:{lookup}")
    column = 1 + lines.index("    value_column: produkt_id")
    assert_line(done, "✗", "columns", "produkt_id is not a column of", f"{config}:{column}")
    assert done.out.count("did you mean") == 2
    assert done.out.endswith("3 failed\n")


def test_a_refused_describe_is_a_warning(shell: Shell, world: World) -> None:
    world.add_fault(
        "http", {"command": "describe"}, times=3, status=403, detail="permission denied"
    )
    done = shell.run("doctor", WEB)
    assert done.code == 0
    assert done.out.count("! event tables") == 3
    for name in ("stitching keys", "columns"):
        assert_line(done, "·", name, "no event table could be described")


def test_what_could_not_be_described_is_not_vouched_for(shell: Shell, world: World) -> None:
    world.add_fault("http", {"command": "describe"}, status=403, detail="permission denied")
    done = shell.run("doctor", WEB)
    assert_line(done, "!", "event tables", "its columns are not checked")
    assert_line(done, "✓", "stitching keys", "in every event table that could be described")
    assert_line(done, "✓", "columns", "in every table that could be described")


def test_keys_alone_are_looked_for_in_the_live_tables(
    new_world: Callable[..., World], new_shell: Callable[..., Shell]
) -> None:
    shell = new_shell(new_world("half-configured"))
    config = shell.write("rt.yaml", "id_stitching: {keys: [device_id]}\n")
    for ps in ("394649", "Customer 360"):
        done = shell.run("doctor", config, "--parent-segment", ps)
        assert done.code == 0, done.text
        assert_line(done, "✓", "stitching keys")
        assert_line(done, "·", "event tables", "the file states none")


# One check that fails does not stop the others


@pytest.mark.parametrize(
    ("match", "failed", "code"),
    [
        ({"command": "auth"}, "login", 3),
        ({"command": "rt list"}, "parent segment", 4),
        ({"command": "api"}, "tdx api", 3),
    ],
)
def test_a_call_that_keeps_failing_fails_its_own_check_only(
    shell: Shell, world: World, match: dict[str, Any], failed: str, code: int
) -> None:
    world.add_fault("http", match, times=4, status=503)
    done = shell.run("doctor", WEB, "--json")
    assert done.code == code, done.text
    assert [name for name, state in states(done).items() if state == "failed"] == [failed]


def test_only_what_a_login_is_needed_for_is_not_checked_without_one(
    shell: Shell, world: World
) -> None:
    for command in ("auth", "api"):
        world.add_fault("http", {"command": command}, times=4, status=503)
    done = shell.run("doctor", "--parent-segment", "394649", "--json")
    assert [states(done)[name] for name in ("login", "tdx api")] == ["failed", "failed"]


def test_an_api_that_refuses_is_enabled_all_the_same(shell: Shell, world: World) -> None:
    world.add_fault("http", {"command": "api"}, status=403, detail="not for you")
    done = shell.run("doctor", "--parent-segment", "394649")
    assert done.code == 0
    assert_line(done, "!", "tdx api", "enabled, but the API refuses", "not for you")


# What tdx answers

WRONG_SETTING = {
    "status": 7,
    "eventTables": [{"database": "secret_db", "table": "secret_table", "secret_note": 1}],
    "extLookupKey": None,
    "batchAttributes": "secret_value",
    "secret_name": {"secret_inside": True},
    "secret_too": 1,
}


@pytest.mark.parametrize("ps", ["394649", "Customer 360"])
def test_a_parent_segment_alone(half: World, new_shell: Callable[..., Shell], ps: str) -> None:
    done = new_shell(half).run("doctor", ps)
    assert done.code == 0, done.text
    assert_line(done, "✓", "parent segment", "Customer 360 (394649)")
    assert_line(done, "✓", "answers", "9 kinds read, each in the known form")
    assert "event tables" not in done.out
    assert half.writes() == []


@pytest.mark.parametrize("wrapped", [False, True])
def test_what_tdx_answers_otherwise_than_known_is_listed(
    half: World, new_shell: Callable[..., Shell], wrapped: bool
) -> None:
    answer = {"data": WRONG_SETTING} if wrapped else WRONG_SETTING
    setting = {"method": "GET", "path": "realtime_setting"}
    half.add_fault("garbage", setting, times=0, text=json.dumps(answer))
    done = new_shell(half).run("doctor", "394649")
    assert done.code == 0, done.text
    for text in (
        "realtime_setting: keyColumns missing (F11)",
        "realtime_setting: batchAttributes in another form (F11)",
        "realtime_setting: status in another form (F11)",
    ):
        assert f"! answers         {text}\n" in done.out
    assert done.out.count("! answers") == 3
    assert_line(done, "✓", "answers", "7 kinds read; unknown properties: 3")
    assert done.out.endswith("3 to look at\n")


@pytest.mark.parametrize("options", [(), ("--json",), ("-v",)])
def test_nothing_of_a_name_or_value_is_in_what_is_listed(
    half: World, new_shell: Callable[..., Shell], options: tuple[str, ...]
) -> None:
    wrong = {"id": 1, "name": {"secret_name": "secret_value"}, "secret_too": []}
    page = {"data": [wrong | {"type": "secret_kind"}], "pagination": "secret_page"}
    answers = {
        "ps view": wrong,
        "ps desc": {"master": {"columns": [{"name": "secret_column", "secret_type": 1}]}},
        "realtime_setting": WRONG_SETTING,
        "realtime_key_events": page,
        "realtime_attributes": page,
        "databases": [{"name": "secret_db", "secret_note": 1}],
    }
    for command, answer in answers.items():
        half.add_fault("garbage", {"command": command}, times=0, text=json.dumps(answer))
    done = new_shell(half).run("doctor", "394649", *options)
    assert done.code == 0, done.text
    assert "secret" not in done.out
    assert "realtime_attributes: data[].type in another form (F14)" in done.out
    assert "ps view: realtime_config missing (F10)" in done.out


def test_what_could_not_be_read_is_listed(half: World, new_shell: Callable[..., Shell]) -> None:
    half.add_fault("http", {"path": "realtime_key_events"}, times=0, status=403, detail="secret")
    half.add_fault("garbage", {"command": "databases"}, times=0, text='{"message": "secret"}')
    done = new_shell(half).run("doctor", "394649")
    assert done.code == 0, done.text
    assert "! answers         realtime_key_events: not read (refused)\n" in done.out
    assert "! answers         databases: it is in another form (F10)\n" in done.out
    assert "! answers         databases: not read (malformed-output)\n" in done.out
    assert "secret" not in done.out


def test_a_file_goes_before_a_parent_segment_of_its_name(shell: Shell, world: World) -> None:
    assert shell.run("doctor", "rt.yaml").code == 2
    assert world.calls() == []
    for name in ("rt", "rt-"):
        done = shell.run("doctor", name)
        assert_line(done, "✗", "parent segment", f"no parent segment '{name}'")
    shell.write("rt", TEXT)
    assert_line(shell.run("doctor", "rt"), "✓", "event tables", "3 found")
    both = shell.run("doctor", "nobody", "--parent-segment", "394649")
    assert both.code == 2
    assert "there is no file nobody" in both.err


# --json, wrong configurations


def test_json(shell: Shell) -> None:
    done = shell.run("doctor", WEB, "--json")
    assert done.code == 0
    assert done.err == ""
    document = done.json
    assert (document["tdxwrap"], document["version"], document["ok"]) == ("doctor", 2, True)
    assert document["error"] is None
    assert set(states(done).values()) == {"ok"}
    assert set(done.file["checks"][0]) == {"name", "state", "message", "hint", "where"}

    bad = shell.run("doctor", WEB, "--parent-segment", "999", "--json")
    assert bad.code == 4
    assert bad.json["ok"] is False
    assert bad.json["error"]["exit_code"] == 4
    assert states(bad)["parent segment"] == "failed"


def test_a_bad_file_is_told_as_check_does(shell: Shell, world: World) -> None:
    config = shell.write("rt.yaml", TEXT.replace("value_column", "valueColumn"))
    done = shell.run("doctor", config)
    assert done.code == 2
    assert done.err == shell.run("check", config).err
    assert "errors" in done.err
    assert world.calls() == []
