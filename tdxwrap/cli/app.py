"""One run of one command: its console, its journal, its tdx, and how it ends.

The functions of the commands take an `App` first.
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tdxwrap.apply import run, session
from tdxwrap.apply.events import Event, LiveKept, LiveMoved, LockedHere, Planned, Retrying
from tdxwrap.apply.session import Session
from tdxwrap.cli.options import Globals
from tdxwrap.config.load import LoadedConfig, load
from tdxwrap.errors import ExitCode, Problem, TdxwrapError
from tdxwrap.journal.record import Journal, baseline_beside, open_journal
from tdxwrap.journal.segment_cache import remember
from tdxwrap.output.console import Console, Style
from tdxwrap.output.error_text import warning_line
from tdxwrap.output.lines import Line
from tdxwrap.output.progress import elsewhere_text, shown_progress
from tdxwrap.output.report_text import console_page
from tdxwrap.plan.changes import Plan, PlanOptions
from tdxwrap.plan.course import Course
from tdxwrap.realtime.api import VERSION, Realtime, version_in
from tdxwrap.realtime.retry import Pause, Retry
from tdxwrap.realtime.state import LiveState, Segment
from tdxwrap.system.files import write_text
from tdxwrap.system.paths import absolute
from tdxwrap.system.threads import Parallel
from tdxwrap.tdx.answer import CompletedCall
from tdxwrap.tdx.client import Tdx
from tdxwrap.tdx.context import ASKED_AT_ONCE, Asking, Context, leader_above
from tdxwrap.tdx.tempfiles import sweep_leftovers
from tdxwrap.version import __version__

if TYPE_CHECKING:
    from tdxwrap.cli.together import Member

# What may write to an account; other commands keep a journal only where `--journal` names one.
RECORDED = ("apply",)


@dataclass(eq=False)
class App:
    """One run of one command.

    Args:
        chosen: the global options.
        environ: the environment of the user.
        command: its name, for the journal and the document.
    Attributes:
        console: where everything is printed.
        file: which of several files it works on; its entry goes into their document (several.py).
        files: how many there are of them; 0 for the run of them all.
        begun: when the command line began, by the monotonic clock in seconds.
        calls: how many tdx calls were made so far.
        context: in which profile, account and site tdx works, as far as is known (F5, F34).
        config: the file, as it was given.
        segment: the parent segment that it is about, as far as is known.
        changes: how many are pending or differ; None where it does not matter.
        course: how far the plan of an apply has come, once there is one.
        tdx_version: if it was asked for.
        locks: as in `Session`.
        member: what it shares with the other files of its run; None if it is alone.
        what_next: what a person may do after it.
        entry, failure, code: how it ended; all empty until then.
    """

    chosen: Globals
    environ: Mapping[str, str]
    command: str
    file: str = ""
    files: int = 1
    begun: float = field(default_factory=time.monotonic)
    calls: int = 0
    config: str | None = None
    segment: str = ""
    changes: int | None = None
    course: Course | None = None
    tdx_version: str | None = None
    entry: dict[str, Any] = field(default_factory=dict)
    failure: TdxwrapError | None = None
    code: ExitCode | None = None
    locks: Path | None = None
    member: Member | None = None
    what_next: Sequence[Line] = ()

    def __post_init__(self) -> None:
        chosen = self.chosen
        style = Style(chosen.json, chosen.verbose, chosen.quiet, chosen.color)
        self.console = Console(style, self.environ)
        self._about: dict[str, str | None] = {
            "config": None,
            "digest": None,
            "profile": self._profile,
            "site": chosen.site,
            "segment": None,
        }
        self._journal: Journal | None = None
        self._asking: Asking | None = None
        self._loaded: LoadedConfig | None = None
        self._started = _now()
        self._known: Segment | None = None
        self._said: list[Line] = []
        self.context = Context(profile=self._profile, site=chosen.site)

    @property
    def account(self) -> str:
        """The account, profile and site that tdx works in, as far as is known (F5, F34)."""
        return self.context.text(asked=self._asking is not None)

    @property
    def _profile(self) -> str | None:
        """The profile that was named; one chosen with `tdx use` only tdx knows (F5)."""
        return self.chosen.profile or self.environ.get("TDX_PROFILE") or None

    # Notes

    def note(self, text: str) -> None:
        """Print a line on the way."""
        self.console.print_note([Line("", text)])

    def warn(self, text: str) -> None:
        """Print a warning on the way."""
        self._note([Line("! ", text, mark="yellow")])

    def print_warnings(self, problems: Iterable[Problem]) -> None:
        """Print what a file may say but seldom means to."""
        self._note([*map(warning_line, problems)])

    def _note(self, lines: Sequence[Line]) -> None:
        self.console.print_note(lines)
        self.record(lines)

    def record(self, lines: Sequence[Line]) -> None:
        """Put lines that are printed into the journal: now, or when there is one."""
        if self._journal is None:
            self._said += lines
        else:
            self._journal.said(lines)

    def print_what_next(self) -> None:
        """Print what comes after it, for a person on a terminal."""
        if self.console.can_ask:
            self.console.print_note(self.what_next)

    # Files

    def load_file(self, config: str) -> LoadedConfig:
        """Load a configuration, once, and print its warnings.

        Raises:
            ConfigError: the file is not usable.
        """
        if self._loaded is None:
            self.config = config
            self._loaded = load(config, environ=self.environ)
            self._about["segment"] = self._loaded.config.parent_segment
            self.segment = self._about["segment"] or ""
            self.print_warnings(self._loaded.warnings)
        return self._loaded

    def load(self, config: str, override: str | None = None) -> tuple[LoadedConfig, str]:
        """Load a configuration and print its warnings; return it with its parent segment.

        Args:
            override: `--parent-segment`.
        Raises:
            ConfigError: the file is not usable.
            UsageProblem: no parent segment is named.
        """
        loaded = self.load_file(config)
        ps = self.segment = session.parent_segment(loaded, override)
        file = config if config == "-" else absolute(config)
        self._about |= {"config": file, "digest": loaded.digest, "segment": ps}
        return loaded, ps

    def about(self, segment: Segment, changes: int) -> None:
        """Keep what the table of several files shows: the segment, and how many changes."""
        self._named(segment)
        self.changes = changes

    def _named(self, segment: Segment) -> None:
        self._known = segment
        self.segment = f"{segment.name} ({segment.id})"
        if self.member is not None:
            self.member.known(segment)

    def print_or_write(self, text: str, file: Path | None) -> None:
        """Print a text, or write it to the file that `--file` names."""
        if file is None:
            self.console.print_text(text)
        else:
            self.write(file, text, "--file")

    def write(self, file: Path, text: str, option: str) -> None:
        """Write a requested file, and say under which name an earlier one was kept.

        Args:
            option: the option that named it, for the error.
        Raises:
            UsageProblem, EnvironmentProblem: it cannot be written.
        """
        earlier = write_text(file, self.console.clean(text), option)
        self.note(f"written to {file}")
        if earlier is not None:
            self.note(f"the earlier file is now {earlier}")

    # tdx

    @contextmanager
    def connected(
        self, ps: str | None = None, loaded: LoadedConfig | None = None, *, hold: bool = False
    ) -> Iterator[Session]:
        """Open tdx, and print and record everything that happens.

        Args:
            ps: the parent segment that it is about, where no configuration says it.
            loaded: the configuration, which may demand an account.
            hold: keep to account, profile and site to the end of the run, as `Asking` says.
        """
        chosen, member = self.chosen, self.member
        self._about["segment"] = ps or self._about["segment"]
        self._journal = self._new_journal()
        with suppress(OSError):
            sweep_leftovers()
        with (
            Tdx(
                chosen.tdx,
                profile=chosen.profile,
                site=chosen.site,
                timeout=chosen.timeout,
                environ=self.environ,
                on_call=self._called,
                reads=member.together.slots if member else None,
            ) as tdx,
            Parallel(ASKED_AT_ONCE, tdx.kill_all) as pool,
            shown_progress(self.console) as self._show,
        ):
            if member is not None:
                member.connect(tdx)
            retry = Retry(
                retries=chosen.retries,
                delay=chosen.retry_delay,
                limit=chosen.retry_limit,
                sleep=tdx.pause,
                on_retry=lambda *values: self.happened(Retrying(*values)),
                shared=member.together.pause if member else Pause(),
            )
            account = None if loaded is None else loaded.config.account
            leader = leader_above(self._profile, self.environ)
            if leader or account or hold or self.command == "plan":
                asked = (hold, account, self._found)
                alike = (member.status, member.together.nobody) if member else ()
                self._asking = Asking(tdx, retry.read, pool, self.context, *asked, *alike)
                self._asking.begin(leader)
            if chosen.json and self.command in ("apply", "plan", "verify"):
                pool.start(self._ask_version, tdx.within())
            listed = partial(remember, self.environ, self._profile, chosen.site)
            ask, all_written = (member.read, member.all_written) if member else (None, None)
            api = Realtime(tdx, listed, ask=ask, on_segment=self._named)
            yield Session(
                api, self.environ, self._profile, retry, self.happened, self.locks, all_written
            )

    def read_live(self, ps: str) -> LiveState:
        """Read what is live on a parent segment."""
        with self.connected(ps) as connected:
            return session.read_live(connected, ps)

    def make_plan(self, loaded: LoadedConfig, ps: str, options: PlanOptions) -> Plan:
        """Compare a loaded configuration with what is live."""
        with self.connected(loaded=loaded) as connected:
            return run.make_plan(connected, loaded, ps, options)

    def happened(self, event: Event) -> None:
        """Count, record and show what happened."""
        if isinstance(event, Planned):
            self.course = event.course
        if self._journal is not None:
            self._journal.event(event)
        if isinstance(event, LiveMoved | LiveKept | LockedHere):
            self.record([Line("! ", elsewhere_text(event))])
        self._show(event)

    def check_unchanged(self) -> None:
        """Check that tdx still works in the context of this run; raises as `Asking` says."""
        if self._asking is not None:
            self._asking.check_unchanged()

    def _found(self, context: Context, warning: str) -> None:
        self.context = context
        self.happened(context)
        if warning:
            self.warn(warning)

    def _ask_version(self, tdx: Tdx) -> None:
        with suppress(TdxwrapError):
            answer = self.member.version(tdx) if self.member else tdx.run(*VERSION)
            self.tdx_version = version_in(answer.stdout)

    def _called(self, call: CompletedCall) -> None:
        self.calls += 1
        if call.argv[-1:] == VERSION and call.exit_code == 0:
            self.tdx_version = version_in(call.stdout)
        if self._journal is not None:
            self._journal.call(call)
        self.console.print_call(call)

    # The journal

    @property
    def journal_id(self) -> str | None:
        """The id of this run for `tdxwrap runs show`, if it is recorded."""
        return None if self._journal is None else self._journal.id

    @property
    def journal_path(self) -> str | None:
        """The file that records this run, if there is one."""
        return None if self._journal is None else str(self._journal.path)

    @property
    def way_back(self) -> str:
        """What gives the configuration before this run, if it has changed or deleted something."""
        if self._journal is None or self.course is None or not self.course.alters:
            return ""
        run = shlex.quote(str(self.chosen.journal or self._journal.id))
        return f"what was live before: tdxwrap export --before {run} -f before.yaml"

    def baseline_beside(self) -> Path:
        """Return where the baseline goes if something has its place already."""
        label = self.console.clean(self._about["segment"] or self.command)
        return baseline_beside(self._journal, label, self.environ)

    def _new_journal(self) -> Journal | None:
        """Open the journal of this run and write its header."""
        chosen = self.chosen
        if chosen.no_journal or not (chosen.journal or self.command in RECORDED):
            return None
        label = self._about["segment"] or self.command
        journal = open_journal(chosen.journal, label, self.environ, self.warn)
        if journal is not None:
            journal.header(self.command, self._about)
            journal.said(self._said)
            if chosen.verbose:
                self.console.print_note([Line("journal ", str(journal.path), "dim")])
        return journal

    def end_journal(self, code: int, error: TdxwrapError | None = None) -> None:
        """Write the last line of the journal: how the run ended."""
        if self._journal is not None:
            self._journal.end(code, error or self.failure, self.course)

    # The end

    def end(
        self,
        error: TdxwrapError | None = None,
        code: ExitCode = ExitCode.DONE,
        *,
        printed: bool = False,
        **content: Any,
    ) -> ExitCode:
        """Print the document of `--json`, or the error; return the exit code.

        Args:
            code: the exit code, if there is no error.
            printed: the result has shown the error already.
            content: the fields of the command's document (output/documents.py).
        """
        self.failure = error
        code = code if error is None else error.exit_code
        self._print_document(code, **content)
        self.console.check_written()
        if error is not None and not printed:
            self.console.print_error(error, self.journal_path)
        return code

    def fail(self, error: TdxwrapError) -> None:
        """Print the error that the command ended in, or its document."""
        self.failure = error
        self._print_document(error.exit_code)
        self.console.print_error(error, self.journal_path)

    def _print_document(self, code: ExitCode, **content: Any) -> None:
        """Print the document of `--json`; one of several files keeps its entry instead."""
        if not self.chosen.json:
            return
        if self.file:
            self.entry = self.file_document(code, **content)
            return
        from tdxwrap.output import documents

        if self.command in documents.FILES:
            files = [self.file_document(code, **content)] if self.files else []
            document = documents.files_output(self.command, code, files, self.failure)
        else:
            content["journal"] = self.journal_path
            document = documents.output(self.command, self.failure, **content)
        self.console.print_document(document)

    def file_document(self, code: ExitCode | None, **content: Any) -> dict[str, Any]:
        """Return what `--json` prints of one file; arguments as of `end`."""
        from tdxwrap.output import documents

        course, found = self.course, self._known
        done = {} if course is None else {"plan": course.told, **course.counts}
        return documents.FILES[self.command].of(
            {
                "config": self.config,
                "outcome": self.outcome(code),
                "exit_code": code,
                "error": self.failure,
                "segment": self._about["segment"],
                "segment_id": found and found.id,
                "segment_name": found and found.name,
                **asdict(self.context),
                "tdxwrap_version": __version__,
                "tdx_version": self.tdx_version,
                "started": self._started,
                "ended": _now(),
                "seconds": self.seconds,
                "calls": self.calls,
                "console": found and console_page(found.id, self.context.site or ""),
                "journal": self.journal_path,
                **done,
                **content,
            }
        )

    @property
    def seconds(self) -> float:
        """How long it has run, without the time in which a question waited for its answer."""
        return round(time.monotonic() - self.begun - self.console.answering, 3)

    def outcome(self, code: ExitCode | None) -> str:
        """Return `ok`, `pending`, `refused`, `not begun`, or the kind of the error."""
        if self.failure is not None:
            return self.failure.kind
        named = {None: "not begun", ExitCode.PENDING: "pending", ExitCode.REFUSED: "refused"}
        return named.get(code, "ok")


def _now() -> str:
    return datetime.now().astimezone().isoformat(timespec="milliseconds")
