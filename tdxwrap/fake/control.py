"""The Python handle on a fake world, for tests, rehearsals and benchmarks."""

from __future__ import annotations

import json
import shlex
import shutil
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tdxwrap.fake import faults, scenario, scenario_rules, segments
from tdxwrap.fake.store import CALLS, COUNTER, DATA, FAULTS, PAST, SETTINGS, Store


@dataclass(frozen=True)
class Call:
    """One call of the fake, as `calls.jsonl` records it."""

    n: int
    argv: tuple[str, ...]
    pid: int
    ppid: int
    session: str | None
    profile: str | None
    site: str | None
    account: str | None
    cwd: str
    method: str | None
    path: str | None
    body: Any
    stdin: str
    stdout: str
    env: dict[str, str]
    started: float
    seconds: float | None
    exit: int | None
    write: bool
    applied: bool
    fault: str | None

    @property
    def step(self) -> str:
        """The step of the recipe that the call writes, `7a`, `7b` or `7c`; empty for a read."""
        path = str(self.path) if self.write else ""
        if "attributes" in path:
            return "7c"
        if "key_events" in path or (path and "eventTables" in (self.body or ())):
            return "7a"
        return "7b" if path else ""

    @property
    def line(self) -> str:
        """The line of the bash script that made the call; empty if bash did not tell."""
        return self.env.get("FAKE_TDX_LINE", "")


