"""Calls side by side, with a way out: an interrupt ends those in flight at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from typing import Any, Self, TypeVar

from tdxwrap.system import signals

T = TypeVar("T")


class Parallel:
    """At most `width` calls at once. A context manager: on the way out none is left running.

    Args:
        abort: ends what is in flight, when the run is interrupted.
    """

    def __init__(self, width: int, abort: Callable[[], None]) -> None:
        self._abort = abort
        self._pool = ThreadPoolExecutor(width, thread_name_prefix="tdxwrap")
        self._left: set[Future[Any]] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *exc: object) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)
        interrupted = kind is not None and not issubclass(kind, Exception)
        try:
            if not interrupted:
                wait_for(*self._left)
        except KeyboardInterrupt:
            interrupted = True
            raise
        finally:
            if interrupted:
                self._abort()
            self._pool.shutdown(wait=True)

    def start(self, call: Callable[..., T], *args: Any) -> Future[T]:
        """Start a call, or queue it; its result or error is in the Future."""
        signals.check()
        future = self._pool.submit(call, *args)
        self._left.add(future)
        future.add_done_callback(self._left.discard)
        return future

    def settle(self, futures: Sequence[Future[T]]) -> list[Future[T]]:
        """Wait until all have ended; after a first failure no new one begins.

        Returns:
            Those that ran.
        """
        while wait(futures, signals.SLICE, FIRST_EXCEPTION).not_done:
            signals.check()
            if any(future.done() and future.exception() for future in futures):
                break
        self._pool.shutdown(wait=False, cancel_futures=True)
        ran = [future for future in futures if not future.cancelled()]
        wait_for(*ran)
        return ran


def wait_for(*futures: Future[Any]) -> None:
    """Wait until these calls have ended, well or not.

    Raises:
        KeyboardInterrupt: as `signals.check`.
    """
    left: Iterable[Future[Any]] = futures
    while left:
        # One that was cancelled in the queue never counts as done for `wait`.
        left = [each for each in wait(left, signals.SLICE).not_done if not each.cancelled()]
        signals.check()


def result(future: Future[T]) -> T:
    """Wait for a call and return its result; raises what the call raised, and as `wait_for`."""
    wait_for(future)
    return future.result()
