"""`tdxwrap doctor [CONFIG|PS]`: check that everything is in place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tdxwrap.cli.command import FilesCommand
from tdxwrap.cli.options import CONFIG_OR_PS, KEEP_GOING, PARENT_SEGMENT, file_or_segment

if TYPE_CHECKING:
    from tdxwrap.cli.app import App


@click.command(cls=FilesCommand)
@click.argument("configs", nargs=-1, metavar="[CONFIG...|PS]", type=CONFIG_OR_PS)
@PARENT_SEGMENT
@KEEP_GOING
def doctor(app: App, config: str | None, parent_segment: str | None) -> int:
    """Check that everything is in place. That is tdx, login, profile, `tdx api`; with a CONFIG or
    PS the parent segment and the form of what tdx answers, with a CONFIG its tables and columns.

    \b
    tdxwrap doctor 394649
    tdxwrap doctor rt.yaml --profile production
    """
    from tdxwrap.apply.checklist import State
    from tdxwrap.apply.doctor import examine, failure
    from tdxwrap.output.report_text import check_lines

    file, ps = file_or_segment(config, parent_segment, bool(app.file))
    loaded = None if file is None else app.load_file(file)
    ps = ps or (loaded.config.parent_segment if loaded else None)
    app.segment = ps or ""
    with app.connected(ps, loaded) as connected:
        connected.api.tdx.settle()
        checks = examine(connected, loaded, ps, app.account)
    app.console.print_result(check_lines(checks))
    failed = [check for check in checks if check.state is State.FAILED]
    if failed and app.chosen.quiet:
        app.console.print_always(check_lines(failed))
    return app.end(failure(checks), printed=True, checks=list(checks))
