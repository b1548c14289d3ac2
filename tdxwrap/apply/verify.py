"""Verify the live state: the three checks of the recipe, and every field."""

from collections.abc import Callable
from dataclasses import dataclass

from tdxwrap.errors import NotReady
from tdxwrap.plan.changes import (
    Action,
    Change,
    FieldChange,
    Kind,
    Loc,
    Plan,
    Written,
    member_name,
    members,
    missing_from,
)
from tdxwrap.realtime.state import READY, LiveState


@dataclass(frozen=True, slots=True)
class Check:
    """One check of the recipe's Validation."""

    name: str
    expected: str
    found: str
    ok: bool


@dataclass(frozen=True, slots=True)
class Gone:
    """What was live when the plan was made, is no longer, and was not deleted by this run.

    Attributes:
        lost: it was in a list that this run replaced, so this run may have taken it away.
    """

    kind: Kind
    name: str
    lost: bool


@dataclass(frozen=True, slots=True)
class Report:
    """The result of the validation.

    Attributes:
        checks: the recipe's three.
        differences: where live differs from the file; empty without a file.
        gone: what has gone since the plan was made; only at the end of an apply.
    """

    checks: tuple[Check, ...]
    differences: tuple[Change, ...] = ()
    gone: tuple[Gone, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether every check passed, nothing differs and nothing is lost."""
        return all(check.ok for check in self.checks) and not (self.differences or self.lost)

    @property
    def lost(self) -> tuple[Gone, ...]:
        """What this run may have taken away."""
        return tuple(each for each in self.gone if each.lost)


def verify(live: LiveState, plan: Plan | None = None, gone: tuple[Gone, ...] = ()) -> Report:
    """Run the recipe's Validation and, given a plan, compare every field of every item.

    With a file at least as many key events and attributes are expected as it has; without one,
    as in the recipe, at least one.

    Args:
        plan: of the file and this live state; what is still pending is a difference.
        gone: as `gone` finds it.
    Raises:
        MalformedOutput: something that differs was not read.
    """
    if plan is not None:
        live.require(change.kind.field for change in plan.pending)
    status = live.segment.status
    attributes = len(live.attributes) + len(live.imported)
    checks = (
        Check("RT status", READY, status or "none", status == READY),
        _at_least("key events", _expected(plan, Kind.KEY_EVENT), len(live.key_events)),
        _at_least("RT attributes", _expected(plan, Kind.ATTRIBUTE, Kind.IMPORTED), attributes),
    )
    return Report(checks, plan.pending if plan else (), gone)


def gone(plan: Plan, written: Written, live: LiveState) -> tuple[Gone, ...]:
    """Return what was live when a plan was made, or was kept since, and has gone.

    What the file states is not among it: it differs.

    Args:
        plan: what was carried out.
        written: what was written then.
    Raises:
        MalformedOutput: a list that was replaced was not read.
    """
    live.require(kind.field for kind in written.lists)
    found: list[Gone] = []
    for kind in Kind:
        if kind.field in live.unread:
            continue
        deleted = [c.live for c in plan.of(kind, Action.DELETE) if c.live is not None]
        stated = [c.desired for c in plan.of(kind) if c.desired is not None]
        before = (*members(plan.live, kind), *written.lists.get(kind, ()))
        missing = missing_from(before, (*members(live, kind), *deleted, *stated))
        names = dict.fromkeys(map(member_name, missing))
        found.extend(Gone(kind, name, lost=kind in written.lists) for name in names)
    now = {item.id for item in live.key_events} | {item.id for item in live.attributes}
    left = (c for c in plan.changes if c.action is Action.UNMANAGED and c.live_id)
    found.extend(Gone(c.kind, c.name, lost=False) for c in left if c.live_id not in now)
    return tuple(found)


def is_late(report: Report, plan: Plan) -> bool:
    """Return whether all that is wrong is something that a plan has written: reads may lag behind.

    Args:
        plan: what was carried out.
    """
    mine = {(change.kind, change.name): change for change in plan.pending}
    if any((now.kind, now.name) not in mine for now in report.differences):
        return False
    # What is live and neither as before nor as it was sent is stored otherwise for good.
    late = (
        (now.live is None and not now.reason) or now.fields == mine[now.kind, now.name].fields
        for now in report.differences
    )
    return any(late) or bool(report.lost)


def _expected(plan: Plan | None, *kinds: Kind) -> int:
    if plan is None:
        return 1
    return sum(change.kind in kinds and change.desired is not None for change in plan.changes)


def _at_least(name: str, expected: int, found: int) -> Check:
    return Check(name, f"at least {expected}", str(found), found >= expected)


def failure(report: Report, where: Callable[[Loc], str] = str) -> NotReady | None:
    """Return the error for a failed validation; None if it passed.

    Args:
        where: gives `file:line` of a place in the configuration.
    """
    if report.ok:
        return None
    failed = [f"{c.name}: {c.found}, expected {c.expected}" for c in report.checks if not c.ok]
    for change in report.differences:
        failed.extend(_wrong(change, where))
    failed.extend(f"{each.kind} {each.name} is gone" for each in report.lost)
    hint = "run the same command again, or see what differs with `tdxwrap plan CONFIG`"
    if report.lost:
        hint = (
            "somebody else may have written at the same moment. To bring back what is gone, add it "
            f"to the file and run the same command again\n{hint}"
        )
    return NotReady(f"the validation failed: {'; '.join(failed)}", hint=hint)


def _wrong(change: Change, where: Callable[[Loc], str]) -> list[str]:
    what = f"{change.kind} {change.name}"
    if change.action is Action.CREATE and change.reason:
        return [f"{what}: {change.reason}: write that in {where(change.loc)}"]
    stored = (_stored(each, where((*change.loc, each.name))) for each in change.fields)
    return [f"{what}: {each}" for each in stored] or [f"{what} differs"]


def _stored(field: FieldChange, place: str) -> str:
    sent = field.name if isinstance(field.new, dict) else repr(field.new)
    return f"the API stores {sent} as {field.old!r}: write that in {place}"
