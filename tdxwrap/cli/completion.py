"""`tdxwrap completion`: print the completion script of a shell."""

from __future__ import annotations

import os

import click

from tdxwrap.cli.command import LightCommand, new_app
from tdxwrap.cli.options import Invocation, Known
from tdxwrap.cli.shells import SHELLS, VARIABLE
from tdxwrap.errors import ExitCode, UsageProblem


@click.command(cls=LightCommand)
@click.argument("shell", required=False, metavar="[bash|zsh|fish]", type=Known(lambda: SHELLS))
@click.pass_context
def completion(ctx: click.Context, shell: str | None) -> int:
    """Print the shell completion script.

    \b
    bash:  eval "$(tdxwrap completion bash)"  in ~/.bashrc
    zsh:   eval "$(tdxwrap completion zsh)"   in ~/.zshrc, after compinit
    fish:  tdxwrap completion fish > ~/.config/fish/completions/tdxwrap.fish
    """
    name = shell or os.path.basename(os.environ.get("SHELL", ""))
    if name not in SHELLS:
        raise UsageProblem(
            f"there is no completion for {name or 'an unknown shell'}",
            hint=f"name one of {', '.join(SHELLS)}",
        )
    script = SHELLS[name](ctx.find_root().command, {}, "tdxwrap", VARIABLE).source()
    # Shells may ask for the script whenever they start: only --json needs the rest of tdxwrap.
    if Invocation.of(ctx).chosen.json:
        return new_app(ctx).end(shell=name, script=script)
    click.echo(script, nl=False)
    return ExitCode.DONE
