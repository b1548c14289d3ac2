"""Whether an answer of tdx is a failure, and of which kind: pure, no I/O.

How an HTTP error shows is not documented, so the three styles of tdx-facts F8 are all accepted.
The patterns are texts: they are compiled when a call has failed, which most never do.
"""

from __future__ import annotations

import re
import signal
from collections.abc import Sequence
from http import HTTPStatus

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
from tdxwrap.tdx.answer import Answer, NotJson, ends, parse_json, plain, said
from tdxwrap.tdx.api_errors import STATUS_OF_CODE, Complaint, complaints_in_text, complaints_of

PIPE_LIMIT = 65_536  # where Node cuts what it writes into a pipe (F2)
SNIPPET_LINES, SNIPPET_CHARACTERS = 3, 200
MAX_DETAILS = 5

_PHRASES = "|".join(re.escape(s.phrase) for s in HTTPStatus if s >= HTTPStatus.BAD_REQUEST)
_NOT_A_COUNT = r"(?!\s*(?:rows|records|items|columns|tables|characters|bytes|ms|seconds)\b)"
_STATUS_IN_TEXT = (
    r"\bHTTP(?:/[\d.]{1,3})?[ :=]{0,3}(?:error|status|code|[ :=(]){0,6}([45]\d\d)\b",
    r"\bstatus(?:[ _-]?code)?[\"']?[ :=(\"']{0,4}(?:is |of )?([45]\d\d)\b",
    rf"\b([45]\d\d)[ :-]{{1,3}}(?:{_PHRASES})\b",
    r"\b(?:error|failed|failure|returned|responded|code)\b"
    rf"(?:with|code|status|[ :=(\"']){{0,8}}([45]\d\d)\b{_NOT_A_COUNT}",
    rf"^\W*([45]\d\d)\b{_NOT_A_COUNT}",
    r"\(([45]\d\d)\)",
)
_API_DISABLED = (
    r"(?is)enable_api_command|api command safety"
    r"|\btdx api\b.{0,120}?\b(?:disabled|not enabled|switched off|turned off)"
    r"|\b(?:disabled|not enabled)\b.{0,60}?\btdx api\b"
)
_NOT_AUTHENTICATED = (
    r"(?i)\b(?:not (?:authenticated|logged in)|unauthenticated|unauthorized"
    r"|authentication (?:failed|required|error)|login required|(?:please|must) log ?in"
    r"|(?:no|invalid|missing|expired|bad) (?:api[ -]?key|access token|credentials?|token)"
    r"|(?:api[ -]?key|access token|credentials?)\b.{0,40}"
    r"\b(?:not (?:set|found|valid|configured)|missing|required|expired|invalid))"
)
_UNKNOWN_PROFILE = (
    r"(?i)\bprofile (?!key\b)[\"'`]?[^\s\"'`]{1,80}[\"'`]? (?:was |is |does )?"
    r"(?:not found|not exist|unknown)|\b(?:unknown|no such) profile\b"
)
_UNKNOWN_TO_TDX = r"(?i)\b(?:unknown|unrecognized|unrecognised) (?:option|command|arg)"
_RATE_LIMITED = r"(?i)\btoo many requests|rate[ -]?limit|throttl"
_PASSING = (
    r"(?i)\bE(?:CONNRESET|CONNREFUSED|CONNABORTED|PIPE|TIMEDOUT|SOCKETTIMEDOUT|HOSTUNREACH"
    r"|NETUNREACH|NETDOWN|AI_AGAIN|NOTFOUND)\b|\bUND_ERR_|socket hang up|fetch failed"
    r"|network (?:error|timeout|is unreachable|request failed)|getaddrinfo"
    r"|connection (?:was )?(?:reset|refused|closed|aborted|timed out|terminated)"
    r"|(?:request|gateway|operation) time(?:d[ -]?)?[ -]?out|timeout (?:of|after) \d|aborted"
    r"|temporar(?:y|ily)|service unavailable|bad gateway|internal (?:server )?error|overloaded"
)
_FORBIDDEN = r"(?i)\bforbidden\b|permission[ -](?:denied|error)|not permitted"
_NOT_FOUND = r"(?i)\bnot found\b|\bdoes not exist\b|\bno such (?:parent|segment|table)"
_RETRY_AFTER = (
    r"(?i)\b(?:retry[-_ ]?after|(?:retry|try again) in)(?:[-_ ]?(?:seconds|secs?))?[\"']?"
    r"\s{0,4}[:=]?\s{0,4}[\"']?(\d{1,9}(?:\.\d{1,9})?)\s?(ms\b|milliseconds?\b|m\b|min)?"
)
_SECONDS_IN = {"ms": 0.001, "mil": 0.001, "m": 60.0, "min": 60.0}


