"""Plan and apply: Step 7 from the key check to the validation.

Typed values in, typed results out, for the command line and for notebooks; nothing here prints or
reads the environment.
"""

from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any, Protocol

from tdxwrap.apply.events import LiveMoved, Planned, StepDone, StepStarted
from tdxwrap.apply.session import Session, check_key, read_live
from tdxwrap.apply.steps import Settings, carry_out
from tdxwrap.apply.verify import Report, gone, is_late, verify
from tdxwrap.config.load import LoadedConfig
from tdxwrap.errors import (
    CallFailed,
    ColumnsMissing,
    LiveChanged,
    Refused,
    TdxwrapError,
    UnsafePlan,
)
from tdxwrap.plan import columns
from tdxwrap.plan.build import build_plan
from tdxwrap.plan.changes import Blocker, Finding, Level, Plan, PlanOptions, Written
from tdxwrap.plan.course import Course
from tdxwrap.plan.personalizations import uses
from tdxwrap.realtime.read import LiveReads, Reads, is_id, live_state, start_items
from tdxwrap.realtime.state import READY, LiveState, Segment
from tdxwrap.realtime.tables import FEW, SchemaReads
from tdxwrap.realtime.wait import WaitPolicy
from tdxwrap.system.signals import as_error
from tdxwrap.system.threads import result

# How often a plan is made anew because somebody else changes what it is to change.
REPLANS = 2
# Seconds in which reads may lag behind writes, and between two looks for what was written.
LAG = 15.0
LOOK_AGAIN = 1.0


class Consent(Protocol):
    """How a plan is shown and confirmed."""

    def show(self, plan: Plan) -> None:
        """Show what would be done."""

    def ask(self, plan: Plan) -> bool:
        """Return whether a person was asked, so time has passed; raise if the answer is no."""


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


def make_plan(
    session: Session, loaded: LoadedConfig, ps: str, options: PlanOptions | None = None
) -> Plan:
    """Read, compare and check the columns; writes nothing."""
    with Reads(session.api, session.retry) as reads:
        started = _PlanReads(reads, loaded, ps, options or PlanOptions())
        return started.plan(started.live.segment())


def _with_uses(reads: Reads, plan: Plan, options: PlanOptions) -> Plan:
    """Return a plan that says which personalizations use what it takes away (F26).

    Raises:
        EnvironmentProblem: there is no tdx or no login. Another failure is a note of the plan.
    """
    if not plan.takings:
        return plan
    try:
        answer = result(reads.start(reads.api.personalizations, plan.live.segment.id))
    except (Refused, CallFailed) as error:
        note = f"use by personalizations and journeys was not checked: {columns.brief(error)}"
        return replace(plan, notes=(*plan.notes, note))
    found = tuple(uses(plan.takings, answer))
    if options.force:
        return replace(plan, notes=(*plan.notes, *found))
    return replace(plan, blockers=(*plan.blockers, *(Blocker(text, "--force") for text in found)))


class _PlanReads:
    """The reads that a plan needs, under way."""

    def __init__(
        self,
        reads: Reads,
        loaded: LoadedConfig,
        ps: str,
        options: PlanOptions,
        at_once: bool = True,
    ) -> None:
        self.live = LiveReads(reads, ps, at_once=at_once)
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
        plan = _with_uses(self._reads, build_plan(config, live, self._options), self._options)
        findings: tuple[Finding, ...] = ()
        at_once = not plan.takings
        if self._options.check_columns and plan.pending:
            schema = self._schema if segment.id == self._ps else None
            at_once = at_once and schema is not None
            schema = schema or SchemaReads(self._reads, config, segment.id)
            findings = columns.check(config, schema.finish(live.event_tables))
        where = self._loaded.source.where
        return replace(
            plan,
            live=replace(live, calls=self._reads.api.tdx.begun if at_once else 0),
            findings=tuple(replace(each, where=where(each.loc)) for each in findings),
        )


def apply(
    session: Session,
    loaded: LoadedConfig,
    ps: str,
    *,
    consent: Consent,
    options: PlanOptions | None = None,
    settings: Settings | None = None,
    policy: WaitPolicy | None,
    expect: str | None = None,
) -> Outcome:
    """Apply a configuration: Step 7 of the recipe, from the key check to the validation.

    Args:
        consent: shows the plan, and agrees to it or raises.
        policy: how to wait for the status `ok`; None does not wait and does not validate.
        expect: the fingerprint of the only plan that may be carried out; None for any.
    Raises:
        UnsafePlan: the plan needs `--replace`, `--prune` or `--force`, or is not the expected one;
            nothing was written.
        ColumnsMissing: a table, a column or a key cannot be as the file says; nothing was written.
        Locked: another run is at work on the segment.
        LiveChanged: what is to be changed kept changing; nothing was written.
        NotReady: the status is terminal, the wait ran out, or the validation failed.
        TdxwrapError: a call failed for good.
    """
    run = _Apply(session, loaded, options or PlanOptions(), expect)
    with ExitStack() as locks:
        login, plan = run.first_plan(ps, locks)
        plan, written = run.written(plan, consent, settings or Settings())
        if policy is None:
            return Outcome(plan, None, plan.live, login)
        with _after_the_writes(plan):
            live = run.live_when_ready(plan, policy)
            report, live = run.verified(plan, written, live)
            return Outcome(plan, report, live, login)


