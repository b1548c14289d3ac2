"""`tdxwrap completion`: what a shell must read to complete commands, files and segments."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import click

from tdxwrap.cli.shell_completion import SHELLS, script
from tdxwrap.errors import ExitCode, UsageProblem

if TYPE_CHECKING:
    from tdxwrap.cli.app import App


def completion(
    commands: click.Command,
    shell: str | None,
    environ: Mapping[str, str],
    app: Callable[[], App] | None,
) -> int:
    """Print the script.

    Args:
        commands: what is completed.
        shell: one of SHELLS; None for the user's own.
        app: makes the app for `--json`; without it nothing of the app is loaded, since shells may
            ask for the script whenever they start.
    """
    name = shell or os.path.basename(environ.get("SHELL", ""))
    if name not in SHELLS:
        raise UsageProblem(
            f"there is no completion for {name or 'an unknown shell'}",
            hint=f"name one of {', '.join(SHELLS)}",
        )
    text = script(commands, name)
    if app is not None:
        return app().end("completion", shell=name, script=text)
    click.echo(text, nl=False)
    return ExitCode.DONE
