"""What a terminal shows, read with pyte, and what has been recorded of it.

`make snapshots` records tests/snapshots anew, `make screenshot` the picture in the README.
"""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyte

from support.shells import ROOT

SNAPSHOTS = ROOT / "tests" / "snapshots"
# More rows than any screen has: nothing scrolls away.
ROWS = 400

# What differs from run to run.
VOLATILE = (
    (re.compile(r"\d\.\d s\b"), "0.0 s"),
    (re.compile(r"\d\d tdx calls"), "30 tdx calls"),
    (re.compile(r"\d{8}T\d{6}"), "20261122T091455"),
    (re.compile(r"\d{4}-\d\d-\d\d(\s+)\d\d:\d\d(\s+)[+-]\d{4}"), r"2026-11-22\g<1>09:14\2+0000"),
    (re.compile(r"2026\.8\.1,.*?(?=\n(\{\w+:)?✓ login)", re.DOTALL), "2026.8.1, /usr/bin/tdx"),
)


class Screen(pyte.Screen):
    """A terminal that remembers dim text, too: as italics, which nothing here is."""

    def select_graphic_rendition(self, *attrs: int, **kwargs: Any) -> None:
        super().select_graphic_rendition(*(3 if a == 2 else a for a in attrs), **kwargs)


def shown(output: str, columns: int) -> Screen:
    """The screen of a terminal that has been sent this."""
    screen = Screen(columns, ROWS)
    pyte.Stream(screen).feed(output)
    return screen


def plain(screen: Screen) -> str:
    """The text on a screen."""
    return steady("\n".join(row.rstrip() for row in screen.display))


def styled(screen: Screen) -> str:
    """The text on a screen, `{green:…}` around what is green, bold or dim."""
    rows = (screen.buffer[number] for number in range(ROWS))
    return steady("\n".join(_styled(row[x] for x in range(screen.columns)) for row in rows))


def _styled(cells: Iterator[Any]) -> str:
    parts = []
    for style, run in itertools.groupby(cells, _style):
        text = "".join(cell.data for cell in run)
        parts.append(f"{{{style}:{text}}}" if style and text.strip() else text)
    return "".join(parts).rstrip()


def _style(cell: Any) -> str:
    assert (cell.bg, cell.reverse, cell.underscore) == ("default", False, False)
    colour = cell.fg.replace("brown", "yellow").replace("default", "")
    names = [colour] if colour else []
    return "-".join([*names, *["bold"] * cell.bold, *["dim"] * cell.italics])


def steady(text: str) -> str:
    """A text without what changes from run to run."""
    for pattern, instead in VOLATILE:
        text = pattern.sub(instead, text)
    return text.rstrip() + "\n"


def recorded(file: Path, text: str) -> str:
    """What a file has recorded; with TEST_RECORD in the environment, the text from now on."""
    if "TEST_RECORD" in os.environ:
        file.write_text(text, encoding="utf-8")
    return file.read_text(encoding="utf-8")
