"""Load, plan, apply: what the command line does, for notebooks and scripts.

Nothing is printed, no journal is kept, and no baseline is written into the working folder.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tdxwrap.apply import run, session
from tdxwrap.apply.session import Session
from tdxwrap.apply.steps import Settings
from tdxwrap.apply.verify import Report
from tdxwrap.config import load as config_file
from tdxwrap.config.load import LoadedConfig
from tdxwrap.output.consent import refuse_dangers, refuse_inherited
from tdxwrap.output.lines import Line
from tdxwrap.output.markdown import plan_markdown, table_markdown
from tdxwrap.output.plan_text import counts_text, plan_lines
from tdxwrap.output.report_text import report_lines
from tdxwrap.plan.changes import Plan, PlanOptions
from tdxwrap.realtime.api import Realtime
from tdxwrap.realtime.retry import Retry
from tdxwrap.realtime.wait import WaitPolicy
from tdxwrap.system.threads import Parallel
from tdxwrap.tdx.client import Tdx
from tdxwrap.tdx.context import ASKED_AT_ONCE, Asking, Context, leader_above

_WAIT = WaitPolicy()


@dataclass(frozen=True, slots=True)
class Login:
    """Which tdx is called, and as whom.

    Attributes:
        profile, site: given to tdx where set (F3).
        tdx: the path of tdx, or its name on PATH.
        environ: the environment in which it runs; the one of this process by default.
    """

    profile: str | None = None
    site: str | None = None
    tdx: str = "tdx"
    environ: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Preview:
    """What `apply` would do; `print` shows it as `tdxwrap plan` does, a notebook as Markdown.

    Attributes:
        plan: every change with its fields.
        context: the account, profile and site, as far as tdx tells.
        options: what it may do.
    """

    plan: Plan
    context: Context
    options: PlanOptions

    def __repr__(self) -> str:
        segment = self.plan.live.segment
        return f"<Preview {segment.name} ({segment.id}): {counts_text(self.plan)}>"

    def __str__(self) -> str:
        return _text(plan_lines(self.plan, self._account))

    def _repr_markdown_(self) -> str:
        return plan_markdown(self.plan, self._account)

    @property
    def _account(self) -> str:
        return self.context.text(asked=True)


@dataclass(frozen=True, slots=True, repr=False)
class Applied:
    """What `apply` has done.

    Attributes:
        plan: what was carried out.
        report: the validation; None where it did not wait.
        file: the configuration.
    """

    plan: Plan
    report: Report | None
    file: str

    @property
    def ok(self) -> bool:
        """Whether it is live, and every field as in the file."""
        return self.report is not None and self.report.ok

    def __repr__(self) -> str:
        segment = self.plan.live.segment
        return f"<Applied {segment.name} ({segment.id}): {counts_text(self.plan)}, ok={self.ok}>"

    def __str__(self) -> str:
        if self.report is None:
            return f"{counts_text(self.plan)}; not waited for"
        return _text(report_lines(self.report, self.file))

    def _repr_markdown_(self) -> str:
        checks = self.report.checks if self.report else ()
        rows = [(check.name, check.expected, check.found) for check in checks]
        return f"{counts_text(self.plan)}\n\n{table_markdown(('check', 'expected', 'found'), rows)}"


def load(path: str | Path, *, environ: Mapping[str, str] | None = None) -> LoadedConfig:
    """Read and check a configuration file and those that it extends.

    Args:
        environ: where `${VARIABLE}` is looked up; the environment of this process by default.
    Raises:
        ConfigError: it is not usable; printed, it shows every error with its line.
    """
    return config_file.load(path, environ=os.environ if environ is None else environ)


def plan(
    config: LoadedConfig,
    parent_segment: str | None = None,
    *,
    options: PlanOptions | None = None,
    login: Login | None = None,
) -> Preview:
    """Compare a configuration with what is live; writes nothing.

    Args:
        parent_segment: its id or name, in place of the one that the file names.
        options: what the plan may do, such as `PlanOptions(prune=True)`.
    Raises:
        TdxwrapError: the login, the account or an answer of tdx is not as it must be.
    """
    chosen = options or PlanOptions()
    with _connected(config, login or Login(), chosen, hold=False) as call:
        ps = session.parent_segment(config, parent_segment)
        made = run.make_plan(call.session, config, ps, chosen)
        return Preview(made, call.context, chosen)


def apply(
    config: LoadedConfig,
    parent_segment: str | None = None,
    *,
    plan: Preview | None = None,
    options: PlanOptions | None = None,
    wait: WaitPolicy | None = _WAIT,
    login: Login | None = None,
) -> Applied:
    """Make the parent segment what a configuration says, wait until it is live, and verify it.

    The call is the consent: nobody is asked. What needs `--prune`, `--replace` or `--force` on the
    command line needs it in `options`.

    Args:
        parent_segment, options: as for `plan`; by default those of the plan that is given.
        plan: the only plan that may be carried out.
        wait: how to wait for the status `ok`; None neither waits nor verifies.
    Raises:
        UnsafePlan: the plan needs an option, or is not the one given; nothing was written.
        TdxwrapError: a call failed for good; `so_far` says what had been done.
    """
    chosen = options or (plan.options if plan else PlanOptions())
    same = plan.plan.live.segment.id if plan else None
    with _connected(config, login or Login(), chosen, hold=True) as call:
        outcome = run.apply(
            call.session,
            config,
            session.parent_segment(config, parent_segment or same),
            consent=call,
            options=chosen,
            settings=Settings(
                baseline=None,
                where=config.source.where,
                before_step=call.asking.check_unchanged,
            ),
            policy=wait,
            expect=None if plan is None else plan.plan.fingerprint,
        )
        return Applied(outcome.plan, outcome.report, config.path)


@dataclass(slots=True)
class _Call:
    """The call of a function: its session, its context as far as it is known yet, and the consent
    that it is."""

    session: Session
    context: Context
    asking: Asking
    options: PlanOptions

    def show(self, plan: Plan) -> None:
        """Show nothing."""

    def ask(self, plan: Plan) -> bool:
        """Refuse what a call alone is no consent to; nobody is asked."""
        if plan.pending:
            refuse_inherited(self.context)
            refuse_dangers(() if self.options.force else plan.dangers)
        return False


@contextmanager
def _connected(
    config: LoadedConfig, login: Login, options: PlanOptions, *, hold: bool
) -> Iterator[_Call]:
    """Open tdx in the account that the file demands, as `Asking` says."""
    environ = os.environ if login.environ is None else login.environ
    opening = Tdx(login.tdx, profile=login.profile, site=login.site, environ=environ)
    with opening as tdx, Parallel(ASKED_AT_ONCE, tdx.kill_all) as pool:
        given = Context(profile=tdx.profile, site=login.site)
        retry = Retry(sleep=tdx.pause)

        def found(context: Context, _: str) -> None:
            call.context = context

        asking = Asking(tdx, retry.read, pool, given, hold, config.config.account, found)
        opened = Session(Realtime(tdx), environ, tdx.profile, retry)
        call = _Call(opened, given, asking, options)
        asking.begin(leader_above(tdx.profile, environ))
        yield call


def _text(lines: Iterable[Line]) -> str:
    return "\n".join(f"{line.prefix}{line.body}" for line in lines)
