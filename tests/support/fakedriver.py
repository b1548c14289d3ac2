"""Runs the launcher as a real process and reads what it says."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import tempfile
from collections.abc import Callable
from typing import Any

from support import forked_tdx
from support.shells import FAKE_TDX, FIXTURES, Ran, Shell
from tdxwrap.fake import cli
from tdxwrap.fake.control import World

SCENARIOS = FIXTURES / "scenarios"
PS = "/audiences/394649"
ALL = {"type": "And", "conditions": []}
TABLE = {"database": "web_events", "table": "pageviews"}
KEY_EVENT = {
    "name": "page_view",
    "databaseName": "web_events",
    "tableName": "pageviews",
    "filterRule": ALL,
}


class Fake:
    """A world, and the tdx of a shell that acts on it."""

    def __init__(self, world: World, shell: Shell) -> None:
        self.world = world
        self.cwd = shell.cwd
        self.env = {**shell.environ}

    def start(self, *argv: str, **options: Any) -> subprocess.Popen[bytes]:
        env = {**self.env, **options.pop("env", {})}
        launcher = options.pop("launcher", FAKE_TDX)
        options = {"stdin": subprocess.DEVNULL, "cwd": self.cwd, **options}
        return subprocess.Popen([str(launcher), *argv], env=env, **options)

    def run(self, *argv: str, **options: Any) -> Ran:
        with tempfile.TemporaryFile() as out:
            process = self.start(*argv, stdout=out, stderr=subprocess.PIPE, **options)
            _, err = process.communicate(timeout=30)
            out.seek(0)
            return _ran(process.returncode, out.read(), err.decode(errors="replace"))

    def api(self, path: str, method: str = "GET", body: Any = None) -> Ran:
        """One API call."""
        words = ["api", path, "--type", "cdp"]
        words += ["-X", method] if method != "GET" else []
        words += ["--data", json.dumps(body)] if body is not None else []
        return self.call(*words)

    def call(self, *argv: str, env: dict[str, str] | None = None) -> Ran:
        """One call; as long as no process has to be, the answer alone, without its start-up."""
        environ = {"TDX_SESSION": str(os.getpid()), **self.env, **(env or {})}
        if forked_tdx.needs_process(environ):
            return self.run(*argv, env=environ)
        with contextlib.chdir(self.cwd):
            answer = cli.call(list(argv), environ)
        return _ran(answer.exit_code, answer.out, answer.err)

    def configure(self) -> str:
        """Set one event table and one key event; returns the key event's id."""
        self.ok(f"{PS}/realtime_setting", "PATCH", {"eventTables": [TABLE]})
        event: str = self.ok(f"{PS}/realtime_key_events", "POST", KEY_EVENT)["id"]
        return event

    def ok(self, path: str, method: str = "GET", body: Any = None) -> Any:
        said = self.api(path, method, body)
        assert said.code == 0, said.err
        return said.json

    def refused(self, status: int, path: str, method: str = "GET", body: Any = None) -> str:
        said = self.api(path, method, body)
        assert said.code == 1, said
        assert f"failed: {status} " in said.err, said.err
        return said.err


def _ran(code: int, out: bytes, err: str) -> Ran:
    return Ran(code, out.decode("utf-8", "surrogateescape"), err)


NewFake = Callable[..., Fake]


def single(event: str, **fields: Any) -> dict[str, Any]:
    """A valid body for a single attribute."""
    body = {
        "name": "last_product",
        "identifier": "last_product",
        "type": "single",
        "realtimeKeyEventId": event,
        "valueColumn": "product_id",
        "dataType": "string",
        "duration": {"value": 1, "unit": "day"},
    }
    return {**body, **fields}


def listed(event: str, **fields: Any) -> dict[str, Any]:
    """A valid body for a list attribute, as the recipe sends it."""
    part = {"name": "items", "identifier": "items"}
    body = {
        "name": "browsed",
        "identifier": "browsed",
        "type": "list",
        "realtimeKeyEventId": event,
        "valueColumn": "product_id",
        "idColumn": "product_id",
        "maxItems": 100,
        "aggregations": [{**part, "column": "product_id", "aggregationType": "distinct_list"}],
        "duration": {"value": 60, "unit": "day"},
    }
    return {**body, **fields}


def counter(event: str, **fields: Any) -> dict[str, Any]:
    """A valid body for a counter attribute, as the recipe sends it."""
    body = {
        "name": "Page views 24h",
        "identifier": "views",
        "type": "counter",
        "realtimeKeyEventId": event,
        "counterType": "total",
        "increment": {"type": "const", "value": 1},
        "duration": {"value": 24, "unit": "hour"},
    }
    return {**body, **fields}
