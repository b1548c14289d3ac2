"""What tdx said, and what that means: pure, no I/O.

Two questions. Where is the JSON in this output (`parse_json`)? Is this a failure, and of which
kind (`classify`)? How an HTTP error shows is not documented, so the three styles of tdx-facts F8
and the body forms of F17 are all accepted. All texts here are already free of secrets.
"""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from tdxwrap.errors import (
    ApiDisabled,
    CallFailed,
    Conflict,
    EnvironmentProblem,
    MalformedOutput,
    NotAuthenticated,
    NotFound,
    RateLimited,
    Refused,
    TdxMissing,
    TdxwrapError,
    Transient,
)

PIPE_LIMIT = 65_536  # where Node cuts what it writes into a pipe (F2)
MAX_BANNER_LINES = 1_000  # lines that look like the start of JSON; more is not a banner
SAID_LINES, SAID_CHARACTERS = 10, 2_000
SNIPPET_LINES, SNIPPET_CHARACTERS = 3, 200
MAX_DETAILS = 5
JUDGED_CHARACTERS = 16_384  # of each end of a text; more costs time and says no more
MAX_BRACES = 20  # where a body may begin in the text of an error

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
    text = _ANSI.sub("", text.removeprefix("\ufeff")).lstrip("\ufeff")
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


def plain(text: str) -> str:
    """The text without escape sequences and control characters; lines and tabs stay."""
    return _CONTROL.sub("", _ANSI.sub("", text).replace("\r", "\n"))


def _ends(text: str) -> str:
    """Beginning and end of a text, plain: what tells of a failure stands there."""
    if len(text) > 2 * JUDGED_CHARACTERS:
        text = f"{text[:JUDGED_CHARACTERS]}\n{text[-JUDGED_CHARACTERS:]}"
    return plain(text)


def said(*texts: str) -> str:
    """The end of the first text that says something: at most 10 lines, without stack traces."""
    for text in texts:
        lines = [line.rstrip() for line in _ends(text).splitlines()]
        lines = [line for line in lines if line and not _STACK_LINE.fullmatch(line)]
        if lines:
            return "\n".join(lines[-SAID_LINES:])[-SAID_CHARACTERS:].strip()
    return ""


def unreadable(answer: Answer, reason: str, size: int) -> TdxwrapError:
    """The error for an exit 0 whose stdout is not the JSON that was asked for.

    Args:
        reason: why, from `NotJson`.
        size: the length of stdout in bytes.
    """
    known = _from_words(answer, _ends(answer.stderr))
    if known is not None:
        return known
    start = plain(answer.stdout[:10_000]).strip()
    snippet = "\n".join(start.splitlines()[:SNIPPET_LINES])[:SNIPPET_CHARACTERS]
    hint = "run the command by itself to see all of its output; is tdx up to date?"
    if re.match(r"(?i)<!doctype html|<html|<head", start):
        reason = "it looks like HTML"
        hint = "a proxy or a login page may have answered in place of the API"
    elif size == PIPE_LIMIT:
        reason = "it was cut off at 65,536 bytes"
        hint = "tdx wrote into a pipe: if tdx is a script of yours, let it pass stdout through"
    return MalformedOutput(
        f"what tdx printed is not the JSON that was asked for: {reason}",
        said=snippet or said(answer.stderr),
        command=answer.command,
        hint=hint,
    )


# Finding failures


@dataclass(frozen=True, slots=True)
class _Complaint:
    """One error out of a body (F17). `status` is 0 where it was not given."""

    status: int
    detail: str
    pointer: str = ""


