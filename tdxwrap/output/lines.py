"""The lines that every screen is made of, and the words that several screens share."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size

# Longer commands are cut on the screen; the journal and -v have them whole.
COMMAND_SHOWN = 400


@dataclass(frozen=True, slots=True)
class Line:
    """One line: a prefix that stays in front, and a body that may wrap beside it.

    Attributes:
        style: of the whole line: `bold`, `dim`.
        mark: the colour of the prefix; it only repeats what a symbol there says already.
        whole: never wrapped, because it is there to be copied.
    """

    prefix: str
    body: str = ""
    style: str = ""
    mark: str = ""
    whole: bool = False


BLANK = Line("")


def counted(count: int, noun: str) -> str:
    """Return `1 change`, `2 changes`."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def seconds_text(seconds: float) -> str:
    """Return `0.6 s`, `1 min 7 s`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def clock_text(seconds: float) -> str:
    """Return `0:42`."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02d}"


def command_text(argv: Sequence[str]) -> str:
    """Return a command to paste into a shell, cut if it is very long."""
    text = shlex.join(argv)
    return text if len(text) <= COMMAND_SHOWN else f"{text[:COMMAND_SHOWN]}… (-v shows it whole)"


def table_rows(rows: Sequence[Sequence[str]]) -> list[str]:
    """Render the rows of a table as lines with aligned columns."""
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(set_cell_size, row, widths)).rstrip() for row in rows]
