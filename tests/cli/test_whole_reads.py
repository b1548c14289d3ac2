"""What was not read whole is not written: one wrong answer of a read takes nothing away."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support.shells import Shell
from support.worlds import exact

from tdxwrap.fake.control import World

pytestmark = pytest.mark.usefixtures("tdx_inside")

CONFIG = """
parent_segment: "394649"
event_tables: [web_events.pageviews, web_events.carts]
key_events:
  - {name: page_view, table: web_events.pageviews}
id_stitching:
  keys: [td_client_id, cart_id]
attributes: []
"""
SETTING = {"method": "GET", "path": "realtime_setting"}
NOT_READ = ("404", "{}", '{"eventTables": null}', '{"data": {}}', "[]", "null")
NO_LIST = ("{}", '{"data": null}', '{"data": {}}', "[]")


@pytest.fixture
def user(half: World, new_shell: Callable[..., Shell]) -> Shell:
    shell = new_shell(half)
    shell.write("rt.yaml", CONFIG)
    return shell


def answering(world: World, match: dict[str, str], answer: str, times: int) -> None:
    """Let a read answer something else with exit 0, or a 404."""
    if answer == "404":
        world.add_fault("http", match, status=404, times=times)
    else:
        world.add_fault("garbage", match, text=answer, times=times)


@pytest.mark.parametrize("times", [1, 0], ids=["once", "always"])
@pytest.mark.parametrize("answer", NOT_READ)
def test_a_setting_that_was_not_read_is_not_written_over(
    answer: str, times: int, user: Shell, half: World
) -> None:
    before = exact(half)
    answering(half, SETTING, answer, times)

    done = user.run("apply", "rt.yaml", "--yes")

    if done.code == 0:  # the read was tried again
        assert times == 1
    else:
        assert done.code == 5, done.text
        assert exact(half) == before
        assert "realtime setting" in done.err
    half.clear_faults()
    assert user.run("apply", "rt.yaml", "--yes").code == 0
    after = exact(half)["realtime"]
    for name in ("eventTables", "keyColumns"):
        assert [item for item in before["realtime"][name] if item not in after[name]] == []


def test_plan_says_what_was_not_read(user: Shell, half: World) -> None:
    answering(half, SETTING, "404", 0)

    done = user.run("plan", "rt.yaml")

    assert done.code == 0
    assert "! not read, so not known: batchAttributes, eventTables" in done.out


@pytest.mark.parametrize("command", ["export", "verify"])
def test_nothing_is_said_of_what_was_not_read(command: str, user: Shell, half: World) -> None:
    answering(half, SETTING, "{}", 0)

    done = user.run(command, "394649" if command == "export" else "rt.yaml")

    assert done.code == 5, done.text
    assert "came without" in done.err


@pytest.mark.parametrize("collection", ["realtime_key_events", "realtime_attributes"])
@pytest.mark.parametrize("answer", NO_LIST)
def test_what_is_no_list_is_tried_again_and_ends_the_run(
    answer: str, collection: str, user: Shell, half: World
) -> None:
    before = exact(half)
    match = {"method": "GET", "path": collection}
    answering(half, match, answer, 0)

    done = user.run("apply", "rt.yaml", "--yes")

    assert done.code == 5, done.text
    assert exact(half) == before
    half.clear_faults()
    answering(half, match, answer, 1)
    assert user.run("apply", "rt.yaml", "--yes").code == 0
    assert [event["name"] for event in exact(half)["realtime"]["keyEvents"]].count("page_view") == 1
