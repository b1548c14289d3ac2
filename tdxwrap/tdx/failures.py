"""Decide whether a tdx call failed, and how: pure, no I/O.

How tdx shows an HTTP error is not documented, so the three styles of F8 are all accepted. A new
style is a pattern in _STATUS_IN_TEXT (it names a status) or a row of _WORDS (it does not).
The patterns are texts: they are compiled when a call has failed, which most never do.
"""

from __future__ import annotations

import re
import signal
from collections.abc import Sequence
from dataclasses import dataclass
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
from tdxwrap.tdx.answer import CompletedCall, NotJson, ends, parse_json, plain, said
from tdxwrap.tdx.api_errors import STATUS_OF_CODE, Complaint, complaints_in_text, complaints_of

PIPE_LIMIT = 65_536  # where Node cuts what it writes into a pipe (F2)
SNIPPET_LINES, SNIPPET_CHARACTERS = 3, 200
MAX_DETAILS = 5

# Python has changed its names of these; servers use the old ones and the new ones.
_RENAMED = {413: "Request Entity Too Large", 422: "Unprocessable Entity"}
_PHRASES = {status.value: status.phrase for status in HTTPStatus if status >= 400} | _RENAMED
_NAMES = (*_PHRASES.values(), "Content Too Large", "Payload Too Large", "Unprocessable Content")
_NOT_A_COUNT = r"(?!\s*(?:rows|records|items|columns|tables|characters|bytes|ms|seconds)\b)"
_STATUS_IN_TEXT = (
    r"\bHTTP(?:/[\d.]{1,3})?[ :=]{0,3}(?:error|status|code|[ :=(]){0,6}([45]\d\d)\b",
    r"\bstatus(?:[ _-]?code)?[\"']?[ :=(\"']{0,4}(?:is |of )?([45]\d\d)\b",
    rf"\b([45]\d\d)[ :-]{{1,3}}(?:{'|'.join(map(re.escape, _NAMES))})\b",
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
    r"(?i)\b(?:not (?:authenticated|logged in)|unauthenticated|unauthorized|invalid_grant"
    r"|(?:session|login|refresh token) (?:has |is |was )?(?:been )?(?:expired|revoked|invalid)"
    r"|(?:expired|invalid) session|token (?:has |is )expired"
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
_PROXY = r"(?i)\b(?:proxy|tunnel)[^\n]{0,80}\b40[37]\b|\b407\b[^\n]{0,20}\bproxy"
_RETRY_AFTER = (
    r"(?i)\b(?:retry[-_ ]?after|(?:retry|try again) in)(?:[-_ ]?(?:seconds|secs?))?[\"']?"
    r"\s{0,4}[:=]?\s{0,4}[\"']?(\d{1,9}(?:\.\d{1,9})?)\s?(ms\b|milliseconds?\b|m\b|min|h\b|hours?\b)?"
)
_SECONDS_IN = {"ms": 0.001, "mil": 0.001, "m": 60.0, "min": 60.0, "h": 3600.0, "hou": 3600.0}


_AGAIN = "run the same command again"
_ALONE = "run the tdx command by itself to see more"
# What a hint adds after a write.
_AFTER_WRITE = {
    _AGAIN: ": it looks at what is live before it writes",
    _ALONE: "; whether a write was applied is not known",
}
LOGIN = "login"
"""The hint where tdx is not authenticated: the client, which knows the login, gives another."""


@dataclass(frozen=True, slots=True)
class _Failure:
    """A way in which a call fails: the error to raise, what it says, and what to do next."""

    kind: type[TdxwrapError]
    what: str
    hint: str


_DISABLED = _Failure(
    ApiDisabled,
    "`tdx api` is switched off, as it is by default since tdx 2026.7",
    'put "enable_api_command": true into ~/.config/tdx/tdx.json; a person must do it, '
    "tdxwrap never edits that file",
)
_TOO_OLD = _Failure(
    EnvironmentProblem,
    "this tdx does not know the command or one of its options",
    "it may be too old: npm install -g @treasuredata/tdx@latest",
)
_CANNOT_START = _Failure(
    TdxMissing,
    "tdx was found but cannot start",
    "is Node.js (node) on the PATH? reinstall with: npm install -g @treasuredata/tdx",
)
_MOMENTARY = _Failure(Transient, "the API or the network failed for the moment", _AGAIN)
_BY_STATUS = {
    401: _Failure(NotAuthenticated, "tdx is not authenticated", LOGIN),
    403: _Failure(
        Refused,
        "the API does not permit this",
        "this account lacks the permission: ask its administrator, or give another --profile",
    ),
    404: _Failure(
        NotFound,
        "the API knows no such thing",
        "check the id or name; a 404 can also mean the wrong account or region: "
        "check --profile and --site",
    ),
    407: _Failure(
        EnvironmentProblem,
        "the proxy between tdx and the API refuses the connection",
        "give its user and password in HTTPS_PROXY, or ask who runs it",
    ),
    408: _MOMENTARY,
    409: _Failure(
        Conflict,
        "the API reports a conflict",
        "the name is taken, or realtime is still updating: run the same command again "
        "once the status is ok",
    ),
    425: _MOMENTARY,
    429: _Failure(
        RateLimited,
        "the API asks for fewer requests",
        "wait a little and run the same command again; fewer --jobs help",
    ),
}
# What the machine lacks on which tdx runs.
_OWN = tuple(
    (words, _Failure(EnvironmentProblem, what, hint))
    for words, what, hint in (
        (
            r"(?is)\A(?!.*\bno (?:api[ -]?key|credentials?|entry|login|token)\b).*?"
            r"(?:(?<!['\"`])\b(?:keychain|keyring|keytar)\b|libsecret|secret[ -]service|kwallet"
            r"|freedesktop[./]secrets|d-bus|dbus-|message bus|user interaction is not|\berrSec)",
            "tdx cannot read its key from the keychain: it is locked, or there is none",
            "give the key in the environment: export {key}=your_master_api_key",
        ),
        (
            r"(?i)certificate (?:has expired|is not yet)|\bCERT_(?:HAS_EXPIRED|NOT_YET_VALID)",
            "the certificate of the API is not valid today",
            "is the clock of this machine right? look with: date",
        ),
        (
            r"(?i)\bself[-_ ]signed[-_ ]cert|ERR_TLS_CERT|certificate's altnames"
            r"|\bunable[-_ ]to[-_ ](?:verify|get)[^\n]{0,40}(?:cert|leaf)",
            "tdx does not trust the certificate that it was shown",
            "a proxy may have its own: export NODE_EXTRA_CA_CERTS=/path/of/its/certificate.pem",
        ),
        (
            r"(?i)SyntaxError: (?![^\n]*(?:json|token '?<))|EBADENGINE|unsupported engine"
            r"|requires? (?:at least )?node\b|node(?:\.js)? v?\d[^\n]{0,40}not supported"
            r"|ERR_REQUIRE_ESM|ERR_UNKNOWN_BUILTIN|\b(?:fetch|structuredClone) is not defined",
            "this Node.js is too old for tdx",
            "install a newer one; node --version tells which one is there",
        ),
        (
            r"\bE(?:NOSPC|DQUOT|[MN]FILE)\b|(?i:no space left|disk quota|too many open files)",
            "tdx has run out of disk space or of open files on this machine",
            "look with: df -h, and ulimit -n",
        ),
        (
            r"\bE(?:ACCES|PERM|ROFS|NOENT|ISDIR|NOTDIR)\b[^\n]{0,80}?\b(?:open|mkdir|rename|read"
            r"|unlink|scandir|l?stat|rmdir|copyfile|chmod|access|write|uv_cwd)\b|\[Errno 13\]"
            r"|(?i:(?:cannot|could not|failed to|unable to) (?:read|write|parse|open)\b"
            r"[^\n]{0,60}(?:\btdx\.json\b|\.config/tdx|\.tdx/))",
            "tdx cannot use a file of its own on this machine",
            "the file that it names must be there, readable, and belong to you: look with: ls -l",
        ),
    )
)
# What the words of a text without a status mean; the first that fits wins.
_WORDS = (
    *_OWN,
    (_NOT_AUTHENTICATED, _BY_STATUS[401]),
    (
        _UNKNOWN_PROFILE,
        _Failure(NotAuthenticated, "tdx does not know the profile", "look with: tdx auth"),
    ),
    (_UNKNOWN_TO_TDX, _TOO_OLD),
    (_RATE_LIMITED, _BY_STATUS[429]),
    (_PASSING, _MOMENTARY),
    (_FORBIDDEN, _BY_STATUS[403]),
    (_NOT_FOUND, _BY_STATUS[404]),
)


def classify(call: CompletedCall) -> TdxwrapError | None:
    """Return the error of this call, or None if it is a good one (F6, F8, F17).

    Exit 0 fails only with a body that reports errors; any other exit always fails.
    """
    if call.exit_code == 0:
        complaints = tuple(complaints_of(call.data))
        return _from_body(call, complaints) if complaints else None
    return _from_exit(call)


def again(call: CompletedCall) -> str:
    """Return the advice to run the same command again, as it fits this call."""
    return _AGAIN + (_AFTER_WRITE[_AGAIN] if "-X" in call.argv else "")


def unreadable(call: CompletedCall, reason: str, size: int) -> TdxwrapError:
    """Return the error for an exit 0 whose stdout is not the JSON that was asked for.

    Args:
        reason: why, from `NotJson`.
        size: the length of stdout in bytes.
    """
    known = _from_words(call, ends(call.stderr))
    if known is not None:
        return known
    start = plain(call.stdout[:10_000]).strip()
    snippet = "\n".join(start.splitlines()[:SNIPPET_LINES])[:SNIPPET_CHARACTERS]
    hint = "run the command by itself to see all of its output; is tdx up to date?"
    if re.match(r"(?i)<!doctype html|<html|<head", start):
        reason = "it looks like HTML"
        hint = "a proxy or a login page may have answered in place of the API"
    elif size == PIPE_LIMIT:
        reason = "it was cut off at 65,536 bytes"
        hint = "tdx wrote into a pipe: if tdx is a script of yours, let it pass stdout through"
    what = f"what tdx printed is not the JSON that was asked for: {reason}"
    failure = _Failure(MalformedOutput, what, hint)
    return _error(call, failure, snippet or said(call.stderr))


def _from_exit(call: CompletedCall) -> TdxwrapError:
    shown = said(call.stderr, call.stdout)
    if call.exit_code in (126, 127):
        return _error(call, _CANNOT_START, shown)
    complaints = complaints_in_text(call.stdout) or complaints_in_text(call.stderr)
    if complaints:
        return _from_body(call, complaints)
    known = _from_words(call, f"{ends(call.stderr)}\n{_chatter(call.stdout)}")
    if known is not None:
        return known
    killer = _killer(call.exit_code or 0)
    if killer:
        return _error(call, _Failure(Transient, f"tdx was killed by {killer}", _AGAIN), shown)
    failure = _Failure(CallFailed, f"tdx failed with exit code {call.exit_code}", _ALONE)
    return _error(call, failure, shown)


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


def _from_body(call: CompletedCall, complaints: Sequence[Complaint]) -> TdxwrapError:
    text = "; ".join(c.detail for c in complaints[:MAX_DETAILS] if c.detail)
    pointer = next((c.pointer for c in complaints if c.pointer), "")
    status = next((c.status for c in complaints if c.status), 0)
    if status == 0:
        known = _from_words(call, f"{text}\n{ends(call.stderr)}", text)
        # A body that complains is the API's answer, even when it does not say which one.
        return known or _error(call, _by_status(400, text, pointer), text, pointer)
    if re.search(_API_DISABLED, text):
        return _error(call, _DISABLED, text)
    shown = f"{status} {_PHRASES.get(status, '')}".strip() + (f": {text}" if text else "")
    return _error(call, _by_status(status, text or shown, pointer), shown, pointer)


def _from_words(call: CompletedCall, text: str, detail: str = "") -> TdxwrapError | None:
    """The error that a text is known to mean; `detail` is the part of it to show."""
    shown = detail or said(call.stderr, call.stdout)
    if re.search(_API_DISABLED, text):
        return _error(call, _DISABLED, shown)
    status = _status_in(text)
    if status:
        return _error(call, _by_status(status, shown), shown)
    for words, failure in _WORDS:
        if re.search(words, text):
            return _error(call, failure, shown)
    return None


def _by_status(status: int, text: str, pointer: str = "") -> _Failure:
    """What an HTTP status means, in an answer that says `text` beside it."""
    if status == HTTPStatus.FORBIDDEN and re.search(_NOT_AUTHENTICATED, text):
        status = HTTPStatus.UNAUTHORIZED
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return _MOMENTARY
    place = f"look at {pointer} of the request body" if pointer else "fix the configuration"
    other = _Failure(
        Refused, "the API refused the request", f"{place} and run the same command again"
    )
    return _BY_STATUS.get(status, other)


def _error(call: CompletedCall, failure: _Failure, shown: str, pointer: str = "") -> TdxwrapError:
    hint = failure.hint + (_AFTER_WRITE.get(failure.hint, "") if "-X" in call.argv else "")
    error = failure.kind(failure.what, hint=hint, said=shown, command=call.argv, pointer=pointer)
    if isinstance(error, Transient):
        error.retry_after = _retry_after(f"{ends(call.stderr)}\n{ends(call.stdout)}")
    return error


def _status_in(text: str) -> int:
    """The HTTP status that a text names, 400–599; 0 if it names none."""
    if re.search(_PROXY, text):
        return HTTPStatus.PROXY_AUTHENTICATION_REQUIRED
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
