"""`tdxwrap recipe CONFIG`: the same work as a shell script."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tdxwrap.cli.command import Command
from tdxwrap.cli.options import CONFIG, PARENT_SEGMENT, plan_options
from tdxwrap.errors import UnsafePlan, UsageProblem

if TYPE_CHECKING:
    from tdxwrap.cli.app import App


@click.command(cls=Command)
@click.argument("config", type=CONFIG)
@PARENT_SEGMENT
@click.option("--plan", is_flag=True, help="Read what is live; print only the remaining work.")
@plan_options
def recipe(
    app: App, config: str, parent_segment: str | None, *, plan: bool, **allowed: bool
) -> int:
    """Print the same work as a shell script. In the recipe's own commands, tdx and jq; it may run
    again and again. With --plan updates, too.

    \b
    tdxwrap recipe rt.yaml > step7.sh && bash step7.sh
    """
    from tdxwrap.apply.run import refuse_unsafe
    from tdxwrap.generate import shell_script
    from tdxwrap.output.plan_text import counts_text
    from tdxwrap.plan.changes import PlanOptions

    options = PlanOptions(**allowed)
    if not plan and (options.prune or options.replace or options.force):
        raise UsageProblem(
            "--prune, --replace and --force need --plan",
            hint="without --plan the script leaves what is there as it is",
        )
    loaded, ps = app.load(config, parent_segment)
    origin = shell_script.Origin(
        *(config, ps, app.chosen.profile, app.chosen.site, app.console.ascii_only),
        where=loaded.source.where,
        account=loaded.config.account,
    )
    if plan:
        found = app.make_plan(loaded, ps, options)
        refuse_unsafe(found)
        dangers = () if options.force else found.dangers
        if dangers:
            raise UnsafePlan(
                "; ".join(f"the {c.kind} would change to {c.name}: {c.reason}" for c in dangers),
                hint="nothing was written. If that is what you want, add --force",
            )
        app.note(counts_text(found))
        text = shell_script.remaining(found, origin)
    else:
        text = shell_script.whole(loaded.config, origin)
    app.console.print_text(text)
    return app.end(script=text)
