"""Whether a command line is one that tdxwrap takes, without running it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

import click

from tdxwrap.cli.main import main
from tdxwrap.cli.options import Invocation


def commands(group: click.Group = main, above: str = "") -> Iterator[tuple[str, click.Command]]:
    """Every command with the names that call it."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield f"{above}{name}", command
        if isinstance(command, click.Group):
            yield from commands(command, f"{above}{name} ")


def parse(line: str) -> str:
    """Parse a line as click does before it calls a command.

    Returns:
        The command that it would call.
    Raises:
        click.UsageError: tdxwrap would not take it.
    """
    program, *args = shlex.split(line, comments=True)
    assert program == "tdxwrap", line
    context = main.make_context("tdxwrap", args, obj=Invocation())
    while isinstance(context.command, click.Group):
        rest = [*context._protected_args, *context.args]
        if not rest and context.command.invoke_without_command:
            break
        name, command, rest = context.command.resolve_command(context, rest)
        assert name is not None
        assert command is not None
        context = command.make_context(name, rest, parent=context)
    return context.command_path.removeprefix("tdxwrap ")
