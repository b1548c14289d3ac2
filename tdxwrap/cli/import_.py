"""`tdxwrap import SOURCE`: a CONFIG out of what a team has already."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import click

from tdxwrap.cli.command import Command
from tdxwrap.cli.options import CONFIG, FILE, SEGMENT
from tdxwrap.errors import ConfigError, Refused, UsageProblem

if TYPE_CHECKING:
    from pathlib import Path

    from tdxwrap.cli.app import App
    from tdxwrap.config.yaml_source import Source
    from tdxwrap.sandbox.world import Calls


@click.command("import", cls=Command)
@click.argument("source", type=CONFIG)
@click.argument("args", nargs=-1, metavar="[-- ARG...]")
@FILE
@click.option("--strict", is_flag=True, help="rt_config.yaml: fail where there is no counterpart.")
@click.option("--list", "listed", is_flag=True, help="Script: only list what it calls.")
@click.option("--ids-from", metavar="PS", type=SEGMENT, help="Script: where its key event ids are.")
@click.option("--allow", multiple=True, metavar="NAME", help="Script: a program it may call.")
def import_(
    app: App,
    source: str,
    args: tuple[str, ...],
    *,
    file: Path | None,
    strict: bool,
    listed: bool,
    ids_from: str | None,
    allow: tuple[str, ...],
) -> int:
    """Make a CONFIG of a shell script or an rt_config.yaml. SOURCE may be - for standard input. A
    script, or the bash blocks of a Markdown page, is run on a stand-in for tdx; no other tdx can be
    reached. What has no counterpart becomes a comment.

    \b
    tdxwrap import step7.sh -f rt.yaml -- 394649 web_events
    tdxwrap import rt_config.yaml --strict
    """
    from tdxwrap.config.yaml_source import read_bytes
    from tdxwrap.sandbox import script
    from tdxwrap.sandbox.world import call_lines

    content = read_bytes(source)
    form = _tdx_form(source, content)
    if form is not None:
        return _convert(app, form, file, strict)
    text = script.bash_of(content, markdown=source.endswith((".md", ".markdown")))
    script.check(source, text)
    with script.run(source, text, args, allow, app.environ) as (ground, error):
        calls = ground.world.calls()
        if listed:
            app.console.print_answer(call_lines(calls))
            return app.end(error, config=None, file=None, left_out=[], calls=calls)
        if error is not None and not ground.world.live():
            raise error
        elsewhere = None if ids_from is None else partial(app.read_live, ids_from)
        config = script.config_of(source, ground, elsewhere)
    if error is not None:
        error.so_far = "the CONFIG holds what the script got to"
    elif _left_out(config):
        hint = "see the comments of the file"
        error = Refused("not all of it has a place in a CONFIG", hint=hint)
    return _finish(app, config, file, calls, error)


def _tdx_form(source: str, content: bytes) -> Source | None:
    """What is in an rt_config.yaml; None for what is to be a script."""
    from tdxwrap.config.load import is_tdx_form
    from tdxwrap.config.yaml_source import read_source

    is_yaml = source.endswith((".yaml", ".yml"))
    try:
        found = read_source(source, content, {})
    except ConfigError:
        if is_yaml:
            raise
        return None
    if is_yaml and not is_tdx_form(found.data):
        hint = "it has parent_segment_id, events, id_stitching and attributes"
        raise UsageProblem(f"{source} is not an rt_config.yaml of tdx", hint=hint)
    return found if is_tdx_form(found.data) else None


def _convert(app: App, form: Source, file: Path | None, strict: bool) -> int:
    from tdxwrap.generate.tdx_form import convert
    from tdxwrap.output.lines import counted

    config, left_out = convert(form)
    if strict and left_out:
        raise ConfigError(form.path, left_out)
    if left_out:
        count = counted(len(left_out), "thing")
        app.warn(f"{count} without an exact counterpart: see the comments of the file")
    return _finish(app, config, file, [], None)


def _left_out(config: str) -> list[str]:
    return [line[2:] for line in config.splitlines() if line.startswith("# left out: ")]


def _finish(app: App, config: str, file: Path | None, calls: Calls, error: Refused | None) -> int:
    app.print_or_write(config, file)
    where = None if file is None else str(file)
    return app.end(error, config=config, file=where, left_out=_left_out(config), calls=calls)
