"""Several files in one command: one after another, and a table at the end."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
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


def files_of(given: Iterable[str], warn: Callable[[str], None]) -> list[str]:
    """List the files, each once; of a folder its *.yaml and *.yml, in order of name.

    Args:
        warn: called with a line for what is skipped and may have been meant.
    Raises:
        UsageProblem: a folder has none, or cannot be read.
    """
    return list(dict.fromkeys(file for each in given for file in _files_of(each, warn)))


def _files_of(given: str, warn: Callable[[str], None]) -> list[str]:
    if not os.path.isdir(given):
        return [given]
    try:
        names = sorted(os.listdir(given))
    except OSError as error:
        raise UsageProblem(f"the folder {given} cannot be read: {error.strerror}") from None
    files = []
    for name in names:
        path = os.path.normpath(os.path.join(given, name))
        is_yaml = name.lower().endswith((".yaml", ".yml"))
        if name.startswith(_NOT_TAKEN) or not (is_yaml or os.path.isdir(path)):
            continue
        if os.path.isfile(path) or not os.path.exists(path):
            files.append(path)
        else:
            warn(f"{path} is skipped: it is not a file")
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
    apps = [replace(frame, file=file, files=len(files)) for file in files]
    for number, app in enumerate(apps, 1):
        frame.console.print_note([BLANK, Line(f"{number} of {len(apps)}  ", app.file, "bold")])
        if markdown and number > 1:
            frame.console.print_text("\n")
        app.code = _run(app, one)
        if app.code is ExitCode.INTERRUPTED or not (keep_going or app.code in _FINE):
            break
    return _end(frame, apps, markdown=markdown)


def _run(app: App, one: Callable[..., int]) -> ExitCode:
    try:
        code = one(app, config=app.file)
    except KeyboardInterrupt as stop:
        code = app.end(as_error(stop, f"nothing was written for {app.file}"))
    except TdxwrapError as error:
        code = app.end(error)
    except Exception as bug:
        code = app.end(crash_report.as_error(bug))
    if code == ExitCode.INTERRUPTED:
        ignore_signals()
    app.end_journal(code)
    return ExitCode(code)


def _end(frame: App, apps: Sequence[App], *, markdown: bool) -> int:
    code = min((app.code for app in apps if app.code is not None), key=WORST.index)
    if markdown:
        frame.console.print_markdown("\n" + table_markdown(_HEADS, map(_row, apps)))
    else:
        frame.console.print_result([BLANK, *_lines(apps)])
    said = [app for app in apps if app.what_next]
    for app in said[-1:]:
        app.print_what_next()
    if frame.chosen.json:
        frame.console.print_document(_document(frame.command, code, apps))
    frame.console.check_written()
    return code


def _outcome(app: App) -> str:
    """`ok`, `pending`, `refused`, `not begun`, or the kind of the error."""
    if app.failure is not None:
        return app.failure.kind
    named = {None: "not begun", ExitCode.PENDING: "pending", ExitCode.REFUSED: "refused"}
    return named.get(app.code, "ok")


def _row(app: App) -> tuple[str, ...]:
    changes = "-" if app.changes is None else str(app.changes)
    return (app.file, app.segment or "-", _outcome(app), changes)


def _document(command: str, code: ExitCode, apps: Sequence[App]) -> dict[str, Any]:
    begun = [app for app in apps if app.code is not None]
    document = Several(
        tdxwrap=command,
        ok=len(begun) == len(apps) and all(app.failure is None for app in apps),
        exit_code=code,
        files=[{"file": app.file, "exit_code": app.code, **app.document} for app in begun],
        not_begun=[app.file for app in apps if app.code is None],
    )
    return document.model_dump(mode="json")


def _lines(apps: Sequence[App]) -> Iterator[Line]:
    heads, *bodies = table_rows([_HEADS, *map(_row, apps)])
    yield Line("  ", heads, "bold")
    for app, body in zip(apps, bodies, strict=True):
        if app.code is None:
            yield Line("· ", body)
        elif app.code in _FINE:
            yield Line("✓ ", body, mark="green")
        else:
            yield Line("✗ ", body, mark="red")
    counts = Counter(map(_outcome, apps))
    summary = ", ".join(f"{count} {outcome}" for outcome, count in counts.items())
    yield Line("", f"{counted(len(apps), 'file')}: {summary}", "bold")
