"""One run of one command: its console, its journal, its tdx, and how it ends.

What the commands do stands in `tdxwrap/commands/`, a module each; their functions take an `App`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tdxwrap.apply import session
from tdxwrap.apply.events import ChangeDone, Event
from tdxwrap.apply.session import Session
from tdxwrap.config.load import LoadedConfig, load
from tdxwrap.errors import ExitCode, TdxwrapError
from tdxwrap.journal.record import Journal, open_journal
from tdxwrap.journal.segment_cache import remember
from tdxwrap.output.console import Console, Style
from tdxwrap.output.plan_text import Line
from tdxwrap.output.progress import Checklist
from tdxwrap.realtime.api import Realtime
from tdxwrap.realtime.retry import Retry
from tdxwrap.realtime.state import Segment
from tdxwrap.system.files import write_with_backup
from tdxwrap.tdx.process import Call, Tdx
from tdxwrap.tdx.tempfiles import sweep_leftovers


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
    """One run of one command.

    Args:
        chosen: the global options.
        environ: the environment of the user.
        command: its name, for the journal.
        of_several: it is about one of several files; its document goes into theirs (many.py).
    Attributes:
        console: where all that it says goes.
        calls: how many tdx calls were made so far.
        segment: the parent segment that it is about, as far as is known.
        changes: how many were written, are pending or differ; None where it does not matter.
        document, failure: how it ended.
    """

    def __init__(
        self,
        chosen: Globals,
        environ: Mapping[str, str],
        command: str = "",
        *,
        of_several: bool = False,
    ) -> None:
        self.chosen = chosen
        self.environ = environ
        self.console = Console(
            Style(chosen.json, chosen.verbose, chosen.quiet, chosen.color), environ
        )
        self.command = command
        self.of_several = of_several
        self.calls = 0
        self.segment = ""
        self.changes: int | None = None
        self.document: dict[str, Any] = {}
        self.failure: TdxwrapError | None = None
        self._about: dict[str, str] = {}
        self._journal: Journal | None = None

    @property
    def account(self) -> str:
        """The profile and site that tdx will use, as far as can be told (F5)."""
        site = self.chosen.site
        told = f"profile {self._profile}" if self._profile else "current tdx profile"
        return f"{told} · site {site}" if site else told

    @property
    def _profile(self) -> str | None:
        """The profile that was named; one chosen with `tdx use` only tdx knows (F5)."""
        return self.chosen.profile or self.environ.get("TDX_PROFILE") or None

    # Files

    def load(self, config: str, override: str | None = None) -> tuple[LoadedConfig, str]:
        """A configuration and the parent segment that it is about, once its warnings are told.

        Args:
            override: `--parent-segment`.
        Raises:
            ConfigError: the file is not usable.
            UsageProblem: nothing says which parent segment is meant.
        """
        loaded = load(config, environ=self.environ)
        self.console.print_warnings(loaded.warnings)
        ps = self.segment = session.parent_segment(loaded, override)
        file = config if config == "-" else os.path.abspath(config)
        self._about = {"config": file, "digest": loaded.digest, "segment": ps}
        return loaded, ps

    def about(self, segment: Segment, changes: int) -> None:
        """Keep what is said of this run among others: the segment, and how many changes."""
        self.segment, self.changes = f"{segment.name} ({segment.id})", changes

    def write(self, file: Path, text: str, option: str) -> None:
        """Write a file that was asked for, and say where an earlier one has gone.

        Args:
            option: the option that named it, for the error.
        Raises:
            EnvironmentProblem: it cannot be written.
        """

        def write(path: Path) -> None:
            path.write_text(text, encoding="utf-8")

        written = write_with_backup(file, write, option)
        self.console.print_note([Line("", f"written to {written.file}")])
        if written.earlier is not None:
            self.console.print_note([Line("", f"the earlier file is now {written.earlier}")])

    # tdx

    @contextmanager
    def connected(self, ps: str | None = None) -> Iterator[Session]:
        """tdx, ready to be called, and what tells and records all that happens.

        Args:
            ps: the parent segment that it is about, where no configuration says it.
        """
        chosen = self.chosen
        self._journal = self._new_journal(ps)
        sweep_leftovers()
        with (
            Tdx(
                chosen.tdx,
                profile=chosen.profile,
                site=chosen.site,
                timeout=chosen.timeout,
                environ=self.environ,
                on_call=self._called,
            ) as tdx,
            Checklist(self.console) as checklist,
        ):

            def listen(event: Event) -> None:
                if isinstance(event, ChangeDone):
                    self.changes = 1 + (self.changes or 0)
                if self._journal is not None:
                    self._journal.event(event)
                checklist(event)

            retry = Retry(
                retries=chosen.retries, delay=chosen.retry_delay, sleep=tdx.pause, listen=listen
            )
            listed = partial(remember, self.environ, self._profile, chosen.site)
            yield Session(Realtime(tdx, listed), self.environ, self._profile, retry, listen)

    def _called(self, call: Call) -> None:
        self.calls += 1
        if self._journal is not None:
            self._journal.call(call)
        self.console.print_call(call)

    # The journal

    @property
    def journal_id(self) -> str | None:
        """What `tdxwrap runs show` knows this run by, if it is recorded."""
        return None if self._journal is None else self._journal.id

    @property
    def journal_path(self) -> str | None:
        """The file that records this run, if there is one."""
        return None if self._journal is None else str(self._journal.path)

    def _new_journal(self, ps: str | None) -> Journal | None:
        """The journal of this run, with its header; None where there is to be none."""
        chosen = self.chosen
        if chosen.no_journal:
            return None
        about = {
            "config": self._about.get("config"),
            "digest": self._about.get("digest"),
            "profile": self._profile,
            "site": chosen.site,
            "segment": ps or self._about.get("segment"),
        }
        label = about["segment"] or self.command
        journal = open_journal(chosen.journal, label, self.environ, self._warn)
        if journal is not None:
            journal.header(self.command, about)
            if chosen.verbose:
                self.console.print_note([Line("journal ", str(journal.path), "dim")])
        return journal

    def _warn(self, text: str) -> None:
        self.console.print_note([Line("! ", text, mark="yellow")])

    def end_journal(self, code: int, error: TdxwrapError | None = None) -> None:
        """Write the last line of the journal: how the run ended."""
        if self._journal is not None:
            self._journal.end(code, error or self.failure)

    # The end

    def end(
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
            content: what the document of the command holds (forms.py).
        """
        journal = self.journal_path
        if self.chosen.json:
            from tdxwrap.output import forms

            self.document = forms.document(command, error=error, journal=journal, **content)
            if not self.of_several:
                self.console.print_document(self.document)
        self.console.check_written()
        if error is None:
            return ExitCode.DONE
        self.failure = error
        if not (told or self.chosen.json):
            self.console.print_error(command, error, journal)
        return error.exit_code
