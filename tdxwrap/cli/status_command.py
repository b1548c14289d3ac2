"""`tdxwrap status PS` and `tdxwrap wait PS`: the RT status, now or when it is ok."""

from __future__ import annotations

from tdxwrap.apply import session
from tdxwrap.cli.app import App
from tdxwrap.output import plan_text
from tdxwrap.realtime.read import resolve_segment
from tdxwrap.realtime.wait import WaitPolicy


def status(app: App, ps: str) -> int:
    """Show the RT status of a parent segment, an id or a name."""
    with app.connected(ps) as connected:
        segment = resolve_segment(connected.api, connected.retry, ps)
    app.console.print_answer([plan_text.segment_line(segment, app.account)])
    return app.end("status", segment=segment)


def wait(app: App, ps: str, patience: WaitPolicy) -> int:
    """Wait until the RT status is ok, then show it."""
    with app.connected(ps) as connected:
        segment = session.wait_for(connected, ps, patience)
    app.console.print_result([plan_text.segment_line(segment, app.account)])
    return app.end("wait", segment=segment)
