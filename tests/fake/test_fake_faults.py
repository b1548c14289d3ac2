"""Every fault, once, and the rules that choose them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from typing import Any

import pytest
from support.fakedriver import PS, Fake

from tdxwrap.fake.faults import PARAMETERS, FaultError

SETTING = f"{PS}/realtime_setting"
BODY = {"extLookupKey": "customer_id"}
PATCH = {"method": "PATCH"}


def _patch(fake: Fake) -> Any:
    return fake.api(SETTING, "PATCH", BODY)


def _applied(fake: Fake) -> bool:
    applied = fake.world.segment("394649")["realtime"] is not None
    assert fake.world.writes()[0].applied is applied
    return bool(applied)


def _fired_all(fake: Fake) -> bool:
    return not fake.world.unfired_faults()


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    ("fault", "params", "code", "err"),
    [
        ("http", {"status": 503, "retry_after": 7}, 1, "503 Service Unavailable"),
        ("http", {"status": 418, "style": "stderr", "detail": "teapot"}, 1, "418 Error: teapot"),
        ("connection-reset", {}, 1, "ECONNRESET"),
        ("killed", {}, -signal.SIGKILL, ""),
        ("garbage", {}, 0, ""),
        ("empty", {}, 0, ""),
        ("html", {"status": 504}, 0, ""),
        ("hang", {"seconds": 0.05}, 0, ""),
        ("delay", {"seconds": 0.05}, 0, ""),
    ],
)
def test_fault_before_or_after_the_change(
    fake: Fake, when: str, fault: str, params: dict[str, Any], code: int, err: str
) -> None:
    fake.world.add_fault(fault, PATCH, when=when, **params)
    said = _patch(fake)
    assert said.code == code
    assert err in said.err
    goes_on = fault in ("hang", "delay")
    assert _applied(fake) is (when == "after" or goes_on)
    (call,) = fake.world.calls()
    assert (call.exit, call.fault) == (None if code < 0 else code, fault)
    assert _fired_all(fake)


@pytest.mark.parametrize(
    ("fault", "err"),
    [
        ("dns", "ENOTFOUND"),
        ("disabled-api", "API command safety"),
        ("unauthenticated", "Not authenticated"),
        ("prompt", "Aborted."),
    ],
)
def test_fault_that_refuses_before_the_change(fake: Fake, fault: str, err: str) -> None:
    fake.world.add_fault(fault, PATCH)
    said = _patch(fake)
    assert (said.code, err in said.err) == (1, True)
    assert not _applied(fake)
    assert _patch(fake).code == 0


def test_lost_answer_has_been_applied(fake: Fake) -> None:
    fake.world.add_fault("lost-answer", PATCH)
    said = _patch(fake)
    assert (said.code, said.out, "ECONNRESET" in said.err) == (1, "", True)
    assert _applied(fake)


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"style": "body"}, (1, {"errors": [_item := {"code": "conflict-error"}]})),
        ({"style": "ok-body", "form": "code"}, (0, {"code": "conflict-error", "message": "no"})),
        ({"style": "body", "form": "text"}, (1, {"errors": "no"})),
    ],
    ids=str,
)
def test_http_fault_chooses_its_own_style(
    fake: Fake, params: dict[str, Any], expected: tuple[int, Any]
) -> None:
    fake.world.add_fault("http", PATCH, status=409, detail="no", retry_after=2, **params)
    said = _patch(fake)
    code, body = expected
    if isinstance(body.get("errors"), list):
        meta = {"retryAfter": 2}
        body = {"errors": [{**_item, "status": "409", "detail": "no", "meta": meta}]}
    assert (said.code, said.json) == (code, body)


@pytest.mark.parametrize(
    ("fault", "params", "check"),
    [
        ("truncated", {}, lambda out: 10 < len(out) < 200 and out.startswith(b"{")),
        ("banner", {"text": "New!"}, lambda out: out.startswith(b"New!\n\n{")),
        ("ansi", {}, lambda out: out.startswith(b"\x1b[32m{")),
        ("bom", {}, lambda out: out.startswith(b"\xef\xbb\xbf{")),
        ("invalid-utf8", {}, lambda out: b"\xff\xfe" in out and out.endswith(b"}\n")),
        ("big-output", {"bytes": 90_000}, lambda out: len(out) > 89_000 and json.loads(out)),
        ("one-line", {}, lambda out: max(map(len, out.split(b"\n"))) > 999_000),
        ("html", {}, lambda out: b"<html>" in out),
        ("garbage", {"text": "oops"}, lambda out: out == b"oops\n"),
        ("empty", {}, lambda out: out == b""),
    ],
)
def test_fault_that_spoils_the_answer(
    fake: Fake, fault: str, params: dict[str, Any], check: Any
) -> None:
    fake.world.add_fault(fault, PATCH, **params)
    said = _patch(fake)
    assert said.code == 0
    assert check(said.out.encode("utf-8", "surrogateescape"))
    assert _applied(fake)


def test_wrong_exit_has_a_good_answer(fake: Fake) -> None:
    fake.world.add_fault("wrong-exit", PATCH, exit=3)
    said = _patch(fake)
    assert (said.code, said.json["extLookupKey"]) == (3, "customer_id")


def test_stderr_flood(fake: Fake) -> None:
    fake.world.add_fault("stderr-flood", {"command": "ps list"}, lines=5_000)
    assert fake.run("ps", "list").err.count("\n") > 5_000


@pytest.mark.parametrize("to", ["all", "stdout", "stderr", "json"])
def test_echo_secrets_tells_every_key_and_token(fake: Fake, to: str) -> None:
    fake.world.add_fault("echo-secrets", {"command": "ps"}, to=to)
    fake.env.update({"MY_TOKEN": 't0k"en', "SOME_KEY": "k3y"})
    said = fake.call("ps", "rt", "list", "--json")
    assert ("SOME_KEY=k3y" in said.err) is (to in ("all", "stderr"))
    assert ("SOME_KEY=k3y" in said.out) is (to in ("all", "stdout"))
    assert ('"MY_TOKEN": "t0k\\"en"' in said.out) is (to in ("all", "json"))
    assert "k3y" not in (fake.world.state_dir / "calls.jsonl").read_text()


def test_prompt_goes_on_when_the_answer_is_yes(fake: Fake) -> None:
    fake.world.add_fault("prompt", {"command": "auth"})
    reader, writer = os.pipe()
    os.write(writer, b"y\n")
    os.close(writer)
    said = fake.run("auth", stdin=reader)
    os.close(reader)
    assert said.code == 0
    assert said.out.startswith("Continue? (y/N) Authenticated")


def test_hang_with_a_child_ignores_sigterm_and_is_in_the_log(fake: Fake) -> None:
    fake.world.add_fault(
        "hang", {"command": "auth"}, seconds=30, ignore_sigterm=True, with_child=True
    )
    process = fake.start("auth", stdout=subprocess.PIPE, process_group=0)
    deadline = time.monotonic() + 10
    while not fake.world.calls() and time.monotonic() < deadline:
        time.sleep(0.01)
    (call,) = fake.world.calls()
    assert (call.exit, call.fault, call.pid) == (None, "hang", process.pid)
    time.sleep(0.1)
    os.kill(process.pid, signal.SIGTERM)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.1)
    process.kill()
    process.wait(10)
    # The child still holds the pipe, in the same group.
    os.killpg(process.pid, signal.SIGKILL)
    assert process.stdout is not None
    assert process.stdout.read() == b""


@pytest.mark.parametrize("when", ["before", "after"])
def test_signal_caller(fake: Fake, when: str) -> None:
    got: list[int] = []
    earlier = signal.signal(signal.SIGUSR1, lambda number, frame: got.append(number))
    fake.world.add_fault("signal-caller", PATCH, signal="USR1", when=when)
    try:
        assert _patch(fake).code == 0
    finally:
        signal.signal(signal.SIGUSR1, earlier)
    assert got == [signal.SIGUSR1]


@pytest.mark.parametrize(
    ("match", "fires"),
    [
        ({}, True),
        ({"call": 1}, True),
        ({"call": 2}, False),
        ({"method": "patch"}, True),
        ({"method": "GET"}, False),
        ({"path": "realtime_setting"}, True),
        ({"path": r"^/audiences/\d+/realtime_s"}, True),
        ({"path": "key_events"}, False),
        ({"path": "[unclosed"}, False),
        ({"command": "-X PATCH"}, True),
        ({"command": "ps list"}, False),
        ({"method": "PATCH", "path": "setting", "call": 1}, True),
    ],
    ids=str,
)
def test_rules_match(fake: Fake, match: dict[str, Any], fires: bool) -> None:
    fake.world.add_fault("wrong-exit", match, exit=9)
    assert (_patch(fake).code == 9) is fires
    assert _fired_all(fake) is fires


def test_method_and_path_match_api_calls_only(fake: Fake) -> None:
    fake.world.add_fault("wrong-exit", {"method": "GET"}, exit=9)
    assert fake.call("auth").code == 0


def test_rules_are_skipped_repeated_and_counted(fake: Fake) -> None:
    fake.world.add_fault("wrong-exit", {"command": "auth"}, skip=1, times=2, exit=5)
    fake.world.add_fault("wrong-exit", {"command": "auth"}, skip=4, times=0, exit=6)
    codes = [fake.call("auth").code for _ in range(6)]
    assert codes == [0, 5, 5, 0, 6, 6]
    assert [rule["fired"] for rule in fake.world.faults()] == [2, 2]
    assert [rule["seen"] for rule in fake.world.faults()] == [6, 6]
    fake.world.clear_faults()
    assert fake.call("auth").code == 0


def test_first_armed_rule_wins(fake: Fake) -> None:
    for code in (5, 6):
        fake.world.add_fault("wrong-exit", {"command": "auth"}, exit=code)
    assert [fake.call("auth").code for _ in range(3)] == [5, 6, 0]


@pytest.mark.parametrize(
    ("fault", "params", "message"),
    [
        ("explode", {}, "unknown fault 'explode'"),
        ("http", {"colour": 1}, "no parameter 'colour'"),
        ("http", {"when": "later"}, "when of fault"),
        ("http", {"style": "loud"}, "style of fault"),
        ("http", {"status": "500"}, "must be a number"),
        ("http", {"match": {"url": "x"}}, "cannot match on url"),
        ("http", {"times": None}, "times of fault 'http' must be a number"),
        ("http", {"skip": "1"}, "skip of fault 'http' must be a number"),
        ("lost-answer", {"when": "before"}, "no parameter 'when'"),
        ("signal-caller", {"signal": "SIGNOPE"}, "unknown signal"),
    ],
)
def test_unknown_faults_and_parameters_are_errors(
    fake: Fake, fault: str, params: dict[str, Any], message: str
) -> None:
    with pytest.raises(FaultError, match=message):
        fake.world.add_fault(fault, **params)
    assert fake.world.faults() == []


@pytest.mark.parametrize("fault", PARAMETERS)
def test_defaults_of_every_fault_are_valid(fake: Fake, fault: str) -> None:
    fake.world.add_fault(fault)
    assert fake.world.faults()[0]["times"] == 1


def test_misused_command_line_consumes_no_fault(fake: Fake) -> None:
    fake.world.add_fault("killed")
    assert fake.call("nonsense").code == 2
    assert not _fired_all(fake)
