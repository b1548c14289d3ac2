"""`tdxwrap status PS` and `tdxwrap wait PS`: the RT status, now or when it is ok."""

from __future__ import annotations

from tdxwrap import render, session
from tdxwrap.app import App
from tdxwrap.live import resolve_segment
from tdxwrap.state import Segment
from tdxwrap.wait import Patience


def status(app: App, ps: str) -> int:
    """Show the RT status of a parent segment, an id or a name."""
    with app.connected(ps) as connected:
        segment = resolve_segment(connected.api, connected.retry, ps)
    return _shown(app, "status", segment)


def wait(app: App, ps: str, patience: Patience) -> int:
    """Wait until the RT status is ok, then show it."""
    with app.connected(ps) as connected:
        segment = session.wait_for(connected, ps, patience)
    return _shown(app, "wait", segment)


def _shown(app: App, command: str, segment: Segment) -> int:
    app.console.result([render.segment_line(segment, app.account)])
    return app.end(command, segment=segment)
