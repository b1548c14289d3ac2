"""What can stop a run from outside: Ctrl-C, SIGTERM, SIGHUP, and the deadline of the whole run.

A signal is only noted; the run stops at its next safe point (`check`): before a call of tdx, while
it waits for one, between two looks. To raise wherever the main thread just is would leave behind a
module half imported, a model half built, or a lock of `threading` released for somebody else, and
what then arrives is an error of theirs in place of the interrupt. Every wait is made of slices, so
that a safe point is never far; where none is reached (a read or a write that blocks), the signal
raises after all.

Either way it arrives as a KeyboardInterrupt in the main thread, so that every `with` on the way out
ends what is in flight; `as_error` makes it the error that says which signal it was.
"""

from __future__ import annotations

import math
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tdxwrap.errors import TdxwrapError

SLICE = 0.2  # seconds of a wait until the next safe point
_PATIENCE = 1.0  # seconds for the run to get to a safe point
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM)


class _Stopped(KeyboardInterrupt):
    """A signal came."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


class _Arrivals:
    """What came so far. One for the process, as signals are.

    Attributes:
        owner: the process whose signals are noted.
        number: the signal that came first; None if none has come.
        raised: the run is on its way out.
        hurried: another one came since.
        deadline: when the run is to end, by the monotonic clock in seconds.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget what came; note the signals of this process from now on."""
        self.owner = os.getpid()
        self.number: int | None = None
        self.raised = False
        self.hurried = False
        self.deadline = math.inf

    def handle(self, number: int, frame: FrameType | None) -> None:
        """Note a signal; SIGALRM after another one says that no safe point was reached."""
        if os.getpid() != self.owner:
            os._exit(255)  # a copy of us that has not become tdx yet
        if self.raised:
            self.hurried = True
        elif self.number is None:
            self.number = number
            signal.setitimer(signal.ITIMER_REAL, _PATIENCE)
        elif number == signal.SIGALRM and _importing(frame):
            signal.setitimer(signal.ITIMER_REAL, _PATIENCE)
        elif number == signal.SIGALRM:
            self.leave(self.number)

    def leave(self, number: int) -> None:
        """Begin the way out, which no other signal cuts short."""
        self.raised = True
        signal.setitimer(signal.ITIMER_REAL, 0)
        raise _Stopped(number)


_arrivals = _Arrivals()


def _importing(frame: FrameType | None) -> bool:
    """Whether a module is being imported: that ends soon, and must not end half-way."""
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


def take_signals() -> None:
    """Have signals end the run in an orderly way; one that is ignored (nohup) stays ignored.

    What else was inherited must not break waiting: an ignored SIGCHLD takes away how a process
    ended, an ignored SIGALRM the deadline, and a blocked signal never comes.
    """
    _arrivals.reset()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for number in _SIGNALS:
        if number == signal.SIGALRM or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _arrivals.handle)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def ignore_signals() -> None:
    """Ignore every signal from here on: all that is left is to report, and to exit."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def check() -> None:
    """A safe point: raise the interrupt that has come, if one has.

    Raises:
        KeyboardInterrupt: in the main thread, and once only.
    """
    here = threading.current_thread() is threading.main_thread()
    if here and _arrivals.number is not None and not _arrivals.raised:
        _arrivals.leave(_arrivals.number)


def hurried() -> bool:
    """Return whether a second signal came while the run was on its way out."""
    return _arrivals.hurried


def sleep(seconds: float, safe_point: Callable[[], None] = check) -> None:
    """Sleep in slices.

    Args:
        safe_point: called before each slice.
    Raises:
        KeyboardInterrupt: as `check`, or what `safe_point` raises.
    """
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        safe_point()
        time.sleep(min(left, SLICE))


@contextmanager
def deadline(seconds: float | None) -> Iterator[None]:
    """Stop the body after `seconds`; never if None, before it begins if 0 or less."""
    if seconds is None:
        yield
        return
    if seconds <= 0:
        raise _Stopped(signal.SIGALRM)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    _arrivals.deadline = time.monotonic() + seconds
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        _arrivals.deadline = math.inf
        if _arrivals.number == signal.SIGALRM:
            _arrivals.reset()


def left() -> float:
    """Return the seconds until the deadline of the run; infinity without one."""
    return _arrivals.deadline - time.monotonic()


def as_error(stop: BaseException, so_far: str = "nothing was written") -> TdxwrapError:
    """Turn an interrupt into an error that says what had been done and how to go on."""
    from tdxwrap.errors import DeadlineExceeded, Interrupted

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
