"""What tdx says of its own machine is the environment; what the API says stays what it is."""

from __future__ import annotations

import pytest

from tdxwrap.errors import (
    CallFailed,
    EnvironmentProblem,
    NotAuthenticated,
    NotFound,
    Refused,
    TdxwrapError,
    Transient,
)
from tdxwrap.tdx.answer import CompletedCall
from tdxwrap.tdx.failures import again, classify

READ = ("tdx", "api", "/audiences/1/realtime_setting", "--type", "cdp")
WRITE = (*READ, "-X", "PATCH", "--data", "{}")
KEYCHAIN, FILE, PROXY = "export {key}=", "ls -l", "HTTPS_PROXY"
CERTIFICATE, CLOCK, NODE, FULL = "NODE_EXTRA_CA_CERTS", "date", "node --version", "df -h"


def error_of(stderr: str, argv: tuple[str, ...] = READ, stdout: str = "") -> TdxwrapError:
    error = classify(CompletedCall(argv, exit_code=1, stdout=stdout, stderr=stderr))
    assert error is not None
    return error


OWN = [
    (KEYCHAIN, "Error: Cannot autolaunch D-Bus without X11 $DISPLAY"),
    (KEYCHAIN, "Error: User interaction is not allowed."),
    (KEYCHAIN, "security: SecKeychainItemCopyContent: User interaction is not allowed. (-25308)"),
    (KEYCHAIN, "Error: The keychain is locked"),
    (KEYCHAIN, "Error: Could not open the default keychain: errSecNoSuchKeychain"),
    (KEYCHAIN, "Error: keytar: Object does not exist at path /org/freedesktop/secrets/collection"),
    (KEYCHAIN, "The name org.freedesktop.secrets was not provided by any .service files"),
    (
        KEYCHAIN,
        "Error: libsecret-1.so.0: cannot open shared object file: No such file or directory",
    ),
    (KEYCHAIN, "Cannot spawn a message bus without a machine-id: Unable to load /etc/machine-id"),
    (KEYCHAIN, "Error: No Secret Service is available; gnome-keyring is not running"),
    (KEYCHAIN, "Failed to execute child process dbus-launch (No such file or directory)"),
    (FILE, "Error: EACCES: permission denied, open '/home/me/.config/tdx/tdx.json'"),
    (FILE, "Error: EACCES: permission denied, mkdir '/home/me/.config/tdx/sessions'"),
    (FILE, "EPERM: operation not permitted, unlink '/home/me/.tdx/sessions/403.json'"),
    (FILE, "Error: EROFS: read-only file system, open '/home/me/.cache/tdx/x'"),
    (FILE, "Error: ENOENT: no such file or directory, uv_cwd"),
    (FILE, "Error: EISDIR: illegal operation on a directory, read"),
    (FILE, "Error: Failed to parse /home/me/.config/tdx/tdx.json: Unexpected end of JSON input"),
    (FILE, "[Errno 13] Permission denied: '/home/me/.config/tdx/tdx.json'"),
    (PROXY, "Error: 407 Proxy Authentication Required"),
    (PROXY, "Error: tunneling socket could not be established, statusCode=407"),
    (PROXY, "Error: tunneling socket could not be established, statusCode=403"),
    (PROXY, "Proxy response (407) !== 200 when HTTP Tunneling"),
    (PROXY, "RequestAbortedError: Proxy response (403) !== 200 when HTTP Tunneling"),
    (PROXY, "HTTP 407: the proxy wants a password"),
    (CERTIFICATE, "Error: self-signed certificate in certificate chain"),
    (CERTIFICATE, "TypeError: fetch failed\n  cause: SELF_SIGNED_CERT_IN_CHAIN"),
    (CERTIFICATE, "Error: unable to verify the first certificate"),
    (CERTIFICATE, "reason: unable to get local issuer certificate"),
    (CERTIFICATE, "code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'"),
    (CERTIFICATE, "Error [ERR_TLS_CERT_ALTNAME_INVALID]: Hostname/IP does not match"),
    (CLOCK, "Error: certificate has expired"),
    (CLOCK, "TypeError: fetch failed, code: 'CERT_NOT_YET_VALID'"),
    (NODE, "SyntaxError: Unexpected token '??='"),
    (NODE, "SyntaxError: Cannot use import statement outside a module"),
    (NODE, "ReferenceError: fetch is not defined"),
    (NODE, "Error: tdx requires Node.js >= 20, this is v16.3.0"),
    (NODE, 'npm ERR! code EBADENGINE The engine "node" is incompatible with this module'),
    (NODE, "Error [ERR_REQUIRE_ESM]: require() of ES Module not supported"),
    (FULL, "Error: ENOSPC: no space left on device, write"),
    (FULL, "Error: EDQUOT: disk quota exceeded, write"),
    (FULL, "Error: EMFILE: too many open files, open '/home/me/.config/tdx/tdx.json'"),
]


