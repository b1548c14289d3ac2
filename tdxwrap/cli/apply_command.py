"""`tdxwrap apply CONFIG`: Step 7 of the recipe from the key check to the validation."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from tdxwrap.apply import session
from tdxwrap.apply.session import Outcome
from tdxwrap.apply.steps import Settings
from tdxwrap.apply.verify import failure
from tdxwrap.cli.app import App
from tdxwrap.config.load import LoadedConfig
from tdxwrap.output import plan_text, report_text
from tdxwrap.output.console import PlanConsent
from tdxwrap.output.plan_text import Line
from tdxwrap.plan.changes import PlanOptions
from tdxwrap.realtime.wait import WaitPolicy
from tdxwrap.system.signals import deadline


@dataclass(frozen=True, slots=True)
class Choice:
    """How an apply is to go.

    Attributes:
        options: what the plan may do.
        yes: do not ask.
        jobs: how many creates of a step run side by side.
        limit: `--deadline` in seconds; None for none.
        rt_config: where what was configured before is written.
        patience: how to wait for `ok`; None does not wait.
    """

    options: PlanOptions
    yes: bool
    jobs: int
    limit: float | None
    rt_config: Path
    patience: WaitPolicy | None


def apply(app: App, config: str, *, override: str | None, choice: Choice) -> int:
    """Make the parent segment what the configuration says.

    Args:
        override: `--parent-segment`.
    """
    app.changes = 0
    loaded, ps = app.load(config, override)
    return apply_loaded(app, "apply", loaded, ps, choice)


def apply_loaded(app: App, command: str, loaded: LoadedConfig, ps: str, choice: Choice) -> int:
    """The same with a configuration that has been read.

    Args:
        command: what the document of `--json` calls it.
        ps: id or name of the parent segment.
    """
    started = time.monotonic()
    options = choice.options
    consent = PlanConsent(app.console, app.account, yes=choice.yes, force=options.force)
    settings = Settings(
        baseline=choice.rt_config,
        jobs=choice.jobs,
        where=loaded.source.where,
        named_by_segment=app.of_several,
    )
    with deadline(choice.limit), app.connected() as connected:
        outcome = session.apply(
            connected,
            loaded,
            ps,
            consent=consent,
            options=options,
            settings=settings,
            patience=choice.patience,
        )
    seconds = time.monotonic() - started
    report = outcome.report
    app.about(outcome.plan.live.segment, len(outcome.plan.pending))
    _show(app, outcome, loaded.path, seconds)
    return app.end(
        command,
        None if report is None else failure(report),
        plan=outcome.plan,
        report=report,
        seconds=round(seconds, 3),
        calls=app.calls,
    )


def _show(app: App, outcome: Outcome, config: str, seconds: float) -> None:
    report, segment = outcome.report, outcome.live.segment
    proven = report is not None and report.ok
    if proven:
        app.console.print_result([report_text.live_line(outcome.live, config)])
    elif report is not None:
        app.console.print_result(plan_text.report_lines(report, config))
    count = len(outcome.plan.pending)
    app.console.print_result([report_text.done_line(count, app.calls, seconds, app.journal_id)])
    if report is None:
        app.console.print_note([Line("", f"not waited for: see `tdxwrap wait {segment.id}`")])
    if proven and count and app.command == "apply":
        chosen = app.chosen
        app.console.print_note(
            report_text.next_lines(segment, chosen.profile, chosen.site, outcome.login)
        )
