"""No secret is printed or written (design, promise 6): the texts."""

from __future__ import annotations

import base64
import json
import os
import time
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tdxwrap.system.redact import REDACTED, Redactor

KEY = "1234/0123456789abcdef0123456789abcdef01234567"
HALF = KEY.partition("/")[2]
TOKEN = "opaque-token-XYZ"
REDACTOR = Redactor.from_environ(
    {"TDX_API_KEY": KEY, "TDX_ACCESS_TOKEN": TOKEN, "HOME": "/home/me"}
)
NO_ENVIRONMENT = Redactor()

key_text = st.text("abcdefghijklmnopqrstuvwxyz0123456789/_-+=.", min_size=6, max_size=60)
td_keys = st.builds("{}/{:040x}".format, st.integers(0, 10**6), st.integers(0, 16**40 - 1))


@pytest.mark.parametrize(
    "name",
    [
        *("TDX_API_KEY", "TDX_API_KEY_PRODUCTION", "TDX_ACCESS_TOKEN", "TD_API_KEY"),
        *("DEPLOY_SECRET", "github_token", "PASSWORD_OF_DB", "AWS_CREDENTIALS", "MY_TDX_API_KEY"),
        *("AWS_SECRET_ACCESS_KEY", "SSH_PRIVATE_KEY"),
    ],
)
def test_value_of_each_credential_variable_is_taken_out(name: str) -> None:
    redactor = Redactor.from_environ({name: "s3cret-value"})
    assert redactor.text("key s3cret-value!") == f"key {REDACTED}!"


@pytest.mark.parametrize("name", ["HOME", "TOKENIZER", "MY_APIKEY", "PUBLIC_KEY", "TDX_PROFILE"])
def test_other_variables_are_left_alone(name: str) -> None:
    assert Redactor.from_environ({name: "s3cret-value"}).text("s3cret-value") == "s3cret-value"


def test_a_credential_that_is_no_text_is_taken_out_too() -> None:
    secret = os.fsdecode(b"caf\xe9-secret")
    redactor = Redactor.from_environ({"DEPLOY_TOKEN": secret})
    assert redactor.text(f"a {secret} b") == f"a {REDACTED} b"


@pytest.mark.parametrize("value", ["", "abc", "     x ", "redacted"])
def test_values_that_would_damage_ordinary_texts_are_not_secrets(value: str) -> None:
    assert Redactor.from_environ({"TDX_API_KEY": value}).secrets == ()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(KEY, id="as it is"),
        pytest.param(quote(KEY, safe=""), id="in a URL"),
        pytest.param(KEY.replace("/", "\\/"), id="in JSON"),
        pytest.param(base64.b64encode(KEY.encode()).decode(), id="in base64"),
        pytest.param(HALF, id="without the account"),
        pytest.param(f"TD1 {HALF}", id="bare behind TD1"),
        pytest.param(f"Authorization: TD1 {KEY}", id="in a header"),
        pytest.param(f"a{KEY}", id="right behind a letter"),
        pytest.param(TOKEN, id="token"),
        pytest.param(f"curl -H 'AUTHORIZATION: TD1 {KEY}' https://x", id="in a command"),
    ],
)
def test_known_secret_is_taken_out_in_every_spelling(text: str) -> None:
    shown = REDACTOR.text(f"before {text} after")
    assert REDACTED in shown
    assert HALF not in shown
    assert TOKEN not in shown
    assert base64.b64encode(KEY.encode()).decode()[:20] not in shown
    assert shown.startswith("before ")


