"""What a program reads: one JSON document a command, of a named and versioned form."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from tdxwrap.changes import Change, Finding, Plan
from tdxwrap.errors import ConfigError, Problem, TdxwrapError
from tdxwrap.state import Segment
from tdxwrap.verify import Report

VERSION = 1


def document(command: str, **content: Any) -> dict[str, Any]:
    """The frame of every document: which command, which version of the form."""
    return {"tdxwrap": command, "version": VERSION, **content}


def segment_part(segment: Segment) -> dict[str, Any]:
    """Which parent segment it is about."""
    return asdict(segment)


def plan_part(plan: Plan) -> dict[str, Any]:
    """A plan: every item with what happens to it, the counts, what stands in the way."""
    return {
        "segment": segment_part(plan.live.segment),
        "pending": bool(plan.pending),
        "changes": [change_part(change) for change in plan.changes],
        "counts": {str(action): number for action, number in plan.counts().items()},
        "blockers": [asdict(blocker) for blocker in plan.blockers],
        "findings": [finding_part(finding) for finding in plan.findings],
    }


def change_part(change: Change) -> dict[str, Any]:
    """One item and what happens to it."""
    return {
        "action": str(change.action),
        "kind": str(change.kind),
        "step": change.step,
        "name": change.name,
        "id": change.live_id,
        "fields": [asdict(changed) for changed in change.fields],
        "reason": change.reason,
        "dangerous": change.dangerous,
    }


def finding_part(finding: Finding) -> dict[str, Any]:
    """What a column check found, and where in the file."""
    return {name: value for name, value in asdict(finding).items() if name != "loc"}


def report_part(report: Report | None) -> dict[str, Any] | None:
    """The validation; None if there was none."""
    if report is None:
        return None
    return {
        "ok": report.ok,
        "checks": [asdict(check) for check in report.checks],
        "differences": [change_part(change) for change in report.differences],
    }


def problem_part(problem: Problem) -> dict[str, Any]:
    """One problem of a configuration file."""
    return asdict(problem)


def error_part(error: TdxwrapError) -> dict[str, Any]:
    """An error with all that is known of it."""
    problems = error.problems if isinstance(error, ConfigError) else ()
    return {
        "kind": error.kind,
        "exit_code": int(error.exit_code),
        "step": error.step,
        "what": error.what,
        "said": error.said,
        "command": list(error.command),
        "where": error.where,
        "so_far": error.so_far,
        "hint": error.hint,
        "problems": [problem_part(problem) for problem in problems],
        "others": [error_part(other) for other in error.others],
    }
