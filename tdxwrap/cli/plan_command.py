"""`tdxwrap plan CONFIG`: read, compare, show; nothing is written."""

from __future__ import annotations

from tdxwrap.apply import session
from tdxwrap.cli.app import App
from tdxwrap.errors import ExitCode
from tdxwrap.output import plan_text
from tdxwrap.plan.changes import PlanOptions


def plan(
    app: App,
    config: str,
    *,
    override: str | None,
    options: PlanOptions,
    exit_code: bool,
    markdown: bool,
) -> int:
    """Show what apply would change.

    Args:
        override: `--parent-segment`.
        exit_code: end with 7 when changes are pending.
        markdown: print it for a pull request comment.
    """
    loaded, ps = app.load(config, override)
    with app.connected() as connected:
        found = session.make_plan(connected, loaded, ps, options)
    app.about(found.live.segment, len(found.pending))
    if markdown:
        app.console.print_text(plan_text.plan_markdown(found, app.account))
    else:
        everything = app.chosen.verbose
        app.console.print_result(plan_text.plan_lines(found, app.account, everything=everything))
    code = app.end("plan", plan=found)
    return ExitCode.PENDING if exit_code and found.pending else code
