"""The throwaway world of a rehearsal: all a configuration needs, on the built-in fake tdx."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tdxwrap.apply.export import config_text
from tdxwrap.apply.session import Session, read_live
from tdxwrap.config.attributes import ImportedAttribute, with_names
from tdxwrap.config.load import load, parse
from tdxwrap.config.models import RtConfig
from tdxwrap.errors import TdxwrapError, UsageProblem
from tdxwrap.fake.control import World
from tdxwrap.fake.replay import Replay
from tdxwrap.journal import runs
from tdxwrap.plan import columns
from tdxwrap.realtime.api import Realtime
from tdxwrap.realtime.read import is_id
from tdxwrap.realtime.retry import Retry
from tdxwrap.realtime.state import LiveState
from tdxwrap.sandbox.environment import EXAMPLE, environment
from tdxwrap.system.spelling import did_you_mean
from tdxwrap.tdx.client import Tdx

PROFILE = "rehearsal"
UPDATING_SECONDS = 1
# Defaults for what a configuration leaves out.
SEGMENT_ID = "100001"
SEGMENT_NAME = "Rehearsal"
LOOKUP_KEY = "customer_id"
_ANY_WRITE = " -X "


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault in a rehearsal, in the terms of the fake.

    Attributes:
        help: one line on what happens.
        rule: a fault of `fake/faults.py`, which hits the third write by default.
        settings: settings of the world, such as `tdx.latency_ms`.
        logged_in, rt_enabled: whether tdx is logged in, and the parent segment RT-enabled.
        timeout: seconds allowed for one tdx call, in place of the user's limit.
    """

    help: str
    rule: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    logged_in: bool = True
    rt_enabled: bool = True
    timeout: float | None = None


FAULTS: Mapping[str, Fault] = {
    "slow": Fault("every call takes 0.4 s more", settings={"tdx.latency_ms": 400}),
    "timeout": Fault("a write hangs, and is ended after 3 s", {"fault": "hang"}, timeout=3.0),
    "lost-answer": Fault("a write is done, and its answer is lost", {"fault": "lost-answer"}),
    "truncated": Fault("the answer to a write breaks off", {"fault": "truncated"}),
    "unavailable": Fault(
        "from the third write on the API is down",
        {"fault": "http", "status": 503, "detail": "Service Unavailable", "times": 0},
    ),
    "refused": Fault(
        "the API refuses a write",
        {"fault": "http", "status": 422, "detail": "refused for this rehearsal"},
    ),
    "interrupted": Fault("Ctrl-C during a write", {"fault": "signal-caller", "when": "after"}),
    "inconsistent": Fault("the status never gets ok", settings={"final_status": "inconsistent"}),
    "not-enabled": Fault("RT is not enabled for the parent segment", rt_enabled=False),
    "disabled-api": Fault("tdx api is switched off", settings={"tdx.api_enabled": False}),
    "not-logged-in": Fault("tdx has no credentials", logged_in=False),
}


def fault_called(name: str | None) -> Fault:
    """Return the fault of that name, or one that does nothing if there is no name.

    Raises:
        UsageProblem: there is no such fault.
    """
    if name is None:
        return Fault("")
    if name not in FAULTS:
        hint = did_you_mean(name, FAULTS) or "see `tdxwrap rehearse --fault list`"
        raise UsageProblem(f"there is no fault {name}", hint=hint)
    return FAULTS[name]


@dataclass(frozen=True, slots=True)
class Start:
    """The parent segment of a rehearsal, and what is live on it; None for a blank one."""

    id: str
    name: str
    live: RtConfig | None = None


def start_from(
    source: str | None, config: RtConfig, environ: Mapping[str, str], folder: Path
) -> Start:
    """Return the state in which the rehearsal begins.

    Args:
        source: an exported file (.yaml), all of which is live; a journal (an id, `last` or a
            path), for the segment as that run found it; or None for a blank segment.
        environ: the environment of the user.
        folder: a folder for temporary files.
    Raises:
        UsageProblem: there is no such journal, or it holds too little.
        ConfigError: the file is not a configuration.
    """
    if source is None:
        return _named(config.parent_segment)
    if source.endswith((".yaml", ".yml")):
        exported = load(source, environ=environ).config
        start = _named(exported.parent_segment or config.parent_segment)
        return Start(start.id, start.name, exported)
    found = _live_in(runs.find(environ, source), environ, folder)
    live = None
    if found.size:
        live = parse(source, config_text(found).encode(), environ={}).config
    return Start(found.segment.id, found.segment.name, live)


def _named(ps: str | None) -> Start:
    if ps is not None and is_id(ps):
        return Start(ps, SEGMENT_NAME)
    return Start(SEGMENT_ID, ps or SEGMENT_NAME)


