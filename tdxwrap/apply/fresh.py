"""Read what a write replaces right before that write (F11, F33).

The API has no conditional PATCH: whatever somebody else adds between the read of a list and the
PATCH of it is taken away. So each list is read again, beside the call that comes before.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

from tdxwrap.system.threads import Parallel, result
from tdxwrap.tdx.client import Tdx

T = TypeVar("T")


class Fresh(Generic[T]):
    """A value that is read again before each write that replaces it.

    Args:
        tdx: counts the calls.
        pool: runs the reads that are made beside other calls.
        read: reads the value, retried.
    """

    def __init__(self, tdx: Tdx, pool: Parallel, read: Callable[[], T]) -> None:
        self._tdx = tdx
        self._pool = pool
        self._read = read
        self._latest: tuple[Future[T], int] | None = None

    def begin(self, beside: int) -> None:
        """Start to read beside the calls that come before the write.

        Args:
            beside: how many calls these are.
        """
        until = self._tdx.begun + 1 + beside
        self._latest = (self._pool.start(self._read), until)

    def know(self, value: T, until: int) -> None:
        """Take a value that was read elsewhere.

        Args:
            until: it counts as long as no more calls than these have begun.
        """
        future: Future[T] = Future()
        future.set_result(value)
        self._latest = (future, until)

    def take(self) -> T:
        """Return the value: as it was read last, if no more calls have begun since; else read anew.

        Raises:
            CallFailed: the read kept failing.
        """
        latest, self._latest = self._latest, None
        if latest is not None:
            value = result(latest[0])
            if self._tdx.begun <= latest[1]:
                return value
        return self._read()
