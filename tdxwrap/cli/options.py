"""The options that commands share, and the commands that take them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from tdxwrap.plan.changes import PlanOptions
    from tdxwrap.realtime.wait import WaitPolicy

F = TypeVar("F", bound=Callable[..., Any])

SECTIONS = (
    ("Start", ("new", "rehearse", "doctor")),
    ("Everyday", ("check", "plan", "apply", "verify", "status", "wait")),
)
"""How the help groups the commands; the others follow as "More"."""


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
        from tdxwrap.cli.shell_completion import files

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
    (
        ("--json",),
        {"is_flag": True, "help": "Print one JSON document: see tdxwrap schema --output-of."},
    ),
    (("-v", "--verbose"), {"is_flag": True, "help": "Show each tdx command."}),
    (("-q", "--quiet"), {"is_flag": True, "help": "Print errors only, and what was asked for."}),
    (("--color/--no-color",), {"default": None, "help": "Colour; NO_COLOR is honoured."}),
)


class Option(click.Option):
    """An option whose help says all in a line.

    Args:
        told: the two columns of its line, where they are not what click would make of it; an empty
            one leaves it out, since another line tells of it too.
    """

    def __init__(self, *args: Any, told: tuple[str, str] | tuple[()] | None = None, **more: Any):
        super().__init__(*args, **more)
        self.told = told

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """Its line in the help, if any."""
        if self.told is not None:
            return self.told or None
        return super().get_help_record(ctx)

    def get_help_extra(self, ctx: click.Context) -> Any:
        """Nothing: the line says what the default and the limits are, where it matters."""
        return {}


GLOBAL_OPTIONS = [
    Option(names, expose_value=False, callback=_remember, is_eager=True, **settings)
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

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The options of its own, a line each; the help has to fit on a screen."""
        records = [p.get_help_record(ctx) for p in self.params if isinstance(p, click.Option)]
        own = [record for record in records if record is not None]
        if not own:
            formatter.write("\nOptions: the global ones (tdxwrap --help-options)\n")
            return
        with formatter.section("Options, beside the global ones (tdxwrap --help-options)"):
            formatter.write_dl(own)


class CommandGroup(Command, click.Group):
    """A group whose commands take the global options, as it does itself."""

    command_class = Command
    group_class = type

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands by use, then the options; those of the top by name only."""
        if ctx.parent is not None:
            self.format_commands(ctx, formatter)
            super().format_options(ctx, formatter)
            return
        formatter.write_paragraph()
        from textwrap import wrap

        formatter.write_dl(list(self._sections(formatter.width)), col_max=40)
        options = " ".join(max(param.opts, key=len) for param in self.params)
        rows = wrap(options, formatter.width - 10, break_on_hyphens=False)
        for label, row in zip_longest(["Options"], rows, fillvalue=""):
            formatter.write(f"{label:<9} {row}\n")

    def _sections(self, width: int) -> Iterator[tuple[str, str]]:
        listed = [name for _, names in SECTIONS for name in names]
        more = ("More", tuple(name for name in self.commands if name not in listed))
        for section, names in (*SECTIONS, more):
            label = section
            for name in names:
                if name in self.commands:
                    told = self.commands[name].get_short_help_str(width)
                    yield f"{label:<9} {name}", told
                    label = ""


def explain_options(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    """What the global options are for, a line each."""
    if not value or ctx.resilient_parsing:
        return
    formatter = ctx.make_formatter()
    formatter.write_text(
        "Global options stand before or after the command. Each may be given as a variable "
        "instead: TDXWRAP_PROFILE=production."
    )
    formatter.write_paragraph()
    records = (option.get_help_record(ctx) for option in GLOBAL_OPTIONS)
    formatter.write_dl([record for record in records if record is not None])
    click.echo(formatter.getvalue().rstrip("\n"))
    ctx.exit()


def complete_config(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem[str]]:
    """What a CONFIG may be."""
    from tdxwrap.cli.shell_completion import files

    return files(incomplete, (".yaml", ".yml"))


def complete_segment(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem[str]]:
    """What a PS may be."""
    from tdxwrap.cli.shell_completion import segments

    return segments(ctx.find_root().obj or {}, os.environ, incomplete)


def complete_either(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem[str]]:
    """What a CONFIG or a PS may be."""
    found = complete_config(ctx, param, incomplete)
    return found + complete_segment(ctx, param, incomplete)


CONFIG = click.argument("config", shell_complete=complete_config)
CONFIGS = click.argument(
    "configs", nargs=-1, required=True, metavar="CONFIG...", shell_complete=complete_config
)
KEEP_GOING = click.option(
    "--keep-going",
    cls=Option,
    is_flag=True,
    help="With several files: go on after one that failed.",
)
PS = click.argument("ps", shell_complete=complete_segment)
PARENT_SEGMENT = click.option(
    "--parent-segment",
    cls=Option,
    metavar="PS",
    shell_complete=complete_segment,
    help="Id or name; goes before the one in the file.",
)


def plan_options(function: F) -> F:
    """The options that say what a plan may take away."""
    for name, text in (
        ("--force", "Allow what is dangerous: see the plan."),
        ("--replace", "Delete and create; what was collected is lost."),
        ("--prune", "Delete what is live and not in the file."),
    ):
        function = click.option(name, cls=Option, is_flag=True, help=text)(function)
    return click.option(
        "--check-columns/--no-check-columns",
        cls=Option,
        default=True,
        told=("--no-check-columns", "Do not look whether tables and columns exist."),
    )(function)


def wait_options(function: F) -> F:
    """The options that say how to wait for the status ok."""
    pauses = ("--poll-longest SECONDS", "Longest pause (8); the first is --poll-first (1).")
    for name, default, told in (
        ("--poll-longest", 8.0, pauses),
        ("--poll-first", 1.0, ()),
        ("--wait-timeout", 600.0, ("--wait-timeout SECONDS", "When to give up waiting (600).")),
    ):
        function = click.option(
            name, cls=Option, type=SECONDS, default=default, metavar="SECONDS", told=told
        )(function)
    return function


def plan_choice(given: dict[str, Any]) -> PlanOptions:
    """What the options of `plan_options` say."""
    from tdxwrap.plan.changes import PlanOptions

    return PlanOptions(
        check_columns=given["check_columns"],
        prune=given["prune"],
        replace=given["replace"],
        force=given["force"],
    )


def patience(given: dict[str, Any]) -> WaitPolicy:
    """What the options of `wait_options` say."""
    from tdxwrap.realtime.wait import WaitPolicy

    return WaitPolicy(
        first=given["poll_first"],
        longest=max(given["poll_first"], given["poll_longest"]),
        limit=given["wait_timeout"],
    )
