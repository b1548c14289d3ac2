"""`tdxwrap export`: what is live, or was live before a run, as a CONFIG."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tdxwrap.cli.command import Command
from tdxwrap.cli.options import FILE, RUN, SEGMENT
from tdxwrap.errors import UsageProblem

if TYPE_CHECKING:
    from pathlib import Path

    from tdxwrap.cli.app import App


@click.command(cls=Command)
@click.argument("ps", type=SEGMENT, required=False)
@click.option(
    "--before", metavar="RUN", type=RUN, help="What was live before a run: last, or its id."
)
@FILE
def export(app: App, ps: str | None, *, before: str | None, file: Path | None) -> int:
    """Print what is or was live on PS, as a CONFIG. Of a run, it is what was live before.

    \b
    tdxwrap export 394649
    tdxwrap export "Customer 360" -f rt.yaml
    tdxwrap export --before last -f before.yaml
    """
    from tdxwrap.apply.export import config_text
    from tdxwrap.journal import runs

    ascii_only = file is None and app.console.ascii_only
    if before is not None and ps is None:
        run = runs.find(app.environ, before)
        live, before = runs.live_before(run), str(run.lines[0]["id"])
    elif ps is not None and before is None:
        live = app.read_live(ps)
    else:
        hint = "tdxwrap export PS, or tdxwrap export --before RUN"
        raise UsageProblem("export takes either a parent segment or a run", hint=hint)
    text = config_text(live, before=before, ascii_only=ascii_only)
    app.print_or_write(text, file)
    return app.end(config=text, file=None if file is None else str(file))
