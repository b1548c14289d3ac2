"""Run a command line and turn every failure into a message and an exit code."""

from __future__ import annotations

import os
from collections.abc import Sequence

import click
from click.core import ParameterSource

from tdxwrap.cli import crash_report
from tdxwrap.cli.main import main
from tdxwrap.cli.options import Invocation, wants_json
from tdxwrap.errors import ExitCode, TdxwrapError, UsageProblem
from tdxwrap.system.signals import as_error, ignore_signals

# What people type out of habit, from other tools, and what it is called here.
_PLAN = ("--check", "--diff", "--dry-run", "--plan", "-n", "diff", "preview")
HABITS = dict.fromkeys(_PLAN, "tdxwrap plan") | {
    "--auto-approve": "--yes",
    "-a": "--yes",  # what click makes of -auto-approve
    "--target": "--parent-segment",
    "deploy": "tdxwrap apply",
    "init": "tdxwrap new",
    "lint": "tdxwrap check",
    "list": "tdxwrap runs",
    "push": "tdxwrap apply",
    "sync": "tdxwrap apply",
    "validate": "tdxwrap check",
}
# A misspelt option that takes something away, or asks nobody, has to be typed again by a person.
_DANGEROUS = frozenset(("--force", "--prune", "--replace", "--yes"))


def run(args: Sequence[str]) -> int:
    """Run a command line; every failure ends in a message.

    Returns:
        The exit code (errors.ExitCode).
    """
    invocation = Invocation()
    if "_TDXWRAP_COMPLETE" in os.environ:
        import tdxwrap.cli.shells  # noqa: F401  (registers the shells with click)
    error: TdxwrapError | None = None
    code = 0
    try:
        done = main.main(
            list(args) or ["--help"], prog_name="tdxwrap", standalone_mode=False, obj=invocation
        )
        code = int(done or 0)
    except click.ClickException as problem:
        error = _usage(problem, invocation)
    except (KeyboardInterrupt, click.Abort) as stop:
        # click raises an Abort in place of a KeyboardInterrupt.
        error = as_error(stop.__cause__ or stop)
    except TdxwrapError as failure:
        error = failure
    except (SystemExit, BrokenPipeError) as stop:
        code = _ended_by_click(stop, invocation)
    except Exception as bug:
        error = crash_report.as_error(bug)
    ignore_signals()
    if error is not None:
        code = int(error.exit_code)
    if invocation.run is not None:
        invocation.run.end_journal(code, error)
    if error is not None:
        # A usage error may come before --json was read.
        _show_error(invocation, error, as_json=invocation.chosen.json or wants_json(args))
    return code


def _ended_by_click(stop: BaseException, invocation: Invocation) -> ExitCode:
    """The exit code after a completion, or where nobody reads what click prints itself: a help."""
    if invocation.run is not None:
        return ExitCode.BUG  # what a run prints does not get here
    unknown_shell = "_TDXWRAP_COMPLETE" in os.environ and getattr(stop, "code", None)
    return ExitCode.USAGE if unknown_shell else ExitCode.DONE


def _usage(error: click.ClickException, invocation: Invocation) -> UsageProblem:
    context: click.Context | None = getattr(error, "ctx", None)
    if context is not None:
        invocation.enter(context)
    see = f"see {context.command_path if context else 'tdxwrap'} --help"
    name = getattr(getattr(error, "param", None), "name", None)
    if context and name and context.get_parameter_source(name) is ParameterSource.ENVIRONMENT:
        see = f"the value is that of {context.auto_envvar_prefix}_{name.upper()}; {see}"
    if isinstance(error, click.NoSuchOption | click.NoSuchCommand):
        instead = _meant(error)
        hint = f"did you mean {instead}? {see}" if instead else see
        return UsageProblem(error.message, hint=hint)
    return UsageProblem(error.format_message(), hint=see)


def _meant(error: click.ClickException) -> str:
    """Return what a word that is no command or option was meant to be; empty if nothing is near."""
    word = str(getattr(error, "option_name", None) or getattr(error, "command_name", ""))
    nearest, *_ = getattr(error, "possibilities", None) or ("",)
    return HABITS.get(word, "" if nearest in _DANGEROUS else nearest)


def _show_error(invocation: Invocation, error: TdxwrapError, *, as_json: bool) -> None:
    if invocation.run is not None:
        invocation.run.fail(error)
        return
    from tdxwrap.output.console import Console, Style

    console = Console(Style(json=as_json, color=invocation.chosen.color), os.environ)
    if as_json:
        from tdxwrap.output import documents

        console.print_document(documents.output(invocation.command, error, journal=None))
    console.print_error(error, None)
