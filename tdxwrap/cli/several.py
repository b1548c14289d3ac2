"""Several files in one command: side by side, and a table at the end."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from tdxwrap.apply import session
from tdxwrap.cli import crash_report
from tdxwrap.cli.app import App
from tdxwrap.cli.together import Member, Phase, Together, same_segment
from tdxwrap.errors import (
    EnvironmentProblem,
    ExitCode,
    Interrupted,
    NotBegun,
    TdxwrapError,
    UsageProblem,
)
from tdxwrap.output.consent import ask_for_all
from tdxwrap.output.documents import files_output
from tdxwrap.output.lines import BLANK, Line, counted, table_rows
from tdxwrap.output.markdown import table_markdown
from tdxwrap.output.plan_text import writes_text
from tdxwrap.output.progress import shown_count
from tdxwrap.system.signals import SLICE, as_error, check, deadline, ignore_signals
from tdxwrap.system.threads import Parallel

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
# What is chosen for all files together.
_OF_ALL = ("keep_going", "segments_at_once")
_COURSE = {
    "reading": (Phase.READING, Phase.KNOWN),
    "planned": (Phase.PLANNED, Phase.QUEUED),
    "writing": (Phase.WRITING,),
    "waiting": (Phase.WRITTEN,),
}
_PLANS = ("file", "parent segment", "to write")
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
    frame: App, files: Sequence[str], one: Callable[..., int], chosen: Mapping[str, Any]
) -> int:
    """Run a command on several files side by side, and end with a table.

    Every file is loaded and checked before the first read.

    Args:
        frame: the run of them all.
        one: the command; takes an App, `config` and its options, and returns the exit code.
        chosen: the options of the command, and `keep_going`.
    Returns:
        The worst exit code.
    Raises:
        UsageProblem: an option goes with a single file only.
    """
    _refuse_single(frame, chosen)
    given = {name: value for name, value in chosen.items() if name not in _OF_ALL}
    given |= {"deadline": None} if "deadline" in chosen else {}
    keep_going = chosen["keep_going"]
    together = Together(files, chosen.get("segments_at_once", 1), keep_going=keep_going)
    markdown = chosen.get("markdown", False)
    apps = [_app(frame, member, markdown=markdown) for member in together.members]
    _check(apps)
    begun = [app for app in apps if app.code is None]
    if len(begun) < len(apps) and not keep_going and frame.command != "check":
        begun = []
    work = [(app, partial(one, app, config=app.file, **given)) for app in begun]
    left = [app for app in apps if app.code is not None or begun]
    shown = list(left)
    _run(frame, left, work, chosen.get("deadline"))
    while left:
        _print_first(left, hold=True)
    for app in shown:
        app.console.release()
    return _end(frame, apps, markdown=markdown)


def _refuse_single(frame: App, chosen: Mapping[str, Any]) -> None:
    why = {
        "journal": (frame.chosen.journal, "each file has a journal of its own: see `tdxwrap runs`"),
        "parent-segment": (chosen.get("parent_segment"), "it would override every file"),
        "expect": (chosen.get("expect"), "each file has a plan and a fingerprint of its own"),
    }
    for option, (value, hint) in why.items():
        if value is not None:
            raise UsageProblem(f"--{option} goes with a single file", hint=hint)


def _app(frame: App, member: Member, *, markdown: bool) -> App:
    """Return the run of one file; what it prints waits for its turn."""
    app = replace(frame, file=member.file, files=len(member.together.members), member=member)
    app.console = frame.console.held()
    app.console.print_note([BLANK, Line(f"{member.number} of {app.files}  ", app.file, "bold")])
    if markdown and member.number > 1:
        app.console.print_text("\n")
    return app


def _member(app: App) -> Member:
    assert app.member is not None
    return app.member


# Before the first read


def _check(apps: Sequence[App]) -> None:
    """Load every file, and check that no two name the same parent segment."""
    for app in apps:
        _attempt(app, partial(_load, app))
    named = [app for app in apps if app.code is None and app.segment]
    for segment in dict.fromkeys(app.segment for app in named):
        same = [app for app in named if app.segment == segment]
        error = same_segment([app.file for app in same], segment)
        if len(same) > 1 and same[0].command == "check":
            same[-1].warn(f"{error.what}: in one account, that is an error")
        elif len(same) > 1:
            for app in same:
                _attempt(app, partial(_fail, app, error))


def _load(app: App) -> None:
    loaded = app.load_file(app.file)
    if app.command not in ("check", "doctor"):
        session.parent_segment(loaded, None)


# Side by side


def _run(
    frame: App, left: list[App], work: Sequence[tuple[App, Callable[[], int]]], limit: Any
) -> None:
    """Run a command on files, each in a thread of its own, until all have ended.

    Args:
        left: the files of which nothing is printed yet.
        work: the files with what is to be run on each.
        limit: of them all, in seconds since the command line began; None for no limit.
    """
    together = _member(left[0]).together
    if limit is not None:
        limit -= time.monotonic() - frame.begun
    try:
        with deadline(limit), Parallel(len(left), together.kill_all) as pool:
            try:
                ends = [pool.start(_attempt, app, run) for app, run in work]
                _watch(frame, left, together)
                for end in ends:
                    end.result()
            except BaseException as stop:
                together.end_all(stop)
                raise
    except KeyboardInterrupt as stop:
        ignore_signals()
        for app in (app for app, _ in work if app.code is None):
            _attempt(app, partial(_fail, app, as_error(stop)))


def _attempt(app: App, work: Callable[[], int | None]) -> None:
    """Do some work on a file, and keep how it ended; None goes on."""
    code: int | None = ExitCode.BUG
    try:
        code = work()
    except NotBegun as error:
        code = None
        app.end_journal(error.exit_code, error)
        _member(app).end(failed=False)
    except TdxwrapError as error:
        code = _fail(app, error)
    except Exception as bug:
        code = _fail(app, crash_report.as_error(bug))
    finally:
        if code is not None:
            app.code = ExitCode(code)
            app.end_journal(code)
            _member(app).end(failed=app.code not in _FINE)


def _fail(app: App, error: TdxwrapError) -> int:
    together = _member(app).together
    stop = together.stop
    if stop is not None and isinstance(error, Interrupted):
        stopped = as_error(stop, error.so_far or f"nothing was written for {app.file}")
        stopped.step = error.step
        stopped.hint = f"{stopped.hint}\n{app.way_back}".strip()
        error = stopped
    with together.changed:
        brief = isinstance(error, EnvironmentProblem) and error.what in together.told
        together.told.add(error.what)
    if brief:
        app.console.print_always([Line("✗ ", error.what, "bold", mark="red")])
    return app.end(error, printed=brief or _member(app).refusal is not None)


def _watch(frame: App, left: list[App], together: Together) -> None:
    """Print, and ask, until all have ended; what one file prints stays together.

    On a terminal, an apply prints a line when a file is done; elsewhere, each line that comes after
    the question at once, with the parent segment in front.
    """
    apps, hold, asks = list(left), frame.console.moves, frame.command == "apply"
    with shown_count(frame.console, lambda: _course(together)):
        while True:
            ended = all(_member(app).phase is Phase.ENDED for app in apps)
            if asks and together.all_at(Phase.PLANNED):
                while left:
                    _print_first(left, hold=hold)
                _ask(frame, apps, together)
            for app in apps:
                if asks and hold and app.code is not None:
                    app.console.release()
            while not asks and left and _member(left[0]).phase is Phase.ENDED:
                _print_first(left, hold=True)
            check()
            if ended:
                return
            with together.changed:
                together.changed.wait(SLICE)


def _print_first(left: list[App], *, hold: bool) -> None:
    app = left.pop(0)
    if app.command == "apply":
        app.console.front = f"{app.segment or app.file}  "
    app.console.release(hold=hold)


def _course(together: Together) -> str:
    """Return `3 of 10 parent segments done, 5 writing, 2 waiting`."""
    counts = {words: sum(map(together.count, phases)) for words, phases in _COURSE.items()}
    done = f"{together.count(Phase.ENDED)} of {len(together.members)} files done"
    return ", ".join([done, *(f"{count} {words}" for words, count in counts.items() if count)])


def _ask(frame: App, apps: Sequence[App], together: Together) -> None:
    """Ask once for all plans that wait for consent, and tell the answer."""
    waiting = [member for member in together.members if member.question is not None]
    may_begin = together.may_begin()
    asking = [each for each in waiting if may_begin or each.phase is Phase.WRITING]
    refusal = None
    if asking:
        questions = (each.question for each in asking if each.question is not None)
        plans = [(replace(own, console=frame.console), plan) for own, plan in questions]
        for app in apps:
            app.console.release(hold=frame.console.moves)
        if asking[0].phase is Phase.PLANNED:
            heads, *rows = table_rows([_PLANS, *map(_plan_row, apps)])
            lines = [BLANK, Line("  ", heads, "bold"), *(Line("  ", row) for row in rows), BLANK]
            show = frame.console.print_note if plans[0][0].yes else frame.console.print_always
            show(lines)
        try:
            ask_for_all(plans, len(together.members))
        except TdxwrapError as error:
            refusal = error
            frame.console.print_error(error, None)
    for app in apps:
        app.console.answering = frame.console.answering
    with together.changed:  # they queue in the order of the files
        for member in waiting:
            member.answer(refusal)


def _plan_row(app: App) -> tuple[str, ...]:
    question = _member(app).question
    outcome = "nothing to change" if app.failure is None else app.outcome(app.code)
    return app.file, app.segment or "-", writes_text(question[1]) if question else outcome


# The end


def _end(frame: App, apps: Sequence[App], *, markdown: bool) -> int:
    codes = [app.code for app in apps if app.code is not None]
    stop = _member(apps[0]).together.stop
    stopped = None if stop is None else as_error(stop, "")
    if stopped is not None:  # also where it came when all was done
        codes.append(stopped.exit_code)
    code = min(codes, key=WORST.index)
    if markdown:
        frame.console.print_markdown("\n" + table_markdown(_HEADS, map(_row, apps)))
    else:
        frame.console.print_result([BLANK, *_lines(apps)])
    frame.what_next = next((app.what_next for app in reversed(apps) if app.what_next), ())
    frame.print_what_next()
    if frame.chosen.json:
        files = [app.entry or app.file_document(app.code) for app in apps]
        frame.console.print_document(files_output(frame.command, code, files, stopped))
    frame.console.check_written()
    return code


def _row(app: App) -> tuple[str, ...]:
    changes = "-" if app.changes is None else str(app.changes)
    done = app.course.brief if app.course else changes
    return (app.file, app.segment or "-", app.outcome(app.code), done)


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
    counts = Counter(app.outcome(app.code) for app in apps)
    summary = ", ".join(f"{count} {outcome}" for outcome, count in counts.items())
    yield Line("", f"{counted(len(apps), 'file')}: {summary}", "bold")
