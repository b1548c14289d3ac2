"""`tdxwrap runs`, `runs show`, `runs export`: the journals of earlier runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tdxwrap.cli.command import CommandGroup
from tdxwrap.cli.options import RUN, SEGMENT, FilePath
from tdxwrap.errors import UsageProblem

if TYPE_CHECKING:
    from pathlib import Path

    from tdxwrap.cli.app import App

RUN_ARGUMENT = click.argument("run", metavar="ID|last|PATH", type=RUN)


@click.group(cls=CommandGroup, invoke_without_command=True)
@click.option("--parent-segment", type=SEGMENT, metavar="PS", help="Only on this one: id or name.")
@click.option("--failed", is_flag=True, help="Only what did not end well.")
@click.option("-n", "--number", type=click.IntRange(1, 200), metavar="N", help="Only the newest N.")
def runs(app: App, parent_segment: str | None, *, failed: bool, number: int | None) -> int:
    """List earlier runs, newest first.

    \b
    tdxwrap runs
    tdxwrap runs --parent-segment "Customer 360" --failed -n 5
    tdxwrap runs show last
    """
    from tdxwrap.journal import runs

    found: list[runs.Run] = []
    try:
        found = runs.chosen(runs.read_all(app.environ), parent_segment, failed)[:number]
    except UsageProblem as error:
        app.warn(error.what)
    app.console.print_answer(runs.list_lines(found))
    return app.end(runs=[run.summary() for run in found])


@runs.command()
@RUN_ARGUMENT
def show(app: App, run: str) -> int:
    """Tell the story of one run: its steps, changes and tdx calls.

    \b
    tdxwrap runs show last
    """
    from tdxwrap.journal import runs

    found = runs.find(app.environ, run)
    app.console.print_answer(runs.story(found))
    return app.end(run=found.summary(), lines=list(found.lines))


@runs.command()
@RUN_ARGUMENT
@click.option("--redact", is_flag=True, help="Replace every name and id, consistently.")
@click.option("-f", "--file", type=FilePath(), help="Write there.")
def export(app: App, run: str, *, redact: bool, file: Path | None) -> int:
    """Print the journal of a run, to be shared or kept as a test.

    \b
    tdxwrap runs export last --redact -f run.jsonl
    """
    from tdxwrap.journal import runs
    from tdxwrap.system.text import ascii_json

    found = runs.find(app.environ, run)
    text = runs.redacted(found) if redact else found.path.read_text(encoding="utf-8")
    app.print_or_write(ascii_json(text) if app.console.ascii_only else text, file)
    return app.end(text=text if file is None else None)
