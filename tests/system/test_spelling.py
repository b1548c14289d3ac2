"""The nearest of several names."""

from __future__ import annotations

import pytest

from tdxwrap.system.spelling import nearest


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("valueColumn", "value_column"),
        ("ValueColumns", "value_column"),
        ("value-column", "value_column"),
        ("duraton", "duration"),
        ("zzz", ""),
        ("", ""),
    ],
)
def test_nearest_name(word: str, expected: str) -> None:
    assert nearest(word, ["value_column", "id_column", "duration"]) == expected
