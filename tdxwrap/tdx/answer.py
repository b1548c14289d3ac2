"""What tdx said: the JSON in an output, and texts for people. Pure, no I/O.

All texts here are already free of secrets. Whether an answer is a failure, `failures.py` knows.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

MAX_BANNER_LINES = 1_000  # lines that look like the start of JSON; more is not a banner
SAID_LINES, SAID_CHARACTERS = 10, 2_000
JUDGED_CHARACTERS = 16_384  # of each end of a text; more costs time and says no more

_ANSI = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # colours, cursor
    r"|\x1b\][^\x07\x1b\r\n]*(?:\x07|\x1b\\)"  # titles, links
    r"|\x1b[ -/]*[0-~]"  # the short ones
)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_STACK_LINE = re.compile(r"\s+at .*|Node\.js v[\d.]+")
# What can follow an opening bracket in JSON: sorts out '[info] …' cheaply, without decoding.
_DOCUMENT_START = re.compile(
    r"(?:^|(?<=[\r\n]))[ \t]*(?=\{\s*[\"}]|\[\s*(?:[\]\[{\"\-0-9]|null|true|false))"
)
_REST_OF_LINE = re.compile(r"[^\r\n]*")


@dataclass(frozen=True, slots=True)
class Answer:
    """What one tdx process left behind.

    Attributes:
        command: its argv, starting with `tdx`.
        exit_code: negative for the signal that ended it.
        data: the JSON of stdout where it was asked for and found.
    """

    command: tuple[str, ...]
    exit_code: int
    stdout: str = ""
    stderr: str = ""
    data: Any = None


class NotJson(ValueError):
    """The text holds no JSON document, a broken one, or more than one. The text says which."""


# Finding JSON


def parse_json(text: str) -> Any:
    """The one JSON document in an output that may also hold chatter (F3).

    Around the document there may be a byte order mark, escape sequences of a terminal, lines of
    text before it and after it. A document that is cut off is never taken for a whole one, and
    nothing inside it is: from a document that breaks off after its first line, no part is used.

    Raises:
        NotJson: there is none, it is broken, or there are several.
    """
    text = without_escapes(text.removeprefix("\ufeff")).lstrip("\ufeff")
    if not text.strip():
        raise NotJson("it is empty")
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return _only_document(text)
    except (ValueError, RecursionError):
        raise NotJson("it holds a number or a nesting beyond all measure") from None


def _only_document(text: str) -> Any:
    found: list[Any] = []
    position = 0
    for _ in range(MAX_BANNER_LINES):
        start = _DOCUMENT_START.search(text, position)
        if start is None:
            break
        document, position = _document_at(text, start.end())
        found += document
    if len(found) > 1:
        raise NotJson("it holds more than one JSON document")
    if not found:
        raise NotJson("there is no JSON in it")
    return found[0]


def _document_at(text: str, start: int) -> tuple[list[Any], int]:
    """The document that begins here, if one does, and where to look on.

    A line that is no document is a banner. One that goes on beyond its line and breaks there is
    a broken document: looking on would find a part of it and take that for the whole.
    """
    line_end = _end_of_line(text, start)
    try:
        document, end = json.JSONDecoder().raw_decode(text, start)
    except json.JSONDecodeError as error:
        if error.pos > line_end or line_end == len(text):
            raise NotJson("it breaks off, or is broken, inside a JSON document") from None
        return [], line_end
    except (ValueError, RecursionError):
        raise NotJson("it holds a number or a nesting beyond all measure") from None
    rest_end = _end_of_line(text, end)
    if not text[end:rest_end].strip():
        return [document], rest_end
    if end > line_end:
        raise NotJson("there is text right behind the JSON document")
    return [], rest_end


def _end_of_line(text: str, start: int) -> int:
    rest = _REST_OF_LINE.match(text, start)
    return rest.end() if rest else len(text)


# Texts for people


def without_escapes(text: str) -> str:
    """The text without the escape sequences of a terminal."""
    return _ANSI.sub("", text)


def plain(text: str) -> str:
    """The text without escape sequences and control characters; lines and tabs stay."""
    return _CONTROL.sub("", without_escapes(text).replace("\r", "\n"))


def ends(text: str) -> str:
    """Beginning and end of a text, plain: what tells of a failure stands there."""
    if len(text) > 2 * JUDGED_CHARACTERS:
        text = f"{text[:JUDGED_CHARACTERS]}\n{text[-JUDGED_CHARACTERS:]}"
    return plain(text)


def said(*texts: str) -> str:
    """The end of the first text that says something: at most 10 lines, without stack traces."""
    for text in texts:
        lines = [line.rstrip() for line in ends(text).splitlines()]
        lines = [line for line in lines if line and not _STACK_LINE.fullmatch(line)]
        if lines:
            return "\n".join(lines[-SAID_LINES:])[-SAID_CHARACTERS:].strip()
    return ""
