"""The command line: parse, call, hand to the console. Everything heavy is imported when needed."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from tdxwrap import __version__
from tdxwrap.errors import ExitCode, Interrupted, TdxwrapError, UsageProblem

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
    return App(chosen, os.environ)


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
    """Validate a CONFIG offline: every error with line, column and a hint."""
    return _app(ctx).check(config)


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
    no_wait: bool,
    rt_config: Path,
    **given: Any,
) -> int:
    """Make the segment what CONFIG says: plan, confirm, write, wait, prove."""
    return _app(ctx).apply(
        config,
        yes=yes,
        jobs=jobs,
        rt_config=rt_config,
        patience=None if no_wait else _patience(given),
        **_plan_choice(given),
    )


@_command("status")
@click.argument("ps")
@click.pass_context
def status(ctx: click.Context, ps: str) -> int:
    """Show the RT status of the parent segment PS (id or name)."""
    return _app(ctx).status(ps)


@_command("wait")
@click.argument("ps")
@wait_options
@click.pass_context
def wait(ctx: click.Context, /, ps: str, **given: Any) -> int:
    """Wait until the RT status of the parent segment PS is ok."""
    return _app(ctx).wait(ps, _patience(given))


@_command("verify")
@click.argument("config_or_ps", metavar="CONFIG|PS")
@PARENT_SEGMENT
@click.pass_context
def verify(ctx: click.Context, config_or_ps: str, parent_segment: str | None) -> int:
    """Compare live with every field of CONFIG, or check a parent segment as the recipe does."""
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
    """Print the live configuration of PS as a CONFIG file."""
    return _app(ctx).export(ps, file)


@_command("schema")
@click.pass_context
def schema(ctx: click.Context) -> int:
    """Print the JSON Schema of a CONFIG file, for editors."""
    return _app(ctx).schema()


def _is_config(text: str) -> bool:
    return text == "-" or text.endswith((".yaml", ".yml")) or Path(text).is_file()


def _plan_choice(given: dict[str, Any]) -> dict[str, Any]:
    from tdxwrap.plan import Options

    options = Options(prune=given["prune"], replace=given["replace"], force=given["force"])
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
    try:
        with _signals_as_interrupts():
            code = main.main(list(args), prog_name="tdxwrap", standalone_mode=False, obj=given)
        return int(code or 0)
    except click.ClickException as error:
        return _fail(args, given, _usage(error))
    except (KeyboardInterrupt, click.Abort):
        return _fail(args, given, Interrupted("interrupted", hint="run the same command again"))
    except TdxwrapError as error:
        return _fail(args, given, error)
    except BrokenPipeError:
        return _closed_output()
    except Exception as error:
        return _fail(args, given, _bug(error))


def _usage(error: click.ClickException) -> UsageProblem:
    context = getattr(error, "ctx", None)
    name = context.command_path if context is not None else "tdxwrap"
    return UsageProblem(error.format_message(), hint=f"see {name} --help")


def _fail(args: Sequence[str], given: dict[str, Any], error: TdxwrapError) -> int:
    from tdxwrap.console import Console, Style

    # A usage error may come before --json was understood.
    as_json = bool(given.get("json")) or "--json" in args
    command = next((arg for arg in args if arg in main.commands), "tdxwrap")
    try:
        Console(Style(json=as_json, color=given.get("color"))).error(command, error)
    except BrokenPipeError:
        _closed_output()
    return int(error.exit_code)


def _closed_output() -> int:
    """The reader went away (`| head`): be silent, also when Python flushes at its end."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    return int(ExitCode.DONE)


def _bug(error: Exception) -> TdxwrapError:
    """What nobody expected: say so in a line, and keep the traceback for a report."""
    import tempfile
    import traceback

    with tempfile.NamedTemporaryFile(
        "w", prefix="tdxwrap-bug-", suffix=".txt", delete=False, encoding="utf-8"
    ) as file:
        file.writelines(traceback.format_exception(error))
    return TdxwrapError(
        f"a bug in tdxwrap: {type(error).__name__}: {error}",
        hint=f"please report it with {file.name}; running the command again is safe",
    )


@contextmanager
def _signals_as_interrupts() -> Iterator[None]:
    """SIGTERM and SIGHUP end a run in the same orderly way as Ctrl-C."""
    earlier = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    for number in earlier:
        signal.signal(number, _interrupt)
    try:
        yield
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt
