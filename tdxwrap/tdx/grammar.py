"""The grammar of tdx: which words are commands, which options take a value (F3)."""

from __future__ import annotations

from collections.abc import Sequence

_ALONE = ("auth", "status", "use", "databases", "tables", "describe", "api")
_OF_PS = ("list", "view", "desc", "pull", "rt list", "pz init", "pz list")
COMMANDS = frozenset(tuple(text.split()) for text in (*_ALONE, *(f"ps {each}" for each in _OF_PS)))
TAKES_TABLE = frozenset((("describe",), ("tables",)))  # the argument is database.table
FILE_OPTIONS = frozenset(("-o", "--output", "-f", "--file"))
KEYWORD_OPTIONS = frozenset(("-X", "--method", "--type", "--site"))  # the value is tdx's own word
VALUE_OPTIONS = FILE_OPTIONS | KEYWORD_OPTIONS | {"--profile", "--data", "-H"}


def command_of(words: Sequence[str]) -> tuple[str, ...]:
    """Return the command at the beginning of a command line without options; () if unknown."""
    beginnings = (tuple(words[:size]) for size in (3, 2, 1))
    return next((words for words in beginnings if words in COMMANDS), ())