@pytest.mark.parametrize(("advice", "text"), OWN)
def test_a_failure_of_the_machine_tells_its_cause_and_one_thing_to_do(
    advice: str, text: str
) -> None:
    error = error_of(text)
    assert type(error) is EnvironmentProblem, error
    assert advice in error.hint
    assert error.said
    assert (error.what, error.hint) == (error_of(text, WRITE).what, error_of(text, WRITE).hint)
    for word in ("write", "administrator", "configuration"):
        assert word not in error.hint


@pytest.mark.parametrize(
    "text",
    [
        "Error: No API key found in the keychain",
        "Error: Your session has expired. Please run tdx auth setup",
        "Error: login expired",
        "invalid_grant: the refresh token is revoked",
        "Error: The access token has expired",
        "Error: Session invalid",
    ],
)
def test_an_expired_or_missing_session_is_a_missing_login(text: str) -> None:
    assert type(error_of(text)) is NotAuthenticated


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (Refused, "Error: 403 Forbidden: this account may not use realtime"),
        (Refused, "Error: 422 Unprocessable Entity: column 'keychain' does not exist"),
        (Refused, "Error: 403 Forbidden: certificate has expired"),
        (Refused, "Error: permission denied"),
        (NotFound, "Error: 404 Not Found: /audiences/407"),
        (NotFound, "Error: column 'keyring' not found"),
        (Transient, "Error: read ECONNRESET"),
        (Transient, "Error: connect ECONNREFUSED 127.0.0.1:3128"),
        (Transient, "TypeError: fetch failed"),
        (Transient, "getaddrinfo EAI_AGAIN api-cdp.treasuredata.com"),
        (Transient, "Error: tunneling socket could not be established, statusCode=503"),
        (Transient, "Proxy response (502) !== 200 when HTTP Tunneling"),
        (Transient, "write EPIPE"),
        (CallFailed, "SyntaxError: Unexpected token '<', \"<!DOCTYPE \"... is not valid JSON"),
    ],
)
def test_what_the_api_or_the_network_says_stays_what_it_is(
    kind: type[TdxwrapError], text: str
) -> None:
    assert type(error_of(text)) is kind


def test_a_refusal_in_a_body_stays_one_whatever_it_is_about() -> None:
    body = '{"errors": [{"status": "403", "detail": "EACCES: permission denied, open keychain"}]}'
    assert type(error_of("", stdout=body)) is Refused


@pytest.mark.parametrize("text", ["what is this?", "Error: read ECONNRESET", "Error: 503"])
def test_only_of_a_write_it_is_open_whether_it_was_applied(text: str) -> None:
    assert "writ" not in error_of(text, READ).hint
    assert "writ" in error_of(text, WRITE).hint


def test_only_after_a_write_the_advice_to_run_it_again_says_that_it_is_safe() -> None:
    read, write = (("tdx", "api", "/x", *more) for more in ((), ("-X", "PATCH")))
    safe = "it looks at what is live before it writes"
    said = [safe in again(CompletedCall(argv, None, "", "")) for argv in (read, write)]
    assert said == [False, True]
