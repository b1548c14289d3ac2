"""When a tdx call is tried again: reads after a pause, writes only after a look (F22)."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from tdxwrap.apply.events import Listener, Retrying, ignore
from tdxwrap.errors import CallFailed, CallTimeout, Conflict, MalformedOutput, Transient
from tdxwrap.system import signals

T = TypeVar("T")

_UPDATING = re.compile(r"(?i)\bupdating\b|\bbeing updated\b|\bin progress\b")

# After these, a write that has not landed may be sent once more.
_WORTH_REPEATING = (Transient, CallTimeout, MalformedOutput, Conflict)


@dataclass(frozen=True, slots=True)
class Retry:
    """How often and how patiently calls are repeated.

    Attributes:
        retries: how many times a failed call is tried again.
        delay: seconds before the first retry; doubled each time, up to `longest`.
        patience: seconds in all to wait while realtime is updating and refuses writes.
        clock, sleep, jitter: time in seconds, and a factor of 0–1 that spreads callers out.
        listen: told of every retry before its pause.
    """

    retries: int = 3
    delay: float = 0.5
    longest: float = 20.0
    patience: float = 300.0
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = signals.sleep
    jitter: Callable[[], float] = random.random
    listen: Listener = ignore

    def read(self, send: Callable[[], T]) -> T:
        """Send a reading call; transient failures and timeouts are tried again.

        Raises:
            TdxwrapError: what the last try raised.
        """
        for attempt in range(self.retries):
            try:
                return send()
            except (Transient, CallTimeout) as error:
                self._pause(error, attempt)
        return send()

    def write(self, send: Callable[[], T], landed: Callable[[], T | None]) -> T:
        """Send a writing call exactly once, as far as can be told.

        When its answer did not arrive, or is not usable, `landed` looks whether it was applied
        all the same; only if not is it sent again (F22). The pause comes before the look, since
        the API may still be at work on a call that was given up.

        Args:
            landed: the result of the write if it has been applied, else None; a read.
        Raises:
            TdxwrapError: what the last try raised.
        """
        give_up = self.clock() + self.patience
        attempt = 0
        while True:
            try:
                return send()
            except CallFailed as error:
                problem: CallFailed | Conflict = error
                last = attempt >= self.retries
            except Conflict as error:
                if not says_updating(error):
                    raise
                problem = error
                last = self.clock() >= give_up
            self._pause(problem, attempt)
            found = self.read(landed)
            if found is not None:
                return found
            if last or not isinstance(problem, _WORTH_REPEATING):
                raise problem
            attempt += 1

    def _pause(self, error: CallFailed | Conflict, attempt: int) -> None:
        seconds = min(self.delay * 2**attempt, self.longest) * (0.5 + self.jitter() / 2)
        asked = error.retry_after if isinstance(error, Transient) else None
        if asked is not None:
            seconds = max(seconds, asked)
        self.listen(Retrying(error=error, attempt=attempt + 1, of=self.retries, seconds=seconds))
        self.sleep(seconds)


def says_updating(error: Conflict) -> bool:
    """Whether a conflict only means that realtime is still working on the last change (F17)."""
    return _UPDATING.search(error.said) is not None
