"""Make text fit a terminal: folded to its width in cells (長 takes two)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rich.cells import cell_len, chop_cells

# With less room than this beside a prefix, the other rows begin further left, below it.
ROOM = 40
INDENT = 4
# Even on the narrowest terminal.
LEAST = 8
# A number stays with its unit.
_WORD = re.compile(r" *(?:[\d.]+ (?:s|min)\b|[^ ]+)")


def hanging(prefix: str, body: str, width: int) -> Iterator[tuple[str, str]]:
    """Yield the rows of a line: what stands in front of each, and its part of the body.

    Args:
        prefix: stands in front of the first row; the others are indented as far if that leaves
            enough room.
        width: of the terminal, in cells.
    """
    taken = indent = cell_len(prefix)
    if width - taken < ROOM:
        # Spaces alone stand below a prefix that is cut short in the same way.
        start = len(prefix) - len(prefix.lstrip()) if prefix.strip() else 0
        indent = min(taken, start + INDENT)
        prefix = prefix if prefix.strip() else " " * indent
    for row in folded(body, width - cell_len(prefix), max(LEAST, width - indent)):
        yield prefix, row
        prefix = " " * indent


def folded(text: str, first: int, others: int) -> Iterator[str]:
    """Yield a text in rows of so many cells, broken between words where that is possible.

    Args:
        first, others: the cells of the first row and of the others; a word that does not fit the
            first goes to the second, if that has more.
    """
    row, room = "", first
    for word in _WORD.findall(text):
        if cell_len(row + word) > room and (row or room < others):
            yield row
            row, room, word = "", others, word.lstrip()
        *full, row = chop_cells(row + word, room)
        yield from full
    yield row
