"""Poll the RT status until it is ok, cannot become ok, or the time is over (recipe, wait)."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from tdxwrap.errors import NotReady, Refused
from tdxwrap.events import Listener, StatusSeen, ignore
from tdxwrap.realtime import Realtime
from tdxwrap.retry import Retry

READY = "ok"
# F12: waiting longer does not help.
TERMINAL = frozenset(("inconsistent", "error"))


@dataclass(frozen=True, slots=True)
class Patience:
    """How long and how often to look, in seconds (F21: usually 30–90 s).

    Attributes:
        first: the pause after the first look; it is doubled each time.
        longest: the longest pause between two looks.
        limit: when to give up.
    """

    first: float = 1.0
    longest: float = 5.0
    limit: float = 600.0
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def next_pause(self, pause: float) -> float:
        """The pause that follows this one, in seconds."""
        return min(pause * 2, self.longest)


def wait_until_ready(
    api: Realtime,
    segment_id: str,
    patience: Patience,
    retry: Retry,
    listen: Listener = ignore,
) -> float:
    """Poll until the status is `ok`.

    Returns:
        The seconds that it took.
    Raises:
        NotReady: the status is terminal (F12), or the limit is over.
        Refused: the segment is not RT-enabled (F24).
    """
    start = patience.clock()
    pause = patience.first
    while True:
        status = retry.read(lambda: api.status(segment_id))
        elapsed = patience.clock() - start
        listen(StatusSeen(status, elapsed, patience.limit))
        if status == READY:
            return elapsed
        _stop_if_hopeless(segment_id, status, elapsed, patience.limit)
        patience.sleep(min(pause, max(0.0, patience.limit - elapsed)))
        pause = patience.next_pause(pause)


def _stop_if_hopeless(segment_id: str, status: str | None, elapsed: float, limit: float) -> None:
    if status is None:
        raise Refused(
            f"the parent segment {segment_id} is not in `tdx ps rt list`: it is not RT-enabled",
            hint="ask your customer success manager to enable RT for it; waiting does not help",
        )
    if status in TERMINAL:
        raise NotReady(
            f"the RT status is '{status}': waiting longer does not help",
            hint="look at the parent segment in the console, or ask your customer success manager; "
            "what was written stays written, and the same command goes on from here",
        )
    if elapsed >= limit:
        raise NotReady(
            f"the RT status is still '{status}' after {elapsed:.0f} s",
            hint="it usually takes 30–90 s: look again with `tdxwrap wait`, or allow more "
            "with --wait-timeout",
        )
