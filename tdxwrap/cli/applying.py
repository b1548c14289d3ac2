"""Apply a loaded configuration and show how it went, for real or in a rehearsal."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from tdxwrap.apply import run
from tdxwrap.apply.run import Outcome
from tdxwrap.apply.steps import Settings
from tdxwrap.apply.verify import failure
from tdxwrap.cli.app import App
from tdxwrap.config.load import LoadedConfig
from tdxwrap.errors import TdxwrapError
from tdxwrap.output import report_text
from tdxwrap.output.consent import PlanConsent
from tdxwrap.output.lines import Line
from tdxwrap.plan.changes import PlanOptions
from tdxwrap.realtime.wait import WaitPolicy
from tdxwrap.system.signals import deadline


@dataclass(frozen=True, slots=True)
class ApplyOptions:
    """How an apply is to go.

    Attributes:
        plan: what the plan may do.
        patience: how to wait for `ok`; None does not wait.
        rt_config: where the earlier configuration is written, if nothing is there yet.
        yes: do not ask.
        jobs: how many creates of a step run side by side.
        limit: what is left of `--deadline`, in seconds; None for no limit.
        expect: the fingerprint of the only plan that is carried out; None for any.
    """

    plan: PlanOptions
    patience: WaitPolicy | None
    rt_config: Path
    yes: bool = False
    jobs: int = 1
    limit: float | None = None
    expect: str | None = None


def apply_loaded(app: App, loaded: LoadedConfig, ps: str, chosen: ApplyOptions) -> int:
    """Make a parent segment, given by id or name, what a loaded configuration says."""
    if app.command == "apply" and not app.console.can_ask:
        app.note(report_text.start_text(loaded.path, ps, app.account))
    settings = Settings(
        baseline=chosen.rt_config,
        elsewhere=app.baseline_beside,
        before_step=app.check_unchanged,
        jobs=chosen.jobs,
        where=loaded.source.where,
        named_by_segment=bool(app.file),
    )
    own = PlanConsent(app.console, lambda: app.context, chosen.yes, chosen.plan.force, app.record)
    consent = own if app.member is None else app.member.asking(own)
    with deadline(chosen.limit), app.connected(ps, loaded, hold=True) as connected:
        try:
            policy = chosen.patience
            policy = policy and replace(policy, sleep=connected.retry.sleep)
            outcome = run.apply(
                connected,
                loaded,
                ps,
                consent=consent,
                options=chosen.plan,
                settings=settings,
                policy=policy,
                expect=chosen.expect,
            )
        except TdxwrapError as error:
            error.hint = f"{error.hint}\n{app.way_back}".strip()
            raise
    report = outcome.report
    _show(app, outcome, loaded.path)
    failed = None if report is None else failure(report, loaded.source.where)
    return app.end(failed, report=report)


def _show(app: App, outcome: Outcome, config: str) -> None:
    report, segment = outcome.report, outcome.live.segment
    proven = report is not None and report.ok
    lines: list[Line] = []
    if proven:
        lines = [report_text.live_line(outcome.live, config)]
    elif report is not None:
        lines = report_text.report_lines(report, config)
    if report is not None:
        lines += report_text.gone_lines(report)
    app.console.print_result(lines[1:] if proven and app.console.brief else lines)
    count = len(outcome.plan.pending)
    app.console.print_result([report_text.done_line(count, app.calls, app.seconds, app.journal_id)])
    notes = [Line("", app.way_back)] if app.way_back else []
    if report is None:
        notes.append(Line("", f"not waited for: see `tdxwrap wait {segment.id}`"))
    app.console.print_note(notes)
    app.record([*lines, *notes])
    if proven and count and app.command == "apply":
        profile, site = app.chosen.profile, app.chosen.site
        app.what_next = report_text.next_lines(segment, profile, site, outcome.login)
        if not app.file:
            app.print_what_next()