@pytest.mark.parametrize("secret", ["opaque/tok en+12", "line one\nline two", 'a "quoted/one"'])
def test_a_secret_of_any_form_is_taken_out_in_every_spelling(secret: str) -> None:
    redactor = Redactor.from_environ({"TDX_ACCESS_TOKEN": f"{secret}\n"})
    in_json = json.dumps(secret)[1:-1]
    base64_text = base64.b64encode(secret.encode()).decode().rstrip("=")
    for text in (secret, in_json, in_json.replace("/", "\\/"), quote(secret, safe=""), base64_text):
        assert redactor.text(f"before {text} after") == f"before {REDACTED} after"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"key {KEY} used", f"key {REDACTED} used"),
        (f'"{KEY.replace("/", chr(92) + "/")}"', f'"{REDACTED}"'),
        (f"https://x/?k={quote(KEY, safe='')}&a=1", f"https://x/?k={REDACTED}&a=1"),
        (f"TD1 {HALF}", f"TD1 {REDACTED}"),
        ("Authorization: Bearer abc.def", f"Authorization: Bearer {REDACTED}"),
        ('{"authorization": "Basic dXNlcjpwdw=="}', f'{{"authorization": "Basic {REDACTED}"}}'),
        ("authorization=abcdef&x=1", f"authorization={REDACTED}"),
        ("bearer 0123456789abc", f"bearer {REDACTED}"),
        ("token eyJhbGciOiJIUzI1.eyJzdWIiOiIxMjM0.c2lnbmF0dXJl.", f"token {REDACTED}."),
    ],
)
def test_form_of_a_secret_is_taken_out_without_knowing_it(text: str, shown: str) -> None:
    assert NO_ENVIRONMENT.text(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "commit da39a3ee5e6b4b0d3255bfef95601890afd80709",
        "/audiences/394649/realtime_attributes/31009",
        "/home/me/.config/tdx/tdx.json",
        "bearer authentication failed",
        "550e8400-e29b-41d4-a716-446655440000",
        "2026/10/11 12:30:00 TD1 x",
        "日本語 1/2 [redacted]",
    ],
)
def test_ordinary_text_is_not_touched(text: str) -> None:
    assert REDACTOR.text(text) == text


def test_json_values_and_keys_are_taken_out_and_nothing_else() -> None:
    value = {"a": [KEY, 1, None, True, 2.5], KEY: {"b": f"x {TOKEN}"}}
    assert REDACTOR.json(value) == {
        "a": [REDACTED, 1, None, True, 2.5],
        REDACTED: {"b": f"x {REDACTED}"},
    }


@pytest.mark.parametrize("piece", ["1", "bearer ", "authorization ", "eyJabcdefgh.", "TD1 ", "1/"])
def test_long_runs_of_digits_and_words_end_soon(piece: str) -> None:
    started = time.process_time()
    Redactor().text(piece * 200_000)
    assert time.process_time() - started < 5


@given(st.lists(key_text, min_size=1, max_size=3), st.text(), st.text())
def test_no_known_secret_survives(secrets: list[str], before: str, after: str) -> None:
    redactor = Redactor.of(secrets)
    for secret in secrets:
        if secret in REDACTED:
            continue
        for text in (secret, json.dumps(secret), quote(secret, safe="")):
            assert secret not in redactor.text(before + text + after).replace(REDACTED, "\0")


@given(td_keys, st.text(), st.text())
def test_no_treasure_data_key_survives(key: str, before: str, after: str) -> None:
    half = key.partition("/")[2]
    assert half not in NO_ENVIRONMENT.text(f"{before}{key}{after}")


@given(
    st.lists(
        st.one_of(
            st.text(),
            td_keys,
            st.sampled_from([KEY, TOKEN, "Authorization: ", "Bearer ", "TD1 ", '"', REDACTED]),
        )
    )
)
def test_twice_is_once(pieces: list[str]) -> None:
    once = REDACTOR.text("".join(pieces))
    assert REDACTOR.text(once) == once


@given(st.text("abcdefghijklmnopqrstuvwxyz0123456789-_. \n"))
def test_text_without_secrets_is_unchanged(text: str) -> None:
    # No slash and no colon: nothing here can be a key or a header, and no word is 'bearer'.
    if "bearer" not in text:
        assert NO_ENVIRONMENT.text(text) == text
