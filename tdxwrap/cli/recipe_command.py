"""`tdxwrap recipe CONFIG`: the same work as a shell script."""

from __future__ import annotations

from tdxwrap.apply import session
from tdxwrap.cli.app import App
from tdxwrap.config.load import LoadedConfig
from tdxwrap.errors import UnsafePlan, UsageProblem
from tdxwrap.generate import shell_script
from tdxwrap.output import plan_text
from tdxwrap.output.plan_text import Line
from tdxwrap.plan.changes import PlanOptions


def recipe(app: App, config: str, override: str | None, options: PlanOptions, *, plan: bool) -> int:
    """Print the script.

    Args:
        override: `--parent-segment`.
        plan: read what is live, and write down only what is still to do.
    """
    if not plan and (options.prune or options.replace or options.force):
        raise UsageProblem(
            "--prune, --replace and --force need --plan",
            hint="without --plan the script leaves what is there as it is",
        )
    loaded, ps = app.load(config, override)
    origin = shell_script.Origin(config, ps, app.chosen.profile, app.chosen.site)
    text = (
        _remaining(app, loaded, origin, options)
        if plan
        else shell_script.whole(loaded.config, origin)
    )
    app.console.print_text(text)
    return app.end("recipe", script=text)


def _remaining(
    app: App, loaded: LoadedConfig, origin: shell_script.Origin, options: PlanOptions
) -> str:
    with app.connected() as connected:
        plan = session.make_plan(connected, loaded, origin.ps, options)
    session.refuse_unfit(plan)
    session.refuse_blocked(plan)
    if plan.dangers and not options.force:
        raise UnsafePlan(
            "; ".join(f"the {c.kind} would change to {c.name}: {c.reason}" for c in plan.dangers),
            hint="nothing was written. If that is what you want, add --force",
        )
    app.console.print_note([Line("", plan_text.counts_text(plan))])
    return shell_script.remaining(plan, origin)
