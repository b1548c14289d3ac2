"""The life of one file: nothing collected is lost that the plan or the question had not said."""

from __future__ import annotations

import pytest
from support.screens import SNAPSHOTS
from support.story import EDITS, Chapter, chapters, whole

LOST = ("what it has collected is lost", "older values go: less is kept by")


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> list[Chapter]:
    return chapters(tmp_path_factory.mktemp("story"))


def test_plan_and_question_are_as_recorded(told: list[Chapter]) -> None:
    """`make snapshots` records them anew."""
    text = (SNAPSHOTS / "story.txt").read_text("utf-8")
    assert whole(told) == text


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
