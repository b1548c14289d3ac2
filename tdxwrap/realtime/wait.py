"""Poll the RT status until it is ok, cannot become ok, or the time is over (recipe, wait)."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from tdxwrap.apply.events import Listener, StatusSeen, ignore
from tdxwrap.errors import NotReady
from tdxwrap.realtime.api import Realtime, not_enabled
from tdxwrap.realtime.retry import Retry
from tdxwrap.system import signals

READY = "ok"
# F12: waiting longer does not help.
TERMINAL = frozenset(("inconsistent", "error"))
# F21: when the status typically becomes ok, in seconds after a change.
USUAL = (30.0, 90.0)


@dataclass(frozen=True, slots=True)
class WaitPolicy:
    """How long and how often to look, in seconds.

    Attributes:
        first: the pause after the first look; it is doubled each time.
        longest: the longest pause between two looks; half of it while the status usually
            becomes `ok`.
        limit: when to give up.
    """

    first: float = 1.0
    longest: float = 8.0
    limit: float = 600.0
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = signals.sleep

    def pause(self, looks: int, elapsed: float) -> float:
        """The pause after so many looks, `elapsed` seconds after the first one; in seconds."""
        begin, end = USUAL
        longest = self.longest / 2 if begin <= elapsed < end else self.longest
        return min(self.first * 2.0 ** min(looks - 1, 32), longest)


def wait_until_ready(
    api: Realtime,
    segment_id: str,
    patience: WaitPolicy,
    retry: Retry,
    listen: Listener = ignore,
) -> int:
    """Poll until the status is `ok`.

    Returns:
        How many looks it took.
    Raises:
        NotReady: the status is terminal (F12), or the limit is over.
        Refused: the segment is not RT-enabled (F24).
    """
    start = patience.clock()
    looks = 0
    while True:
        looks += 1
        status = retry.read(lambda: api.status(segment_id))
        elapsed = patience.clock() - start
        listen(StatusSeen(status, elapsed, patience.limit))
        if status == READY:
            return looks
        _stop_if_hopeless(segment_id, status, elapsed, patience.limit)
        pause = patience.pause(looks, elapsed)
        patience.sleep(min(pause, max(0.0, patience.limit - elapsed)))


def _stop_if_hopeless(segment_id: str, status: str | None, elapsed: float, limit: float) -> None:
    if status is None:
        raise not_enabled(segment_id)
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
