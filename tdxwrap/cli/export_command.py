"""`tdxwrap export PS`: the live configuration as a CONFIG."""

from __future__ import annotations

from pathlib import Path

from tdxwrap.apply import session
from tdxwrap.apply.export import config_text
from tdxwrap.cli.app import App


def export(app: App, ps: str, file: Path | None) -> int:
    """Print what is live, or write it to a file; an earlier file is kept under another name."""
    with app.connected(ps) as connected:
        text = config_text(session.read(connected, ps))
    if file is None:
        app.console.print_text(text)
    else:
        app.write(file, text, "--file")
    return app.end("export", config=text, file=None if file is None else str(file))
