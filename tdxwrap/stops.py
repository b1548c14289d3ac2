"""What can stop a run from outside: Ctrl-C, SIGTERM, SIGHUP, and the deadline of the whole run.

All arrive as a KeyboardInterrupt in the main thread, so that every `with` on the way out ends
what is in flight; here they become the error that says which it was.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tdxwrap.errors import DeadlineExceeded, Interrupted, TdxwrapError

# Seconds; longer than what is ended has to end by itself.
_AGAIN = 5.0
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class _Stopped(KeyboardInterrupt):
    """A signal came."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


def _stop(number: int, frame: object) -> None:
    # An exception that is raised inside a destructor gets lost. Then the signal comes again.
    signal.signal(signal.SIGALRM, lambda _, frame: _stop(number, frame))
    signal.setitimer(signal.ITIMER_REAL, _AGAIN)
    raise _Stopped(number)


@contextmanager
def signals_as_interrupts() -> Iterator[None]:
    """SIGTERM and SIGHUP end a run in the same orderly way as Ctrl-C."""
    earlier = {number: signal.signal(number, _stop) for number in _SIGNALS}
    tell = sys.unraisablehook

    def tell_others(lost: sys.UnraisableHookArgs) -> None:
        # One that got lost in a destructor comes again, and is nothing that a user should read.
        if not isinstance(lost.exc_value, _Stopped):
            tell(lost)

    sys.unraisablehook = tell_others
    try:
        yield
    finally:
        sys.unraisablehook = tell
        for number, handler in earlier.items():
            signal.signal(number, handler)


@contextmanager
def unmasked() -> Iterator[None]:
    """Let an interrupt through that `threading` puts an error of its own over.

    One that comes while a Condition takes its lock back leaves it without the lock; to release it
    all the same on the way out is a RuntimeError, and that is what would arrive.
    """
    try:
        yield
    except RuntimeError as error:
        if isinstance(error.__context__, KeyboardInterrupt):
            raise error.__context__ from None
        raise


def ignore_signals() -> None:
    """From here on nothing interrupts: all that is left is to say what happened, and to leave."""
    for number in (*_SIGNALS, signal.SIGALRM):
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def deadline(seconds: float | None) -> Iterator[None]:
    """Stop what is inside after so many seconds; None: never; less than none: before it begins."""
    if seconds is None:
        yield
        return
    if seconds <= 0:
        raise _Stopped(signal.SIGALRM)
    earlier = signal.signal(signal.SIGALRM, _stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, earlier)


def as_error(stop: BaseException, so_far: str = "nothing was written") -> TdxwrapError:
    """The error that an interrupt is, with what had been done and how to go on."""
    number = stop.number if isinstance(stop, _Stopped) else signal.SIGINT
    error: TdxwrapError
    if number == signal.SIGALRM:
        error = DeadlineExceeded(
            "the deadline of the whole run is over",
            hint="run the same command again: it goes on where it stopped; --deadline allows more",
        )
    else:
        error = Interrupted(
            f"interrupted by {signal.Signals(number).name}",
            hint="run the same command again: it goes on where it stopped",
        )
    error.so_far = so_far
    return error
