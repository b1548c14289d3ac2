"""`tdxwrap schema`: the JSON Schema of a configuration, for editors."""

from __future__ import annotations

from tdxwrap.app import App
from tdxwrap.config import schema as config_schema
from tdxwrap.errors import ExitCode


def schema(app: App) -> int:
    """Print the schema; with and without `--json` the same document."""
    app.console.raw_document(config_schema())
    app.console.check_written()
    return ExitCode.DONE
