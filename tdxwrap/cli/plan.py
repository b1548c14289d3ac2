"""`tdxwrap plan CONFIG`: read, compare and show; nothing is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tdxwrap.cli.command import FilesCommand
from tdxwrap.cli.options import CONFIGS, KEEP_GOING, PARENT_SEGMENT, plan_options
from tdxwrap.errors import ExitCode

if TYPE_CHECKING:
    from tdxwrap.cli.app import App


@click.command(cls=FilesCommand)
@CONFIGS
@PARENT_SEGMENT
@KEEP_GOING
@plan_options
@click.option(
    "--exit-code",
    is_flag=True,
    help="Exit 7 when changes are pending.",
)
@click.option("--markdown", is_flag=True, help="For a pull request comment.")
def plan(
    app: App,
    config: str,
    parent_segment: str | None,
    *,
    exit_code: bool,
    markdown: bool,
    **allowed: bool,
) -> int:
    """Show what apply would change. Writes nothing.

    \b
    tdxwrap plan rt.yaml
    tdxwrap plan rt.yaml --exit-code        7 when something would change
    tdxwrap plan rt.yaml --markdown         for a pull request
    """
    from tdxwrap.output.lines import Line
    from tdxwrap.output.markdown import COMMENT, plan_markdown
    from tdxwrap.output.plan_text import plan_lines, refused_text
    from tdxwrap.plan.changes import PlanOptions

    loaded, ps = app.load(config, parent_segment)
    found = app.make_plan(loaded, ps, PlanOptions(**allowed))
    app.about(found.live.segment, len(found.pending))
    if markdown:
        # Several plans are one comment, with a row each in the table at its end.
        limit = COMMENT // app.files - 300
        text = plan_markdown(found, app.account, limit, ascii_only=app.console.ascii_only)
        app.console.print_markdown(text)
    else:
        everything = app.chosen.verbose
        app.console.print_result(plan_lines(found, app.account, everything=everything))
        if refused := refused_text(found):
            app.console.print_result([Line("✗ ", refused, "bold", mark="red")])
        if found.pending:
            app.console.print_result([Line("Fingerprint: ", found.fingerprint)])
    code = ExitCode.PENDING if exit_code and found.pending else ExitCode.DONE
    return app.end(code=ExitCode.REFUSED if found.refusals else code, plan=found)