def _live_in(run: runs.Run, environ: Mapping[str, str], folder: Path) -> LiveState:
    """Return what a run read first: repeat its calls, answered from its journal."""
    replay = Replay.create(folder / "replay", run.path)
    try:
        asked_for = run.lines[0]["segment"] or ""
        return live_through(replay.launcher(), environment(environ, folder), asked_for)
    except TdxwrapError as error:
        raise UsageProblem(
            f"{run.path} does not hold everything that is live on a parent segment",
            said=error.said or error.what,
            hint="take the journal of an apply, a plan or a verify; or a file that "
            "`tdxwrap export` has written",
        ) from None


def live_through(tdx: Path, environ: Mapping[str, str], ps: str) -> LiveState:
    """Read what a launcher of the fake tells of a parent segment; raises as `read_live`."""
    with Tdx(str(tdx), environ=environ) as opened:
        retry = Retry(sleep=lambda seconds: None)
        return read_live(Session(Realtime(opened), retry=retry), ps)


# The world


def build(folder: Path, config: RtConfig, start: Start, fault: Fault) -> World:
    """Build a world in which a configuration can be applied, with a fault in it."""
    keychain = {PROFILE: "key-of-the-rehearsal"} if fault.logged_in else {}
    account = scenario(config, start)
    account["tdx"]["credentials"] = {"keychain": keychain}
    account["segments"][0]["rt_enabled"] = fault.rt_enabled
    world = World.create(folder / "world", account)
    for path, value in fault.settings.items():
        world.set(path, value)
    if fault.rule:
        world.add_fault(**{"match": {"command": _ANY_WRITE}, "skip": 2, **fault.rule})
    return world


def scenario(config: RtConfig, start: Start) -> dict[str, Any]:
    """Return an account that holds everything that a configuration and what is live need."""
    configs = (config,) if start.live is None else (config, start.live)
    segment = {
        "id": start.id,
        "name": start.name,
        "master_table": {"columns": _master_columns(*configs)},
        "realtime": None if start.live is None else _realtime(start.live),
    }
    return {
        "updating_seconds": UPDATING_SECONDS,
        "tdx": {"more_properties": _extras(*configs)},
        "databases": tables(*configs),
        "segments": [segment],
    }


def example() -> dict[str, Any]:
    """Return an account for the example configuration, which takes the recipe's commands: they
    leave `identifier` out (F14)."""
    config = load(EXAMPLE, environ={}).config
    found = scenario(config, Start(str(config.parent_segment), "Customer 360"))
    found["tdx"]["require_identifier"] = False
    return found


def tables(*configs: RtConfig) -> dict[str, dict[str, dict[str, str]]]:
    """Return every table in the configurations, by database, with the columns that they read."""
    found: dict[str, dict[str, dict[str, str]]] = {}
    keys = {key.name: "string" for config in configs for key in config.id_stitching.keys}
    for config in configs:
        for table in config.tables():
            known = found.setdefault(table.database, {}).setdefault(table.table, {"time": "long"})
            known.update(keys)
        events = {event.name: event for event in config.key_events}
        for _, name, _, column, _ in columns.uses(config):
            found[events[name].database][events[name].table].setdefault(column, "")
    return found


def _master_columns(*configs: RtConfig) -> dict[str, str]:
    keys = [config.id_stitching.ext_lookup_key for config in configs]
    columns = [part.column for config in configs for part in config.batch()]
    return dict.fromkeys((*filter(None, keys), *columns), "string") or {LOOKUP_KEY: "string"}


def _extras(*configs: RtConfig) -> list[str]:
    """Return the properties that the configurations pass on, for the account to know."""
    parts = [
        part
        for config in configs
        for part in (*config.key_events, *config.id_stitching.keys, *config.collected().values())
    ]
    return sorted({name for part in parts for name in part.extra})


def _realtime(live: RtConfig) -> dict[str, Any]:
    """Return the live configuration in the form of the API."""
    ids = {event.name: str(number) for number, event in enumerate(live.key_events, 1)}
    return {
        "eventTables": [table.to_api() for table in live.tables()],
        "keyColumns": [key.to_api() for key in live.id_stitching.keys],
        "batchAttributes": [each.to_api() for each in live.batch()],
        "extLookupKey": live.id_stitching.ext_lookup_key,
        "keyEvents": [{"id": ids[e.name], **e.to_api()} for e in live.key_events],
        "attributes": [
            *(with_names(each.to_api(), ids) for each in live.collected().values()),
            *(_imported(each) for each in live.imported().values()),
        ],
    }


def _imported(part: ImportedAttribute) -> dict[str, Any]:
    return {"type": "imported", "identifier": part.column, "name": part.name or part.column}