@dataclass(frozen=True, slots=True)
class _Apply:
    """The parts of one apply."""

    session: Session
    loaded: LoadedConfig
    options: PlanOptions
    expect: str | None

    def first_plan(self, ps: str, locks: ExitStack) -> tuple[str, Plan]:
        """Lock the segment, then read it and plan; the key is checked while tdx reads.

        The id of a segment given by name is only known once tdx has listed it.

        Returns:
            What tdx says of the login, and the plan.
        """
        session = self.session
        with Reads(session.api, session.retry) as reads:
            # Where the account may not be the right one yet, no lock is taken before it is, and
            # what is configured is read under the lock only.
            at_once = is_id(ps) and not session.api.tdx.may_move
            if at_once:
                locks.enter_context(session.lock(ps))
            started = _PlanReads(reads, self.loaded, ps, self.options, at_once)
            login = check_key(session)
            segment = started.live.segment()
            if segment.id != ps or not at_once:
                locks.enter_context(session.lock(segment.id))
            return login, started.plan(segment)

    def confirmed(self, plan: Plan, consent: Consent, settings: Settings) -> Course:
        """Confirm the plan; plan again if the live state changed while a person decided."""
        while True:
            course = Course(plan)
            self.session.listen(Planned(course))
            consent.show(plan)
            refuse_unsafe(plan)
            refuse_unexpected(plan, self.expect)
            if not consent.ask(plan):
                return course
            settings.before_step()  # what is read now must be of the same account
            segment_id = plan.live.segment.id
            live = read_live(self.session, segment_id)
            if live.configured_like(plan.live) and self.used_alike(plan):
                course.plan = replace(plan, live=replace(plan.live, calls=live.calls))
                return course
            self.session.listen(LiveMoved())
            plan = make_plan(self.session, self.loaded, segment_id, self.options)

    def used_alike(self, plan: Plan) -> bool:
        """Return whether personalizations use no more of what a plan takes away than it says."""
        with Reads(self.session.api, self.session.retry) as reads:
            now = _with_uses(reads, replace(plan, notes=()), self.options)
        return now.blockers == plan.blockers and set(now.notes) <= set(plan.notes)

    def written(self, plan: Plan, consent: Consent, settings: Settings) -> tuple[Plan, Written]:
        """Confirm the plan and carry it out; plan again if what it changes has changed itself.

        Returns:
            The plan that was carried out, and what was written.
        """
        session = self.session
        left = REPLANS
        while True:
            course = self.confirmed(plan, consent, settings)
            plan = course.plan
            try:
                return plan, carry_out(course, session.api, session.retry, settings, session.listen)
            except LiveChanged:
                if not left:
                    raise
            left -= 1
            session.listen(LiveMoved())
            plan = make_plan(session, self.loaded, plan.live.segment.id, self.options)

    def live_when_ready(self, plan: Plan, policy: WaitPolicy) -> LiveState:
        """Wait for `ok` and return what is live then.

        It is read beside each poll; what was read beside the one that proves `ok` counts.
        """
        session, segment = self.session, plan.live.segment
        with session.step("wait", 'RT status is "ok", infrastructure fully deployed and ready'):
            if not plan.pending and segment.status == READY:
                return plan.live
            items: dict[str, Future[Any]] = {}
            with Reads(session.api, session.retry) as reads:
                session.wait_until_ready(
                    segment.id,
                    policy,
                    changed=bool(plan.pending),
                    beside=lambda: items.update(start_items(reads, segment.id, view=False)),
                )
                return live_state(replace(segment, status=READY), items)

    def verified(self, plan: Plan, written: Written, live: LiveState) -> tuple[Report, LiveState]:
        """Verify the live state against the file, and against what was live before.

        Reads may lag behind writes, so what this run has written is looked for again for a while.

        Returns:
            The report, and the live state that it is about.
        """
        session, segment = self.session, plan.live.segment
        session.listen(StepStarted("validate"))
        give_up = session.retry.clock() + LAG
        while True:
            now = plan
            if live is not plan.live:
                now = build_plan(self.loaded.config, live, self.options, written.made)
            report = verify(live, now, gone=gone(plan, written, live))
            if report.ok:
                done = "RT configuration complete and validated"
                session.listen(StepDone("validate", done, 0))
            if not is_late(report, plan) or session.retry.clock() >= give_up:
                return report, live
            session.retry.sleep(LOOK_AGAIN)
            with Reads(session.api, session.retry) as reads:
                items = start_items(reads, segment.id, view=False)
                live = live_state(replace(segment, status=READY), items)


@contextmanager
def _after_the_writes(plan: Plan) -> Iterator[None]:
    """Add to an error that everything had been written by then."""
    try:
        yield
    except (TdxwrapError, KeyboardInterrupt) as failure:
        error = failure if isinstance(failure, TdxwrapError) else as_error(failure)
        count = len(plan.pending)
        error.step = "wait"
        error.so_far = f"all {count} changes are written; whether they are live is not known yet"
        if not count:
            error.so_far = "nothing had to be written"
        raise error from None


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


def refuse_unexpected(plan: Plan, expect: str | None) -> None:
    """Stop here if another plan was reviewed; one with nothing left to write is always fine.

    Raises:
        UnsafePlan: the fingerprint of the plan is another one.
    """
    if expect is not None and plan.pending and plan.fingerprint != expect:
        raise UnsafePlan(
            f"the plan is another one: its fingerprint is {plan.fingerprint}, not '{expect}'",
            hint="nothing was written. The file, the options or what is live have changed: review "
            "the plan anew with `tdxwrap plan`",
        )


def _as_error(finding: Finding) -> ColumnsMissing:
    error = ColumnsMissing(finding.message, hint=finding.hint)
    error.where = finding.where
    return error
