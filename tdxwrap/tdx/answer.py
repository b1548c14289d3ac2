"""The record of a tdx call, the JSON in its output, and what of it people read. Pure, no I/O."""

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
_LINE_END = re.compile(r"[\r\n]")
_BEYOND_MEASURE = "it holds a number or a nesting beyond all measure"


@dataclass(frozen=True, slots=True)
class CompletedCall:
    """One finished tdx call, good or not. All texts are free of secrets.

    Attributes:
        argv: as run, starting with `tdx`.
        exit_code: negative for the signal that ended it; None if tdx did not start or was ended
            by us.
        stdout, stderr: long ones only from both ends.
        data: the JSON of stdout where it was asked for.
        started: seconds since the epoch.
        seconds: from before the start until tdx and its children had ended.
        error: the `kind` of the error that was raised; None for a good call.
        truncated: whether stdout is not whole.
        body: the request body, where argv only names a file that is gone by now.
    """

    argv: tuple[str, ...]
    exit_code: int | None = None
    stdout: str = ""
    stderr: str = ""
    data: Any = None
    started: float = 0.0
    seconds: float = 0.0
    error: str | None = None
    truncated: bool = False
    body: str | None = None


class NotJson(ValueError):
    """The text holds no JSON document, a broken one, or more than one; the message says which."""


# Finding JSON


def parse_json(text: str) -> Any:
    """Parse the one JSON document in an output that may also hold chatter (F3).

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
        raise NotJson(_BEYOND_MEASURE) from None


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
    """Return the document that begins here, if one does, and where to search on.

    A line that is no document is a banner. One that goes on beyond its line and breaks there is
    a broken document: searching on would find a part of it and take that for the whole.
    """
    line_end = _end_of_line(text, start)
    try:
        document, end = json.JSONDecoder().raw_decode(text, start)
    except json.JSONDecodeError as error:
        if error.pos > line_end or line_end == len(text):
            raise NotJson("it breaks off, or is broken, inside a JSON document") from None
        return [], line_end
    except (ValueError, RecursionError):
        raise NotJson(_BEYOND_MEASURE) from None
    rest_end = _end_of_line(text, end)
    if not text[end:rest_end].strip():
        return [document], rest_end
    if end > line_end:
        raise NotJson("there is text right behind the JSON document")
    return [], rest_end


def _end_of_line(text: str, start: int) -> int:
    end = _LINE_END.search(text, start)
    return end.start() if end else len(text)


# Texts for people


def without_escapes(text: str) -> str:
    """Return the text without the escape sequences of a terminal."""
    return _ANSI.sub("", text)


def plain(text: str) -> str:
    """Return the text without escape sequences and control characters; lines and tabs stay."""
    return _CONTROL.sub("", without_escapes(text).replace("\r", "\n"))


def ends(text: str) -> str:
    """Return the beginning and the end of a text, plain: a failure shows there."""
    if len(text) > 2 * JUDGED_CHARACTERS:
        text = f"{text[:JUDGED_CHARACTERS]}\n{text[-JUDGED_CHARACTERS:]}"
    return plain(text)


def said(*texts: str) -> str:
    """Return the end of the first text that is not empty: at most 10 lines, no stack traces."""
    for text in texts:
        lines = [line.rstrip() for line in ends(text).splitlines()]
        lines = [line for line in lines if line and not _STACK_LINE.fullmatch(line)]
        if lines:
            return "\n".join(lines[-SAID_LINES:])[-SAID_CHARACTERS:].strip()
    return ""
