"""Poll the RT status until it is ok, is terminal, or the wait runs out (recipe, wait)."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

from tdxwrap.errors import NotReady
from tdxwrap.realtime.api import Realtime, not_enabled
from tdxwrap.realtime.retry import Retry
from tdxwrap.realtime.state import NOTHING_YET, READY, TERMINAL
from tdxwrap.system import signals

# Seconds after a change in which the status typically becomes ok (F21).
USUAL = (30.0, 90.0)
# Seconds in which the pauses do not grow: a small change is live almost at once.
EARLY = 3.0
# Seconds between two looks that both say ok, where `updating` was not seen after a change: the
# first ok may still be that of before it. The same for a segment that nothing is configured on.
SETTLED = 3.0

OnStatus: TypeAlias = Callable[[str | None, float, float], None]
"""Called after each poll with the status, and the seconds elapsed and allowed."""


@dataclass(frozen=True, slots=True)
class WaitPolicy:
    """How long and how often to poll, in seconds.

    Attributes:
        first: the pause in the first `EARLY` seconds; then doubled each time.
        longest: the longest pause between two polls; half of it while the status usually
            becomes `ok`.
        limit: when to give up.
    """

    first: float = 0.6
    longest: float = 8.0
    limit: float = 600.0
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = signals.sleep

    def pause(self, last: float, elapsed: float) -> float:
        """Return the seconds to pause, `elapsed` seconds after the first poll.

        Args:
            last: the pause before; 0 if there was none.
        """
        if elapsed < EARLY:
            return self.first
        begin, end = USUAL
        longest = self.longest / 2 if begin <= elapsed < end else self.longest
        return min(max(last, self.first) * 2, longest)


def wait_until_ready(
    api: Realtime,
    segment_id: str,
    policy: WaitPolicy,
    retry: Retry,
    on_status: OnStatus | None = None,
    *,
    changed: bool = False,
    by_itself: bool = False,
    beside: Callable[[], object] | None = None,
) -> int:
    """Poll until the status is `ok`; call `on_status` with every status seen.

    Args:
        changed: something was written just before. An `ok` then counts once another status was
            seen, or at a look at least `SETTLED` seconds after the first `ok`.
        by_itself: nobody says that anything was configured: if nothing is, it is not waited for.
        beside: called before each poll, to start what is to be read beside it.
    Returns:
        How many polls it took.
    Raises:
        NotReady: the status is terminal (F12), or the limit is reached.
        Refused: the segment is not RT-enabled (F24).
        RateLimited: the API asks for a longer pause than is left.
    """
    start = policy.clock()
    run_left = retry.left
    retry = replace(retry, left=lambda: min(run_left(), start + policy.limit - policy.clock()))
    polls = 0
    pause = 0.0
    believed_from = math.inf if changed else start
    blank_from = math.inf
    while True:
        polls += 1
        if beside is not None:
            beside()
        looked = policy.clock()
        status = retry.read(lambda: api.status(segment_id))
        now = policy.clock()
        if on_status is not None:
            on_status(status, now - start, policy.limit)
        if status == READY and looked >= believed_from:
            return polls
        _stop_if_hopeless(segment_id, status, now - start, policy.limit)
        blank_from = min(blank_from, now) if by_itself and status == NOTHING_YET else math.inf
        if now >= blank_from + SETTLED:
            raise NotReady(
                f"the RT status is '{status}': nothing is configured on this parent segment",
                hint="configure it with `tdxwrap apply`, a first file comes from `tdxwrap new`",
            )
        believed_from = min(believed_from, now + SETTLED if status == READY else looked)
        pause = policy.pause(pause, now - start)
        due = believed_from - now if believed_from > now else pause
        policy.sleep(max(0.0, min(pause, due, start + policy.limit - now)))


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
        early = ", too soon after a write to count" if status == READY else ""
        raise NotReady(
            f"the RT status is still '{status}' after {elapsed:.0f} s{early}",
            hint="it usually takes 30–90 s: look again with `tdxwrap wait`, or allow more "
            "with --wait-timeout",
        )
