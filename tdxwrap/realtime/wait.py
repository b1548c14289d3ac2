"""Poll the RT status until it is ok, is terminal, or the wait runs out (recipe, wait)."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from tdxwrap.errors import NotReady
from tdxwrap.realtime.api import Realtime, not_enabled
from tdxwrap.realtime.retry import Retry
from tdxwrap.realtime.state import READY, TERMINAL
from tdxwrap.system import signals

# Seconds after a change in which the status typically becomes ok (F21).
USUAL = (30.0, 90.0)

OnStatus: TypeAlias = Callable[[str | None, float, float], None]
"""Called after each poll with the status, and the seconds elapsed and allowed."""


@dataclass(frozen=True, slots=True)
class WaitPolicy:
    """How long and how often to poll, in seconds.

    Attributes:
        first: the pause after the first poll; doubled each time.
        longest: the longest pause between two polls; half of it while the status usually
            becomes `ok`.
        limit: when to give up.
    """

    first: float = 1.0
    longest: float = 8.0
    limit: float = 600.0
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = signals.sleep

    def pause(self, polls: int, elapsed: float) -> float:
        """Return the seconds to pause after so many polls, `elapsed` seconds after the first."""
        begin, end = USUAL
        longest = self.longest / 2 if begin <= elapsed < end else self.longest
        return min(self.first * 2.0 ** min(polls - 1, 32), longest)


def wait_until_ready(
    api: Realtime,
    segment_id: str,
    policy: WaitPolicy,
    retry: Retry,
    on_status: OnStatus | None = None,
) -> int:
    """Poll until the status is `ok`; call `on_status` with every status seen.

    Returns:
        How many polls it took.
    Raises:
        NotReady: the status is terminal (F12), or the limit is reached.
        Refused: the segment is not RT-enabled (F24).
    """
    start = policy.clock()
    polls = 0
    while True:
        polls += 1
        status = retry.read(lambda: api.status(segment_id))
        elapsed = policy.clock() - start
        if on_status is not None:
            on_status(status, elapsed, policy.limit)
        if status == READY:
            return polls
        _stop_if_hopeless(segment_id, status, elapsed, policy.limit)
        pause = policy.pause(polls, elapsed)
        policy.sleep(min(pause, max(0.0, policy.limit - elapsed)))


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