def classify(answer: Answer) -> TdxwrapError | None:
    """The error that this answer is, or None when it is a good one (F6, F8, F17).

    Exit 0 fails only with a body that reports errors; any other exit always fails.
    """
    if answer.exit_code == 0:
        complaints = tuple(complaints_of(answer.data))
        return _from_body(answer, complaints) if complaints else None
    return _from_exit(answer)


def unreadable(answer: Answer, reason: str, size: int) -> TdxwrapError:
    """The error for an exit 0 whose stdout is not the JSON that was asked for.

    Args:
        reason: why, from `NotJson`.
        size: the length of stdout in bytes.
    """
    known = _from_words(answer, ends(answer.stderr))
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


def _from_exit(answer: Answer) -> TdxwrapError:
    if answer.exit_code in (126, 127):
        return _cannot_start(answer)
    complaints = complaints_in_text(answer.stdout) or complaints_in_text(answer.stderr)
    if complaints:
        return _from_body(answer, complaints)
    known = _from_words(answer, f"{ends(answer.stderr)}\n{_chatter(answer.stdout)}")
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
        return ends(text)
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


def _from_body(answer: Answer, complaints: Sequence[Complaint]) -> TdxwrapError:
    text = "; ".join(c.detail for c in complaints[:MAX_DETAILS] if c.detail)
    pointer = next((c.pointer for c in complaints if c.pointer), "")
    status = next((c.status for c in complaints if c.status), 0)
    if status == 0:
        everything = f"{text}\n{ends(answer.stderr)}"
        known = _from_words(answer, everything, text)
        # A body that complains is the API's answer, even when it does not say which one.
        return known or _by_status(answer, HTTPStatus.BAD_REQUEST, text, pointer, shown="")
    if re.search(_API_DISABLED, text):
        return _api_disabled(answer, text)
    return _by_status(answer, status, text, pointer)


def _from_words(answer: Answer, text: str, detail: str = "") -> TdxwrapError | None:
    """The error that a text tells of, where it is one that we know."""
    shown = detail or said(answer.stderr, answer.stdout)
    if re.search(_API_DISABLED, text):
        return _api_disabled(answer, shown)
    status = _status_in(text)
    if status:
        return _by_status(answer, status, detail, shown=shown)
    if re.search(_NOT_AUTHENTICATED, text) or re.search(_UNKNOWN_PROFILE, text):
        return _by_status(answer, HTTPStatus.UNAUTHORIZED, "", shown=shown)
    if re.search(_UNKNOWN_TO_TDX, text):
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
        if re.search(words, text):
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
    retry_after = _retry_after(f"{ends(answer.stderr)}\n{ends(answer.stdout)}")
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
    if status == 403 and re.search(_NOT_AUTHENTICATED, text):
        status = 401
    place = f"look at {pointer} of the request body" if pointer else "mend the configuration"
    other = (Refused, "the API refused the request", f"{place} and run the same command again")
    return _REFUSALS.get(status, other)


def _status_in(text: str) -> int:
    """The HTTP status that a text names, 400–599; 0 if it names none."""
    for pattern in _STATUS_IN_TEXT:
        match = re.search(pattern, text, re.IGNORECASE | re.MULTILINE)
        if match:
            return int(match[1])
    return next((status for code, status in STATUS_OF_CODE.items() if code in text), 0)


def _retry_after(text: str) -> float | None:
    """The seconds to wait that a text names, in a header, a body or a sentence."""
    match = re.search(_RETRY_AFTER, text)
    if match is None:
        return None
    unit = (match[2] or "").lower()[:3].strip()
    return float(match[1]) * _SECONDS_IN.get(unit, 1.0)
