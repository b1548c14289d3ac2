"""`tdxwrap schema`: the JSON Schema of a configuration, and of what `--json` prints."""

from __future__ import annotations

from tdxwrap import config, outputs
from tdxwrap.app import App
from tdxwrap.configwords import did_you_mean
from tdxwrap.errors import ExitCode, UsageProblem


def schema(app: App, output_of: str | None) -> int:
    """Print a schema; with and without `--json` the same document.

    Args:
        output_of: the command whose document is meant, `error` for what all print that failed;
            None for a configuration.
    """
    known = outputs.names()
    if output_of is not None and output_of not in known:
        raise UsageProblem(
            f"there is no document of {output_of}",
            hint=did_you_mean(output_of, known) or f"one of {', '.join(known)}",
        )
    app.console.document(config.schema() if output_of is None else outputs.schema(output_of))
    app.console.check_written()
    return ExitCode.DONE
