"""`tdxwrap plan CONFIG`: read, compare, show; nothing is written."""

from __future__ import annotations

from tdxwrap import render, session
from tdxwrap.app import App
from tdxwrap.changes import Options
from tdxwrap.errors import ExitCode


def plan(
    app: App,
    config: str,
    *,
    override: str | None,
    options: Options,
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
        app.console.text(render.plan_markdown(found, app.account))
    else:
        everything = app.chosen.verbose
        app.console.result(render.plan_lines(found, app.account, everything=everything))
    code = app.end("plan", plan=found)
    return ExitCode.PENDING if exit_code and found.pending else code
