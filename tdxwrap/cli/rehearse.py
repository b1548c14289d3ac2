"""`tdxwrap rehearse CONFIG`: a whole apply on the built-in fake tdx, in a throwaway world."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tdxwrap.cli.command import Command
from tdxwrap.cli.options import CONFIG, RUN, Known, plan_options
from tdxwrap.errors import UsageProblem

if TYPE_CHECKING:
    from tdxwrap.cli.app import App


def _faults() -> list[str]:
    from tdxwrap.sandbox.rehearsal import FAULTS

    return ["list", *FAULTS]


@click.command(cls=Command)
@click.argument("config", required=False, metavar="CONFIG", type=CONFIG)
@click.option(
    "--from",
    "source",
    metavar="JOURNAL|EXPORT",
    type=RUN,
    help="Start from what a run found (id, last, path), or from an exported file.",
)
@click.option(
    "--fault",
    metavar="NAME",
    type=Known(_faults),
    help="Let something go wrong; `list` shows what can.",
)
@plan_options
def rehearse(
    app: App, config: str | None, *, source: str | None, fault: str | None, **allowed: bool
) -> int:
    """Show a whole apply on a stand-in for tdx. No account is needed and nothing is touched:
    tables, columns and parent segment are made up from CONFIG, and thrown away at the end.

    \b
    tdxwrap rehearse rt.yaml
    tdxwrap rehearse rt.yaml --fault lost-answer
    tdxwrap rehearse rt.yaml --from exported.yaml --prune
    """
    from tdxwrap.cli.stage import perform
    from tdxwrap.output.lines import Line
    from tdxwrap.plan.changes import PlanOptions
    from tdxwrap.sandbox.rehearsal import FAULTS

    if fault == "list":
        app.command = "rehearse --fault list"
        faults = {name: fault.help for name, fault in FAULTS.items()}
        app.console.print_answer(Line(f"{name:<14}", text) for name, text in faults.items())
        return app.end(faults=faults)
    if config is None:
        raise UsageProblem("which CONFIG is to be rehearsed?", hint="see tdxwrap rehearse --help")
    if app.chosen.journal is not None:
        raise UsageProblem("a rehearsal writes no journal", hint="leave out --journal")
    return perform(app, config, source=source, fault=fault, options=PlanOptions(**allowed))
