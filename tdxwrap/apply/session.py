"""Plan, apply, verify and wait as functions, for the command line and for notebooks.

Each takes typed values and returns a typed result; nothing here prints or reads the environment.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Protocol

from tdxwrap.apply.events import (
    Listener,
    LiveMoved,
    StatusSeen,
    StepDone,
    StepStarted,
    announcing,
    ignore,
)
from tdxwrap.apply.steps import Settings, carry_out
from tdxwrap.apply.verify import Report, verify
from tdxwrap.config.load import LoadedConfig
from tdxwrap.errors import ColumnsMissing, TdxwrapError, UnsafePlan, UsageProblem
from tdxwrap.plan import columns
from tdxwrap.plan.build import build_plan
from tdxwrap.plan.changes import Finding, Level, Plan, PlanOptions
from tdxwrap.realtime.api import Realtime, credential_source
from tdxwrap.realtime.read import (
    LiveReads,
    Reads,
    is_id,
    live_state,
    resolve_segment,
    start_items,
)
from tdxwrap.realtime.retry import Retry
from tdxwrap.realtime.state import LiveState, Segment
from tdxwrap.realtime.tables import FEW, SchemaReads
from tdxwrap.realtime.wait import READY, WaitPolicy, wait_until_ready
from tdxwrap.system.lock import segment_lock
from tdxwrap.system.signals import as_error


class Consent(Protocol):
    """How a plan is shown and confirmed."""

    def show(self, plan: Plan) -> None:
        """Show what would be done."""

    def ask(self, plan: Plan) -> bool:
        """Return whether a person was asked, so time has passed; raise if the answer is no."""


@dataclass(frozen=True, slots=True)
class Session:
    """One login and how its calls are retried and announced.

    Attributes:
        environ: where credentials are looked for (F4).
        profile: the tdx profile, where one is given.
        listen: called with every event.
    """

    api: Realtime
    environ: Mapping[str, str] = field(default_factory=dict)
    profile: str | None = None
    retry: Retry = field(default_factory=Retry)
    listen: Listener = ignore


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of an apply.

    Attributes:
        plan: the plan that was carried out.
        report: the validation; None without waiting.
        live: what is live at the end.
        login: what tdx says of the login; empty if it was not asked.
    """

    plan: Plan
    report: Report | None
    live: LiveState
    login: str = ""


def check_key(session: Session) -> str:
    """Check for a login: step 0 of the recipe. Ask tdx only if the environment has no key.

    Returns:
        What tdx says of the login; empty if it was not asked.
    Raises:
        NotAuthenticated: there is none (F4).
    """
    session.listen(StepStarted("key"))
    start = session.retry.clock()
    source = credential_source(session.environ, session.profile)
    login = ""
    if source is None:
        login = session.retry.read(session.api.check_auth)
    checkpoint = f"credentials from {source or 'the login that tdx has'}"
    session.listen(StepDone("key", checkpoint, session.retry.clock() - start, login))
    return login


def parent_segment(loaded: LoadedConfig, override: str | None) -> str:
    """Return the parent segment that `--parent-segment` names, else the file.

    Raises:
        UsageProblem: neither names one.
    """
    ps = override or loaded.config.parent_segment
    if not ps:
        raise UsageProblem(
            f"{loaded.path} names no parent segment",
            hint="write parent_segment: ID into the file, or give --parent-segment",
        )
    return ps


def read_live(session: Session, ps: str) -> LiveState:
    """Return the live state of a parent segment, given by id or name.

    Raises:
        NotFound, Refused: as `resolve_segment`.
        CallFailed: a read kept failing.
    """
    with Reads(session.api, session.retry) as reads:
        live = LiveReads(reads, ps)
        return live.finish(live.segment())


def make_plan(
    session: Session, loaded: LoadedConfig, ps: str, options: PlanOptions | None = None
) -> Plan:
    """Read, compare and check the columns; writes nothing."""
    with Reads(session.api, session.retry) as reads:
        started = _PlanReads(reads, loaded, ps, options or PlanOptions())
        return started.plan(started.live.segment())


class _PlanReads:
    """The reads that a plan needs, under way."""

    def __init__(self, reads: Reads, loaded: LoadedConfig, ps: str, options: PlanOptions) -> None:
        self.live = LiveReads(reads, ps)
        self._reads = reads
        self._ps = ps
        self._loaded = loaded
        self._options = options
        # A few tables are described at once, since that takes no time; many only if need be.
        few = len(loaded.config.tables()) <= FEW
        at_once = options.check_columns and is_id(ps) and few
        self._schema = SchemaReads(reads, loaded.config, ps) if at_once else None

    def plan(self, segment: Segment) -> Plan:
        """Compare the file with what is live; check its columns if there is anything to write."""
        live = self.live.finish(segment)
        config = self._loaded.config
        plan = build_plan(config, live, self._options)
        if not (self._options.check_columns and plan.pending):
            return plan
        schema = self._schema
        if schema is None or segment.id != self._ps:
            schema = SchemaReads(self._reads, config, segment.id)
        found = columns.check(config, schema.finish(live.event_tables))
        placed = (replace(each, where=self._loaded.source.where(each.loc)) for each in found)
        return replace(plan, findings=tuple(placed))


