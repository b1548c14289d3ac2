"""`tdxwrap graph CONFIG`: a picture of a configuration, alone or beside what is live."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tdxwrap.cli.command import Command
from tdxwrap.cli.options import CONFIG, SEGMENT

if TYPE_CHECKING:
    from tdxwrap.cli.app import App


@click.command(cls=Command)
@click.argument("config", type=CONFIG)
@click.option("--dot", is_flag=True, help="DOT, for Graphviz, in place of Mermaid.")
@click.option("--markdown", is_flag=True, help="As a block of Markdown, for a comment.")
@click.option(
    "--live",
    metavar="PS",
    type=SEGMENT,
    help="Colour what is live, missing or different on PS.",
)
def graph(app: App, config: str, *, dot: bool, markdown: bool, live: str | None) -> int:
    """Print a CONFIG as a Mermaid flowchart. Event tables, key events and attributes, and the ID
    stitching.

    \b
    tdxwrap graph rt.yaml --live 394649
    tdxwrap graph rt.yaml --dot | dot -Tsvg > rt.svg
    """
    from tdxwrap.generate import graph as pictures
    from tdxwrap.plan.build import build_plan
    from tdxwrap.realtime.state import BLANK
    from tdxwrap.system.text import ascii_entities

    loaded = app.load_file(config)
    state = BLANK if live is None else app.read_live(live)
    named = loaded.config.parent_segment
    title = f"Parent segment {named}" if named else ""
    if live is not None:
        title = f"{state.segment.name} ({state.segment.id})"
    picture = pictures.picture(build_plan(loaded.config, state), title, live=live is not None)
    text = pictures.dot(picture) if dot else pictures.mermaid(picture)
    if app.console.ascii_only:
        text = ascii_entities(text, "&#{};" if dot else "#{};")
    if markdown:
        text = f"```{'dot' if dot else 'mermaid'}\n{text}```\n"
    app.console.print_text(text)
    return app.end(format="dot" if dot else "mermaid", graph=text)
