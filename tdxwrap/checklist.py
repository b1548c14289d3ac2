"""The live checklist of a run: turns events into lines, and shows what is under way."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from rich.text import Text

from tdxwrap import events, render
from tdxwrap.console import Console
from tdxwrap.events import Event
from tdxwrap.render import Line, clock_text, seconds_text

LABELS = {
    "key": "Key",
    "prune": "Prune",
    "wait": "Wait",
    "validate": "Validated",
}
WIDTH = 11


class Checklist:
    """A listener that prints each event as it happens. A context manager."""

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._clock = clock
        self._moving = _Moving(clock)
        self._stack = ExitStack()
        self._writes: dict[str, int] = {}
        self._status: str | None = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def __call__(self, event: Event) -> None:
        """Print what happened."""
        match event:
            case events.StepStarted(step, writes):
                self._start(step, writes)
            case events.StepDone():
                self._step_done(event)
            case events.ChangeStarted(change, number, of):
                symbol = render.SYMBOLS[change.action]
                what = f"{symbol} {render.kind_label(change)} {change.name}"
                self._moving.show(f"{_label(change.step)}  {number} of {of}   {what}")
            case events.ChangeDone():
                self._change_done(event)
            case events.StatusSeen():
                self._status_seen(event)
            case events.BaselineWritten(file, command):
                self._say("✓", "Baseline", f"{command} → {file}")
            case events.FileKept(file, kept_as):
                self._say(" ", "", f"the earlier {file} is now {kept_as}")
            case events.Retrying():
                self._retrying(event)
            case events.LiveMoved():
                self._say("!", "", "what is live has changed meanwhile: here is the plan anew")

    def _start(self, step: str, writes: int) -> None:
        self._writes[step] = writes
        self._stack.close()
        self._moving.show(_label(step))
        self._stack.enter_context(self._console.busy(self._moving))

    def _step_done(self, event: events.StepDone) -> None:
        self._stack.close()
        nothing = event.step in ("7a", "7b", "7c") and not self._writes.get(event.step)
        what = "nothing to change" if nothing else event.checkpoint
        self._say("✓", _label(event.step), what)

    def _change_done(self, event: events.ChangeDone) -> None:
        change = event.change
        created = change.live_id is None and event.id is not None
        known_as = f" ({event.id})" if created else ""
        what = (
            f"{render.SYMBOLS[change.action]} {render.kind_label(change)} {change.name}{known_as}"
        )
        self._say(" ", _label(change.step), f"{what}   {seconds_text(event.seconds)}")

    def _status_seen(self, event: events.StatusSeen) -> None:
        status = event.status or "not listed"
        self._moving.show(f"{_label('wait')}  {status}", event.elapsed, event.limit)
        if not self._console.moves and status != self._status:
            elapsed = f"{clock_text(event.elapsed)} of {clock_text(event.limit)}"
            self._say(" ", "Wait", f"status {status} after {elapsed}")
        self._status = status

    def _retrying(self, event: events.Retrying) -> None:
        said = (event.error.said or event.error.what).splitlines()[0]
        again = f"again in {seconds_text(event.seconds)} (try {event.attempt + 1})"
        self._say("!", "retry", f"{said}: {again}")

    def _say(self, symbol: str, label: str, text: str) -> None:
        self._console.note([Line(f"{symbol} {label:<{WIDTH}} ", text)])


class _Moving:
    """The text of the moving line; while waiting it counts the time itself."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._text = ""
        self._start: float | None = None
        self._limit = 0.0

    def show(self, text: str, elapsed: float | None = None, limit: float = 0.0) -> None:
        """Show a text, and the seconds that have passed of a limit, if given."""
        self._text = text
        self._start = None if elapsed is None else self._clock() - elapsed
        self._limit = limit

    def __rich__(self) -> Text:
        if self._start is None:
            return Text(self._text, overflow="ellipsis", no_wrap=True)
        elapsed = clock_text(self._clock() - self._start)
        told = f"{self._text} · {elapsed} of {clock_text(self._limit)} (usually 30–90 s)"
        return Text(told, overflow="ellipsis", no_wrap=True)


def _label(step: str) -> str:
    return f"{LABELS.get(step, step):<{WIDTH - 1}}"