def apply(
    session: Session,
    loaded: LoadedConfig,
    ps: str,
    *,
    consent: Consent,
    options: PlanOptions | None = None,
    settings: Settings | None = None,
    policy: WaitPolicy | None,
) -> Outcome:
    """Apply a configuration: Step 7 of the recipe, from the key check to the validation.

    Args:
        consent: shows the plan, and agrees to it or raises.
        policy: how to wait for the status `ok`; None does not wait and does not validate.
    Raises:
        UnsafePlan: the plan needs `--replace`, `--prune` or `--force`; nothing was written.
        ColumnsMissing: a table, a column or a key cannot be as the file says; nothing was written.
        Locked: another run is at work on the segment.
        NotReady: the status is terminal, the wait ran out, or the validation failed.
        TdxwrapError: a call failed for good.
    """
    with ExitStack() as locks:
        login, plan = _first_plan(session, loaded, ps, options or PlanOptions(), locks)
        plan = _agreed(session, loaded, plan, consent, options)
        carry_out(plan, session.api, session.retry, settings, session.listen)
        if policy is None:
            return Outcome(plan, None, plan.live, login)
        try:
            live = _wait(session, plan, policy)
            report = _verified(session, loaded, plan, live, options)
            return Outcome(plan, report, live, login)
        except KeyboardInterrupt as stop:
            raise _while_waiting(as_error(stop), plan) from None
        except TdxwrapError as error:
            raise _while_waiting(error, plan) from None


def _first_plan(
    session: Session, loaded: LoadedConfig, ps: str, options: PlanOptions, locks: ExitStack
) -> tuple[str, Plan]:
    """Lock the segment, then read it and plan; the key is checked while tdx reads.

    The id of a segment given by name is only known once tdx has listed it.

    Returns:
        What tdx says of the login, and the plan.
    """
    with Reads(session.api, session.retry) as reads:
        if is_id(ps):
            locks.enter_context(segment_lock(session.environ, ps))
        started = _PlanReads(reads, loaded, ps, options)
        login = check_key(session)
        segment = started.live.segment()
        if segment.id != ps or not is_id(ps):
            locks.enter_context(segment_lock(session.environ, segment.id))
        return login, started.plan(segment)


def _while_waiting(error: TdxwrapError, plan: Plan) -> TdxwrapError:
    """Add to an error that everything had been written by then."""
    count = len(plan.pending)
    error.step = "wait"
    error.so_far = f"all {count} changes are written; whether they are live is not known yet"
    if not count:
        error.so_far = "nothing had to be written"
    return error


def _agreed(
    session: Session,
    loaded: LoadedConfig,
    plan: Plan,
    consent: Consent,
    options: PlanOptions | None,
) -> Plan:
    """Confirm the plan; plan again if the live state changed while a person decided."""
    while True:
        consent.show(plan)
        refuse_unsafe(plan)
        if not consent.ask(plan):
            return plan
        segment_id = plan.live.segment.id
        if read_live(session, segment_id).configured_like(plan.live):
            return plan
        session.listen(LiveMoved())
        plan = make_plan(session, loaded, segment_id, options)


def refuse_unsafe(plan: Plan) -> None:
    """Stop here if the plan must not be carried out.

    Raises:
        ColumnsMissing: for the first failed column check, with the others beside it.
        UnsafePlan: with every blocker, and the options that would allow the plan.
    """
    failed = [_as_error(finding) for finding in plan.findings if finding.level is Level.FAILED]
    if failed:
        error, *others = failed
        way = "nothing was written: fix the file, or skip the check with --no-check-columns"
        error.hint = f"{error.hint}\n{way}".strip()
        error.others = tuple(others)
        raise error
    if plan.blockers:
        flags = [blocker.flag for blocker in plan.blockers]
        way = "Take the item out of the file, or fix it in the console"
        if all(flags):
            way = f"If that is what you want, add {' '.join(dict.fromkeys(flags))}"
        reasons = "; ".join(blocker.reason for blocker in plan.blockers)
        raise UnsafePlan(reasons, hint=f"nothing was written. {way}")


def _as_error(finding: Finding) -> ColumnsMissing:
    error = ColumnsMissing(finding.message, hint=finding.hint)
    error.where = finding.where
    return error


def _wait(session: Session, plan: Plan, policy: WaitPolicy) -> LiveState:
    """Wait for `ok` and return what is live then."""
    session.listen(StepStarted("wait"))
    start = session.retry.clock()
    live = plan.live
    if plan.pending or live.segment.status != READY:
        live = _live_when_ready(session, live.segment, policy)
    checkpoint = 'RT status is "ok", infrastructure fully deployed and ready'
    session.listen(StepDone("wait", checkpoint, session.retry.clock() - start))
    return live


def _live_when_ready(session: Session, segment: Segment, policy: WaitPolicy) -> LiveState:
    """Read what is live beside the first poll; read it again if the status was not yet `ok`."""
    with Reads(session.api, session.retry) as reads:
        items = start_items(reads, segment.id, view=False)
        if _wait_until_ready(session, segment.id, policy) > 1:
            items = start_items(reads, segment.id, view=False)
        return live_state(replace(segment, status=READY), items)


def _wait_until_ready(session: Session, segment_id: str, policy: WaitPolicy) -> int:
    on_status = announcing(session.listen, StatusSeen)
    return wait_until_ready(session.api, segment_id, policy, session.retry, on_status)


def _verified(
    session: Session,
    loaded: LoadedConfig,
    plan: Plan,
    live: LiveState,
    options: PlanOptions | None,
) -> Report:
    session.listen(StepStarted("validate"))
    after = plan if live is plan.live else build_plan(loaded.config, live, options)
    report = verify(live, after)
    if report.ok:
        session.listen(StepDone("validate", "RT configuration complete and validated", 0.0))
    return report


def wait_for(session: Session, ps: str, policy: WaitPolicy) -> Segment:
    """`tdxwrap wait`: find the segment and wait until its status is `ok` (F12, F21).

    Raises:
        NotReady, NotFound, Refused: as `wait_until_ready` and `resolve_segment`.
    """
    segment = resolve_segment(session.api, session.retry, ps)
    if segment.status != READY:
        _wait_until_ready(session, segment.id, policy)
    return replace(segment, status=READY)
