"""Check that everything is in place for an apply (F4–F6, F18, F19, F24)."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

from tdxwrap.apply.checklist import Check, State
from tdxwrap.apply.session import STORED_LOGIN, Session
from tdxwrap.config.load import LoadedConfig
from tdxwrap.config.models import EventTable, RtConfig
from tdxwrap.errors import (
    CallFailed,
    EnvironmentProblem,
    NotAuthenticated,
    NotFound,
    Refused,
    TdxMissing,
    TdxwrapError,
)
from tdxwrap.plan import columns
from tdxwrap.plan.changes import Topic
from tdxwrap.realtime.read import Reads, is_id, live_state, resolve_segment, start_items
from tdxwrap.realtime.shapes import UNKNOWN, Deviation, Shape
from tdxwrap.realtime.state import TERMINAL, LiveState, Schema, Segment
from tdxwrap.realtime.tables import SchemaReads
from tdxwrap.system.threads import result
from tdxwrap.tdx.login import credential_source
from tdxwrap.tdx.process import find_executable

# Errors that fail a check; any other (an interrupt, a bug) ends the run.
_FAILURES = (EnvironmentProblem, Refused, CallFailed)
_ENVIRONMENT = frozenset(("tdx", "login", "tdx api"))
_NO_SEGMENT = "0"  # an id that no parent segment has, to see whether the API answers at all


class Answers:
    """Compares what tdx answers with the declared shapes. May be told of it from several threads.

    Of an answer nothing is kept but the places of its deviations: no value, and no name that is not
    declared.
    """

    def __init__(self) -> None:
        self._seen: list[tuple[Shape, frozenset[Deviation]]] = []

    def note(self, shape: Shape, answer: Any) -> None:
        """Compare one answer with its shape."""
        self._seen.append((shape, frozenset(shape.deviations(answer))))

    def checks(self, not_read: Mapping[str, TdxwrapError]) -> list[Check]:
        """Return a warning for each deviation, and a count.

        Args:
            not_read: the reads that failed.
        """
        found = {(shape.name, shape.fact, *each) for shape, some in self._seen for each in some}
        known = sorted(each for each in found if each[3] != UNKNOWN)
        warnings = [
            f"{name}: {at or 'it is'} {problem} ({fact})" for name, fact, at, problem in known
        ]
        warnings += [f"{name}: not read ({error.kind})" for name, error in not_read.items()]
        kinds, unknown = len({shape.name for shape, _ in self._seen}), len(found) - len(known)
        total = f"{kinds} kinds read{'' if warnings else ', each in the known form'}"
        total += f"; unknown properties: {unknown}" if unknown else ""
        checks = [Check("answers", State.WARNING, text) for text in warnings]
        return [*checks, Check("answers", State.OK, total)]


def examine(
    session: Session, loaded: LoadedConfig | None, ps: str | None, account: str
) -> tuple[Check, ...]:
    """Make every check that can be made; independent ones side by side.

    Args:
        loaded: None leaves out the checks of tables and columns.
        ps: id or name of a parent segment; None if none was named.
        account: the profile and site in use, as far as known (F5).
    """
    answers = Answers()
    api = replace(session.api, on_answer=answers.note)
    with Reads(api, session.retry) as reads:
        asked = ps if ps and is_id(ps) else _NO_SEGMENT
        futures = [reads.start(call) for call in (api.version, api.check_auth)]
        listing = None if ps is None else reads.start(api.segments, ps)
        probe = reads.start(api.setting, asked)
        version, auth = (_outcome(result, future) for future in futures)
        segment = None if listing is None else _outcome(_resolved, reads, listing, ps)
        login = _login(session, auth)
        checks = [
            _tdx(session, version),
            login,
            Check("profile", State.OK, f"{account} ({auth})" if isinstance(auth, str) else account),
            _api(_outcome(result, probe), login),
            _segment(segment, login),
        ]
        found = segment if isinstance(segment, Segment) else None
        started = {} if found is None else start_items(reads, found.id)
        live = None if found is None else _outcome(live_state, found, started)
        members = live.event_tables if isinstance(live, LiveState) else ()
        tables = tuple(member for member in members if isinstance(member, EventTable))
        if loaded is not None:
            schema_reads = SchemaReads(reads, loaded.config, found.id if found else None)
            checks += _columns(loaded, _outcome(schema_reads.finish, tables), login)
            tables = (*loaded.config.tables(), *tables)
        if found is not None:
            started |= _start_reads(reads, found.id, tables)
            outcomes = {name: _outcome(result, future) for name, future in started.items()}
            checks += answers.checks(
                {name: e for name, e in outcomes.items() if isinstance(e, TdxwrapError)}
            )
        return tuple(checks)


def _start_reads(
    reads: Reads, segment_id: str, tables: Sequence[EventTable]
) -> dict[str, Future[Any]]:
    """Start the reads that are made beside those of what is live.

    Args:
        tables: the first of them is described.
    """
    api = reads.api
    started: dict[str, Future[Any]] = {"databases": reads.start(api.databases)}
    started["ps desc"] = reads.start(api.master_columns, segment_id)
    for table in tables[:1]:
        started["tables"] = reads.start(api.tables, table.database)
        started["describe"] = reads.start(api.columns, str(table))
    return started


def _outcome(call: Callable[..., Any], *args: Any) -> Any:
    """Return the result of a call, or the error that failed it."""
    try:
        return call(*args)
    except _FAILURES as error:
        return error


def _resolved(reads: Reads, listing: Future[tuple[Segment, ...]], ps: str) -> Segment:
    return resolve_segment(reads.api, reads.retry, ps, result(listing))


def _problem(name: str, error: TdxwrapError, login: Check | None = None) -> Check:
    """Return a failed check, or one not checked because there is no tdx or login."""
    dependent = login is not None and login.state is not State.OK
    if dependent and isinstance(error, TdxMissing | NotAuthenticated):
        needs = "tdx" if isinstance(error, TdxMissing) else "a login"
        return Check(name, State.NOT_CHECKED, f"needs {needs}")
    said = f" (tdx said: {columns.brief(error)})" if error.said else ""
    return Check(name, State.FAILED, error.what + said, error.hint)


def _tdx(session: Session, version: Any) -> Check:
    if isinstance(version, TdxwrapError):
        return _problem("tdx", version)
    path = find_executable(session.api.tdx.executable, session.environ)
    return Check("tdx", State.OK, f"{version}, {path}")


def _login(session: Session, auth: Any) -> Check:
    """Say where the login comes from, never what it is (F4)."""
    if isinstance(auth, TdxMissing):
        return Check("login", State.NOT_CHECKED, "needs tdx")
    if isinstance(auth, TdxwrapError):
        return _problem("login", auth)
    profile = session.profile or session.environ.get("TDX_PROFILE")
    source = credential_source(session.environ, profile)
    return Check("login", State.OK, f"credentials from {source or STORED_LOGIN}")


def _api(setting: Any, login: Check) -> Check:
    """Whatever the API answers, it was reached: `tdx api` is enabled (F6)."""
    if isinstance(setting, Refused) and not isinstance(setting, NotFound):
        message = f"enabled, but the API refuses: {columns.brief(setting)}"
        return Check("tdx api", State.WARNING, message, setting.hint)
    if isinstance(setting, TdxwrapError) and not isinstance(setting, NotFound):
        return _problem("tdx api", setting, login)
    return Check("tdx api", State.OK, "enabled")


def _segment(segment: Any, login: Check) -> Check:
    name = "parent segment"
    if segment is None:
        why = "none was named: give a CONFIG that names it, or --parent-segment PS"
        return Check(name, State.NOT_CHECKED, why)
    if isinstance(segment, TdxwrapError):
        return _problem(name, segment, login)
    message = f"{segment.name} ({segment.id}), RT enabled, status {segment.status or 'none'}"
    if segment.status in TERMINAL:
        hint = "waiting does not help: see the console, or ask your customer success manager"
        return Check(name, State.WARNING, message, hint)
    return Check(name, State.OK, message)


def _columns(loaded: LoadedConfig, schema: Any, login: Check) -> list[Check]:
    if isinstance(schema, TdxwrapError):
        return [_problem(topic, schema, login) for topic in Topic]
    findings = columns.check(loaded.config, schema)
    where = loaded.source.where
    checks: list[Check] = []
    for topic in Topic:
        mine = (f for f in findings if f.topic is topic)
        found = [Check(topic, State(f.level), f.message, f.hint, where(f.loc)) for f in mine]
        checks += found or [_passed(topic, loaded.config, schema)]
    return checks


def _passed(topic: Topic, config: RtConfig, schema: Schema) -> Check:
    """Return the check of a topic without findings; it says what could not be checked."""
    keys, lookup_key = config.id_stitching.keys, config.id_stitching.ext_lookup_key
    tables = config.tables()
    scope = "" if set(tables) <= set(schema.readable()) else " that could be described"
    stated, message = {
        Topic.TABLES: (tables, f"{len(tables)} found"),
        Topic.KEYS: (keys, f"{len(keys)}, each a string in every event table{scope}"),
        Topic.LOOKUP_KEY: (
            lookup_key,
            f"{lookup_key} is a column of the master table and not a stitching key; whether it is "
            "the profile key, tdx does not tell",
        ),
        Topic.COLUMNS: (config.key_events, f"all that are used exist in every table{scope}"),
    }[topic]
    missing = ""
    if not stated:
        missing = "the file states none"
    elif topic is Topic.LOOKUP_KEY and schema.master is None:
        missing = "needs the parent segment"
    elif topic in (Topic.KEYS, Topic.COLUMNS) and not schema.readable():
        missing = "no event table could be described"
    return Check(topic, State.NOT_CHECKED, missing) if missing else Check(topic, State.OK, message)


def failure(checks: Sequence[Check]) -> TdxwrapError | None:
    """Return the error for failed checks: exit 3 if one is about the environment, else exit 4."""
    failed = [check for check in checks if check.state is State.FAILED]
    if not failed:
        return None
    kind = EnvironmentProblem if any(c.name in _ENVIRONMENT for c in failed) else Refused
    names = ", ".join(dict.fromkeys(check.name for check in failed))
    return kind(f"{len(failed)} failed: {names}", hint="the checks say what to do")
