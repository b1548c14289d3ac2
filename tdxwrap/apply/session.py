"""The commands as functions: what the command line, a notebook and the tests call.

Each takes typed values and gives a typed result; nothing here prints or reads the environment of
its own accord.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Protocol

from tdxwrap.apply.events import Listener, LiveMoved, StepDone, StepStarted, ignore
from tdxwrap.apply.steps import Settings, carry_out
from tdxwrap.apply.verify import Report, validate
from tdxwrap.config.load import LoadedConfig
from tdxwrap.errors import ColumnsMissing, TdxwrapError, UnsafePlan, UsageProblem
from tdxwrap.plan import columns
from tdxwrap.plan.build import build
from tdxwrap.plan.changes import Finding, Level, Plan, PlanOptions
from tdxwrap.realtime import read as reading
from tdxwrap.realtime import tables
from tdxwrap.realtime.api import Realtime, credential_source
from tdxwrap.realtime.retry import Retry
from tdxwrap.realtime.state import LiveState, Segment
from tdxwrap.realtime.wait import READY, WaitPolicy, wait_until_ready
from tdxwrap.system.lock import segment_lock
from tdxwrap.system.signals import as_error


class Consent(Protocol):
    """How a plan is shown and agreed to."""

    def show(self, plan: Plan) -> None:
        """Show what would be done."""

    def ask(self, plan: Plan) -> bool:
        """Whether a person was asked, so that time has passed; raises when the answer is no."""


@dataclass(frozen=True, slots=True)
class Session:
    """One login, and how to deal with it.

    Attributes:
        environ: where credentials are looked for (F4).
        profile: the tdx profile, where one is given.
        listen: told what happens.
    """

    api: Realtime
    environ: Mapping[str, str] = field(default_factory=dict)
    profile: str | None = None
    retry: Retry = field(default_factory=Retry)
    listen: Listener = ignore


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an apply came to.

    Attributes:
        plan: what was carried out.
        report: the validation; None if nobody waited for it.
        live: what is live at the end.
        login: what tdx says of the login; empty if it was not asked.
    """

    plan: Plan
    report: Report | None
    live: LiveState
    login: str = ""


def check_key(session: Session) -> str:
    """Step 0 of the recipe: is there a login? tdx is asked only if the environment has no key.

    Returns:
        What tdx says of the login; empty if it was not asked.
    Raises:
        NotAuthenticated: there is none (F4).
    """
    session.listen(StepStarted("key"))
    start = session.retry.clock()
    source = credential_source(session.environ, session.profile)
    told = ""
    if source is None:
        told = session.retry.read(session.api.check_auth)
    checkpoint = f"credentials from {source or 'the login that tdx has'}"
    session.listen(StepDone("key", checkpoint, session.retry.clock() - start, told))
    return told


def parent_segment(loaded: LoadedConfig, override: str | None) -> str:
    """The parent segment that is meant: `--parent-segment`, else what the file says.

    Raises:
        UsageProblem: neither says it.
    """
    ps = override or loaded.config.parent_segment
    if not ps:
        raise UsageProblem(
            f"{loaded.path} names no parent segment",
            hint="write parent_segment: ID into the file, or give --parent-segment",
        )
    return ps


def read(session: Session, ps: str, hold: Callable[[str], None] | None = None) -> LiveState:
    """What is live on a parent segment (`read_live` says what `hold` is and what is raised)."""
    with reading.Reads(session.api, session.retry) as reads:
        return reading.read_live(reads, ps, hold)


def make_plan(
    session: Session,
    loaded: LoadedConfig,
    ps: str,
    options: PlanOptions | None = None,
    hold: Callable[[str], None] | None = None,
    meanwhile: Callable[[], None] = lambda: None,
) -> Plan:
    """Read, compare and check the columns; writes nothing.

    Args:
        hold: as for `read_live`.
        meanwhile: called while tdx reads; what it raises goes before what the reads do.
    """
    config, check = loaded.config, (options or PlanOptions()).check_columns
    with reading.Reads(session.api, session.retry) as reads:
        started = reading.start_live(reads, ps, hold)
        # A few tables are described at once, since that takes no time; many only if need be.
        at_once = check and reading.is_id(ps) and len(config.tables()) <= tables.FEW
        early = tables.start_schema(reads, config, ps) if at_once else None
        meanwhile()
        live = reading.finish_live(reads, started, hold)
        plan = build(config, live, options)
        if not (check and plan.pending):
            return plan
        if early is None or live.segment.id != ps:
            early = tables.start_schema(reads, config, live.segment.id)
        schema = tables.finish_schema(reads, config, early, live.event_tables)
    found = columns.check(config, schema)
    placed = (replace(each, where=loaded.source.where(each.loc)) for each in found)
    return replace(plan, findings=tuple(placed))


