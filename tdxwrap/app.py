"""The commands of the command line: call the session, hand the result to the console."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tdxwrap import doctor, documents, render, runs, session
from tdxwrap.changes import Options, Plan
from tdxwrap.checklist import Checklist
from tdxwrap.config import LoadedConfig, load, schema
from tdxwrap.console import Console, PlanConsent, Style
from tdxwrap.errors import Differs, ExitCode, NotReady, TdxwrapError
from tdxwrap.events import Event
from tdxwrap.export import config_text
from tdxwrap.journal import Journal, open_journal
from tdxwrap.keep import write_keeping_earlier
from tdxwrap.live import resolve_segment
from tdxwrap.realtime import Realtime
from tdxwrap.recipe import Settings
from tdxwrap.render import Line
from tdxwrap.retry import Retry
from tdxwrap.room import sweep_leftovers
from tdxwrap.session import Outcome, Session
from tdxwrap.stops import deadline
from tdxwrap.tdx import Call, Tdx
from tdxwrap.verify import Report, validate
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
    journal: Path | None
    no_journal: bool


class App:
    """One run of one command. Every command returns its exit code or raises TdxwrapError."""

    def __init__(self, chosen: Globals, environ: Mapping[str, str], command: str = "") -> None:
        self._chosen = chosen
        self._environ = environ
        self._command = command
        self._about: dict[str, str] = {}
        self._failure: TdxwrapError | None = None
        self._journal: Journal | None = None
        self.console = Console(
            Style(chosen.json, chosen.verbose, chosen.quiet, chosen.color), environ
        )
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
        self.console.check_written()
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
        with self._connected(ps) as connected:
            segment = resolve_segment(connected.api, connected.retry, ps)
        self.console.result([render.segment_line(segment, self.account)])
        return self._end("status", segment=documents.segment_part(segment))

    def wait(self, ps: str, patience: Patience) -> int:
        """`wait PS`."""
        with self._connected(ps) as connected:
            segment = session.wait_for(connected, ps, patience)
        self.console.result([render.segment_line(segment, self.account)])
        return self._end("wait", segment=documents.segment_part(segment))

    def export(self, ps: str, file: Path | None) -> int:
        """`export PS`."""
        with self._connected(ps) as connected:
            text = config_text(session.read(connected, ps))
        if file is None:
            self.console.text(text)
        else:
            self._write(file, text, "--file")
        return self._end("export", config=text, file=None if file is None else str(file))

    def verify_segment(self, ps: str) -> int:
        """`verify PS`: the recipe's Validation."""
        with self._connected(ps) as connected:
            report = validate(session.read(connected, ps))
        self.console.result(render.report_lines(report, ""))
        error = _not_validated(report)
        return self._end("verify", error, report=documents.report_part(report))

    def verify_config(self, config: str, override: str | None) -> int:
        """`verify CONFIG`: every field of every item."""
        loaded, ps = self._load(config, override)
        with self._connected() as connected:
            plan = session.make_plan(connected, loaded, ps, Options(check_columns=False))
        report = validate(plan.live, plan)
        self.console.result(render.report_lines(report, config))
        error = _differs(report, config) or _not_validated(report)
        return self._end("verify", error, report=documents.report_part(report))

    def doctor(self, config: str | None, override: str | None) -> int:
        """`doctor [CONFIG]`: the checklist is the result, also where checks failed."""
        loaded = None if config is None else load(config, environ=self._environ)
        self.console.warnings(loaded.warnings if loaded else ())
        ps = override or (loaded.config.parent_segment if loaded else None)
        with self._connected(ps) as connected:
            checks = doctor.examine(connected, loaded, ps, self.account)
        self.console.result(render.check_lines(checks))
        shown = [asdict(check) for check in checks]
        return self._end("doctor", doctor.failure(checks), told=True, checks=shown)

    # Writing

    def apply(
        self,
        config: str,
        *,
        override: str | None,
        options: Options,
        yes: bool,
        jobs: int,
        limit: float | None,
        rt_config: Path,
        patience: Patience | None,
    ) -> int:
        """`apply CONFIG`."""
        started = time.monotonic()
        loaded, ps = self._load(config, override)
        consent = PlanConsent(self.console, self.account, yes=yes, force=options.force)
        settings = Settings(baseline=rt_config, jobs=jobs, where=loaded.source.where)
        with deadline(limit), self._connected() as connected:
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
        run = "" if self._journal is None else f". Journal: {self._journal.id}"
        done = f"{changes}, {self.calls} tdx calls, {took}{run}"
        self.console.result([Line("", f"{done}", "bold")])
        if outcome.report is None:
            ps = outcome.plan.live.segment.id
            self.console.note([Line("", f"not waited for: see `tdxwrap wait {ps}`")])

    # Earlier runs

    def runs(self) -> int:
        """`runs`."""
        found = runs.every(self._environ)
        self.console.result(runs.list_lines(found))
        return self._end("runs", runs=[run.summary() for run in found])

    def runs_show(self, which: str) -> int:
        """`runs show ID`."""
        run = runs.find(self._environ, which)
        self.console.result(runs.story(run))
        return self._end("runs show", run=run.summary(), lines=run.lines)

    def runs_export(
        self, which: str, *, redact: bool, file: Path | None, config_out: Path | None
    ) -> int:
        """`runs export ID`."""
        run = runs.find(self._environ, which)
        text, config = run.path.read_text(encoding="utf-8"), ""
        if redact:
            text, config = runs.disguised(run, self._environ, config_out is not None)
        if file is not None:
            self._write(file, text, "--file")
        if config_out is not None:
            self._write(config_out, config, "--config-out")
        if file is None:
            self.console.text(text)
        return self._end("runs export", text=text if file is None else None)

    # Shared

    @property
    def account(self) -> str:
        """The profile and site that tdx will use, as far as can be told (F5)."""
        site = self._chosen.site
        told = f"profile {self._profile}" if self._profile else "current tdx profile"
        return f"{told} · site {site}" if site else told

    @property
    def _profile(self) -> str | None:
        """The profile that was named; one chosen with `tdx use` only tdx knows (F5)."""
        return self._chosen.profile or self._environ.get("TDX_PROFILE") or None

    def _load(self, config: str, override: str | None) -> tuple[LoadedConfig, str]:
        loaded = load(config, environ=self._environ)
        self.console.warnings(loaded.warnings)
        ps = session.parent_segment(loaded, override)
        file = config if config == "-" else os.path.abspath(config)
        self._about = {"config": file, "digest": loaded.digest, "segment": ps}
        return loaded, ps

    def _write(self, file: Path, text: str, option: str) -> None:
        """Write a file that was asked for, and say where an earlier one has gone."""

        def write(path: Path) -> None:
            path.write_text(text, encoding="utf-8")

        written = write_keeping_earlier(file, write, option)
        self.console.note([Line("", f"written to {written.file}")])
        if written.earlier is not None:
            self.console.note([Line("", f"the earlier file is now {written.earlier}")])

    @contextmanager
    def _connected(self, ps: str | None = None) -> Iterator[Session]:
        """tdx, ready to be called, and what tells and records all that happens.

        Args:
            ps: the parent segment that it is about, where no configuration says it.
        """
        chosen = self._chosen
        self._journal = self._new_journal(ps)
        sweep_leftovers()
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

            def listen(event: Event) -> None:
                if self._journal is not None:
                    self._journal.event(event)
                checklist(event)

            retry = Retry(retries=chosen.retries, delay=chosen.retry_delay, listen=listen)
            yield Session(Realtime(tdx), self._environ, self._profile, retry, listen)

    def _called(self, call: Call) -> None:
        self.calls += 1
        if self._journal is not None:
            self._journal.call(call)
        self.console.call(call)

    def _new_journal(self, ps: str | None) -> Journal | None:
        """The journal of this run, with its header; None where there is to be none."""
        chosen = self._chosen
        if chosen.no_journal:
            return None
        about = {
            "config": self._about.get("config"),
            "digest": self._about.get("digest"),
            "profile": self._profile,
            "site": chosen.site,
            "segment": ps or self._about.get("segment"),
        }
        label = about["segment"] or self._command
        journal = open_journal(chosen.journal, label, self._environ, self._warn)
        if journal is not None:
            journal.header(self._command, about)
            if chosen.verbose:
                self.console.note([Line("journal ", str(journal.path), "dim")])
        return journal

    def _warn(self, text: str) -> None:
        self.console.note([Line("! ", text, "yellow")])

    @property
    def journal_path(self) -> str | None:
        """The file that records this run, if there is one."""
        return None if self._journal is None else str(self._journal.path)

    def end_journal(self, code: int, error: TdxwrapError | None = None) -> None:
        """Write the last line of the journal: how the run ended."""
        if self._journal is not None:
            self._journal.end(code, error or self._failure)

    def _end(
        self,
        command: str,
        error: TdxwrapError | None = None,
        *,
        told: bool = False,
        **content: Any,
    ) -> int:
        """Print the document of `--json`, or the error for a person; give the exit code.

        Args:
            told: the result has told a person of the error already.
        """
        part = None if error is None else documents.error_part(error)
        ok = error is None
        content["journal"] = self.journal_path
        self.console.document(documents.document(command, ok=ok, error=part, **content))
        self.console.check_written()
        if error is None:
            return ExitCode.DONE
        self._failure = error
        if not (told or self._chosen.json):
            self.console.error(command, error, self.journal_path)
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