_STATUS_OF_CODE = {
    "validation-error": 400,
    "bad-parameter-error": 400,
    "permission-error": 403,
    "record-not-found-error": 404,
    "conflict-error": 409,
    "unprocessable-entity-error": 422,
}
_PHRASES = "|".join(re.escape(s.phrase) for s in HTTPStatus if s >= HTTPStatus.BAD_REQUEST)
_NOT_A_COUNT = r"(?!\s*(?:rows|records|items|columns|tables|characters|bytes|ms|seconds)\b)"
_STATUS_IN_TEXT = tuple(
    re.compile(pattern, re.IGNORECASE | re.MULTILINE)
    for pattern in (
        r"\bHTTP(?:/[\d.]{1,3})?[ :=]{0,3}(?:error|status|code|[ :=(]){0,6}([45]\d\d)\b",
        r"\bstatus(?:[ _-]?code)?[\"']?[ :=(\"']{0,4}(?:is |of )?([45]\d\d)\b",
        rf"\b([45]\d\d)[ :-]{{1,3}}(?:{_PHRASES})\b",
        r"\b(?:error|failed|failure|returned|responded|code)\b"
        rf"(?:with|code|status|[ :=(\"']){{0,8}}([45]\d\d)\b{_NOT_A_COUNT}",
        rf"^\W*([45]\d\d)\b{_NOT_A_COUNT}",
        r"\(([45]\d\d)\)",
    )
)
_API_DISABLED = re.compile(
    r"(?is)enable_api_command|api command safety"
    r"|\btdx api\b.{0,120}?\b(?:disabled|not enabled|switched off|turned off)"
    r"|\b(?:disabled|not enabled)\b.{0,60}?\btdx api\b"
)
_NOT_AUTHENTICATED = re.compile(
    r"(?i)\b(?:not (?:authenticated|logged in)|unauthenticated|unauthorized"
    r"|authentication (?:failed|required|error)|login required|(?:please|must) log ?in"
    r"|(?:no|invalid|missing|expired|bad) (?:api[ -]?key|access token|credentials?|token)"
    r"|(?:api[ -]?key|access token|credentials?)\b.{0,40}"
    r"\b(?:not (?:set|found|valid|configured)|missing|required|expired|invalid))"
)
_UNKNOWN_PROFILE = re.compile(
    r"(?i)\bprofile (?!key\b)[\"'`]?[^\s\"'`]{1,80}[\"'`]? (?:was |is |does )?"
    r"(?:not found|not exist|unknown)|\b(?:unknown|no such) profile\b"
)
_UNKNOWN_TO_TDX = re.compile(r"(?i)\b(?:unknown|unrecognized|unrecognised) (?:option|command|arg)")
_RATE_LIMITED = re.compile(r"(?i)\btoo many requests|rate[ -]?limit|throttl")
_PASSING = re.compile(
    r"(?i)\bE(?:CONNRESET|CONNREFUSED|CONNABORTED|PIPE|TIMEDOUT|SOCKETTIMEDOUT|HOSTUNREACH"
    r"|NETUNREACH|NETDOWN|AI_AGAIN|NOTFOUND)\b|\bUND_ERR_|socket hang up|fetch failed"
    r"|network (?:error|timeout|is unreachable|request failed)|getaddrinfo"
    r"|connection (?:was )?(?:reset|refused|closed|aborted|timed out|terminated)"
    r"|(?:request|gateway|operation) time(?:d[ -]?)?[ -]?out|timeout (?:of|after) \d|aborted"
    r"|temporar(?:y|ily)|service unavailable|bad gateway|internal (?:server )?error|overloaded"
)
_FORBIDDEN = re.compile(r"(?i)\bforbidden\b|permission[ -](?:denied|error)|not permitted")
_NOT_FOUND = re.compile(r"(?i)\bnot found\b|\bdoes not exist\b|\bno such (?:parent|segment|table)")
_RETRY_AFTER = re.compile(
    r"(?i)\b(?:retry[-_ ]?after|(?:retry|try again) in)(?:[-_ ]?(?:seconds|secs?))?[\"']?"
    r"\s{0,4}[:=]?\s{0,4}[\"']?(\d{1,9}(?:\.\d{1,9})?)\s?(ms\b|milliseconds?\b|m\b|min)?"
)
_SECONDS_IN = {"ms": 0.001, "mil": 0.001, "m": 60.0, "min": 60.0}


def classify(answer: Answer) -> TdxwrapError | None:
    """The error that this answer is, or None when it is a good one (F6, F8, F17).

    Exit 0 fails only with a body that reports errors; any other exit always fails.
    """
    if answer.exit_code == 0:
        complaints = tuple(_complaints(answer.data))
        return _from_body(answer, complaints) if complaints else None
    return _from_exit(answer)


def _from_exit(answer: Answer) -> TdxwrapError:
    if answer.exit_code in (126, 127):
        return _cannot_start(answer)
    complaints = _complaints_in_text(answer.stdout) or _complaints_in_text(answer.stderr)
    if complaints:
        return _from_body(answer, complaints)
    known = _from_words(answer, f"{_ends(answer.stderr)}\n{_chatter(answer.stdout)}")
    if known is not None:
        return known
    killer = _killer(answer.exit_code)
    if killer:
        return Transient(
            f"tdx was killed by {killer}",
            said=said(answer.stderr, answer.stdout),
            command=answer.command,
            hint="run the same command again: it looks at what is live before it writes",
        )
    return CallFailed(
        f"tdx failed with exit code {answer.exit_code}",
        said=said(answer.stderr, answer.stdout),
        command=answer.command,
        hint="run the tdx command by itself to see more; whether a write was applied is not known",
    )


