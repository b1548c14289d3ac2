"""Folding by cells: what the screens show of it are whole reports."""

from __future__ import annotations

import pytest

from tdxwrap.output.wrapping import folded, hanging
from tdxwrap.system.text import terminal


@pytest.mark.parametrize(
    ("text", "first", "others", "rows"),
    [
        ("", 10, 10, [""]),
        ("one two three", 7, 7, ["one two", "three"]),
        # A character of two cells is not cut in two.
        ("長い名前", 5, 5, ["長い", "名前"]),
        # A word longer than a row is broken; nothing of it is lost.
        ("abcdefghij", 4, 4, ["abcd", "efgh", "ij"]),
        # A number stays with its unit.
        ("it took 12 s more", 10, 10, ["it took", "12 s more"]),
        ("after 1.5 min", 11, 11, ["after", "1.5 min"]),
        # What the first row has no room for goes to a second that has more.
        ("longword", 3, 8, ["", "longword"]),
        ("longword", 4, 4, ["long", "word"]),
    ],
)
def test_folded(text: str, first: int, others: int, rows: list[str]) -> None:
    assert list(folded(text, first, others)) == rows


def test_with_room_rows_hang_below_the_body() -> None:
    rows = list(hanging("  next  ", " ".join(["word"] * 12), 48))
    assert [prefix for prefix, _ in rows] == ["  next  ", " " * 8]
    assert "".join(row for _, row in rows).count("word") == 12


def test_a_line_that_fits_is_as_it_was() -> None:
    assert list(hanging("✗ ", "a short line", 80)) == [("✗ ", "a short line")]


def test_printable_leaves_nothing_that_steers_a_terminal() -> None:
    assert terminal("a\x1b[2J\nb\u202e日本") == "a\N{REPLACEMENT CHARACTER}[2J" + (
        "\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}日本"
    )
