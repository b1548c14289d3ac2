"""The words and tables that several screens share."""

from __future__ import annotations

import pytest

from tdxwrap.output.lines import (
    COMMAND_SHOWN,
    clock_text,
    command_text,
    counted,
    seconds_text,
    table_rows,
)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0.0 s"), (9.94, "9.9 s"), (10, "10 s"), (59.6, "1 min 0 s"), (67, "1 min 7 s")],
)
def test_seconds(seconds: float, text: str) -> None:
    assert seconds_text(seconds) == text


def test_a_clock_does_not_run_ahead() -> None:
    assert [clock_text(seconds) for seconds in (0, 42.9, 600)] == ["0:00", "0:42", "10:00"]


def test_only_one_is_singular() -> None:
    assert [counted(n, "call") for n in (0, 1, 2)] == ["0 calls", "1 call", "2 calls"]


def test_a_command_is_quoted_and_cut_only_where_it_is_very_long() -> None:
    assert command_text(["tdx", "it's"]) == "tdx 'it'\"'\"'s'"
    assert command_text(["x" * COMMAND_SHOWN]) == "x" * COMMAND_SHOWN
    assert command_text(["x" * (COMMAND_SHOWN + 1)]).startswith("x" * COMMAND_SHOWN + "… (-v")


def test_columns_are_aligned_by_cells() -> None:
    assert table_rows([["file", "n"], ["長い名前", "10"], ["a", ""]]) == [
        "file      n",
        "長い名前  10",
        "a",
    ]
