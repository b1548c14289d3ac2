"""`tdxwrap schema`: the JSON Schema of a configuration, and of what `--json` prints."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from tdxwrap.cli.command import Command
from tdxwrap.cli.options import Known
from tdxwrap.errors import ExitCode, UsageProblem

if TYPE_CHECKING:
    from tdxwrap.cli.app import App


def _documents() -> Iterable[str]:
    from tdxwrap.output import documents

    return documents.names()


@click.command(cls=Command)
@click.option(
    "--output-of",
    metavar="COMMAND",
    type=Known(_documents),
    help="Of what that command prints with --json.",
)
def schema(app: App, output_of: str | None) -> int:
    """Print the JSON Schema of a CONFIG. With --output-of, of what a command prints with --json.

    \b
    tdxwrap schema > rt-config.schema.json
    tdxwrap schema --output-of apply

    Editors complete and check a CONFIG that stands beside that file and begins with

    \b
    # yaml-language-server: $schema=rt-config.schema.json
    """
    from tdxwrap.config import schema as config_schema
    from tdxwrap.output import documents
    from tdxwrap.system.spelling import did_you_mean

    known = documents.names()
    if output_of is not None and output_of not in known:
        raise UsageProblem(
            f"there is no document of {output_of}",
            hint=did_you_mean(output_of, known) or f"one of {', '.join(known)}",
        )
    # With and without --json it is the same document.
    app.console.print_document(
        config_schema.schema() if output_of is None else documents.schema(output_of)
    )
    app.console.check_written()
    return ExitCode.DONE
