"""The live column checks in plan and apply, from the outside."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.shells import WEB, Shell

from tdxwrap.fake.control import World

pytestmark = pytest.mark.usefixtures("tdx_inside")

TEXT = WEB.read_text(encoding="utf-8")
KEY = "1/" + "e" * 40


def line_of(text: str, part: str) -> int:
    return 1 + next(n for n, line in enumerate(text.splitlines()) if part in line)


def broken(shell: Shell, old: str, new: str) -> tuple[Path, str]:
    """WEB with one change, and `file:line` of it."""
    assert old in TEXT
    text = TEXT.replace(old, new, 1)
    path = shell.write("rt.yaml", text)
    return path, f"{path}:{line_of(text, new.strip().splitlines()[-1])}"


def asked(world: World, *words: str) -> int:
    """How many calls of this command there were."""
    return sum(call.argv[: len(words)] == words for call in world.calls())


FAILURES = {
    "attribute column": (
        "value_column: product_id",
        "value_column: produkt_id",
        "attribute last_product_viewed: value_column produkt_id is not a column of "
        "web_events.pageviews",
        "did you mean product_id?",
    ),
    "increment column": (
        "increment: { type: field, value: quantity }",
        "increment: { type: field, value: quantitiy }",
        "attribute units_bought: increment quantitiy is not a column of web_events.orders",
        "did you mean quantity?",
    ),
    "filter column": (
        "          column: event_name",
        "          column: evnt_name",
        "key event add_to_cart: filter evnt_name is not a column of web_events.carts",
        "did you mean event_name?",
    ),
    "stitching key": (
        "    - td_client_id\n",
        "    - td_cliend_id\n",
        "stitching key td_cliend_id is not a column of any event table",
        "did you mean td_client_id?",
    ),
    "stitching key that is a number": (
        "    - td_client_id\n",
        "    - price\n",
        "stitching key price is not a string: double in web_events.pageviews",
        "only string values stitch",
    ),
    "lookup key": (
        "  ext_lookup_key: customer_id",
        "  ext_lookup_key: custmer_id",
        "lookup key custmer_id is not a column of the master table",
        "did you mean customer_id?",
    ),
    "lookup key that is a stitching key": (
        "  ext_lookup_key: customer_id",
        "  ext_lookup_key: email",
        "lookup key email is a stitching key: with it batch attributes never resolve",
        "customer_id",
    ),
    "table": (
        "    table: orders\n",
        "    table: ordres\n",
        "there is no table web_events.ordres",
        'tdx tables "web_events.*"',
    ),
}


@pytest.mark.parametrize("name", FAILURES)
def test_plan_shows_what_fails_and_apply_stops_before_the_first_write(
    shell: Shell, world: World, name: str
) -> None:
    old, new, message, hint = FAILURES[name]
    path, place = broken(shell, old, new)
    if name == "table":
        path.write_text(path.read_text().replace("web_events.orders", "web_events.ordres"))

    shown = shell.run("plan", path)
    assert shown.code == 4, shown.text
    [line] = [line for line in shown.out.splitlines() if message in line]
    assert line.startswith("✗ ")
    assert place in line or name == "table"
    assert hint in shown.out

    done = shell.run("apply", path, "--yes")
    assert done.code == 4, done.text
    [line] = [line for line in done.err.splitlines() if message in line]
    assert line.startswith("✗ ")
    assert hint in done.err
    assert "nothing was written: fix the file, or skip the check with --no-check-columns" in (
        done.err
    )
    assert world.writes() == []
    assert world.segment("394649")["realtime"] is None
    assert not (shell.cwd / "rt_config.yaml").exists()


def test_everything_that_fails_is_told_at_once(shell: Shell, world: World) -> None:
    text = TEXT
    for old, new, _, _ in list(FAILURES.values())[:4]:
        text = text.replace(old, new, 1)
    path = shell.write("rt.yaml", text)

    done = shell.run("apply", path, "--yes", "--json")

    assert done.code == 4
    error = done.json["error"]
    told = [error, *error["others"]]
    assert {each["kind"] for each in told} == {"columns-missing"}
    assert all(each["where"].startswith(f"{path}:") and each["hint"] for each in told)
    whole = " ".join(each["what"] for each in told)
    assert all(message in whole for _, _, message, _ in list(FAILURES.values())[:4])
    quiet = shell.run("apply", path, "--yes", "-q")
    assert quiet.err.count("✗ ") == 4


def test_a_key_that_one_table_lacks_only_warns(
    new_world: Callable[..., World], new_shell: Callable[..., Shell]
) -> None:
    world = lacking_world(new_world)
    shell = new_shell(world)
    shown = shell.run("plan", WEB)
    line = line_of(TEXT, "- name: email")
    text = (
        "! stitching key email is not a column of web_events.carts: profiles seen only there "
        f"will not be stitched by it   {WEB}:{line}"
    )
    assert text in shown.out
    done = shell.run("apply", WEB, "--yes")
    assert done.code == 0, done.text
    assert text in done.err


def lacking_world(new_world: Callable[..., World]) -> World:
    whole = dict.fromkeys(("td_client_id", "email", "product_id", "product_name"), "string")
    whole |= {"price": "double", "quantity": "long"}
    carts = {"td_client_id": "string", "product_id": "string", "product_name": "string"}
    segment = {
        "id": "394649",
        "name": "Customer 360",
        "master_table": {"columns": {"customer_id": "string"}},
    }
    tables = {"pageviews": whole, "carts": {**carts, "event_name": "string"}, "orders": whole}
    return new_world({"databases": {"web_events": tables}, "segments": [segment]})


@pytest.mark.parametrize("command", ["describe web_events.carts", "ps desc"])
@pytest.mark.parametrize(
    ("fault", "params"),
    [
        ("http", {"status": 403, "code": "permission-error", "detail": "Forbidden"}),
        ("garbage", {"times": 4}),
        ("wrong-exit", {"exit": 3}),
    ],
)
def test_what_may_not_be_described_is_a_warning(
    shell: Shell, world: World, command: str, fault: str, params: dict[str, Any]
) -> None:
    world.add_fault(fault, {"command": command}, **params)
    done = shell.run("plan", WEB)
    assert done.code == 0, done.text
    told = "could not be described" if "describe" in command else "could not be read"
    [line] = [line for line in done.out.splitlines() if told in line]
    assert line.startswith("! ")
    assert "tdx said: " in done.out


def test_a_passing_failure_of_a_describe_is_retried(shell: Shell, world: World) -> None:
    world.add_fault("http", {"command": "describe"}, status=503)
    done = shell.run("plan", WEB)
    assert done.code == 0
    assert "! " not in done.out
    assert asked(world, "describe") == 4


def test_without_the_check_nothing_is_described(shell: Shell, world: World) -> None:
    path, _ = broken(shell, "value_column: product_id", "value_column: produkt_id")
    assert "✗" not in shell.run("plan", path, "--no-check-columns").out
    assert shell.run("apply", path, "--yes", "--no-check-columns").code == 0
    assert asked(world, "describe") == asked(world, "ps", "desc") == 0


def test_the_check_can_be_left_out_by_the_environment(shell: Shell, world: World) -> None:
    assert shell.run("plan", WEB, TDXWRAP_PLAN_CHECK_COLUMNS="0").code == 0
    assert asked(world, "describe") == 0


def test_a_few_tables_are_described_beside_the_other_reads(shell: Shell, world: World) -> None:
    world.set("tdx.latency_ms", 100)  # so that all have begun before one is answered
    for _ in range(2):
        world.clear_calls()
        assert shell.run("apply", WEB, "--yes").code == 0
        assert (asked(world, "describe"), asked(world, "ps", "desc")) == (3, 1)


def test_many_tables_are_described_only_if_something_is_pending(
    new_world: Callable[..., World], new_shell: Callable[..., Shell]
) -> None:
    names = [f"t{number}" for number in range(9)]
    tables = {name: {"user_id": "string"} for name in names}
    segment = {"id": "394649", "name": "Customer 360"}
    world = new_world({"databases": {"web": tables}, "segments": [segment]})
    shell = new_shell(world)
    lines = "".join(f"  - web.{name}\n" for name in names)
    path = shell.write("rt.yaml", f"parent_segment: '394649'\nevent_tables:\n{lines}")
    assert shell.run("apply", path, "--yes").code == 0
    assert asked(world, "describe") == 9
    world.clear_calls()
    for args in (("apply", path), ("plan", path), ("verify", path)):
        assert shell.run(*args).code == 0
    assert asked(world, "describe") == asked(world, "ps", "desc") == 0


def test_verify_describes_nothing_also_where_something_is_pending(
    shell: Shell, world: World
) -> None:
    assert shell.run("verify", WEB).code == 7
    assert asked(world, "describe") == 0


def test_the_master_table_is_read_only_for_a_lookup_key(shell: Shell, world: World) -> None:
    path = shell.write("rt.yaml", TEXT.replace("  ext_lookup_key: customer_id\n", ""))
    assert shell.run("plan", path).code == 0
    assert asked(world, "ps", "desc") == 0


def test_a_key_that_only_a_live_table_has_is_no_failure(
    new_world: Callable[..., World], new_shell: Callable[..., Shell]
) -> None:
    world = new_world("half-configured")
    shell = new_shell(world)
    config = shell.write("rt.yaml", "parent_segment: '394649'\nid_stitching: {keys: [screen]}\n")
    done = shell.run("plan", config)
    assert "✗" not in done.out, done.out
    assert asked(world, "describe") == 2
    config = shell.write("two.yaml", f"event_tables: [web_events.pageviews]\n{config.read_text()}")
    assert shell.run("plan", config).code == 0
    assert asked(world, "describe") == 4  # that of the file is not described again
    config = shell.write("rt.yaml", "parent_segment: '394649'\nid_stitching: {keys: [scren]}\n")
    assert "✗ stitching key scren is not a column of any event table" in (
        shell.run("plan", config).out
    )


def test_plan_json_and_markdown_have_the_findings(shell: Shell) -> None:
    path, place = broken(shell, "value_column: product_id", "value_column: produkt_id")
    [finding] = shell.run("plan", path, "--json").file["plan"]["findings"]
    assert finding == {
        "topic": "columns",
        "level": "failed",
        "message": "attribute last_product_viewed: value_column produkt_id is not a column of "
        "web_events.pageviews",
        "hint": "did you mean product_id?",
        "where": place,
    }
    marked = shell.run("plan", path, "--markdown").out
    assert "> ❌ attribute last\\_product\\_viewed" in marked
    assert "– did you mean product\\_id?" in marked


def test_no_key_is_shown_by_what_a_refused_describe_echoes(
    new_world: Callable[..., World], new_shell: Callable[..., Shell]
) -> None:
    world = new_world()
    world.set_credentials(keychain={}, keys={KEY: next(iter(world.state()["accounts"]))})
    detail = f"Forbidden for key {KEY}"
    world.add_fault("http", {"command": "describe"}, status=403, detail=detail)
    done = new_shell(world).run("plan", WEB, "--json", TD_API_KEY=KEY)
    assert done.code == 0, done.text
    assert "e" * 40 not in done.text
    assert "could not be described" in json.dumps(done.json)
