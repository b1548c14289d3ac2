"""Calls side by side, with a way out: an interrupt ends those in flight at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from types import TracebackType
from typing import Any, Self, TypeVar

from tdxwrap.stops import unmasked

T = TypeVar("T")

# A signal that arrives just before a blocking wait is only noticed when that wait ends, so no
# wait is longer than this (seconds).
_SLICE = 0.2


class Parallel:
    """At most `width` calls at once. A context manager: on the way out none is left running.

    Args:
        abort: ends what is in flight, when the run is interrupted.
    """

    def __init__(self, width: int, abort: Callable[[], None]) -> None:
        self._abort = abort
        self._pool = ThreadPoolExecutor(width, thread_name_prefix="tdxwrap")

    def __enter__(self) -> Self:
        return self

    @unmasked()
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None and not issubclass(kind, Exception):
            self._abort()
        self._pool.shutdown(wait=True, cancel_futures=True)

    @unmasked()
    def start(self, call: Callable[..., T], *args: Any) -> Future[T]:
        """Start a call, or queue it; its result or error is in the Future."""
        return self._pool.submit(call, *args)

    @unmasked()
    def settle(self, futures: Sequence[Future[T]]) -> list[Future[T]]:
        """Wait until all have ended; after a first failure no new one begins.

        Returns:
            Those that ran.
        """
        while wait(futures, _SLICE, FIRST_EXCEPTION).not_done:
            if any(future.done() and future.exception() for future in futures):
                break
        self._pool.shutdown(wait=False, cancel_futures=True)
        # One that was cancelled in the queue never counts as done for `wait`.
        ran = [future for future in futures if not future.cancelled()]
        while wait(ran, _SLICE).not_done:
            pass
        return ran


@unmasked()
def wait_for(future: Future[Any]) -> None:
    """Wait in slices until a call has ended, well or not."""
    while wait([future], _SLICE).not_done:
        pass


def result(future: Future[T]) -> T:
    """The result of a call, waiting for it in slices; raises what the call raised."""
    wait_for(future)
    return future.result()
