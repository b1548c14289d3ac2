"""`tdxwrap verify CONFIG|PS`: the recipe's Validation, and every field of a file."""

from __future__ import annotations

from tdxwrap.apply import session
from tdxwrap.apply.verify import Report, failure, validate
from tdxwrap.cli.app import App
from tdxwrap.errors import Differs
from tdxwrap.output import plan_text
from tdxwrap.plan.changes import PlanOptions


def verify_segment(app: App, ps: str) -> int:
    """The three checks of the recipe on a parent segment, an id or a name."""
    with app.connected(ps) as connected:
        report = validate(session.read(connected, ps))
    app.console.print_result(plan_text.report_lines(report, ""))
    return app.end("verify", failure(report), report=report)


def verify_config(app: App, config: str, override: str | None) -> int:
    """Compare every field of every item of a configuration with what is live."""
    loaded, ps = app.load(config, override)
    with app.connected() as connected:
        plan = session.make_plan(connected, loaded, ps, PlanOptions(check_columns=False))
    report = validate(plan.live, plan)
    app.about(plan.live.segment, len(report.differences))
    app.console.print_result(plan_text.report_lines(report, config))
    error = _differs(report, config) or failure(report)
    return app.end("verify", error, report=report)


def _differs(report: Report, config: str) -> Differs | None:
    if not report.differences:
        return None
    count = len(report.differences)
    return Differs(
        f"{count} item{'' if count == 1 else 's'} differ{'s' if count == 1 else ''} from {config}",
        hint=f"`tdxwrap plan {config}` shows what apply would do about it",
    )
