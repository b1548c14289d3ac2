"""The options that commands share, and the commands that take them."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from tdxwrap.changes import Options
    from tdxwrap.wait import Patience

F = TypeVar("F", bound=Callable[..., Any])

EPILOG = "Global options (tdxwrap --help) may stand before or after the command."


def command_name(ctx: click.Context) -> str:
    """`plan`, `runs show`; `tdxwrap` for what is no command."""
    return ctx.command_path.removeprefix("tdxwrap ")


class FilePath(click.Path):
    """The path of a file, as a pathlib.Path; pathlib is imported when one is given."""

    def __init__(self) -> None:
        super().__init__(dir_okay=False)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path, if it is not the one of a folder."""
        from pathlib import Path

        return Path(str(super().convert(value, param, ctx)))

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem[str]]:
        """The files that there are."""
        from tdxwrap.completion import files

        return files(incomplete)


def _remember(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    """Keep a global option's value, wherever it was given; the later place wins."""
    assert param.name is not None
    given: dict[str, Any] = ctx.find_root().ensure_object(dict)
    source = ctx.get_parameter_source(param.name)
    if param.name not in given or source is click.core.ParameterSource.COMMANDLINE:
        given[param.name] = value


SECONDS = click.FloatRange(min=0, min_open=True)

_GLOBAL_OPTIONS: tuple[tuple[tuple[str, ...], dict[str, Any]], ...] = (
    (("--tdx",), {"metavar": "PATH", "default": "tdx", "help": "The tdx to run."}),
    (("--profile",), {"metavar": "NAME", "help": "The tdx profile."}),
    (("--site",), {"metavar": "SITE", "help": "us01, jp01, eu01 or ap02."}),
    (
        ("--timeout",),
        {"type": SECONDS, "default": 120.0, "metavar": "SECONDS", "help": "Limit of one tdx call."},
    ),
    (
        ("--retries",),
        {"type": click.IntRange(0, 20), "default": 3, "metavar": "N", "help": "Further tries."},
    ),
    (
        ("--retry-delay",),
        {
            "type": SECONDS,
            "default": 0.5,
            "metavar": "SECONDS",
            "help": "Pause before the first retry; doubled each time.",
        },
    ),
    (
        ("--journal",),
        {
            "type": FilePath(),
            "metavar": "PATH",
            "help": "Record the run in this new file.",
        },
    ),
    (("--no-journal",), {"is_flag": True, "help": "Do not record the run."}),
    (("--json",), {"is_flag": True, "help": "Print one JSON document."}),
    (("-v", "--verbose"), {"is_flag": True, "help": "Show each tdx command."}),
    (("-q", "--quiet"), {"is_flag": True, "help": "Print errors and results only."}),
    (("--color/--no-color",), {"default": None, "help": "Colour; NO_COLOR is honoured."}),
)


class GlobalOption(click.Option):
    """An option that every command takes; the help of the group alone tells of it."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """Its line in the help, if any."""
        return super().get_help_record(ctx) if ctx.parent is None else None


GLOBAL_OPTIONS = [
    GlobalOption(names, expose_value=False, callback=_remember, is_eager=True, **settings)
    for names, settings in _GLOBAL_OPTIONS
]


class Command(click.Command):
    """A command that takes the global options too, since one may think of them last."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Its own parameters and, below the top, the global options."""
        below = ctx.parent is not None
        return [*super().get_params(ctx), *(GLOBAL_OPTIONS if below else ())]

    def invoke(self, ctx: click.Context) -> Any:
        """Run it; an error is told as one of this command."""
        ctx.find_root().obj["command"] = command_name(ctx)
        return super().invoke(ctx)


class CommandGroup(Command, click.Group):
    """A group whose commands take the global options, as it does itself."""

    command_class = Command
    group_class = type


def complete_config(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem[str]]:
    """What a CONFIG may be."""
    from tdxwrap.completion import files

    return files(incomplete, (".yaml", ".yml"))


def complete_segment(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem[str]]:
    """What a PS may be."""
    from tdxwrap.completion import segments

    return segments(ctx.find_root().obj or {}, os.environ, incomplete)


def complete_either(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem[str]]:
    """What a CONFIG or a PS may be."""
    found = complete_config(ctx, param, incomplete)
    return found + complete_segment(ctx, param, incomplete)


CONFIG = click.argument("config", shell_complete=complete_config)
PS = click.argument("ps", shell_complete=complete_segment)
PARENT_SEGMENT = click.option(
    "--parent-segment",
    metavar="PS",
    shell_complete=complete_segment,
    help="Id or name; goes before the one in the file.",
)


def plan_options(function: F) -> F:
    """The options that say what a plan may take away."""
    for name, text in (
        ("--force", "Allow what is dangerous: see the plan."),
        ("--replace", "Allow delete and create; what an attribute has collected is lost."),
        ("--prune", "Delete what is live and not in the file."),
    ):
        function = click.option(name, is_flag=True, help=text)(function)
    return click.option(
        "--check-columns/--no-check-columns",
        default=True,
        help="Look whether tables and columns exist when something is to be written.",
    )(function)


def wait_options(function: F) -> F:
    """The options that say how to wait for the status ok."""
    for name, default, text in (
        ("--poll-longest", 5.0, "Longest pause between two looks."),
        ("--poll-first", 1.0, "Pause after the first look; it grows."),
        ("--wait-timeout", 600.0, "When to give up waiting."),
    ):
        function = click.option(
            name, type=SECONDS, default=default, show_default=True, metavar="SECONDS", help=text
        )(function)
    return function


def plan_choice(given: dict[str, Any]) -> Options:
    """What the options of `plan_options` say."""
    from tdxwrap.changes import Options

    return Options(
        check_columns=given["check_columns"],
        prune=given["prune"],
        replace=given["replace"],
        force=given["force"],
    )


def patience(given: dict[str, Any]) -> Patience:
    """What the options of `wait_options` say."""
    from tdxwrap.wait import Patience

    return Patience(
        first=given["poll_first"],
        longest=max(given["poll_first"], given["poll_longest"]),
        limit=given["wait_timeout"],
    )
