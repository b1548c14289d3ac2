"""The life of one file: twelve edits, what plan and question say of each, and what is lost.

Nothing that was collected is lost that the plan or the question had not said.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from support.screens import SNAPSHOTS, recorded, steady
from support.shells import Shell
from support.worlds import shipped

from tdxwrap.fake.control import World

FIRST = """\
parent_segment: "394649"
event_tables: [web_events.pageviews, web_events.carts]
key_events:
  - {name: page_view, table: web_events.pageviews}
  - {name: add_to_cart, table: web_events.carts}
id_stitching:
  keys: [td_client_id]
attributes:
  - name: last_product
    type: single
    key_event: page_view
    value_column: product_id
    data_type: string
    duration: 30 days
  - name: browsed
    type: list
    key_event: page_view
    id_column: product_id
    max_items: 100
    aggregations:
      - {name: items, identifier: items, column: product_id, aggregation_type: distinct_list}
      - {name: spent, identifier: spent, column: price, aggregation_type: sum}
    duration: 60 days
  - name: units_bought
    type: counter
    key_event: add_to_cart
    duration: 30 days
"""
VISITS = """\
  - name: visits
    type: counter
    key_event: page_view
    duration: 7 days
"""
SPENT = "      - {name: spent, identifier: spent, column: price, aggregation_type: sum}\n"


@dataclass(frozen=True)
class Edit:
    """What somebody does to the file, and how they apply it."""

    what: str
    edit: Callable[[str], str]
    options: tuple[str, ...] = ()
    refused: bool = False


def put(old: str, new: str) -> Callable[[str], str]:
    def edit(text: str) -> str:
        assert text.count(old) == 1, old
        return text.replace(old, new)

    return edit


def without(name: str) -> Callable[[str], str]:
    """Without an attribute."""

    def edit(text: str) -> str:
        head, *items = text.split("  - name: ")
        return "  - name: ".join([head, *(each for each in items if not each.startswith(name))])

    return edit


def turned_around(text: str) -> str:
    """With the attributes the other way round."""
    head, *items = text.split("  - name: ")
    return "  - name: ".join([head, *reversed(items)])


# In the order of their lives; each but the first changes the file as it was then.
EDITS = (
    Edit("A first file", str),
    Edit("An attribute is added", lambda text: text + VISITS),
    Edit(
        "An attribute is renamed without its identifier",
        put("name: units_bought", "name: units_sold"),
        ("--prune",),
        refused=True,
    ),
    Edit(
        "It is renamed as the plan proposes",
        put("name: units_sold", "name: units_sold\n    identifier: units_bought"),
        ("--prune",),
    ),
    Edit(
        "A key event is renamed",
        lambda text: put("{name: view,", "{name: view, renamed_from: page_view,")(
            text.replace("page_view", "view")
        ),
    ),
    Edit("A duration is shortened", put("duration: 60 days", "duration: 12 hours")),
    Edit(
        "Fewer items, and a summary goes",
        lambda text: put("max_items: 100", "max_items: 10")(put(SPENT, "")(text)),
    ),
    Edit(
        "Another column",
        put("value_column: product_id", "value_column: category"),
        ("--replace", "--force"),
    ),
    Edit(
        "Another order, and the former name goes",
        lambda text: put(" renamed_from: page_view,", "")(turned_around(text)),
    ),
    Edit("An attribute is taken out", without("visits")),
    Edit("What is not in the file goes", str, ("--prune",)),
    Edit(
        "Another table",
        put("{name: view, table: web_events.pageviews}", "{name: view, table: web_events.carts}"),
        ("--replace", "--force"),
    ),
    Edit("Back to what was before the last run", str, ("--prune", "--replace", "--force")),
)
# How old values are, in minutes, and how many items ago.
AGES = (30, 360, 4_000, 40_000, 80_000)
ITEMS = (1, 50, 99)
MINUTES = {"minute": 1, "hour": 60, "day": 1440}
Values = set[tuple[str, int]]


def collected(world: World) -> dict[str, tuple[str, Values]]:
    """What each attribute has collected after a long while, by its id; with its name."""
    realtime = world.segment("394649")["realtime"] or {"attributes": []}
    return {each["id"]: (each["name"], _values(each)) for each in realtime["attributes"]}


def _values(attribute: dict[str, Any]) -> Values:
    kept = attribute["duration"]["value"] * MINUTES[attribute["duration"]["unit"]]
    parts = ["", *(part["identifier"] for part in attribute.get("aggregations", ()))]
    items = {("item", ago) for ago in ITEMS if ago <= attribute.get("maxItems", 0)}
    return items | {(part, age) for part in parts for age in AGES if age <= kept}


@dataclass(frozen=True)
class Chapter:
    """An edit, what was said of it, and what it took away: the values by name, ids that went."""

    edit: Edit
    text: str
    code: int
    lost: dict[str, Values]
    gone: set[str]


def chapters(folder: Path) -> list[Chapter]:
    """Live through all edits."""
    world = World.create(folder / "world", shipped("blank", updating_seconds=0))
    shell = Shell.create(folder, world, TEST_TDX="inside")
    file = shell.write("rt.yaml", FIRST)
    return [_chapter(edit, world, shell, file) for edit in EDITS]


def _chapter(edit: Edit, world: World, shell: Shell, file: Path) -> Chapter:
    if edit is EDITS[-1]:
        exported = shell.run("export", "--before", "last", "-f", file.name)
        assert exported.code == 0, exported.err
    file.write_text(edit.edit(file.read_text()))
    before, questions = collected(world), []
    console = "tdxwrap.output.console.Console"
    with (
        patch(f"{console}.can_ask", True),
        patch(f"{console}.ask", lambda self, question: questions.append(f"{question} [y/N]")),
    ):
        plan = shell.run("plan", file.name, *edit.options)
        code = shell.run("apply", file.name, "--no-wait", *edit.options).code
    after = collected(world)
    lost = {name: old - after.get(n, ("", set()))[1] for n, (name, old) in before.items()}
    command = f"tdxwrap apply rt.yaml {' '.join(edit.options)}".rstrip()
    text = "\n".join([f"# {edit.what}", f"$ {command}", plan.text, *questions])
    gone = {before[n][0] for n in before.keys() - after.keys()}
    return Chapter(edit, steady(text), code, {n: v for n, v in lost.items() if v}, gone)


LOST = ("what it has collected is lost", "older values go: less is kept by")


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> list[Chapter]:
    return chapters(tmp_path_factory.mktemp("story"))


def test_plan_and_question_are_as_recorded(told: list[Chapter]) -> None:
    """`make snapshots` records them anew."""
    text = "\n".join(chapter.text for chapter in told)
    assert text == recorded(SNAPSHOTS / "story.txt", text)


def test_nothing_collected_is_lost_that_was_not_said(told: list[Chapter]) -> None:
    assert [chapter.code for chapter in told] == [4 if edit.refused else 0 for edit in EDITS]
    for chapter in told:
        for name in chapter.lost:
            lines = [line for line in chapter.text.splitlines() if f" {name} " in line]
            assert any(said in line for line in lines for said in LOST), (chapter.edit.what, name)
        question = chapter.text.splitlines()[-1]
        assert ("collected is lost" in question) is bool(chapter.gone), chapter.edit.what


def test_what_is_lost_is_what_the_edits_take_away(told: list[Chapter]) -> None:
    lost = {chapter.edit.what: {*chapter.lost} for chapter in told if chapter.lost}
    assert lost == {
        "A duration is shortened": {"browsed"},
        "Fewer items, and a summary goes": {"browsed"},
        "Another column": {"last_product"},
        "What is not in the file goes": {"visits"},
        "Another table": {"last_product", "browsed"},
        "Back to what was before the last run": {"last_product", "browsed"},
    }
    assert [c.edit.what for c in told if c.gone] == [
        "Another column",
        "What is not in the file goes",
        "Another table",
        "Back to what was before the last run",
    ]
