"""`tdxwrap verify CONFIG|PS`: the recipe's Validation, and every field of a file."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from tdxwrap.cli.command import FilesCommand
from tdxwrap.cli.options import KEEP_GOING, PARENT_SEGMENT, ConfigOrSegment
from tdxwrap.errors import Differs, UsageProblem

if TYPE_CHECKING:
    from tdxwrap.cli.app import App


@click.command(cls=FilesCommand)
@click.argument("configs", nargs=-1, required=True, metavar="CONFIG...|PS", type=ConfigOrSegment())
@PARENT_SEGMENT
@KEEP_GOING
def verify(app: App, config: str, parent_segment: str | None) -> int:
    """Compare live with CONFIG, or check PS. With a CONFIG every field of every item; with a parent
    segment the three checks of the recipe.

    \b
    tdxwrap verify rt.yaml
    tdxwrap verify 394649
    """
    is_file = config == "-" or config.endswith((".yaml", ".yml")) or os.path.exists(config)
    if app.of_several or is_file:
        return _verify_config(app, config, parent_segment)
    if parent_segment is not None:
        raise UsageProblem(f"there is no file {config} to compare {parent_segment} with")
    return _verify_segment(app, config)


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
