"""Several files in one command: one after another, and a table at the end."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tdxwrap.cli import crash_report
from tdxwrap.cli.app import App
from tdxwrap.errors import ExitCode, TdxwrapError, UsageProblem
from tdxwrap.output.documents import Several
from tdxwrap.output.lines import BLANK, Line, counted, table_rows
from tdxwrap.output.markdown import table_markdown
from tdxwrap.system.signals import as_error, ignore_signals

# Worst first: what a person has to fix, what the same command again may fix, what is no failure.
WORST = (
    ExitCode.INTERRUPTED,
    ExitCode.BUG,
    ExitCode.ENVIRONMENT,
    ExitCode.USAGE,
    ExitCode.REFUSED,
    ExitCode.CALL_FAILED,
    ExitCode.LOCKED,
    ExitCode.NOT_READY,
    ExitCode.PENDING,
    ExitCode.DONE,
)
# With these the run goes on: pending changes are a finding, not a failure.
_FINE = (ExitCode.DONE, ExitCode.PENDING)
# In a folder: what only serves `extends`, what is hidden, and what apply itself writes.
_NOT_TAKEN = ("_", ".", "rt_config")
_HEADS = ("file", "parent segment", "outcome", "changes")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command came to on one file.

    Attributes:
        outcome: `ok`, `pending`, or the kind of the error.
        changes: written, pending or different, as the command has it; None where it has none.
        code: None if the file was not begun.
        document: what the command prints with `--json` on this file alone.
    """

    file: str
    segment: str = ""
    outcome: str = "not begun"
    changes: int | None = None
    code: ExitCode | None = None
    document: dict[str, Any] | None = None

    @property
    def row(self) -> tuple[str, ...]:
        """The cells of the table."""
        changes = "-" if self.changes is None else str(self.changes)
        return (self.file, self.segment or "-", self.outcome, changes)

    @property
    def ok(self) -> bool:
        """Whether nothing failed."""
        return self.outcome in ("ok", "pending")


def files_of(given: Iterable[str]) -> list[str]:
    """List the files, each once; of a folder its *.yaml and *.yml, in order of name.

    Raises:
        UsageProblem: a folder has none, or cannot be read.
    """
    return list(dict.fromkeys(file for each in given for file in _files_of(each)))


def _files_of(given: str) -> list[str]:
    if not os.path.isdir(given):
        return [given]
    try:
        names = sorted(os.listdir(given))
    except OSError as error:
        raise UsageProblem(f"the folder {given} cannot be read: {error.strerror}") from None
    taken = [n for n in names if n.endswith((".yaml", ".yml")) and not n.startswith(_NOT_TAKEN)]
    paths = [os.path.normpath(os.path.join(given, name)) for name in taken]
    files = [path for path in paths if not os.path.isdir(path)]
    if not files:
        raise UsageProblem(
            f"there is no configuration in the folder {given}",
            hint="taken are its *.yaml and *.yml, but none whose name begins with "
            f"{' or '.join(_NOT_TAKEN)}",
        )
    return files


def each_file(
    frame: App,
    files: Sequence[str],
    one: Callable[..., int],
    *,
    keep_going: bool,
    markdown: bool,
) -> int:
    """Run a command on one file after another, and end with a table.

    Args:
        frame: the run of them all.
        one: the command; takes an App and `config`, and returns the exit code.
        keep_going: go on after a failure; an interrupt ends it all the same.
        markdown: print the table in Markdown, below the text of each file.
    Returns:
        The worst exit code.
    Raises:
        UsageProblem: `--journal` names one file for several runs.
    """
    if frame.chosen.journal is not None:
        hint = "each file has a journal of its own: see `tdxwrap runs`"
        raise UsageProblem("--journal goes with a single file", hint=hint)
    outcomes: list[Outcome] = []
    for number, file in enumerate(files, 1):
        frame.console.print_note([BLANK, Line(f"{number} of {len(files)}  ", file, "bold")])
        if markdown and outcomes:
            frame.console.print_text("\n")
        outcomes.append(_outcome(frame.for_file(), file, one))
        code = outcomes[-1].code
        if code is ExitCode.INTERRUPTED or not (keep_going or code in _FINE):
            break
    begun = len(outcomes)
    outcomes.extend(Outcome(file) for file in files[begun:])
    return _end(frame, outcomes, markdown=markdown)


def _outcome(app: App, file: str, one: Callable[..., int]) -> Outcome:
    try:
        code = one(app, config=file)
    except KeyboardInterrupt as stop:
        code = app.end(as_error(stop, f"nothing was written for {file}"))
    except TdxwrapError as error:
        code = app.end(error)
    except Exception as bug:
        code = app.end(crash_report.as_error(bug))
    if code == ExitCode.INTERRUPTED:
        ignore_signals()
    app.end_journal(code)
    if app.failure is not None:
        outcome = app.failure.kind
    else:
        outcome = "pending" if code == ExitCode.PENDING else "ok"
    return Outcome(file, app.segment, outcome, app.changes, ExitCode(code), app.document)


def _end(frame: App, outcomes: Sequence[Outcome], *, markdown: bool) -> int:
    code = min((each.code for each in outcomes if each.code is not None), key=WORST.index)
    if markdown:
        rows = (each.row for each in outcomes)
        frame.console.print_markdown("\n" + table_markdown(_HEADS, rows))
    else:
        frame.console.print_result([BLANK, *_lines(outcomes)])
    if frame.chosen.json:
        frame.console.print_document(_document(frame.command, code, outcomes))
    frame.console.check_written()
    return code


def _document(command: str, code: ExitCode, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    document = Several(
        tdxwrap=command,
        ok=all(each.ok for each in outcomes),
        exit_code=code,
        files=[
            {"file": each.file, "exit_code": each.code, **each.document}
            for each in outcomes
            if each.document is not None
        ],
        not_begun=[each.file for each in outcomes if each.code is None],
    )
    return document.model_dump(mode="json")


def _lines(outcomes: Sequence[Outcome]) -> Iterator[Line]:
    heads, *bodies = table_rows([_HEADS, *(each.row for each in outcomes)])
    yield Line("  ", heads, "bold")
    for each, body in zip(outcomes, bodies, strict=True):
        if each.code is None:
            yield Line("· ", body)
        elif each.ok:
            yield Line("✓ ", body, mark="green")
        else:
            yield Line("✗ ", body, mark="red")
    counts = Counter(each.outcome for each in outcomes)
    summary = ", ".join(f"{count} {outcome}" for outcome, count in counts.items())
    yield Line("", f"{counted(len(outcomes), 'file')}: {summary}", "bold")
