"""`tdxwrap graph CONFIG`: a picture of a configuration, alone or beside what is live."""

from __future__ import annotations

from tdxwrap.apply import session
from tdxwrap.cli.app import App
from tdxwrap.config.load import load
from tdxwrap.generate import graph as pictures
from tdxwrap.plan.build import build
from tdxwrap.realtime.state import BLANK


def graph(app: App, config: str, ps: str | None, *, dot: bool) -> int:
    """Print the picture.

    Args:
        ps: colour what is live, missing or different on this parent segment, an id or a name.
        dot: DOT instead of Mermaid.
    """
    loaded = load(config, environ=app.environ)
    app.console.print_warnings(loaded.warnings)
    live = BLANK
    if ps is not None:
        with app.connected(ps) as connected:
            live = session.read(connected, ps)
    picture = pictures.picture(build(loaded.config, live), live=ps is not None)
    text = pictures.dot(picture) if dot else pictures.mermaid(picture)
    app.console.print_text(text)
    return app.end("graph", format="dot" if dot else "mermaid", graph=text)
