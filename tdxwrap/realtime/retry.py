"""Retry tdx calls: reads after a pause, writes only if they were not applied (F22)."""

import random
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias, TypeVar

from tdxwrap.errors import (
    CallFailed,
    CallTimeout,
    Conflict,
    MalformedOutput,
    RateLimited,
    Refused,
    TdxwrapError,
    Transient,
)
from tdxwrap.system import signals

T = TypeVar("T")

OnRetry: TypeAlias = Callable[[TdxwrapError, int, int, float], None]
"""Called before the pause of a retry with the error, the attempt, of how many, and the seconds."""

_UPDATING = re.compile(r"(?i)\bupdating\b|\bbeing updated\b|\bin progress\b")
_TAKEN = re.compile(r"(?i)\btaken\b|\balready (exists|used|in use)\b|\bunique\b|\bduplicate")

# After these, a write that was not applied may be sent once more.
_WORTH_REPEATING = (Transient, CallTimeout, MalformedOutput, Conflict)


@dataclass(slots=True)
class Pause:
    """A pause of all calls of an account: a 429 of one slows all down (F17).

    Attributes:
        until: when it ends, by the clock of `Retry`.
    """

    until: float = 0.0


@dataclass(frozen=True, slots=True)
class Retry:
    """How often and how long failed calls are repeated.

    Attributes:
        retries: how many times a failed call is tried again.
        delay: seconds before the first retry; doubled each time, up to `longest`.
        limit: the longest pause in seconds that an answer may ask for (retry-after).
        patience: seconds in all to wait while realtime is updating and refuses writes.
        clock, sleep, jitter: time in seconds, and a factor of 0–1 that spreads callers out.
        left: returns the seconds in which the run has to be done; no pause is longer.
        on_retry: called before the pause of every retry.
        shared: the pause of all who call for the same account.
    """

    retries: int = 3
    delay: float = 0.5
    longest: float = 20.0
    limit: float = 60.0
    patience: float = 300.0
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = signals.sleep
    jitter: Callable[[], float] = random.random
    left: Callable[[], float] = signals.left
    on_retry: OnRetry | None = None
    shared: Pause = field(default_factory=Pause)

    def read(self, send: Callable[[], T]) -> T:
        """Send a read; retry transient failures, timeouts and answers of the wrong form.

        Raises:
            RateLimited: the API asks for a longer pause than there may be.
            TdxwrapError: what the last try raised.
        """
        for attempt in range(self.retries):
            try:
                return self._sent(send)
            except (Transient, CallTimeout, MalformedOutput) as error:
                self._pause(error, attempt)
        return self._sent(send)

    def write(self, send: Callable[[], T], find_applied: Callable[[], T | None]) -> T:
        """Send a write exactly once, as far as tdx lets us know.

        When its answer did not arrive, or is not usable, `find_applied` looks whether it was
        applied all the same; it is sent again only if not (F22). The pause comes first, since the
        API may still be working on a call that tdxwrap gave up on.

        Args:
            find_applied: a read; returns the result of the write if it has been applied, else None.
        Raises:
            RateLimited, TdxwrapError: as `read`.
        """
        give_up = self.clock() + self.patience
        attempt = 0
        while True:
            try:
                return self._sent(send)
            except CallFailed as error:
                problem: CallFailed | Conflict = error
                last = attempt >= self.retries
            except Conflict as error:
                if not says_updating(error):
                    raise
                problem = error
                last = self.clock() >= give_up
            self._pause(problem, attempt)
            found = self.read(find_applied)
            if found is not None:
                return found
            if last or not isinstance(problem, _WORTH_REPEATING):
                raise problem
            attempt += 1

    def _sent(self, send: Callable[[], T]) -> T:
        while (seconds := min(self.shared.until - self.clock(), self.left())) > 0:
            self.sleep(seconds)
        return send()

    def _pause(self, error: CallFailed | Conflict, attempt: int) -> None:
        seconds = min(self.delay * 2 ** min(attempt, 30), self.longest)
        seconds = min(seconds * (0.5 + self.jitter() / 2), max(self.left(), 0.0))
        if isinstance(error, Transient) and error.retry_after is not None:
            self._check_asked(error, error.retry_after)
            seconds = max(seconds, error.retry_after)
        if isinstance(error, RateLimited):
            self.shared.until = max(self.shared.until, self.clock() + seconds)
        if self.on_retry is not None:
            self.on_retry(error, attempt + 1, self.retries, seconds)
        self.sleep(seconds)

    def _check_asked(self, error: Transient, asked: float) -> None:
        longest = max(min(self.limit, self.left()), 0.0)
        if asked > longest:
            raise RateLimited(
                f"the API asks for a pause of {asked:.0f} s; {longest:.0f} s are allowed",
                said=error.said,
                command=error.command,
                retry_after=asked,
                hint="run the same command again after that time; --retry-limit allows longer "
                "pauses, within --deadline and --wait-timeout",
            ) from None


def says_updating(error: Conflict) -> bool:
    """Return whether a conflict only means that the last change is still being applied (F17)."""
    return _UPDATING.search(error.said) is not None


def says_taken(error: Refused) -> bool:
    """Return whether a refusal means that an item of this name or identifier exists (F17)."""
    return _TAKEN.search(error.said) is not None
