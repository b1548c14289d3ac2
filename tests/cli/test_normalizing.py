"""An API that stores otherwise what it is sent: the same is the same, and more is told."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from support.shells import Shell

from tdxwrap.fake.control import World

pytestmark = pytest.mark.usefixtures("tdx_inside")

CONFIG = """\
parent_segment: "394649"
key_events:
  - name: Page View
    table: web_events.pageviews
    description: Any view
    filter: {country: {in: [US, JP]}}
  - name: cart
    table: web_events.carts
id_stitching:
  keys:
    - name: email
      invalid_texts: [unknown, "null"]
attributes:
  - name: views
    type: counter
    key_event: Page View
    duration: 24 hours
  - name: prices
    type: list
    key_event: cart
    id_column: product_id
    fields: [price, category]
    max_items: 100
    duration: 7 days
    filter: {price: 10}
"""
ALL = ["trims", "sorts", "changes units", "turns numbers into text"]


def lines(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("ways", [*([way] for way in ALL), ALL], ids=" ".join)
def test_the_same_said_otherwise_is_written_once(
    ways: list[str], new_world: Callable[..., World], new_shell: Callable[..., Shell]
) -> None:
    world = new_world(tdx__normalizes=ways)
    shell = new_shell(world)
    config = shell.write("rt.yaml", CONFIG.replace("    filter: {price: 10}\n", ""))
    assert shell.run("apply", "rt.yaml", "--yes").code == 0
    world.clear_calls()

    again = shell.run("apply", "rt.yaml", "--yes")
    assert again.code == 0, again.text
    assert world.writes() == []
    assert shell.run("verify", config).code == 0


def refused_again(shell: Shell, world: World, *said: str) -> None:
    """The next plan deletes nothing, and apply writes nothing, whatever it may replace."""
    world.clear_calls()
    again = shell.run("apply", "rt.yaml", "--yes", "--replace", "--no-check-columns")
    assert again.code == 4, again.text
    assert world.writes() == []
    for each in said:
        assert each in lines(again.text)
    assert not re.search(r"^(delete|replace) \d", again.text, re.MULTILINE)


def test_names_stored_otherwise_are_told_with_their_places(
    new_world: Callable[..., World], new_shell: Callable[..., Shell]
) -> None:
    world = new_world(tdx__normalizes=["lower-cases"])
    shell = new_shell(world)
    config = shell.write("rt.yaml", CONFIG.replace("    filter: {country: {in: [US, JP]}}\n", ""))

    done = shell.run("apply", "rt.yaml", "--yes")
    assert done.code == 6, done.text
    said = lines(done.err)
    assert "the API stores 'Page View' as 'page view': write that in rt.yaml:3" in said
    assert "the API stores 'Page View' as 'page view': write that in rt.yaml:15" in said
    assert "the API stores 'Any view' as 'any view': write that in rt.yaml:5" in said
    refused_again(shell, world, "live has 'page view'; it differs only in case")
    pruned = shell.run("plan", "rt.yaml", "--prune", "--replace")
    assert pruned.code == 4
    assert "to delete" not in pruned.out
    assert "left alone: the file has it in another spelling" in lines(pruned.out)

    text = config.read_text()
    config.write_text(text.replace("Page View", "page view").replace("Any view", "any view"))
    assert shell.run("apply", "rt.yaml", "--yes").code == 0
    assert len(world.segment("394649")["realtime"]["keyEvents"]) == 2


def test_a_list_stored_otherwise_is_told_with_the_place(
    new_world: Callable[..., World], new_shell: Callable[..., Shell]
) -> None:
    world = new_world(tdx__normalizes=["lower-cases"])
    shell = new_shell(world)
    config = "parent_segment: '394649'\nid_stitching:\n  keys:\n    - Email\n"
    shell.write("rt.yaml", f"{config}event_tables: [web_events.pageviews]\n")
    done = shell.run("apply", "rt.yaml", "--yes", "--no-check-columns")
    assert done.code == 6, done.text
    assert "stitching key Email: live has 'email'; it differs only in case" in lines(done.err)
    assert "write that in rt.yaml:4" in lines(done.err)
    refused_again(shell, world, "live has 'email'")


def test_values_stored_otherwise_are_told_and_nothing_is_replaced_for_them(
    new_world: Callable[..., World], new_shell: Callable[..., Shell]
) -> None:
    world = new_world(tdx__normalizes=["turns numbers into text"])
    shell = new_shell(world)
    config = shell.write("rt.yaml", CONFIG)

    done = shell.run("apply", "rt.yaml", "--yes")
    assert done.code == 6, done.text
    assert "the API stores filter_rule as" in done.err
    assert "'rightValue': '10'" in lines(done.err)
    assert "write that in rt.yaml:25" in lines(done.err)
    refused_again(shell, world, "attribute prices: live differs only in what an API may")

    config.write_text(CONFIG.replace("{price: 10}", '{price: "10"}'))
    assert shell.run("apply", "rt.yaml", "--yes", "--no-check-columns").code == 0
    config.write_text(CONFIG)
    forced = shell.run("plan", "rt.yaml", "--replace", "--force")
    assert "replace 1 (what it has collected is lost)" in forced.out
