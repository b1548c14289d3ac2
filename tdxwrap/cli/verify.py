"""`tdxwrap verify CONFIG|PS`: the recipe's Validation, and every field of a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tdxwrap.cli.command import FilesCommand
from tdxwrap.cli.options import CONFIG_OR_PS, KEEP_GOING, PARENT_SEGMENT, file_or_segment
from tdxwrap.errors import Differs, TdxwrapError

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
    from tdxwrap.apply import verify as validation
    from tdxwrap.output.report_text import report_lines
    from tdxwrap.plan.changes import PlanOptions

    file, ps = file_or_segment(config, parent_segment, bool(app.file))
    if file is None:
        report = validation.verify(app.read_live(str(ps)))
    else:
        loaded, ps = app.load(file, ps)
        plan = app.make_plan(loaded, ps, PlanOptions(check_columns=False))
        report = validation.verify(plan.live, plan)
        app.about(plan.live.segment, len(report.differences))
    app.console.print_result(report_lines(report, file or ""))
    error: TdxwrapError | None = validation.failure(report)
    if count := len(report.differences):
        items = "1 item differs" if count == 1 else f"{count} items differ"
        hint = f"`tdxwrap plan {file}` shows what apply would do about it"
        error = Differs(f"{items} from {file}", hint=hint)
    return app.end(error, report=report)
