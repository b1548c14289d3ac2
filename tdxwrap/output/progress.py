"""The progress of a run: a line for each event, and a moving one for what is under way."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.cells import cell_len
from rich.console import Console as RichConsole
from rich.console import ConsoleOptions, RenderResult
from rich.spinner import Spinner
from rich.text import Text

from tdxwrap.apply import events
from tdxwrap.apply.events import Event, Listener
from tdxwrap.output.console import Console
from tdxwrap.output.lines import Line, clock_text, seconds_text
from tdxwrap.output.plan_text import LOOKS, kind_label
from tdxwrap.system.text import terminal

LABELS = {"key": "Key", "prune": "Prune", "wait": "Wait", "validate": "Validated"}
WIDTH = 11
READING = "asking tdx"
# The cell at which the time of a change stands, if what it is about leaves it free.
TIME_AT = 60
# More changes than this have a bar, of so many cells.
BAR_FROM = 10
BAR = 20


@contextmanager
def shown_progress(
    console: Console, clock: Callable[[], float] = time.monotonic
) -> Iterator[Listener]:
    """Yield a listener that prints each event as it happens, above a moving line."""
    moving = _MovingLine(clock)
    with console.busy(moving):
        yield _Checklist(console, moving)


@contextmanager
def shown_count(console: Console, text: Callable[[], str]) -> Iterator[None]:
    """Show what `text` returns on a moving line, with the time that has passed."""
    moving = _MovingLine(time.monotonic)
    moving.count(text)
    with console.busy(moving):
        yield


class _Checklist:
    """A listener: a line for each event, the moving line for what is under way."""

    def __init__(self, console: Console, moving: _MovingLine) -> None:
        self._console = console
        self._moving = moving
        self._label = ""
        self._status: str | None = ""

    def __call__(self, event: Event) -> None:
        """Print what happened."""
        match event:
            case events.StepStarted(step):
                self._label = _label(step)
                self._moving.show(self._label)
            case events.StepDone():
                self._step_done(event)
            case events.ChangeStarted(change, number, of):
                # The moving line is cut to the width: the stream may see half of a secret.
                name = self._console.clean(change.name)
                what = f"{LOOKS[change.action].symbol} {kind_label(change)} {name}"
                self._moving.show(_label(change.step), f"{number} of {of}   {what}", number - 1, of)
            case events.ChangeDone() if not self._console.brief:
                self._change_done(event)
            case events.StatusSeen():
                self._status_seen(event)
            case events.BaselineWritten(file, command, asked_for):
                self._say("✓", "Baseline", f"{command} → {file}")
                if file != asked_for:
                    self._say(" ", "", f"{asked_for} is there already, and stays as it is")
            case events.Retrying():
                self._retrying(event)
            case events.LiveKept() | events.LiveMoved() | events.LockedHere():
                self._say("!", "", elsewhere_text(event))

    def _step_done(self, event: events.StepDone) -> None:
        took = f"   {seconds_text(event.seconds)}" if event.step == "wait" else ""
        what = f"{event.checkpoint}{took}"
        self._moving.show(READING)
        self._say("✓", _label(event.step), what)
        if event.aside:
            self._say(" ", "", event.aside)

    def _change_done(self, event: events.ChangeDone) -> None:
        change = event.change
        created = change.live_id is None and event.id is not None
        known_as = f" ({event.id})" if created else ""
        kind, name = kind_label(change), f"{change.name}{known_as}"
        if self._console.err.width < 80:
            front, body = "    ", f"{kind} {name}"
        else:
            # The step is named once; its other changes stand below it.
            front, body = f"  {self._label:<{WIDTH}} ", f"{kind:<11} {name}"
            body += " " * (TIME_AT - cell_len(front + body))
        self._label = ""
        look = LOOKS[change.action]
        body = f"{body}   {seconds_text(event.seconds)}"
        self._console.print_note([Line(f"{front}{look.symbol} ", body, mark=look.color)])

    def _status_seen(self, event: events.StatusSeen) -> None:
        status = event.status or "not listed"
        self._moving.wait(_label("wait"), status, event.elapsed, event.limit)
        if not self._console.moves and status != self._status:
            elapsed = f"{clock_text(event.elapsed)} of {clock_text(event.limit)}"
            self._say(" ", "Wait", f"status {status} after {elapsed}")
        self._status = status

    def _retrying(self, event: events.Retrying) -> None:
        said = (event.error.said or event.error.what).splitlines()[0]
        again = f"again in {seconds_text(event.seconds)} (try {event.attempt + 1})"
        self._say("!", "Retry", f"{said}: {again}")

    def _say(self, symbol: str, label: str, text: str) -> None:
        if self._console.brief and symbol != "!":
            return
        mark = {"✓": "green", "!": "yellow"}.get(symbol, "")
        self._console.print_note([Line(f"{symbol} {label:<{WIDTH}} ", text, mark=mark)])


class _MovingLine:
    """What is under way, with a bar for many changes and the time of a wait."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._spinners = {name: Spinner(name) for name in ("dots", "line")}
        self._texts: Callable[[bool], tuple[str, str]]
        self.show(READING)

    def show(self, label: str, text: str = "", done: int = 0, of: int = 0) -> None:
        """Show a step and what it is at, and how many changes of how many are done."""

        def texts(ascii_only: bool) -> tuple[str, str]:
            bar = f"{_bar(done / of, ascii_only)}  " if of > BAR_FROM else ""
            return f"{label} {bar}{text}", f"{label} {text}"

        self._texts = texts

    def wait(self, label: str, status: str, elapsed: float, limit: float) -> None:
        """Show a status and a running clock, from the seconds that have passed of a limit."""
        start = self._clock() - elapsed

        def texts(ascii_only: bool) -> tuple[str, str]:
            clock = f"{clock_text(self._clock() - start)} of {clock_text(limit)}"
            text = f"{label} {status} · {clock}"
            return f"{text} (usually 30–90 s)", text

        self._texts = texts

    def count(self, text: Callable[[], str]) -> None:
        """Show a text that changes by itself, and a running clock."""
        start = self._clock()

        def texts(ascii_only: bool) -> tuple[str, str]:
            now = text()
            return f"{now} · {clock_text(self._clock() - start)}", now

        self._texts = texts

    def __rich_console__(self, console: RichConsole, options: ConsoleOptions) -> RenderResult:
        """Yield the long text if it fits, else as much as does of the short one."""
        spinner = self._spinners["line" if options.ascii_only else "dots"]
        front = f"{spinner.render(console.get_time())} "
        long, short = (Text(terminal(front + text)) for text in self._texts(options.ascii_only))
        shown = long if long.cell_len <= options.max_width else short
        shown.truncate(options.max_width, overflow="ellipsis")
        yield shown


def _bar(share: float, ascii_only: bool) -> str:
    full = round(BAR * share)
    done, left = "#-" if ascii_only else "━┄"
    return done * full + left * (BAR - full)


def elsewhere_text(event: events.LiveKept | events.LiveMoved | events.LockedHere) -> str:
    """Return what to say of what others do, or may do, during a run."""
    if isinstance(event, events.LiveKept):
        return f"{event.kind} {event.name} has appeared since the plan: it stays"
    if isinstance(event, events.LockedHere):
        return f"runs on other machines are not held off: {event.reason}"
    return "the live configuration has changed: here is the new plan"


def _label(step: str) -> str:
    return f"{LABELS.get(step, step):<{WIDTH}}"
