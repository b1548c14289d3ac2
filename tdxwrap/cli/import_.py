"""`tdxwrap import SOURCE`: a CONFIG out of what a team has already."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tdxwrap.cli.command import Command
from tdxwrap.cli.options import CONFIG, FILE
from tdxwrap.errors import ConfigError, UsageProblem

if TYPE_CHECKING:
    from pathlib import Path

    from tdxwrap.cli.app import App


@click.command("import", cls=Command)
@click.argument("source", type=CONFIG)
@FILE
@click.option("--strict", is_flag=True, help="Fail where something has no exact counterpart.")
def import_(app: App, source: str, *, file: Path | None, strict: bool) -> int:
    """Make a CONFIG of tdx's own rt_config.yaml. What has no exact counterpart becomes a comment
    with the nearest one. SOURCE may be - for standard input.

    \b
    tdxwrap import rt_config.yaml -f rt.yaml
    """
    from tdxwrap.config.load import is_tdx_form
    from tdxwrap.config.yaml_source import read_bytes, read_source
    from tdxwrap.generate.tdx_form import convert
    from tdxwrap.output.lines import counted

    found = read_source(source, read_bytes(source), {})
    if found.problems:
        raise ConfigError(source, found.problems)
    if not is_tdx_form(found.data):
        hint = "it has parent_segment_id, events, id_stitching and attributes"
        raise UsageProblem(f"{source} is not an rt_config.yaml of tdx", hint=hint)
    made = convert(found)
    count = counted(len(made.left_out), "thing")
    if strict and made.left_out:
        hint = "without --strict they are comments of the file"
        said = "\n".join(made.left_out)
        raise UsageProblem(f"{count} without an exact counterpart", said=said, hint=hint)
    app.print_or_write(made.text, file)
    if made.left_out:
        app.warn(f"{count} without an exact counterpart: see the comments of the file")
    where = None if file is None else str(file)
    return app.end(config=made.text, file=where, left_out=list(made.left_out))
