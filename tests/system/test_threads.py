"""Calls side by side."""

from __future__ import annotations

import threading

from tdxwrap.system.threads import Parallel


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
