"""The commands of the command line: call the session, hand the result to the console."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tdxwrap import documents, render, session
from tdxwrap.baseline import write_baseline
from tdxwrap.checklist import Checklist
from tdxwrap.config import LoadedConfig, load, schema
from tdxwrap.console import Console, PlanConsent, Style
from tdxwrap.errors import Differs, ExitCode, NotReady, TdxwrapError
from tdxwrap.export import export
from tdxwrap.live import resolve_segment
from tdxwrap.plan import Options, Plan
from tdxwrap.realtime import Realtime
from tdxwrap.recipe import Settings
from tdxwrap.render import Line
from tdxwrap.retry import Retry
from tdxwrap.session import Outcome, Session
from tdxwrap.tdx import Call, Tdx
from tdxwrap.verify import Report, verify
from tdxwrap.wait import Patience


@dataclass(frozen=True, slots=True)
class Globals:
    """The options that every command takes."""

    tdx: str
    profile: str | None
    site: str | None
    timeout: float
    retries: int
    retry_delay: float
    json: bool
    verbose: bool
    quiet: bool
    color: bool | None


class App:
    """One run of one command. Every command returns its exit code or raises TdxwrapError."""

    def __init__(self, chosen: Globals, environ: Mapping[str, str]) -> None:
        self._chosen = chosen
        self._environ = environ
        self.console = Console(Style(chosen.json, chosen.verbose, chosen.quiet, chosen.color))
        self.calls = 0

    # Offline

    def check(self, config: str) -> int:
        """`check CONFIG`."""
        loaded = load(config, environ=self._environ)
        self.console.warnings(loaded.warnings)
        self.console.result([Line("", f"{config} is valid: {_contents(loaded)}")])
        warnings = [documents.problem_part(problem) for problem in loaded.warnings]
        return self._end("check", file=config, digest=loaded.digest, warnings=warnings)

    def schema(self) -> int:
        """`schema`."""
        self.console.raw_document(schema())
        return ExitCode.DONE

    # Reading

    def plan(
        self,
        config: str,
        *,
        override: str | None,
        options: Options,
        exit_code: bool,
        markdown: bool,
    ) -> int:
        """`plan CONFIG`."""
        loaded, ps = self._load(config, override)
        with self._connected() as connected:
            plan = session.make_plan(connected, loaded, ps, options)
        self._show_plan(plan, markdown=markdown)
        code = self._end("plan", plan=documents.plan_part(plan))
        return ExitCode.PENDING if exit_code and plan.pending else code

    def _show_plan(self, plan: Plan, *, markdown: bool) -> None:
        if markdown:
            self.console.text(render.plan_markdown(plan, self.account))
            return
        everything = self._chosen.verbose
        self.console.result(render.plan_lines(plan, self.account, everything=everything))

    def status(self, ps: str) -> int:
        """`status PS`."""
        with self._connected() as connected:
            segment = resolve_segment(connected.api, connected.retry, ps)
        self.console.result([render.segment_line(segment, self.account)])
        return self._end("status", segment=documents.segment_part(segment))

    def wait(self, ps: str, patience: Patience) -> int:
        """`wait PS`."""
        with self._connected() as connected:
            segment = session.wait_for(connected, ps, patience)
        self.console.result([render.segment_line(segment, self.account)])
        return self._end("wait", segment=documents.segment_part(segment))

    def export(self, ps: str, file: Path | None) -> int:
        """`export PS`."""
        with self._connected() as connected:
            text = export(session.read(connected, ps))
        if file is None:
            self.console.text(text)
        else:
            written = write_baseline(file, lambda path: _write(path, text))
            self.console.note([Line("", f"written to {written.file}")])
            if written.earlier is not None:
                self.console.note([Line("", f"the earlier file is now {written.earlier}")])
        return self._end("export", config=text, file=None if file is None else str(file))

    def verify_segment(self, ps: str) -> int:
        """`verify PS`: the recipe's Validation."""
        with self._connected() as connected:
            report = verify(session.read(connected, ps))
        self.console.result(render.report_lines(report, ""))
        error = _not_validated(report)
        return self._end("verify", error, report=documents.report_part(report))

    def verify_config(self, config: str, override: str | None) -> int:
        """`verify CONFIG`: every field of every item."""
        loaded, ps = self._load(config, override)
        with self._connected() as connected:
            plan = session.make_plan(connected, loaded, ps)
        report = verify(plan.live, plan)
        self.console.result(render.report_lines(report, config))
        error = _differs(report, config) or _not_validated(report)
        return self._end("verify", error, report=documents.report_part(report))

    # Writing

    def apply(
        self,
        config: str,
        *,
        override: str | None,
        options: Options,
        yes: bool,
        jobs: int,
        rt_config: Path,
        patience: Patience | None,
    ) -> int:
        """`apply CONFIG`."""
        started = time.monotonic()
        loaded, ps = self._load(config, override)
        consent = PlanConsent(self.console, self.account, yes=yes, force=options.force)
        settings = Settings(baseline=rt_config, jobs=jobs, where=loaded.source.where)
        with self._connected() as connected:
            outcome = session.apply(
                connected,
                loaded,
                ps,
                consent=consent,
                options=options,
                settings=settings,
                patience=patience,
            )
        seconds = time.monotonic() - started
        self._show_outcome(outcome, config, seconds)
        return self._end(
            "apply",
            _not_validated(outcome.report),
            plan=documents.plan_part(outcome.plan),
            report=documents.report_part(outcome.report),
            seconds=round(seconds, 3),
            calls=self.calls,
        )

    def _show_outcome(self, outcome: Outcome, config: str, seconds: float) -> None:
        if outcome.report is not None:
            self.console.result(render.report_lines(outcome.report, config))
        count = len(outcome.plan.pending)
        changes = f"{count} change{'' if count == 1 else 's'}" if count else "Nothing to change"
        took = render.seconds_text(seconds)
        done = f"{changes}, {self.calls} tdx calls, {took}"
        self.console.result([Line("", f"{done}", "bold")])
        if outcome.report is None:
            ps = outcome.plan.live.segment.id
            self.console.note([Line("", f"not waited for: see `tdxwrap wait {ps}`")])

    # Shared

    @property
    def account(self) -> str:
        """The profile and site that tdx will use, as far as can be told (F5)."""
        chosen = self._chosen
        profile = chosen.profile or self._environ.get("TDX_PROFILE")
        told = f"profile {profile}" if profile else "the profile that tdx has selected"
        return f"{told} · site {chosen.site}" if chosen.site else told

    def _load(self, config: str, override: str | None) -> tuple[LoadedConfig, str]:
        loaded = load(config, environ=self._environ)
        self.console.warnings(loaded.warnings)
        return loaded, session.parent_segment(loaded, override)

    @contextmanager
    def _connected(self) -> Iterator[Session]:
        """tdx, ready to be called, and a checklist that tells what happens."""
        chosen = self._chosen
        with (
            Tdx(
                chosen.tdx,
                profile=chosen.profile,
                site=chosen.site,
                timeout=chosen.timeout,
                environ=self._environ,
                on_call=self._called,
            ) as tdx,
            Checklist(self.console) as checklist,
        ):
            retry = Retry(retries=chosen.retries, delay=chosen.retry_delay, listen=checklist)
            yield Session(Realtime(tdx), self._environ, chosen.profile, retry, checklist)

    def _called(self, call: Call) -> None:
        self.calls += 1
        self.console.call(call)

    def _end(self, command: str, error: TdxwrapError | None = None, **content: Any) -> int:
        """Print the document of `--json`, or the error for a person; give the exit code."""
        part = None if error is None else documents.error_part(error)
        ok = error is None
        self.console.document(documents.document(command, ok=ok, error=part, **content))
        if error is None:
            return ExitCode.DONE
        if not self._chosen.json:
            self.console.error(command, error)
        return error.exit_code


def _not_validated(report: Report | None) -> NotReady | None:
    """The error that a failed validation is."""
    if report is None or report.ok:
        return None
    failed = [f"{c.name}: {c.found}, expected {c.expected}" for c in report.checks if not c.ok]
    failed.extend(f"{change.kind} {change.name} differs" for change in report.differences)
    return NotReady(
        f"the validation failed: {'; '.join(failed)}",
        hint="run the same command again, or see what differs with `tdxwrap plan CONFIG`",
    )


def _differs(report: Report, config: str) -> Differs | None:
    if not report.differences:
        return None
    count = len(report.differences)
    return Differs(
        f"{count} item{'' if count == 1 else 's'} live otherwise than in {config}",
        hint=f"`tdxwrap plan {config}` shows what apply would do about it",
    )


def _contents(loaded: LoadedConfig) -> str:
    config = loaded.config
    counts = {
        "event table": len(config.tables()),
        "key event": len(config.key_events),
        "stitching key": len(config.id_stitching.keys),
        "attribute": len(config.attributes),
    }
    return ", ".join(f"{n} {name}{'' if n == 1 else 's'}" for name, n in counts.items())


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
