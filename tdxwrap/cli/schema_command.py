"""`tdxwrap schema`: the JSON Schema of a configuration, and of what `--json` prints."""

from __future__ import annotations

from tdxwrap.cli.app import App
from tdxwrap.config import load
from tdxwrap.config.messages import did_you_mean
from tdxwrap.errors import ExitCode, UsageProblem
from tdxwrap.output import schemas


def schema(app: App, output_of: str | None) -> int:
    """Print a schema; with and without `--json` the same document.

    Args:
        output_of: the command whose document is meant, `error` for what all print that failed;
            None for a configuration.
    """
    known = schemas.names()
    if output_of is not None and output_of not in known:
        raise UsageProblem(
            f"there is no document of {output_of}",
            hint=did_you_mean(output_of, known) or f"one of {', '.join(known)}",
        )
    app.console.print_document(load.schema() if output_of is None else schemas.schema(output_of))
    app.console.check_written()
    return ExitCode.DONE
