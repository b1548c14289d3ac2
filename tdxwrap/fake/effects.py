"""Faults that happen to the process: it dies, hangs, asks, signals, loses the network."""

from __future__ import annotations

import os
import signal
import time

from tdxwrap.fake import streams
from tdxwrap.fake.answer import Answer
from tdxwrap.fake.errors import HttpError, Refused
from tdxwrap.fake.faults import signal_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from tdxwrap.fake.calllog import Record
    from tdxwrap.fake.jsontypes import Json

HOST = "api-cdp.treasuredata.com"
RESET = f"Error: request to https://{HOST} failed, reason: read ECONNRESET"
NOT_RESOLVED = f"Error: request to https://{HOST} failed, reason: getaddrinfo ENOTFOUND {HOST}"


def _killed(rule: Json, record: Record) -> None:
    record.write()
    os.kill(os.getpid(), signal.SIGKILL)


def _hang(rule: Json, record: Record) -> None:
    record.write()
    if rule["ignore_sigterm"]:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if rule["with_child"]:
        os.posix_spawnp("sleep", ["sleep", str(rule["seconds"])], dict(os.environ))
    time.sleep(rule["seconds"])


def _delay(rule: Json, record: Record) -> None:
    record.write()
    time.sleep(rule["seconds"])


def _signal_caller(rule: Json, record: Record) -> None:
    record.write()
    os.kill(os.getppid(), getattr(signal, signal_name(rule["signal"])))
    time.sleep(rule["seconds"])


def _connection_reset(rule: Json, record: Record) -> None:
    raise Refused(RESET)


def _dns(rule: Json, record: Record) -> None:
    raise Refused(NOT_RESOLVED)


def _http(rule: Json, record: Record) -> None:
    detail = rule["detail"] or f"The server answered {rule['status']}"
    raise HttpError(rule["status"], detail, rule["code"], retry_after=rule["retry_after"])


def _prompt(rule: Json, record: Record) -> None:
    record.write()
    if not streams.confirmed(rule["text"]):
        raise Refused("Aborted.")


def _disabled_api(rule: Json, record: Record) -> None:
    from tdxwrap.fake.api import DISABLED

    raise Refused(DISABLED)


def _unauthenticated(rule: Json, record: Record) -> None:
    from tdxwrap.fake.identity import NOT_AUTHENTICATED

    raise Refused(NOT_AUTHENTICATED)


def _own_failure(rule: Json, record: Record) -> None:
    raise Refused(rule["text"])


EFFECTS: dict[str, Callable[[Json, Record], None]] = {
    "killed": _killed,
    "hang": _hang,
    "delay": _delay,
    "signal-caller": _signal_caller,
    "connection-reset": _connection_reset,
    "lost-answer": _connection_reset,
    "dns": _dns,
    "http": _http,
    "prompt": _prompt,
    "disabled-api": _disabled_api,
    "unauthenticated": _unauthenticated,
    "own-failure": _own_failure,
}


def happen(rule: Json, when: str, record: Record, answer: Answer) -> None:
    """Let the fault happen if this is its moment; it may end the call by raising."""
    if moment(rule) != when:
        return
    effect = EFFECTS.get(rule["fault"])
    if effect is not None:
        record.describe({"applied": answer.applied})
        effect(rule, record)


def moment(rule: Json) -> str:
    """Whether a fault happens before or after the change is applied."""
    default = "after" if rule["fault"] == "lost-answer" else "before"
    chosen: str = rule.get("when", default)
    return chosen
