"""`tdxwrap verify CONFIG|PS`: the recipe's Validation, and every field of a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tdxwrap.cli.command import FilesCommand
from tdxwrap.cli.options import CONFIG_OR_PS, KEEP_GOING, PARENT_SEGMENT, file_or_segment
from tdxwrap.errors import Differs

if TYPE_CHECKING:
    from tdxwrap.cli.app import App


@click.command(cls=FilesCommand)
@click.argument("configs", nargs=-1, required=True, metavar="CONFIG...|PS", type=CONFIG_OR_PS)
@PARENT_SEGMENT
@KEEP_GOING
def verify(app: App, config: str, parent_segment: str | None) -> int:
    """Compare live with CONFIG, or check PS. With a CONFIG every field of every item; with a parent
    segment the three checks of the recipe.

    \b
    tdxwrap verify rt.yaml
    tdxwrap verify 394649
    """
    file, ps = file_or_segment(config, parent_segment, bool(app.file))
    if file is not None:
        return _verify_config(app, file, ps)
    return _verify_segment(app, str(ps))


def _verify_segment(app: App, ps: str) -> int:
    from tdxwrap.apply.verify import failure, verify
    from tdxwrap.output.report_text import report_lines

    report = verify(app.read_live(ps))
    app.console.print_result(report_lines(report, ""))
    return app.end(failure(report), report=report)


def _verify_config(app: App, config: str, override: str | None) -> int:
    from tdxwrap.apply.verify import failure, verify
    from tdxwrap.output.report_text import report_lines
    from tdxwrap.plan.changes import PlanOptions

    loaded, ps = app.load(config, override)
    plan = app.make_plan(loaded, ps, PlanOptions(check_columns=False))
    report = verify(plan.live, plan)
    count = len(report.differences)
    app.about(plan.live.segment, count)
    app.console.print_result(report_lines(report, config))
    if not count:
        return app.end(failure(report), report=report)
    items = "1 item differs" if count == 1 else f"{count} items differ"
    hint = f"`tdxwrap plan {config}` shows what apply would do about it"
    return app.end(Differs(f"{items} from {config}", hint=hint), report=report)
