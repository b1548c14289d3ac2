"""What a misspelt word was to be. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable


def nearest(word: str, options: Iterable[str]) -> str:
    """Return the option nearest to a word, ignoring case and separators; else an empty text."""
    flat = {_flat(option): option for option in options}
    found = difflib.get_close_matches(_flat(word[:100]), flat, n=1, cutoff=0.65)
    return flat[found[0]] if found else ""


def did_you_mean(word: str, options: Iterable[str]) -> str:
    """Return the hint for a misspelt word; empty if nothing is like it."""
    option = nearest(word, options)
    return f"did you mean {option}?" if option else ""


def _flat(text: str) -> str:
    return re.sub(r"[\s_-]", "", text).lower()
