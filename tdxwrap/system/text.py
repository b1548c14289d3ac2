"""Text from outside, made harmless for where it goes: one function per target. Pure.

Whatever is not printable could break a line, steer a terminal or hide. `ascii_only` escapes what an
output in another encoding than Unicode may lack, too.
"""

from __future__ import annotations

import json
import re
import shlex
import unicodedata
from collections.abc import Callable
from typing import Any

# Half a character (a surrogate) has no UTF-8, and so cannot be passed on, either.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
# What a shell, or a reader of one, may interpret between single quotes.
_QUOTES = "'$`‘’"
_ASIDE = re.compile(r"(?i)([\\`*_{}\[\]#|~!$]|:(?=//)|(?<=www)\.)")
# Everything but letters and digits could be read as syntax, Markdown or HTML; a dot, a dash or an
# underscore inside a word is safe.
_MERMAID = re.compile(r"[!-,/:-@\[-^`{-~]|(?<![^\W_])[._-]|[._-](?![^\W_])")


def argument_fault(text: str) -> str:
    """Return why a name cannot be an argument of tdx, as the end of a sentence; empty if it can.

    tdx would take one that begins with `-` for an option.
    """
    if text.startswith("-"):
        return "begins with -, so tdx would take it for an option"
    return "holds a control character" if _CONTROL.search(text) else ""


def has_half(value: Any) -> bool:
    """Return whether JSON holds half a character (a lone surrogate), which has no UTF-8."""
    return bool(re.search("[\ud800-\udfff]", json.dumps(value, ensure_ascii=False)))


def terminal(text: str) -> str:
    """Return a line of a terminal, which nothing in it breaks or steers."""
    return _spelled(text, lambda character: "\N{REPLACEMENT CHARACTER}")


def one_line(text: str) -> str:
    """Return a line in which blanks of all kinds are one space."""
    return terminal(" ".join(text.split()))


def visible(text: str) -> str:
    """Return what a reader sees of a text: neither what is invisible nor how blanks are made."""
    seen = (c if c.isprintable() else " " * c.isspace() for c in unicodedata.normalize("NFC", text))
    return one_line("".join(seen))


def comment(text: str, *, ascii_only: bool = False) -> str:
    """Return a line of a comment, in YAML or in a shell script; also of a message."""
    return _spelled(text, lambda c: c.encode("unicode_escape").decode(), ascii_only=ascii_only)


def json_text(value: Any, *, indent: int | None = None) -> str:
    """Return JSON in which every other line break, and what is invisible, is escaped."""
    lines = json.dumps(value, ensure_ascii=False, indent=indent).split("\n")
    return "\n".join(_spelled(line, _json_escape) for line in lines)


def ascii_json(text: str) -> str:
    """Return a text whose characters beyond ASCII all stand in JSON texts, with these escaped."""
    return "\n".join(_spelled(line, _json_escape, ascii_only=True) for line in text.split("\n"))


def shell_json(value: Any) -> str:
    """Return JSON on one line, to stand between single quotes of a shell."""
    return _spelled(json.dumps(value, ensure_ascii=False), _json_escape, avoid=_QUOTES)


def shell_word(text: str, *, ascii_only: bool = False) -> str:
    """Return one word for bash; characters that could mislead a reader are escaped."""
    escaped = _spelled(text, _bash_escape, avoid="'\\", ascii_only=ascii_only)
    clear = escaped == text and not set(text) & set(_QUOTES)
    return shlex.quote(text) if clear else f"$'{escaped}'"


def markdown(text: str) -> str:
    """Return one line in which nothing formats, links, mentions or opens a tag."""
    escaped = _ASIDE.sub(r"\\\1", one_line(text))
    escaped = escaped.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return escaped.replace("@", "@&#8203;")


def mermaid(text: str) -> str:
    """Return one line as a label of Mermaid, to stand between double quotes."""
    return _MERMAID.sub(lambda found: f"#{ord(found[0])};", terminal(text))


def dot(text: str) -> str:
    """Return one line as a quoted label of DOT; Graphviz interprets escapes and HTML entities."""
    escaped = terminal(text).replace("\\", "\\\\").replace('"', '\\"').replace("&", "&amp;")
    return f'"{escaped}"'


def ascii_entities(text: str, form: str = "&#{};") -> str:
    """Return Markdown or DOT (or, with the form `#{};`, Mermaid) with entities beyond ASCII."""
    return "".join(c if c.isascii() else form.format(ord(c)) for c in text)


def _spelled(
    text: str, escape: Callable[[str], str], *, avoid: str = "", ascii_only: bool = False
) -> str:
    """Escape each character that is not printable, is to be avoided, or is not ASCII."""
    if text.isprintable() and not avoid and (text.isascii() or not ascii_only):
        return text
    kept = {c for c in set(text) if c.isprintable() and (c.isascii() or not ascii_only)}
    kept -= set(avoid)
    return "".join(c if c in kept else escape(c) for c in text)


def _json_escape(character: str) -> str:
    beyond = character > "\uffff"
    return json.dumps(character)[1:-1] if beyond else f"\\u{ord(character):04x}"


def _bash_escape(character: str) -> str:
    if character in "'\\":
        return f"\\{character}"
    return "".join(f"\\x{byte:02x}" for byte in character.encode("utf-8", "surrogatepass"))
