"""`tdxwrap check CONFIG`: validate a file without calling tdx."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tdxwrap.cli.command import FilesCommand
from tdxwrap.cli.options import CONFIGS, KEEP_GOING

if TYPE_CHECKING:
    from tdxwrap.cli.app import App
    from tdxwrap.config.load import LoadedConfig


@click.command(cls=FilesCommand)
@CONFIGS
@KEEP_GOING
def check(app: App, config: str) -> int:
    """Validate a CONFIG offline. Every error at once, each with line, column, field and a hint.

    \b
    tdxwrap check rt.yaml
    tdxwrap check brands/ --keep-going
    """
    from tdxwrap.output.lines import Line

    loaded = app.load_file(config)
    app.console.print_result([Line("", f"{config} is valid: {_contents(loaded)}")])
    return app.end(digest=loaded.digest, warnings=list(loaded.warnings))


def _contents(loaded: LoadedConfig) -> str:
    from tdxwrap.output.lines import counted

    config = loaded.config
    counts = {
        "event table": len(config.tables()),
        "key event": len(config.key_events),
        "stitching key": len(config.id_stitching.keys),
        "attribute": len(config.attributes),
    }
    return ", ".join(counted(n, name) for name, n in counts.items())
