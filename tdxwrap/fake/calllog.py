"""The record of every call: a line each, or one when it began and one when it ended."""

from __future__ import annotations

import os
import time

from tdxwrap.fake import identity as who
from tdxwrap.fake import quickjson, streams
from tdxwrap.fake.store import CALLS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from tdxwrap.fake.context import Context
    from tdxwrap.fake.jsontypes import Json
    from tdxwrap.fake.store import Store

SHOWN_VARIABLES = ("NO_COLOR", "NO_UPDATE_NOTIFIER", "FORCE_COLOR", "TDX_SESSION", "FAKE_TDX_LINE")


class Record:
    """The line of one call. One that may not live to its end is written early; the later line goes
    before it, so that no call has to read what the others wrote.
    """

    def __init__(self, store: Store, fields: Json) -> None:
        self._store = store
        self._fields = fields
        self._clock = time.monotonic()

    def describe(self, fields: Json) -> None:
        """Add what has become known."""
        self._fields.update(fields)

    def write(self) -> None:
        """Write what is known so far; the lock must be free."""
        line = quickjson.dumps(self._fields) + "\n"
        path = self._store.path(CALLS)
        with self._store.lock(), open(path, "a", encoding="utf-8", errors="replace") as file:
            file.write(line)

    def finish(self, exit_code: int, applied: bool) -> None:
        """Write the line of a call that has ended."""
        seconds = round(time.monotonic() - self._clock, 4)
        self._fields.update({"exit": exit_code, "applied": applied, "seconds": seconds})
        self.write()


def begin(store: Store, number: int, argv: list[str], environ: Mapping[str, str]) -> Record:
    """The record of a call of which only the command line is known."""
    fields = {
        "n": number,
        "argv": who.redact(argv, environ),
        "pid": os.getpid(),
        "ppid": os.getppid(),
        "cwd": os.getcwd(),
        "stdin": streams.stdin_kind(),
        "stdout": streams.stdout_kind(),
        "env": {name: environ[name] for name in SHOWN_VARIABLES if name in environ},
        "started": time.time(),
        "seconds": None,
        "exit": None,
        "write": False,
        "applied": False,
        "fault": None,
    }
    return Record(store, fields)


def identity_fields(context: Context) -> Json:
    """Who calls, without any credential."""
    identity = context.identity
    return {
        "session": identity.session,
        "profile": identity.profile,
        "site": identity.site,
        "account": who.account_name(identity, context.settings),
    }


def request_fields(context: Context) -> Json:
    """What is asked of the API, as far as it can be read."""
    invocation = context.invocation
    if invocation.command != "api":
        return {}
    fields: Json = {"method": invocation.method, "path": invocation.arguments[0]}
    return {**fields, "body": _readable_body(invocation.values), "write": invocation.writes}


def _readable_body(values: dict[str, str]) -> Any:
    text = values.get("data")
    path = text[1:] if text and text.startswith("@") else values.get("file")
    try:
        if path is not None:
            with open(path, encoding="utf-8") as file:
                text = file.read()
        return None if text is None else quickjson.loads(text)
    except (OSError, ValueError):
        return text