def _chatter(text: str) -> str:
    """The text, unless it is a document: the words in one are its content."""
    try:
        parse_json(text)
    except NotJson:
        return _ends(text)
    return ""


def _killer(exit_code: int) -> str:
    """The name of the signal that ended tdx, or the child of a shell script named tdx; or ''."""
    number = -exit_code if exit_code < 0 else exit_code - 128
    try:
        return signal.Signals(number).name
    except ValueError:
        return ""


def _cannot_start(answer: Answer) -> TdxMissing:
    return TdxMissing(
        "tdx was found but cannot start",
        said=said(answer.stderr, answer.stdout),
        command=answer.command,
        hint="is Node.js (node) on the PATH? reinstall with: npm install -g @treasuredata/tdx",
    )


def _from_body(answer: Answer, complaints: Sequence[_Complaint]) -> TdxwrapError:
    text = "; ".join(c.detail for c in complaints[:MAX_DETAILS] if c.detail)
    pointer = next((c.pointer for c in complaints if c.pointer), "")
    status = next((c.status for c in complaints if c.status), 0)
    if status == 0:
        everything = f"{text}\n{_ends(answer.stderr)}"
        known = _from_words(answer, everything, text)
        # A body that complains is the API's answer, even when it does not say which one.
        return known or _by_status(answer, HTTPStatus.BAD_REQUEST, text, pointer, shown="")
    if _API_DISABLED.search(text):
        return _api_disabled(answer, text)
    return _by_status(answer, status, text, pointer)


def _from_words(answer: Answer, text: str, detail: str = "") -> TdxwrapError | None:
    """The error that a text tells of, where it is one that we know."""
    shown = detail or said(answer.stderr, answer.stdout)
    if _API_DISABLED.search(text):
        return _api_disabled(answer, shown)
    status = _status_in(text)
    if status:
        return _by_status(answer, status, detail, shown=shown)
    if _NOT_AUTHENTICATED.search(text) or _UNKNOWN_PROFILE.search(text):
        return _by_status(answer, HTTPStatus.UNAUTHORIZED, "", shown=shown)
    if _UNKNOWN_TO_TDX.search(text):
        return EnvironmentProblem(
            "this tdx does not know the command or one of its options",
            said=shown,
            command=answer.command,
            hint="it may be too old: npm install -g @treasuredata/tdx@latest",
        )
    for words, meaning in (
        (_RATE_LIMITED, HTTPStatus.TOO_MANY_REQUESTS),
        (_PASSING, HTTPStatus.SERVICE_UNAVAILABLE),
        (_FORBIDDEN, HTTPStatus.FORBIDDEN),
        (_NOT_FOUND, HTTPStatus.NOT_FOUND),
    ):
        if words.search(text):
            return _by_status(answer, meaning, "", shown=shown)
    return None


def _api_disabled(answer: Answer, text: str) -> ApiDisabled:
    return ApiDisabled(
        "`tdx api` is switched off, as it is by default since tdx 2026.7",
        said=text,
        command=answer.command,
        hint='put "enable_api_command": true into ~/.config/tdx/tdx.json; a person must do it, '
        "tdxwrap never edits that file",
    )


def _by_status(
    answer: Answer, status: int, detail: str, pointer: str = "", shown: str | None = None
) -> TdxwrapError:
    """The error of an HTTP status.

    Args:
        detail: what the API said beside the status.
        shown: what to show as said; without it, the status with its name and the detail.
    """
    text = f"{_status_line(status)}: {detail}".removesuffix(": ") if shown is None else shown
    text = text or detail
    if status == HTTPStatus.TOO_MANY_REQUESTS or status >= 500 or status in (408, 425):
        return _passing(answer, status, text)
    kind, what, hint = _refusal(status, detail or text, pointer)
    return kind(what, hint=hint, said=text, command=answer.command, pointer=pointer)


