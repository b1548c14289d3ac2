"""`tdxwrap new [PS]`: a first CONFIG from what the account holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tdxwrap.cli.command import Command
from tdxwrap.cli.options import FILE, SEGMENT
from tdxwrap.errors import UsageProblem

if TYPE_CHECKING:
    from pathlib import Path

    from tdxwrap.cli.app import App


@click.command(cls=Command)
@click.argument("ps", required=False, type=SEGMENT)
@click.option(
    "--table", "tables", multiple=True, metavar="DB.TABLE", help="An event table; repeatable."
)
@click.option(
    "--stitch-by", "keys", multiple=True, metavar="COL", help="A stitching key; repeatable."
)
@click.option("--lookup-key", metavar="COL", help="The profile key of the parent segment.")
@click.option("--samples", is_flag=True, help="Propose attributes, too: one of each kind.")
@FILE
def new(
    app: App,
    ps: str | None,
    *,
    tables: tuple[str, ...],
    keys: tuple[str, ...],
    lookup_key: str | None,
    samples: bool,
    file: Path | None,
) -> int:
    """Propose a first CONFIG for PS (id or name). It is made from the tables that the account
    holds. On a terminal it asks for what is not given; elsewhere PS and --table are needed.

    \b
    tdxwrap new -f rt.yaml
    tdxwrap new "Customer 360" --table web.pageviews --stitch-by email > rt.yaml
    """
    from tdxwrap.cli.questions import choose
    from tdxwrap.config.schema import schema as config_schema
    from tdxwrap.generate.first_config import config_text
    from tdxwrap.system.text import json_text

    needed = {"PS": ps, "--table DB.TABLE": tables}
    missing = " and ".join(option for option, value in needed.items() if not value)
    if missing and not app.console.can_ask:
        hint = "give it, or run tdxwrap new on a terminal, where it asks"
        raise UsageProblem(f"missing: {missing}", hint=hint)
    if missing:
        app.note("This asks for a parent segment, event tables, a profile key and stitching keys;")
        app.note("Enter takes what is proposed. It reads what is there, and changes nothing.")
        app.note(f"What comes of it is a first CONFIG, {f'in {file}' if file else 'on stdout'}.")
    if file is not None and file.exists():
        app.warn(f"{file} is there already: it will be kept under another name")
    chosen = choose(app, ps, tables, keys, lookup_key)
    schema = None if file is None else file.with_name("rt-config.schema.json")
    text = config_text(chosen, samples=samples, schema=schema.name if schema else "")
    if chosen.configured:
        segment = chosen.segment
        app.warn(f"{segment.name} is configured already: see `tdxwrap export {segment.id}`")
    app.print_or_write(text, file)
    if schema is not None and not schema.exists():
        app.write(schema, json_text(config_schema(), indent=2) + "\n", "--file")
    if file is not None:
        app.note(f"what now: tdxwrap rehearse {file}, tdxwrap plan {file}")
    where = None if file is None else str(file)
    return app.end(config=text, file=where, configured=chosen.configured)
