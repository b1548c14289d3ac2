"""`tdxwrap export PS`: the live configuration as a CONFIG."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tdxwrap.cli.command import Command
from tdxwrap.cli.options import FILE, PS

if TYPE_CHECKING:
    from pathlib import Path

    from tdxwrap.cli.app import App


@click.command(cls=Command)
@PS
@FILE
def export(app: App, ps: str, file: Path | None) -> int:
    """Print what is live on PS as a CONFIG.

    \b
    tdxwrap export 394649
    tdxwrap export "Customer 360" -f rt.yaml
    """
    from tdxwrap.apply.export import config_text

    ascii_only = file is None and app.console.ascii_only
    text = config_text(app.read_live(ps), ascii_only=ascii_only)
    app.print_or_write(text, file)
    return app.end(config=text, file=None if file is None else str(file))
