"""`tdxwrap status PS`: show the RT status."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tdxwrap.cli.command import Command
from tdxwrap.cli.options import PS

if TYPE_CHECKING:
    from tdxwrap.cli.app import App


@click.command(cls=Command)
@PS
def status(app: App, ps: str) -> int:
    """Show the RT status of PS (id or name).

    \b
    tdxwrap status 394649
    tdxwrap status "Customer 360" --json
    """
    from tdxwrap.output.plan_text import segment_line
    from tdxwrap.realtime.read import resolve_segment

    with app.connected(ps) as connected:
        segment = resolve_segment(connected.api, connected.retry, ps)
    app.console.print_answer([segment_line(segment, app.account)])
    return app.end(segment=segment)
