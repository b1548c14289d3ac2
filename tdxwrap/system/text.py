"""Text from outside: what is made of it depends on where it goes, one function per target. Pure."""

from __future__ import annotations


def argument_fault(text: str) -> str:
    """Return why a name cannot be an argument of tdx, as the end of a sentence; empty if it can.

    tdx would take one that begins with `-` for an option.
    """
    if text.startswith("-"):
        return "begins with -, so tdx would take it for an option"
    if any(c < " " or "\x7f" <= c <= "\x9f" or c in "\u2028\u2029" for c in text):
        return "holds a control character"
    return ""
