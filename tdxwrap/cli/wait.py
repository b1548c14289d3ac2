"""`tdxwrap wait PS`: wait for the RT status `ok`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tdxwrap.cli.command import Command
from tdxwrap.cli.options import PS, wait_options

if TYPE_CHECKING:
    from tdxwrap.cli.app import App
    from tdxwrap.realtime.wait import WaitPolicy


@click.command(cls=Command)
@PS
@wait_options
def wait(app: App, ps: str, patience: WaitPolicy) -> int:
    """Wait until the RT status of PS is ok. It usually takes 30 to 90 seconds.

    \b
    tdxwrap wait 394649 --wait-timeout 120
    """
    from tdxwrap.apply import session
    from tdxwrap.output.plan_text import segment_line

    with app.connected(ps) as connected:
        segment = session.wait_for(connected, ps, patience)
    app.console.print_result([segment_line(segment, app.account)])
    return app.end(segment=segment)
