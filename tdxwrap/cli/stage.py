"""The stage of a rehearsal: an apply whose tdx, login, state and files are throwaway ones."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

from tdxwrap.apply.events import BaselineWritten, Event
from tdxwrap.cli.app import App
from tdxwrap.cli.applying import ApplyOptions, apply_loaded
from tdxwrap.config.load import load
from tdxwrap.errors import TdxwrapError
from tdxwrap.output.console import Console
from tdxwrap.output.lines import Line
from tdxwrap.plan.changes import PlanOptions
from tdxwrap.realtime.wait import WaitPolicy
from tdxwrap.sandbox import rehearsal
from tdxwrap.sandbox.environment import environment
from tdxwrap.tdx.tempfiles import throwaway

PATIENCE = WaitPolicy(first=0.5, longest=0.5)


class _AnsweredConsole(Console):
    """Shows every question with its answer, because nothing is at stake."""

    @property
    def can_ask(self) -> bool:
        """Always."""
        return True

    def ask(self, question: str) -> None:
        """Show the question and the answer yes."""
        self.print_note([Line("", f"{question} [y/N] y", "bold")])


class _Stage(App):
    """The App of the rehearsed apply: the user's, with a tdx, a login and a state of its own."""

    def happened(self, event: Event) -> None:
        """Show the baseline without its throwaway folder."""
        if isinstance(event, BaselineWritten):
            name = Path(event.file).name
            event = replace(event, file=name, asked_for=name)
        super().happened(event)


def perform(
    app: App, config: str, *, source: str | None, fault: str | None, options: PlanOptions
) -> int:
    """Rehearse the apply of a configuration; no account is asked, nothing is left behind.

    Args:
        source: `--from`: the journal or exported file to start from; None starts blank.
        fault: `--fault`: what goes wrong.
    """
    app.config = config
    chosen_fault = rehearsal.fault_called(fault)
    loaded = load(config, environ=app.environ)
    with throwaway() as folder:
        start = rehearsal.start_from(source, loaded.config, app.environ, folder)
        world = rehearsal.build(folder, loaded.config, start, chosen_fault)
        where = f"a made-up account for {config}" + (f", begun from {source}" if source else "")
        app.console.print_result(
            [Line("", f"Rehearsal on a built-in stand-in for tdx, in {where}.", "bold")]
        )
        app.print_warnings(loaded.warnings)
        chosen = replace(
            app.chosen,
            tdx=str(world.launcher()),
            profile=rehearsal.PROFILE,
            site=None,
            timeout=chosen_fault.timeout or app.chosen.timeout,
            no_journal=True,
        )
        stage = _Stage(
            chosen, environment(app.environ, folder), "rehearse", config=config, locks=folder
        )
        stage.console = _AnsweredConsole(app.console.style, app.environ)
        rt_config = folder / "rt_config.yaml"
        how = ApplyOptions(options, PATIENCE, rt_config, yes=app.chosen.quiet)
        try:
            code = apply_loaded(stage, loaded, start.id, how)
        except TdxwrapError as error:
            code = stage.end(error)
        if world.unfired_faults():
            app.warn(f"there were too few writes for the fault {fault}")
    file = shlex.quote(config)
    real = f"For real: tdxwrap doctor {file}, then tdxwrap plan {file}"
    app.console.print_result(
        [Line("", f"Nothing real was touched, and nothing is kept. {real}", "bold")]
    )
    return code
