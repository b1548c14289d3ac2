"""`tdxwrap rehearse CONFIG`: a whole apply on the built-in fake tdx, in a throwaway world."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from tdxwrap.cli.app import App
from tdxwrap.cli.apply_command import Choice, apply_loaded
from tdxwrap.config.load import load
from tdxwrap.errors import TdxwrapError, UsageProblem
from tdxwrap.output.console import Console
from tdxwrap.output.plan_text import Line
from tdxwrap.plan.changes import PlanOptions
from tdxwrap.realtime.wait import WaitPolicy
from tdxwrap.sandbox import rehearsal
from tdxwrap.sandbox.rehearsal import PROFILE, Fault
from tdxwrap.tdx.tempfiles import throwaway

PATIENCE = WaitPolicy(first=0.5, longest=0.5)


class _AnsweredConsole(Console):
    """Nothing is at stake: every question is shown with its answer."""

    @property
    def can_ask(self) -> bool:
        """Always."""
        return True

    def ask(self, question: str) -> None:
        """Show the question, and that it was answered."""
        self.print_note([Line("", f"{question} [y/N] y", "bold")])


def list_faults(app: App) -> int:
    """Show what can go wrong."""
    told = {name: fault.help for name, fault in rehearsal.FAULTS.items()}
    app.console.print_answer(Line(f"{name:<14}", text) for name, text in told.items())
    return app.end("rehearse --fault list", faults=told)


def rehearse(
    app: App, config: str, *, source: str | None, fault: str | None, options: PlanOptions
) -> int:
    """Show a whole apply of a configuration; no account is asked, nothing is left behind.

    Args:
        source: `--from`: the journal or exported file to start from; None starts blank.
        fault: `--fault`: what goes wrong.
    """
    if app.chosen.journal is not None:
        raise UsageProblem("a rehearsal writes no journal", hint="leave out --journal")
    chosen = rehearsal.fault_called(fault)
    loaded = load(config, environ=app.environ)
    with throwaway() as folder:
        start = rehearsal.start_from(source, loaded.config, app.environ, folder)
        world = rehearsal.build(folder, loaded.config, start, chosen)
        where = f"a made-up account for {config}" + (f", begun from {source}" if source else "")
        app.console.print_result(
            [Line("", f"Rehearsal on a built-in stand-in for tdx, in {where}.", "bold")]
        )
        app.console.print_warnings(loaded.warnings)
        stage = _stage(app, world.launcher(), rehearsal.environment(app.environ, folder), chosen)
        choice = Choice(
            options,
            yes=app.chosen.quiet,
            jobs=1,
            limit=None,
            rt_config=Path("rt_config.yaml"),
            patience=PATIENCE,
        )
        # Relative paths, such as that of the baseline, lead into the throwaway world.
        with contextlib.chdir(folder):
            try:
                code = apply_loaded(stage, "rehearse", loaded, start.id, choice)
            except TdxwrapError as error:
                code = stage.end("rehearse", error)
        if world.unfired_faults():
            app.console.print_note(
                [Line("! ", f"there were too few writes for the fault {fault}", mark="yellow")]
            )
    file = shlex.quote(config)
    real = f"For real: tdxwrap doctor {file}, then tdxwrap plan {file}"
    app.console.print_result(
        [Line("", f"Nothing real was touched, and nothing is kept. {real}", "bold")]
    )
    return code


def _stage(app: App, tdx: Path, environ: Mapping[str, str], fault: Fault) -> App:
    """An app like the user's, whose tdx, login and state are those of the rehearsal."""
    chosen = replace(
        app.chosen,
        tdx=str(tdx),
        profile=PROFILE,
        site=None,
        timeout=fault.timeout or app.chosen.timeout,
        no_journal=True,
    )
    stage = App(chosen, environ, "rehearse")
    stage.console = _AnsweredConsole(app.console.style, app.environ)
    return stage
