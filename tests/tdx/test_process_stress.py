"""Many calls from many threads: none hangs, loses output, or leaks a descriptor or a thread.

About 80 calls here; as many as `TDXWRAP_STRESS` says where that is set (2000 for the full test).
"""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tdxwrap.errors import CallTimeout, NotFound
from tdxwrap.tdx.answer import CompletedCall
from tdxwrap.tdx.client import Tdx

CALLS = int(os.environ.get("TDXWRAP_STRESS", "80"))
THREADS = 16

# A fifth of the calls fails, a few run out of time, the others answer 100 kB or a few bytes.
STUB = """#!/bin/sh
case $1 in
  fail) echo "Error: 404 Not Found $2" >&2; exit 1;;
  slow) exec sleep 60;;
  big) printf '["'; head -c 100000 /dev/zero | tr '\\0' x; printf '", %s]' "$2";;
  *) echo "[$2]"; echo "note $2" >&2;;
esac
"""


def one_call(tdx: Tdx, number: int) -> bool:
    """Make a call and say whether it ended as it has to."""
    text = str(number)
    if number % 50 == 7:
        with pytest.raises(CallTimeout):
            tdx.run("slow", text, timeout=0.2)
        return True
    if number % 5 == 1:
        with pytest.raises(NotFound, match="knows no such thing") as caught:
            tdx.json("fail", text)
        return caught.value.said.endswith(f" {text}")
    if number % 10 == 2:
        return bool(tdx.json("big", text).data == ["x" * 100_000, number])
    result = tdx.json("echo", text)
    return bool(result.data == [number] and result.stderr == f"note {text}\n")


def descriptors() -> int:
    return len(os.listdir("/dev/fd"))


def test_many_calls_from_many_threads(tmp_path: Path) -> None:
    path = tmp_path / "tdx"
    path.write_text(STUB)
    path.chmod(0o755)
    calls: list[CompletedCall] = []
    threads_before, descriptors_before = threading.active_count(), descriptors()
    with (
        Tdx(str(path), timeout=60, grace=0.2, on_call=calls.append) as tdx,
        ThreadPoolExecutor(THREADS) as pool,
    ):
        results = list(pool.map(lambda number: one_call(tdx, number), range(CALLS)))
    assert all(results)
    assert len(calls) == CALLS
    deadline = time.monotonic() + 10  # sh's helper threads end a moment after their process
    while threading.active_count() > threads_before and time.monotonic() < deadline:
        time.sleep(0.01)
    # An earlier test's helper threads may have ended meanwhile.
    assert threading.active_count() <= threads_before
    assert descriptors() == descriptors_before