def apply(
    session: Session,
    loaded: LoadedConfig,
    ps: str,
    *,
    consent: Consent,
    options: PlanOptions | None = None,
    settings: Settings | None = None,
    patience: WaitPolicy | None,
) -> Outcome:
    """The main job: Step 7 from the key check to the validation.

    Args:
        consent: shows the plan, and agrees to it or raises.
        patience: how to wait for the status `ok`; None does not wait and does not validate.
    Raises:
        UnsafePlan: the plan needs `--replace`, `--prune` or `--force`; nothing was written.
        ColumnsMissing: a table, a column or a key cannot be as the file says; nothing was written.
        Locked: another run is at work on the segment.
        NotReady: the status is terminal, the wait ran out, or the validation failed.
        TdxwrapError: a call failed for good.
    """
    login = ""
    with ExitStack() as held:

        def hold(segment_id: str) -> None:
            held.enter_context(segment_lock(session.environ, segment_id))

        def key() -> None:
            nonlocal login
            login = check_key(session)

        plan = make_plan(session, loaded, ps, options, hold, key)
        plan = _agreed(session, loaded, plan, consent, options)
        carry_out(plan, session.api, session.retry, settings, session.listen)
        if patience is None:
            return Outcome(plan, None, plan.live, login)
        try:
            live = _wait(session, plan, patience)
            report = _validated(session, loaded, plan, live, options)
            return Outcome(plan, report, live, login)
        except KeyboardInterrupt as stop:
            raise _while_waiting(as_error(stop), plan) from None
        except TdxwrapError as error:
            raise _while_waiting(error, plan) from None


def _while_waiting(error: TdxwrapError, plan: Plan) -> TdxwrapError:
    """Say of an error that it came when everything was written."""
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
    """Plan until what was agreed to is still what is live: never write blindly."""
    while True:
        consent.show(plan)
        refuse_unfit(plan)
        refuse_blocked(plan)
        if not consent.ask(plan):
            return plan
        segment_id = plan.live.segment.id
        if read(session, segment_id).configured_like(plan.live):
            return plan
        session.listen(LiveMoved())
        plan = make_plan(session, loaded, segment_id, options)


def refuse_blocked(plan: Plan) -> None:
    """Stop here if the plan may not be carried out.

    Raises:
        UnsafePlan: with every reason, and the options that would allow it.
    """
    if not plan.blockers:
        return
    flags = " ".join(dict.fromkeys(blocker.flag for blocker in plan.blockers if blocker.flag))
    raise UnsafePlan(
        "; ".join(blocker.reason for blocker in plan.blockers),
        hint=f"nothing was written. If that is what you want, add {flags}"
        if flags and all(blocker.flag for blocker in plan.blockers)
        else "nothing was written. Take the item out of the file, or mend it in the console",
    )


def refuse_unfit(plan: Plan) -> None:
    """Stop here if the column checks failed.

    Raises:
        ColumnsMissing: for the first failed check, with the others beside it.
    """
    failed = [_unfit(finding) for finding in plan.findings if finding.level is Level.FAILED]
    if not failed:
        return
    error, *others = failed
    way = "nothing was written: mend the file, or leave the check out with --no-check-columns"
    error.hint = f"{error.hint}\n{way}".strip()
    error.others = tuple(others)
    raise error


def _unfit(finding: Finding) -> ColumnsMissing:
    error = ColumnsMissing(finding.message, hint=finding.hint)
    error.where = finding.where
    return error


def _wait(session: Session, plan: Plan, patience: WaitPolicy) -> LiveState:
    """Wait for `ok` and read what is live then."""
    session.listen(StepStarted("wait"))
    start = session.retry.clock()
    live = plan.live
    if plan.pending or live.segment.status != READY:
        live = _live_when_ready(session, live, patience)
    checkpoint = 'RT status is "ok", infrastructure fully deployed and ready'
    session.listen(StepDone("wait", checkpoint, session.retry.clock() - start))
    return live


def _live_when_ready(session: Session, before: LiveState, patience: WaitPolicy) -> LiveState:
    """What is live is read beside the first look; only if that is not yet `ok`, once more."""
    segment_id = before.segment.id
    with reading.Reads(session.api, session.retry) as reads:
        items = reading.start_items(reads, segment_id, view=False)
        looks = wait_until_ready(session.api, segment_id, patience, session.retry, session.listen)
        if looks > 1:
            items = reading.start_items(reads, segment_id, view=False)
        return reading.read_again(before, READY, items)


def _validated(
    session: Session,
    loaded: LoadedConfig,
    plan: Plan,
    live: LiveState,
    options: PlanOptions | None,
) -> Report:
    session.listen(StepStarted("validate"))
    after = plan if live is plan.live else build(loaded.config, live, options)
    report = validate(live, after)
    if report.ok:
        session.listen(StepDone("validate", "RT configuration complete and validated", 0.0))
    return report


def wait_for(session: Session, ps: str, patience: WaitPolicy) -> Segment:
    """`tdxwrap wait`: find the segment and wait until its status is `ok` (F12, F21).

    Raises:
        NotReady, NotFound, Refused: as `wait_until_ready` and `resolve_segment`.
    """
    segment = reading.resolve_segment(session.api, session.retry, ps)
    if segment.status != READY:
        wait_until_ready(session.api, segment.id, patience, session.retry, session.listen)
    return replace(segment, status=READY)
