"""The command line: parse, call, hand to the console. Everything heavy is imported when needed."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from tdxwrap import __version__
from tdxwrap.errors import TdxwrapError, UsageProblem
from tdxwrap.stops import as_error, ignore_signals, signals_as_interrupts

if TYPE_CHECKING:
    from tdxwrap.app import App

F = TypeVar("F", bound=Callable[..., Any])

EPILOG = "Global options (tdxwrap --help) may stand before or after the command."


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
            "type": click.Path(path_type=Path, dir_okay=False),
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


def global_options(*, hidden: bool) -> Callable[[F], F]:
    """Add the options that every command takes."""

    def decorate(function: F) -> F:
        for names, settings in reversed(_GLOBAL_OPTIONS):
            function = click.option(
                *names,
                hidden=hidden,
                expose_value=False,
                callback=_remember,
                is_eager=True,
                **settings,
            )(function)
        return function

    return decorate


CONTEXT = {
    "help_option_names": ["-h", "--help"],
    "auto_envvar_prefix": "TDXWRAP",
    "max_content_width": 100,
}


@click.group(context_settings=CONTEXT)
@click.version_option(__version__, prog_name="tdxwrap")
@global_options(hidden=False)
def main() -> None:
    """The realtime configuration of a parent segment, from a YAML file.

    \b
    tdxwrap check rt.yaml       is the file right?
    tdxwrap plan rt.yaml        what would change?
    tdxwrap apply rt.yaml       make it so, wait until it is live, prove it
    """


def _command(name: str) -> Callable[[F], click.Command]:
    def decorate(function: F) -> click.Command:
        return main.command(name, epilog=EPILOG)(global_options(hidden=True)(function))

    return decorate


def _app(ctx: click.Context) -> App:
    """The app of one command, with the console and tdx as the global options say."""
    from tdxwrap.app import App, Globals

    options = ctx.find_root().obj
    chosen = Globals(**{field.name: options[field.name] for field in fields(Globals)})
    app: App = App(chosen, os.environ, ctx.info_name or "")
    options["app"] = app
    return app


CONFIG = click.argument("config", type=click.Path(path_type=str))
PARENT_SEGMENT = click.option(
    "--parent-segment", metavar="PS", help="Id or name; goes before the one in the file."
)


def plan_options(function: F) -> F:
    """The options that say what a plan may take away."""
    for name, text in (
        ("--force", "Allow what is dangerous: see the plan."),
        ("--replace", "Allow delete and create; what an attribute has collected is lost."),
        ("--prune", "Delete what is live and not in the file."),
    ):
        function = click.option(name, is_flag=True, help=text)(function)
    function = click.option(
        "--check-columns/--no-check-columns",
        default=True,
        help="Look whether tables and columns exist when something is to be written.",
    )(function)
    return PARENT_SEGMENT(function)


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


@_command("check")
@CONFIG
@click.pass_context
def check(ctx: click.Context, config: str) -> int:
    """Validate a CONFIG offline.

    Every error at once, each with line, column, field and a hint.
    """
    return _app(ctx).check(config)


@_command("doctor")
@click.argument("config", type=click.Path(path_type=str), required=False)
@PARENT_SEGMENT
@click.pass_context
def doctor(ctx: click.Context, config: str | None, parent_segment: str | None) -> int:
    """Look whether everything is in place.

    tdx, login, profile, `tdx api`, the parent segment; with a CONFIG also its tables and columns.
    """
    return _app(ctx).doctor(config, parent_segment)


@_command("plan")
@CONFIG
@plan_options
@click.option("--exit-code", is_flag=True, help="Exit 7 when changes are pending.")
@click.option("--markdown", is_flag=True, help="For a pull request comment.")
@click.pass_context
def plan(ctx: click.Context, /, config: str, exit_code: bool, markdown: bool, **given: Any) -> int:
    """Show what apply would change. Writes nothing."""
    return _app(ctx).plan(config, exit_code=exit_code, markdown=markdown, **_plan_choice(given))


@_command("apply")
@CONFIG
@plan_options
@click.option("--yes", is_flag=True, help="Do not ask; needed where nobody can be asked.")
@click.option("--jobs", type=click.IntRange(1, 16), default=1, metavar="N", help="Side by side.")
@click.option(
    "--deadline", type=SECONDS, metavar="SECONDS", help="Limit of the whole run; default: none."
)
@click.option("--no-wait", is_flag=True, help="Do not wait for the status ok.")
@click.option(
    "--rt-config",
    type=click.Path(path_type=Path, dir_okay=False),
    default="rt_config.yaml",
    show_default=True,
    help="Where what was configured before is written.",
)
@wait_options
@click.pass_context
def apply(
    ctx: click.Context,
    /,
    config: str,
    yes: bool,
    jobs: int,
    deadline: float | None,
    no_wait: bool,
    rt_config: Path,
    **given: Any,
) -> int:
    """Make the parent segment what CONFIG says.

    Shows the plan, asks, writes, waits until it is live, and compares every field.
    """
    return _app(ctx).apply(
        config,
        yes=yes,
        jobs=jobs,
        limit=deadline,
        rt_config=rt_config,
        patience=None if no_wait else _patience(given),
        **_plan_choice(given),
    )


@_command("status")
@click.argument("ps")
@click.pass_context
def status(ctx: click.Context, ps: str) -> int:
    """Show the RT status of PS (id or name)."""
    return _app(ctx).status(ps)


@_command("wait")
@click.argument("ps")
@wait_options
@click.pass_context
def wait(ctx: click.Context, /, ps: str, **given: Any) -> int:
    """Wait until the RT status of PS is ok."""
    return _app(ctx).wait(ps, _patience(given))


@_command("verify")
@click.argument("config_or_ps", metavar="CONFIG|PS")
@PARENT_SEGMENT
@click.pass_context
def verify(ctx: click.Context, config_or_ps: str, parent_segment: str | None) -> int:
    """Compare live with CONFIG, or check PS.

    With a CONFIG every field of every item; with a parent segment the three checks of the recipe.
    """
    app = _app(ctx)
    if _is_config(config_or_ps):
        return app.verify_config(config_or_ps, parent_segment)
    if parent_segment is not None:
        raise UsageProblem(f"there is no file {config_or_ps} to compare {parent_segment} with")
    return app.verify_segment(config_or_ps)


@_command("export")
@click.argument("ps")
@click.option(
    "-f",
    "--file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write there; an earlier file is kept under another name.",
)
@click.pass_context
def export(ctx: click.Context, ps: str, file: Path | None) -> int:
    """Print what is live on PS as a CONFIG."""
    return _app(ctx).export(ps, file)


@_command("schema")
@click.pass_context
def schema(ctx: click.Context) -> int:
    """Print the JSON Schema of a CONFIG."""
    return _app(ctx).schema()


@main.group("runs", invoke_without_command=True, epilog=EPILOG)
@global_options(hidden=True)
@click.pass_context
def runs(ctx: click.Context) -> int | None:
    """List earlier runs, newest first."""
    return None if ctx.invoked_subcommand else _app(ctx).runs()


RUN = click.argument("run", metavar="ID|last|PATH")


@runs.command("show", epilog=EPILOG)
@global_options(hidden=True)
@RUN
@click.pass_context
def runs_show(ctx: click.Context, run: str) -> int:
    """Tell the story of one run: its steps, changes and tdx calls."""
    return _app(ctx).runs_show(run)


@runs.command("export", epilog=EPILOG)
@global_options(hidden=True)
@RUN
@click.option("--redact", is_flag=True, help="Replace every name and id, consistently.")
@click.option("-f", "--file", type=click.Path(path_type=Path, dir_okay=False), help="Write there.")
@click.option(
    "--config-out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="With --redact: write the run's CONFIG there, under the same names.",
)
@click.pass_context
def runs_export(
    ctx: click.Context, run: str, redact: bool, file: Path | None, config_out: Path | None
) -> int:
    """Print the journal of a run, to be shared or kept as a test."""
    if config_out is not None and not redact:
        raise UsageProblem("--config-out goes with --redact: the file itself is there as it is")
    return _app(ctx).runs_export(run, redact=redact, file=file, config_out=config_out)


def _is_config(text: str) -> bool:
    return text == "-" or text.endswith((".yaml", ".yml")) or Path(text).is_file()


def _plan_choice(given: dict[str, Any]) -> dict[str, Any]:
    from tdxwrap.changes import Options

    options = Options(**{field.name: given[field.name] for field in fields(Options)})
    return {"override": given["parent_segment"], "options": options}


def _patience(given: dict[str, Any]) -> Any:
    from tdxwrap.wait import Patience

    return Patience(
        first=given["poll_first"],
        longest=max(given["poll_first"], given["poll_longest"]),
        limit=given["wait_timeout"],
    )


# Running a command


def run(args: Sequence[str]) -> int:
    """Run a command line; every failure ends in a message and a documented exit code.

    Returns:
        The exit code (errors.ExitCode).
    """
    given: dict[str, Any] = {}
    with signals_as_interrupts():
        try:
            code = main.main(
                list(args) or ["--help"], prog_name="tdxwrap", standalone_mode=False, obj=given
            )
            _end_journal(given, int(code or 0))
            return int(code or 0)
        except click.ClickException as problem:
            error: TdxwrapError = _usage(problem)
        except (KeyboardInterrupt, click.Abort) as stop:
            error = as_error(stop)
        except TdxwrapError as failure:
            error = failure
        except Exception as bug:
            error = _bug(bug)
        ignore_signals()
        return _fail(args, given, error)


def _usage(error: click.ClickException) -> UsageProblem:
    context = getattr(error, "ctx", None)
    name = context.command_path if context is not None else "tdxwrap"
    return UsageProblem(error.format_message(), hint=f"see {name} --help")


def _fail(args: Sequence[str], given: dict[str, Any], error: TdxwrapError) -> int:
    from tdxwrap.console import Console, Style

    # A usage error may come before --json was understood.
    as_json = bool(given.get("json")) or "--json" in args
    command = next((arg for arg in args if arg in main.commands), "tdxwrap")
    journal = _end_journal(given, int(error.exit_code), error)
    console = Console(Style(json=as_json, color=given.get("color")), os.environ)
    console.error(command, error, journal)
    return int(error.exit_code)


def _end_journal(given: dict[str, Any], code: int, error: TdxwrapError | None = None) -> str | None:
    """Record how the run ended; the journal's path, if there is one."""
    app: App | None = given.get("app")
    if app is None:
        return None
    app.end_journal(code, error)
    return app.journal_path


def _bug(error: Exception) -> TdxwrapError:
    """What nobody expected: say so in a line, and keep the traceback for a report."""
    import tempfile
    import traceback

    from tdxwrap.redact import Redactor

    trace = "".join(traceback.format_exception(error))
    with tempfile.NamedTemporaryFile(
        "w", prefix="tdxwrap-bug-", suffix=".txt", delete=False, encoding="utf-8"
    ) as file:
        file.write(Redactor.from_environ(os.environ).text(trace))
    return TdxwrapError(
        f"a bug in tdxwrap: {type(error).__name__}: {error}",
        hint=f"please report it with {file.name}; running the command again is safe",
    )