class World:
    """The world in one state directory; its methods are safe while calls are running."""

    def __init__(self, state_dir: str | Path) -> None:
        """Open the world that is already in `state_dir`."""
        self.state_dir = Path(state_dir).absolute()
        self._store = Store(str(self.state_dir))
        if not self._store.exists():
            raise FileNotFoundError(f"no fake world in {self.state_dir}")

    @classmethod
    def create(cls, state_dir: str | Path, scenario_or_path: dict[str, Any] | str | Path) -> World:
        """Build a world from a scenario (a dict or a YAML file), in place of any earlier one."""
        given = scenario_or_path
        world = scenario.build(given) if isinstance(given, dict) else scenario.read(str(given))
        store = Store(str(state_dir))
        Path(state_dir).mkdir(mode=0o700, parents=True, exist_ok=True)
        with store.lock():
            for name in (CALLS, FAULTS, COUNTER):
                Path(store.path(name)).unlink(missing_ok=True)
            shutil.rmtree(store.path(PAST), ignore_errors=True)
            Path(store.path(DATA)).unlink(missing_ok=True)
            for session in Path(store.path("sessions")).glob("*.json"):
                session.unlink()
            scenario.install(store, world)
        return cls(state_dir)

    def environ(self) -> dict[str, str]:
        """The variables that make a child use this world."""
        return {"FAKE_TDX_STATE": str(self.state_dir)}

    def launcher(self) -> Path:
        """An executable `tdx` bound to this world, for where there is no source tree."""
        return write_launcher(self.state_dir, self.environ())

    def state(self) -> dict[str, Any]:
        """The whole world: the settings, and `accounts` with all they hold."""
        return {**self._store.load(SETTINGS), **self._store.load(DATA)}

    def segment(self, id_or_name: str, account: str | None = None) -> dict[str, Any]:
        """A copy of one parent segment, with `realtime` in the form of the API."""
        return _find(self._store.load(DATA), id_or_name, account)

    def live(self) -> dict[str, dict[str, Any]]:
        """What is configured now, in the form of the API, by the id of the parent segment."""
        accounts = self._store.load(DATA)["accounts"].values()
        configured = [s for account in accounts for s in account["segments"] if s["realtime"]]
        return {segment["id"]: _shown(segment) for segment in configured}

    def status(self, id_or_name: str, account: str | None = None) -> str:
        """The realtime status as a call would show it now."""
        return segments.status(self.segment(id_or_name, account), time.time())

    def set(self, path: str, value: Any) -> None:
        """Change a setting: `tdx.api_enabled`, `updating_seconds`, `final_status`, …"""
        problem = scenario_rules.setting_problem(path, value)
        if problem:
            raise ValueError(problem)
        section, _, name = path.rpartition(".")
        with self._store.lock():
            settings = self._store.load(SETTINGS)
            (settings[section] if section else settings)[name] = value
            self._store.save(SETTINGS, settings)

    def set_credentials(self, keychain: dict[str, str], keys: dict[str, str]) -> None:
        """Change the keychain entries and which key opens which account."""
        with self._store.lock():
            settings = self._store.load(SETTINGS)
            settings["credentials"] = {"keychain": keychain, "keys": keys}
            self._store.save(SETTINGS, settings)

    @contextmanager
    def edit_segment(self, id_or_name: str, account: str | None = None) -> Iterator[dict[str, Any]]:
        """Change a parent segment in place, as someone else would between two calls."""
        with self._store.lock():
            data = self._store.load(DATA)
            yield _find(data, id_or_name, account)
            self._store.save(DATA, data)

    def add_segment(self, id: str, name: str, **fields: Any) -> None:
        """Add a parent segment; fields as in a scenario, ScenarioError if they are unknown."""
        built = scenario.build({"segments": [{"id": id, "name": name, **fields}]})["data"]
        with self._edit_account() as (data, account):
            data["next_id"] = max(data["next_id"], built["next_id"])
            account["segments"] += built["accounts"]["main"]["segments"]

    def add_table(self, table: str, columns: dict[str, str]) -> None:
        """Add a table, `database.table`, with the types of its columns."""
        database, _, name = table.partition(".")
        with self._edit_account() as (_, account):
            account["databases"].setdefault(database, {})[name] = columns

    @contextmanager
    def _edit_account(self) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
        """Change the first account in place; yields all data, and that account in it."""
        with self._store.lock():
            data = self._store.load(DATA)
            yield data, next(iter(data["accounts"].values()))
            self._store.save(DATA, data)

    def set_status(self, id_or_name: str, status: str) -> None:
        """Give a segment a status that stays until the next write."""
        with self.edit_segment(id_or_name) as segment:
            segment["realtime"] = segment["realtime"] or segments.blank_realtime("1")
            segment["realtime"].update({"status": status, "updatingUntil": 0})

    def add_fault(
        self,
        fault: str,
        match: dict[str, Any] | None = None,
        times: int = 1,
        skip: int = 0,
        **params: Any,
    ) -> None:
        """Arm a fault; an unknown name, matcher or parameter raises FaultError."""
        rule = {"fault": fault, "match": match or {}, "times": times, "skip": skip, **params}
        checked = faults.checked(rule)
        with self._store.lock():
            self._store.save(FAULTS, [*self._store.load_or(FAULTS, []), checked])

    def clear_faults(self) -> None:
        """Disarm everything."""
        with self._store.lock():
            self._store.save(FAULTS, [])

    def faults(self) -> list[dict[str, Any]]:
        """All rules with their parameters, `seen` and `fired`."""
        rules: list[dict[str, Any]] = self._store.load_or(FAULTS, [])
        return rules

    def unfired_faults(self) -> list[dict[str, Any]]:
        """The rules that never fired, or less often than they were armed for."""
        return [rule for rule in self.faults() if rule["fired"] < max(1, rule["times"])]

    def calls(self) -> list[Call]:
        """Every recorded call, in the order in which the calls began."""
        try:
            text = Path(self._store.path(CALLS)).read_text(encoding="utf-8")
        except FileNotFoundError:
            return []
        lines = [json.loads(line) for line in text.splitlines() if line]
        # The line of a call's end goes before that of its beginning.
        latest = {fields["n"]: fields for fields in lines}
        return [_call(latest[number]) for number in sorted(latest)]

    def writes(self) -> list[Call]:
        """The calls that ask the API for a change, applied or not, in order."""
        return [call for call in self.calls() if call.write]

    def clear_calls(self) -> None:
        """Forget the calls so far; the numbering starts again at 1."""
        with self._store.lock():
            for name in (CALLS, COUNTER):
                Path(self._store.path(name)).unlink(missing_ok=True)


def write_launcher(folder: str | Path, environ: Mapping[str, str]) -> Path:
    """Write an executable `tdx` into a folder: the fake with these variables set."""
    path = Path(folder) / "tdx"
    main = Path(faults.__file__).with_name("__main__.py")
    words = " ".join(shlex.quote(str(word)) for word in (sys.executable, "-I", "-S", main))
    exports = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in environ.items())
    path.write_text(f'#!/bin/sh\n{exports}exec {words} "$@"\n', encoding="utf-8")
    path.chmod(0o700)
    return path


def _shown(segment: dict[str, Any]) -> dict[str, Any]:
    realtime = segment["realtime"]
    shown = {name: value for name, value in realtime.items() if not name.startswith("updating")}
    return {**shown, "status": segments.status(segment, time.time())}


def _call(fields: dict[str, Any]) -> Call:
    missing = dict.fromkeys(("session", "profile", "site", "account", "method", "path", "body"))
    return Call(**{**missing, **fields, "argv": tuple(fields["argv"])})


def _find(data: dict[str, Any], reference: str, account: str | None) -> dict[str, Any]:
    accounts = data["accounts"]
    searched = [accounts[account]] if account else list(accounts.values())
    every = {"segments": [segment for one in searched for segment in one["segments"]]}
    return segments.find(every, reference)