def _status_line(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _passing(answer: Answer, status: int, text: str) -> Transient:
    retry_after = _retry_after(f"{_ends(answer.stderr)}\n{_ends(answer.stdout)}")
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return RateLimited(
            "the API asks for fewer requests",
            said=text,
            command=answer.command,
            retry_after=retry_after,
            hint="wait a little and run the same command again; fewer --jobs help",
        )
    return Transient(
        "the API or the network failed for the moment",
        said=text,
        command=answer.command,
        retry_after=retry_after,
        hint="run the same command again: it looks at what is live before it writes",
    )


_REFUSALS: dict[int, tuple[type[TdxwrapError], str, str]] = {
    401: (
        NotAuthenticated,
        "tdx is not authenticated",
        "look with: tdx auth, or set it with: export TDX_API_KEY=your_master_api_key; "
        "is --profile the right one?",
    ),
    403: (
        Refused,
        "the API does not permit this",
        "this account lacks the permission: ask its administrator, or give another --profile",
    ),
    404: (
        NotFound,
        "the API knows no such thing",
        "check the id or name; a 404 can also mean the wrong account or region: "
        "check --profile and --site",
    ),
    409: (
        Conflict,
        "the API reports a conflict",
        "the name is taken, or realtime is still updating: run the same command again "
        "once the status is ok",
    ),
}


def _refusal(status: int, text: str, pointer: str) -> tuple[type[TdxwrapError], str, str]:
    """Class, `what` and hint of an answer that would be the same the next time."""
    if status == 403 and _NOT_AUTHENTICATED.search(text):
        status = 401
    place = f"look at {pointer} of the request body" if pointer else "mend the configuration"
    other = (Refused, "the API refused the request", f"{place} and run the same command again")
    return _REFUSALS.get(status, other)


def _status_in(text: str) -> int:
    """The HTTP status that a text names, 400–599; 0 if it names none."""
    for pattern in _STATUS_IN_TEXT:
        match = pattern.search(text)
        if match:
            return int(match[1])
    return next((status for code, status in _STATUS_OF_CODE.items() if code in text), 0)


def _retry_after(text: str) -> float | None:
    """The seconds to wait that a text names, in a header, a body or a sentence."""
    match = _RETRY_AFTER.search(text)
    if match is None:
        return None
    unit = (match[2] or "").lower()[:3].strip()
    return float(match[1]) * _SECONDS_IN.get(unit, 1.0)


# Bodies


def _complaints_in_text(text: str) -> tuple[_Complaint, ...]:
    """What a body somewhere in this text complains of: `Error: 422 {"errors": […]}` (F8)."""
    decoder = json.JSONDecoder()
    text = _ANSI.sub("", text)
    position = -1
    for _ in range(MAX_BRACES):
        position = text.find("{", position + 1)
        if position < 0:
            break
        try:
            body, end = decoder.raw_decode(text, position)
        except (ValueError, RecursionError):
            continue
        complaints = tuple(_complaints(body, failed=True))
        if complaints:
            return complaints
        # What stands inside a document without complaints is its content, not a complaint.
        position = end - 1
    return ()


def _complaints(body: Any, failed: bool = False) -> Iterator[_Complaint]:
    """What a body complains of, in all forms of F17; nothing for a good document.

    Args:
        failed: the exit code says already that the call failed. Otherwise only `errors` counts
            in a document that also has `id` or `data`: that one may well have an `error` field.
    """
    if not isinstance(body, dict):
        return
    outer = _status_of(body)
    for error in _as_list(body.get("errors")):
        yield _complaint(error, outer)
    if body.get("errors") or (not failed and (body.get("id") or body.get("data"))):
        return
    for error in _as_list(body.get("error")):
        whole = {"detail": _detail_of(body) or error} if isinstance(error, str) else error
        yield _complaint(whole, outer)
    if not body.get("error") and isinstance(body.get("message"), str) and (outer or "code" in body):
        yield _complaint(body, outer)


def _as_list(value: Any) -> list[Any]:
    if isinstance(value, list):
        return value
    return [value] if value else []


def _complaint(error: Any, outer: int) -> _Complaint:
    if not isinstance(error, dict):
        return _Complaint(outer, plain(error if isinstance(error, str) else _compact(error)))
    source = error.get("source")
    pointer = source.get("pointer") if isinstance(source, dict) else error.get("pointer")
    return _Complaint(
        _status_of(error) or outer,
        plain(_detail_of(error) or _compact(error))[:SAID_CHARACTERS],
        pointer if isinstance(pointer, str) else "",
    )


def _detail_of(error: dict[str, Any]) -> str:
    texts = (error.get(key) for key in ("detail", "message", "text", "title", "error"))
    return next((text for text in texts if isinstance(text, str) and text), "")


def _status_of(error: dict[str, Any]) -> int:
    for key in ("status", "statusCode", "status_code", "code"):
        value = error.get(key)
        if isinstance(value, str) and value in _STATUS_OF_CODE:
            return _STATUS_OF_CODE[value]
        if str(value).isdecimal() and 400 <= int(str(value)[:4]) < 600:
            return int(str(value)[:4])
    return 0


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)[:SAID_CHARACTERS]
