"""Verify the live state: the three checks of the recipe, and every field."""

from __future__ import annotations

from dataclasses import dataclass

from tdxwrap.errors import NotReady
from tdxwrap.plan.changes import SETTING_FIELDS, Change, Kind, Plan
from tdxwrap.realtime.state import READY, LiveState


@dataclass(frozen=True, slots=True)
class Check:
    """One check of the recipe's Validation."""

    name: str
    expected: str
    found: str
    ok: bool


@dataclass(frozen=True, slots=True)
class Report:
    """The result of the validation.

    Attributes:
        checks: the recipe's three.
        differences: where live differs from the file; empty without a file.
    """

    checks: tuple[Check, ...]
    differences: tuple[Change, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether every check passed and nothing differs."""
        return all(check.ok for check in self.checks) and not self.differences


def verify(live: LiveState, plan: Plan | None = None) -> Report:
    """Run the recipe's Validation and, given a plan, compare every field of every item.

    With a file at least as many key events and attributes are expected as it has; without one,
    as in the recipe, at least one.

    Args:
        plan: of the file and this live state; what is still pending is a difference.
    Raises:
        MalformedOutput: something that differs was not read.
    """
    if plan is not None:
        live.require(SETTING_FIELDS.get(change.kind, "") for change in plan.pending)
    status = live.segment.status
    attributes = len(live.attributes) + len(live.imported)
    checks = (
        Check("RT status", READY, status or "none", status == READY),
        _at_least("key events", _expected(plan, Kind.KEY_EVENT), len(live.key_events)),
        _at_least("RT attributes", _expected(plan, Kind.ATTRIBUTE, Kind.IMPORTED), attributes),
    )
    return Report(checks, plan.pending if plan else ())


def _expected(plan: Plan | None, *kinds: Kind) -> int:
    if plan is None:
        return 1
    return sum(change.kind in kinds and change.desired is not None for change in plan.changes)


def _at_least(name: str, expected: int, found: int) -> Check:
    return Check(name, f"at least {expected}", str(found), found >= expected)


def failure(report: Report) -> NotReady | None:
    """Return the error for a failed validation; None if it passed."""
    if report.ok:
        return None
    failed = [f"{c.name}: {c.found}, expected {c.expected}" for c in report.checks if not c.ok]
    failed.extend(f"{change.kind} {change.name} differs" for change in report.differences)
    return NotReady(
        f"the validation failed: {'; '.join(failed)}",
        hint="run the same command again, or see what differs with `tdxwrap plan CONFIG`",
    )
