"""Calls side by side."""

from __future__ import annotations

import threading
from concurrent.futures import CancelledError

from tdxwrap.system.threads import Parallel, result


def test_after_a_failure_what_is_queued_never_begins_and_what_runs_is_waited_for() -> None:
    began, failed = threading.Event(), threading.Event()
    ended: list[str] = []

    def fails() -> None:
        began.wait()
        failed.set()
        raise ValueError

    def runs() -> None:
        began.set()
        failed.wait()
        ended.append("runs")

    with Parallel(2, lambda: None) as side_by_side:
        futures = [side_by_side.start(call) for call in (fails, runs)]
        # The freed worker may take one of these before the failure is seen; not all of them.
        gate = threading.Event()
        futures += [side_by_side.start(gate.wait, 0.05) for _ in range(50)]
        ran = side_by_side.settle(futures)

    assert ran[:2] == futures[:2]
    assert ended == ["runs"]
    assert 2 <= len(ran) < 52
    assert all(future.cancelled() for future in futures if future not in ran)


def test_a_call_that_waits_for_one_that_is_cancelled_in_the_queue_ends() -> None:
    queued = threading.Event()

    with Parallel(1, abort=list) as pool:

        def waits() -> None:
            # One call at a time: this one never begins.
            inner = pool.start(list)
            queued.set()
            result(inner)

        outer = pool.start(waits)
        queued.wait()
    assert isinstance(outer.exception(), CancelledError)
