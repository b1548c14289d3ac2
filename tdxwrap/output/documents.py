"""The parts that documents (forms.py) and journals have in common, and how they are made.

Every field is always there.
"""

from __future__ import annotations

from dataclasses import dataclass

from tdxwrap.apply.verify import Check
from tdxwrap.apply.verify import Report as Validation
from tdxwrap.errors import ConfigError, ExitCode, Problem, TdxwrapError
from tdxwrap.plan import changes as made
from tdxwrap.plan.changes import Action, Blocker, FieldChange, Kind, Level, Topic
from tdxwrap.realtime.state import Segment


@dataclass(frozen=True, slots=True)
class Error:
    """What failed and what to do next.

    Attributes:
        kind: the kind of failure; new ones may be added.
        step: the step of the recipe; empty outside of one.
        what: the failure in a few words.
        said: what tdx or the API answered.
        command: the argv of the tdx call; empty if there was none.
        where: `file:line` of the configuration item concerned.
        so_far: what had been done when it failed.
        hint: what to do next.
        problems: everything that is wrong with a configuration file.
        others: what failed beside it at the same time.
    """

    kind: str
    exit_code: ExitCode
    step: str
    what: str
    said: str
    command: list[str]
    where: str
    so_far: str
    hint: str
    problems: list[Problem]
    others: list[Error]


@dataclass(frozen=True, slots=True)
class Change:
    """One item and what happens to it.

    Attributes:
        step: the step of the recipe that it belongs to.
        id: the id of the item that exists.
        fields: what differs, each with its old and its new value.
        reason: why it is so, where that is not plain; for a replace, what is lost.
        dangerous: needs a confirmation of its own.
    """

    action: Action
    kind: Kind
    step: str
    name: str
    id: str | None
    fields: list[FieldChange]
    reason: str
    dangerous: bool


@dataclass(frozen=True, slots=True)
class Finding:
    """What a column check found, and where in the file."""

    topic: Topic
    level: Level
    message: str
    hint: str
    where: str


@dataclass(frozen=True, slots=True)
class Plan:
    """Every item of both sides with what happens to it.

    Attributes:
        pending: whether anything is to be written.
        counts: how many items there are of each action.
        blockers: why it may not be carried out as it is.
        findings: of the column checks.
    """

    segment: Segment
    pending: bool
    changes: list[Change]
    counts: dict[Action, int]
    blockers: list[Blocker]
    findings: list[Finding]


@dataclass(frozen=True, slots=True)
class Report:
    """The recipe's three checks, and what live has otherwise than the file."""

    ok: bool
    checks: list[Check]
    differences: list[Change]


@dataclass(frozen=True, slots=True)
class RunSummary:
    """An earlier run.

    Attributes:
        path: of its journal.
        started: seconds since 1970.
        outcome: `done`, or how it ended instead.
        exit: its exit code; null for one that did not end.
        changes: how many items it wrote.
        calls: how many tdx calls it made.
    """

    id: str
    command: str
    segment: str | None
    path: str
    started: float
    outcome: str
    exit: int | None
    changes: int
    calls: int
    seconds: float


# Making them


def plan_part(plan: made.Plan) -> Plan:
    """A plan: every item with what happens to it, the counts, what stands in the way."""
    return Plan(
        segment=plan.live.segment,
        pending=bool(plan.pending),
        changes=[change_part(change) for change in plan.changes],
        counts=plan.counts(),
        blockers=list(plan.blockers),
        findings=[
            Finding(found.topic, found.level, found.message, found.hint, found.where)
            for found in plan.findings
        ],
    )


def change_part(change: made.Change) -> Change:
    """One item and what happens to it."""
    return Change(
        action=change.action,
        kind=change.kind,
        step=change.step,
        name=change.name,
        id=change.live_id,
        fields=list(change.fields),
        reason=change.reason,
        dangerous=change.dangerous,
    )


def report_part(report: Validation) -> Report:
    """The validation."""
    differences = [change_part(change) for change in report.differences]
    return Report(report.ok, list(report.checks), differences)


def error_part(error: TdxwrapError) -> Error:
    """An error with all that is known of it."""
    return Error(
        kind=error.kind,
        exit_code=error.exit_code,
        step=error.step,
        what=error.what,
        said=error.said,
        command=list(error.command),
        where=error.where,
        so_far=error.so_far,
        hint=error.hint,
        problems=list(error.problems) if isinstance(error, ConfigError) else [],
        others=[error_part(other) for other in error.others],
    )
