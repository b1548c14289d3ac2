"""`tdxwrap fake run|shell`: the fake tdx, for trying things out and for testing scripts."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from tdxwrap.cli.command import Command
from tdxwrap.errors import UsageProblem

if TYPE_CHECKING:
    from tdxwrap.cli.app import App

WELCOME = """\
tdx is a built-in stand-in here: nothing real is called, and no account is needed. Try
  tdxwrap check rt.yaml; tdxwrap plan rt.yaml; tdxwrap apply rt.yaml; tdx ps view 394649 --json
To leave: exit, or Ctrl-D. This folder and what it holds are then thrown away."""


@click.command(cls=Command)
@click.argument("what", type=click.Choice(["run", "shell"]))
@click.argument("command", nargs=-1, metavar="[-- COMMAND]")
def fake(app: App, what: str, command: tuple[str, ...]) -> int:
    """Run a COMMAND, or a shell, on a stand-in for tdx. It works in a folder that is thrown away at
    the end, with a made-up account and an example rt.yaml; nothing real is called. After a COMMAND
    it says what tdx was asked, and what is configured then; the exit code is that of COMMAND. A
    file that COMMAND names is looked for where you are.

    \b
    tdxwrap fake shell
    tdxwrap fake run -- bash step7.sh 394649
    tdxwrap fake run --json -- tdx ps view 394649 --json
    """
    from tdxwrap.apply.export import config_text
    from tdxwrap.output.lines import Line
    from tdxwrap.sandbox.rehearsal import example, live_through
    from tdxwrap.sandbox.world import call_lines, playground

    if (what == "run") != bool(command) or (what == "shell" and app.chosen.json):
        hint = "tdxwrap fake run [--json] -- COMMAND, or tdxwrap fake shell"
        raise UsageProblem("run takes a command, and shell takes none", hint=hint)
    with playground(app.environ, example()) as place:
        if what == "shell":
            app.console.print_note(Line("", line) for line in WELCOME.splitlines())
            code = place.run(("bash", "--noprofile", "--rcfile", place.environ["BASH_ENV"]))
            return code or 0
        words = [os.path.abspath(word) if os.path.isfile(word) else word for word in command]
        # The one document of --json is all that goes to stdout.
        code = place.run(words, stdout=sys.stderr.fileno() if app.chosen.json else None) or 0
        calls, live = place.world.calls(), place.world.live()
        app.console.print_result(call_lines(calls))
        for ps in [] if app.chosen.json or app.chosen.quiet else live:
            found = live_through(place.world.launcher(), place.environ, ps)
            app.console.print_text(config_text(found, ascii_only=app.console.ascii_only))
    app.end(exit=code, calls=calls, live=live)
    return code
