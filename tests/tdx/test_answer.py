"""Finding JSON in what tdx prints, and telling failures apart (tdx-facts F2, F3, F6, F8, F17)."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

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
from tdxwrap.tdx.answer import CompletedCall, NotJson, parse_json, plain, said
from tdxwrap.tdx.failures import classify, unreadable

COMMAND = ("tdx", "api", "/audiences/1/realtime_setting", "--type", "cdp")

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
documents = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
containers = documents.filter(lambda value: isinstance(value, list | dict))
layouts = st.sampled_from([None, 0, 1, 2, "\t"])
# Chatter never has a line that is JSON in itself: two documents are an error on purpose.
chatter = st.lists(
    st.one_of(
        st.sampled_from(
            [
                "[info] update available {x}",
                "[2026-10-11] tdx 2026.8.1",
                "{not json}",
                "Update available 2026.7.1 → 2026.8.0",
                "╭──────────────╮",
                "",
                '["half',
                "npm notice [1] {}",
            ]
        ),
        st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp"])).map(
            lambda text: f"- {text}"
        ),
    ),
    max_size=4,
)
escapes = st.sampled_from(
    [
        "\x1b[0m",
        "\x1b[1;32m",
        "\x1b[2K",
        "\x1b[?25l",
        "\x1b]0;title\x07",
        "\x1b]8;;u\x1b\\",
        "\x1b7",
    ]
)


def dumped(document: Any, layout: Any) -> str:
    return json.dumps(document, indent=layout, ensure_ascii=False)


# parse_json


@given(documents, layouts)
def test_document_alone_is_read(document: Any, layout: Any) -> None:
    assert parse_json(dumped(document, layout)) == document


@given(containers, layouts, chatter, chatter, st.sampled_from(["\n", "\r\n"]))
def test_document_among_chatter_is_read(
    document: Any, layout: Any, before: list[str], after: list[str], newline: str
) -> None:
    lines = [*before, dumped(document, layout), *after, ""]
    assert parse_json("\ufeff" + newline.join(lines)) == document


@given(containers, layouts, chatter, st.data())
def test_escape_sequences_around_and_between_are_ignored(
    document: Any, layout: Any, before: list[str], data: st.DataObject
) -> None:
    assume('"half' not in "".join(before))
    pieces = [f"{line}\n" for line in before] + [
        # Between the tokens of this layout: behind a comma or a colon outside of strings.
        *json.JSONEncoder(indent=layout, ensure_ascii=False).iterencode(document)
    ]
    text = "".join(data.draw(escapes) + piece for piece in pieces) + data.draw(escapes)
    assert parse_json(text) == document


@given(containers, layouts, chatter, st.data())
def test_no_part_of_a_document_is_taken_for_a_whole(
    document: Any, layout: Any, before: list[str], data: st.DataObject
) -> None:
    text = dumped(document, layout)
    cut = data.draw(st.integers(0, len(text) - 1))
    with pytest.raises(NotJson):
        parse_json("\n".join([*before, text[:cut]]))


def test_every_prefix_of_a_pretty_printed_answer_is_refused() -> None:
    document = {"data": [{"id": 1, "x": [[1], [], {}]}, {"id": "2", "y": {"z": [None]}}], "n": []}
    for layout in (None, 0, 2):
        text = dumped(document, layout)
        for cut in range(len(text)):
            with pytest.raises(NotJson):
                parse_json("[info] hello\n" + text[:cut])


@pytest.mark.parametrize(
    ("text", "document"),
    [
        ("null", None),
        (" true\n", True),
        ("12", 12),
        ('"text"', "text"),
        ("[info] update available {x}\n[]\n", []),
        ("[1] update available\n{}\n", {}),
        ('\x1b[32m{"a": \x1b[1m"b"\x1b[0m}\x1b[0m', {"a": "b"}),
        ('Loading…\r{"a": 1}\r\n', {"a": 1}),
        ("{}\n[update available]\n", {}),
    ],
)
def test_document_is_found(text: str, document: Any) -> None:
    assert parse_json(text) == document


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "it is empty"),
        ("\ufeff \n", "it is empty"),
        ("hello", "there is no JSON in it"),
        ("<html>[]</html>", "there is no JSON in it"),
        ("[] and more", "there is no JSON in it"),
        ("{}\n{}\n", "it holds more than one JSON document"),
        ("[\n[1]\n] and more", "there is text right behind the JSON document"),
        ('{"a": [\n[1]\n', "it breaks off, or is broken, inside a JSON document"),
        ('{"a": 1', "it breaks off, or is broken, inside a JSON document"),
        ("[" * 100_000, "it holds a number or a nesting beyond all measure"),
        ("1" * 5_000, "it holds a number or a nesting beyond all measure"),
        ("[1] x\n" * 5_000, "there is no JSON in it"),
    ],
)
def test_text_without_one_whole_document_is_refused(text: str, reason: str) -> None:
    with pytest.raises(NotJson) as caught:
        parse_json(text)
    assert str(caught.value) == reason


# classify: the three styles of F8

CASES: list[tuple[str, dict[str, Any], type[TdxwrapError]]] = [
    ("400", {"code": "validation-error", "status": "400", "detail": "name is empty"}, Refused),
    ("400", {"code": "bad-parameter-error", "detail": "page[size] is too big"}, Refused),
    ("403", {"code": "permission-error", "detail": "you may not do this"}, Refused),
    ("404", {"code": "record-not-found-error", "detail": "Record missing"}, NotFound),
    ("409", {"code": "conflict-error", "detail": "realtime is updating"}, Conflict),
    ("422", {"code": "unprocessable-entity-error", "detail": "valueColumn 'x' is not…"}, Refused),
    ("401", {"status": "401", "detail": "Who are you?"}, NotAuthenticated),
    ("429", {"status": 429, "detail": "slow down"}, RateLimited),
    ("408", {"status": 408, "detail": "too slow"}, Transient),
    ("500", {"status": "500", "detail": "oh"}, Transient),
    ("502", {"status": "502", "detail": "oh"}, Transient),
    ("503", {"status": "503", "detail": "oh"}, Transient),
    ("504", {"status": "504", "detail": "oh"}, Transient),
]
case_ids = [f"{status}-{error.get('code', 'number')}" for status, error, _ in CASES]


def classified(
    exit_code: int = 1, stdout: str = "", stderr: str = "", data: Any = None
) -> TdxwrapError:
    if exit_code == 0 and stdout:
        data = json.loads(stdout)
    error = classify(CompletedCall(COMMAND, exit_code, stdout, stderr, data))
    assert error is not None
    assert error.command == COMMAND
    assert error.what
    assert error.hint
    return error


@pytest.mark.parametrize(("status", "error", "kind"), CASES, ids=case_ids)
@pytest.mark.parametrize(
    "line",
    [
        "Error: {status} {detail}",
        "Error: HTTP {status}: {detail}",
        "✖ API request failed with status {status}: {detail}",
        "request failed (status code: {status}) {detail}",
        "{status}: {detail}",
        "API call failed: {detail} ({status})",
        "\x1b[31mError:\x1b[39m HTTP/1.1 {status} {detail}\n    at request (file.js:1:2)",
        "AxiosError: Request failed with status code {status}\n{detail}",
    ],
)
def test_status_in_text_on_stderr(
    status: str, error: dict[str, Any], kind: type[TdxwrapError], line: str
) -> None:
    found = classified(1, "", line.format(status=status, detail=error["detail"]))
    assert type(found) is kind
    assert error["detail"] in found.said
    assert "\x1b" not in found.said
    assert "file.js" not in found.said


@pytest.mark.parametrize(("status", "error", "kind"), CASES, ids=case_ids)
@pytest.mark.parametrize("exit_code", [0, 1])
@pytest.mark.parametrize("layout", [None, 2])
def test_errors_in_a_body_on_stdout(
    status: str, error: dict[str, Any], kind: type[TdxwrapError], exit_code: int, layout: Any
) -> None:
    item = {**error, "source": {"pointer": "/data/attributes/valueColumn"}}
    found = classified(exit_code, json.dumps({"errors": [item]}, indent=layout))
    assert type(found) is kind
    assert found.said.startswith(status)
    assert found.said.endswith(f": {error['detail']}")
    if not isinstance(found, Transient):
        assert found.pointer == "/data/attributes/valueColumn"


@pytest.mark.parametrize("exit_code", [0, 1])
@pytest.mark.parametrize(
    ("body", "kind", "text"),
    [
        ({"errors": "valueColumn is missing"}, Refused, "valueColumn is missing"),
        ({"errors": "record not found"}, NotFound, "record not found"),
        ({"errors": ["a is bad", "b is bad"]}, Refused, "a is bad; b is bad"),
        ({"errors": {"name": ["is taken"]}}, Refused, '{"name": ["is taken"]}'),
        ({"code": "conflict-error", "message": "taken"}, Conflict, "409 Conflict: taken"),
        ({"code": 404, "message": "gone"}, NotFound, "404 Not Found: gone"),
        ({"code": "E_ODD", "message": "odd"}, Refused, "odd"),
        ({"error": "Internal server error"}, Transient, "Internal server error"),
        ({"error": {"code": "permission-error", "message": "no"}}, Refused, "403 Forbidden: no"),
        ({"status": 404, "error": "Not Found", "path": "/x"}, NotFound, "404 Not Found"),
        ({"statusCode": 503, "message": "later"}, Transient, "503 Service Unavailable: later"),
        ({"data": None, "errors": [{"status": 500}]}, Transient, "500 Internal Server Error"),
        ({"error": "Invalid API key"}, NotAuthenticated, "Invalid API key"),
        ({"status": 403, "error": "Authentication failed"}, NotAuthenticated, "403 Forbidden"),
    ],
)
def test_other_forms_of_a_body(
    body: Any, kind: type[TdxwrapError], text: str, exit_code: int
) -> None:
    found = classified(exit_code, json.dumps(body))
    assert type(found) is kind
    assert found.said.startswith(text)


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        [{"errors": "x"}],
        {"data": [], "errors": []},
        {"errors": None, "error": None},
        {"errors": {}, "error": ""},
        {"id": 1, "name": "x", "error": "a field of its own"},
        {"data": {"id": 1}, "error": "a field of its own"},
        {"id": "1", "status": "error", "statusDetailed": {"error": "x"}},
        {"message": "hello"},
        "error",
        404,
    ],
)
def test_good_document_is_no_failure(data: Any) -> None:
    assert classify(CompletedCall(COMMAND, 0, "", "Error: 500 chatter", data)) is None


@pytest.mark.parametrize("name", ["Unprocessable Entity", "Unprocessable Content"])
def test_a_status_by_either_of_its_names(name: str) -> None:
    found = classified(1, "", f"tdx gave up, as the server sent a 422 {name} for it")
    assert type(found) is Refused


@pytest.mark.parametrize("before", ["", "{job 5} of {2}: "])
def test_body_behind_text_on_one_line_of_stderr(before: str) -> None:
    body = {"errors": [{"status": 422, "detail": "bad", "source": {"pointer": "/duration"}}]}
    found = classified(1, "", f"Error: request failed: {before}{json.dumps(body)}\n")
    assert type(found) is Refused
    assert found.said == "422 Unprocessable Entity: bad"
    assert found.pointer == "/duration"
    assert "/duration" in found.hint


@pytest.mark.parametrize(
    "text",
    [
        "Error: API command is disabled. See the 'API command safety' guide",
        'Set "enable_api_command": true to use this command',
        "`tdx api` is disabled by default since v2026.7",
        "The command 'tdx api' is not enabled.",
    ],
)
@pytest.mark.parametrize("style", ["stderr", "stdout", "body"])
def test_disabled_api_is_recognised_and_says_what_to_put_where(text: str, style: str) -> None:
    found = {
        "stderr": lambda: classified(1, "", text),
        "stdout": lambda: classified(1, text, ""),
        "body": lambda: classified(0, json.dumps({"error": {"message": text}})),
    }[style]()
    assert type(found) is ApiDisabled
    assert '"enable_api_command": true' in found.hint
    assert "~/.config/tdx/tdx.json" in found.hint


@pytest.mark.parametrize(
    ("stderr", "kind"),
    [
        ("Not authenticated. Run tdx auth", NotAuthenticated),
        ("Error: No API key found for profile x", NotAuthenticated),
        ("TDX_API_KEY is not an access token: invalid API key", NotAuthenticated),
        ("Error: profile 'staging' not found", NotAuthenticated),
        ("error: unknown option '--json'", EnvironmentProblem),
        ("error: unknown command 'rt'", EnvironmentProblem),
        ("Error: read ECONNRESET", Transient),
        ("Error: connect ECONNREFUSED 127.0.0.1:443", Transient),
        ("Error: socket hang up", Transient),
        ("Error: connect ETIMEDOUT 1.2.3.4:443", Transient),
        ("getaddrinfo EAI_AGAIN api.treasuredata.com", Transient),
        ("getaddrinfo ENOTFOUND api.treasuredata.com", Transient),
        ("TypeError: fetch failed", Transient),
        ("Too Many Requests", RateLimited),
        ("rate limit exceeded", RateLimited),
        ("Parent segment 'x' not found", NotFound),
        ("Error: Forbidden", Refused),
        ("Error: record-not-found-error", NotFound),
        ("profile key not found in master table", NotFound),
        ("returned 500 rows, then stopped", CallFailed),
        ("something odd", CallFailed),
        ("", CallFailed),
    ],
)
def test_words_on_stderr(stderr: str, kind: type[TdxwrapError]) -> None:
    found = classified(1, "", stderr)
    assert type(found) is kind
    assert found.said == stderr


@pytest.mark.parametrize(
    ("stderr", "seconds"),
    [
        ("429 Too Many Requests\nRetry-After: 7", 7.0),
        ("429: retry-after=2.5", 2.5),
        ('HTTP 429 {"meta": {"retryAfter": 3}}', 3.0),
        ("Too many requests, try again in 30 seconds", 30.0),
        ("Too many requests, retry in 250ms", 0.25),
        ("Too many requests, try again in 2 minutes", 120.0),
        ("429 Too Many Requests\nRetry-After: 2m", 120.0),
        ("503 Service Unavailable, retry_after: 4", 4.0),
        ("429: try again in 2 hours", 7200.0),
        ("429: retry after 1h", 3600.0),
        ("429 Too Many Requests", None),
        ("429 Retry-After: Wed, 21 Oct 2026 07:28:00 GMT", None),
    ],
)
def test_retry_after_is_read_in_seconds(stderr: str, seconds: float | None) -> None:
    found = classified(1, "", stderr)
    assert isinstance(found, Transient)
    assert found.retry_after == seconds


def test_retry_after_in_a_body() -> None:
    body = {"errors": [{"status": "429", "detail": "slow down", "meta": {"retryAfter": 9}}]}
    found = classified(0, json.dumps(body))
    assert isinstance(found, RateLimited)
    assert found.retry_after == 9.0


@pytest.mark.parametrize(
    ("exit_code", "name"),
    [(-9, "SIGKILL"), (-15, "SIGTERM"), (-11, "SIGSEGV"), (137, "SIGKILL"), (134, "SIGABRT")],
)
def test_killed_process_is_transient(exit_code: int, name: str) -> None:
    found = classified(exit_code, "", "half a li")
    assert type(found) is Transient
    assert found.what == f"tdx was killed by {name}"
    assert found.said == "half a li"


@pytest.mark.parametrize(
    ("exit_code", "said"),
    [(127, "env: ‘node’: No such file or directory"), (126, "tdx: cannot execute binary file")],
)
def test_missing_node_is_an_environment_problem(exit_code: int, said: str) -> None:
    found = classified(exit_code, "", said)
    assert type(found) is TdxMissing
    assert "Node.js" in found.hint


def test_403_hints_at_permission_and_404_at_profile_and_site() -> None:
    assert "permission" in classified(1, "", "Error: 403 Forbidden").hint
    hint = classified(1, "", "Error: 404 Not Found").hint
    assert "--profile" in hint
    assert "--site" in hint


def test_status_of_the_body_wins_over_words_in_it() -> None:
    body = {"errors": [{"status": 422, "detail": "name 'error 404 not found' is odd"}]}
    assert type(classified(1, json.dumps(body), "")) is Refused


@given(st.integers(-40, 300), st.text(), st.text(), documents)
def test_every_answer_gets_a_verdict(exit_code: int, stdout: str, stderr: str, data: Any) -> None:
    found = classify(CompletedCall(COMMAND, exit_code, stdout, stderr, data))
    assert (found is None) or isinstance(found, TdxwrapError)
    assert exit_code == 0 or found is not None


def test_complaint_inside_a_document_is_its_content() -> None:
    document = {"id": 1, "events": [{"code": 404, "message": "gone"}]}
    assert type(classified(1, json.dumps(document), "")) is CallFailed


@pytest.mark.parametrize(
    "piece", ["error ", "status ", "{", "tdx api ", "[4", "HTTP ", "retry after ", "a1 "]
)
def test_long_texts_are_judged_soon(piece: str) -> None:
    started = time.process_time()
    classified(1, piece * 100_000, piece * 20_000)
    assert time.process_time() - started < 5


# Texts for people


def test_said_is_the_end_without_stack_and_control_characters() -> None:
    lines = [f"line {n}\x07" for n in range(30)] + ["    at foo (a.js:1:1)", "", "Node.js v20.1.0"]
    assert said("\n".join(lines), "other") == "\n".join(f"line {n}" for n in range(20, 30))
    assert said(" \n", "other") == "other"
    assert len(said("x" * 100_000)) == 2_000


def test_plain_keeps_lines_and_scripts() -> None:
    assert plain("\x1b[1m日本\x1b[0m\r\n\tx\x00") == "日本\n\n\tx"


@pytest.mark.parametrize(
    ("stdout", "size", "words"),
    [
        ("", 0, "it is empty"),
        ("<!DOCTYPE html><html>", 21, "it looks like HTML"),
        ('{"a": "', 65_536, "it was cut off at 65,536 bytes"),
        ("hello", 5, "there is no JSON in it"),
    ],
)
def test_unreadable_output_says_what_came(stdout: str, size: int, words: str) -> None:
    with pytest.raises(NotJson) as caught:
        parse_json(stdout)
    error = unreadable(CompletedCall(COMMAND, 0, stdout), str(caught.value), size)
    assert type(error) is MalformedOutput
    assert words in error.what
    assert error.said == stdout
    assert error.command == COMMAND


def test_unreadable_output_shows_three_lines_and_200_characters() -> None:
    answer = CompletedCall(COMMAND, 0, "a\x1b[0m\nb\nc\nd\n")
    assert unreadable(answer, "r", 8).said == "a\nb\nc"
    assert len(unreadable(CompletedCall(COMMAND, 0, "x" * 999), "r", 999).said) == 200


def test_unreadable_output_with_a_known_complaint_on_stderr_is_that() -> None:
    answer = CompletedCall(COMMAND, 0, "", "Error: 404 Not Found")
    assert type(unreadable(answer, "it is empty", 0)) is NotFound
