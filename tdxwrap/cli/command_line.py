"""Runs a command line and turns every failure into a message and an exit code."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from tdxwrap.cli import crash_report
from tdxwrap.cli.main import main as commands
from tdxwrap.cli.options import command_name
from tdxwrap.errors import TdxwrapError, UsageProblem
from tdxwrap.system.signals import as_error, ignore_signals

if TYPE_CHECKING:
    from tdxwrap.cli.app import App


def run(args: Sequence[str]) -> int:
    """Run a command line; every failure ends in a message and a documented exit code.

    Returns:
        The exit code (errors.ExitCode).
    """
    given: dict[str, Any] = {}
    if "_TDXWRAP_COMPLETE" in os.environ:
        import tdxwrap.cli.shell_completion  # noqa: F401  (what click asks for the shell's own form)
    error: TdxwrapError | None = None
    code = 0
    try:
        done = commands.main(
            list(args) or ["--help"], prog_name="tdxwrap", standalone_mode=False, obj=given
        )
        code = int(done or 0)
    except click.ClickException as problem:
        error = _usage(problem, given)
    except (KeyboardInterrupt, click.Abort) as stop:
        # click puts an Abort in its place.
        error = as_error(stop.__cause__ or stop)
    except TdxwrapError as failure:
        error = failure
    except Exception as bug:
        error = crash_report.as_error(bug)
    ignore_signals()
    if error is not None:
        return _fail(args, given, error)
    _end_journal(given, code)
    return code


def _usage(error: click.ClickException, given: dict[str, Any]) -> UsageProblem:
    context: click.Context | None = getattr(error, "ctx", None)
    if context is not None:
        given["command"] = command_name(context)
    see = f"see {context.command_path if context else 'tdxwrap'} --help"
    close: Sequence[str] | None = getattr(error, "possibilities", None)
    if close:
        return UsageProblem(error.message, hint=f"did you mean {close[0]}? {see}")
    return UsageProblem(error.format_message(), hint=see)


def _fail(args: Sequence[str], given: dict[str, Any], error: TdxwrapError) -> int:
    from tdxwrap.output.console import Console, Style

    # A usage error may come before --json was understood.
    as_json = bool(given.get("json")) or "--json" in args
    journal = _end_journal(given, int(error.exit_code), error)
    console = Console(Style(json=as_json, color=given.get("color")), os.environ)
    console.print_error(given.get("command", "tdxwrap"), error, journal)
    return int(error.exit_code)


def _end_journal(given: dict[str, Any], code: int, error: TdxwrapError | None = None) -> str | None:
    """Record how the run ended; the journal's path, if there is one."""
    app: App | None = given.get("app")
    if app is None:
        return None
    app.end_journal(code, error)
    return app.journal_path
