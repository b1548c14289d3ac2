"""Characters that names hold by mistake: those that cannot be seen, and quotes. Pure."""

import re
import unicodedata
from typing import Any

_PLAIN = re.compile(r"[\w.-]*", re.ASCII)
_QUOTES = frozenset("\"'`´‘’‚‛“”„‟‹›«»′″〝〞〟＂＇")
# Unicode counts them among letters and symbols, and yet there is nothing to see.
_BLANKS = frozenset("\u115f\u1160\u2800\u3164\uffa0")
_NAMELESS = {"\t": "TAB", "\n": "LINE FEED", "\r": "CARRIAGE RETURN"}
# Scripts whose letters change their form beside a joiner, and symbols that it joins to one.
_JOINED = (
    "[\u0590-\u1fff\u2190-\u2bff\ufe0f\ua800-\uabff\U00010800-\U00011fff\U0001f000-\U0001faff]"
)
# Format characters that a text needs: joiners, signs before Arabic numbers, the tags of a flag.
_NEEDED = re.compile(
    f"(?<={_JOINED})[\u200c\u200d](?={_JOINED})|[\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2]"
    "|(?<=\U0001f3f4)[\U000e0020-\U000e007e]+\U000e007f"
)
_IDENTIFIER = re.compile(
    "database|table|event_tables|column|value_column|id_column|fields|batch_attributes|identifier"
    "|keys|ext_lookup_key|lookup_catalog_table_name"
)
# Parts in which a field of another name holds a column or an identifier.
_OF_COLUMNS = frozenset(("keys", "lookup_catalog_columns", "lookup_keys", "increment"))


def odd_character(text: str, loc: tuple[str | int, ...]) -> tuple[str, bool]:
    """Return the first character that does not belong in a text, and whether it is refused there.

    Args:
        loc: the place of the text in a configuration; for a key of a filter, that of its value.
    Returns:
        An empty text where there is none, and for what is no name at all.
    """
    if _PLAIN.fullmatch(text) or not (names := [part for part in loc if isinstance(part, str)]):
        return "", False
    if _is_identifier(text, names):
        found = next(filter(_odd_in_identifier, text), "")
        return found, bool(found)
    if names[-1] not in ("name", "parent_segment") or {"extra", "filter", "filter_rule"} & {*names}:
        return "", False
    bare = _NEEDED.sub("", text) or " "
    refused = [c for c in bare if _is_hidden(c)] + [c for c in bare[0] + bare[-1] if _is_blank(c)]
    quoted = text[0] in _QUOTES and text[-1] in _QUOTES
    accepted = text[0] if quoted else next((c for c in bare if c != " " and _is_blank(c)), "")
    return refused[0] if refused else accepted, bool(refused)


def composed(name: str) -> str:
    """Return a name in Unicode normal form C, in which names are compared."""
    return unicodedata.normalize("NFC", name)


def folded(name: str) -> str:
    """Return what names have in common that differ only in case, white space or normal form."""
    return " ".join(composed(name).casefold().split())


def called(character: str) -> str:
    """Return what Unicode calls a character: `U+200B ZERO WIDTH SPACE`."""
    known = _NAMELESS.get(character, "CONTROL CHARACTER")
    return f"U+{ord(character):04X} {unicodedata.name(character, known)}"


def yaml_escape(character: str) -> str:
    """Return a character as it is written in double quotes."""
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _is_identifier(text: str, names: list[Any]) -> bool:
    if "filter" in names or "extra" in names:
        return "extra" not in names and text == names[-1]
    other = names[-1] in ("name", "id", "value") and names[-2:-1] and names[-2] in _OF_COLUMNS
    return bool(_IDENTIFIER.fullmatch(names[-1]) or other)


def _odd_in_identifier(character: str) -> bool:
    selector = unicodedata.name(character, "").startswith("VARIATION SELECTOR")
    return character in _QUOTES or _is_hidden(character) or _is_blank(character) or selector


def _is_hidden(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp")


def _is_blank(character: str) -> bool:
    return unicodedata.category(character) == "Zs" or character in _BLANKS
