"""Whose session counts: which processes are asked, and what their answers mean (F5, F34)."""

from __future__ import annotations

import os
import subprocess
from itertools import pairwise
from typing import Any

import pytest

from tdxwrap.tdx import context


def test_the_three_nearest_processes_above_our_parent_are_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chain = [os.getppid(), 900_001, 900_002, 900_003, 900_004, 900_005]
    printed = "".join(f"{pid} {above}\n" for pid, above in pairwise(chain))

    def ps(*args: Any, **options: Any) -> str:
        return printed

    monkeypatch.setattr(subprocess, "check_output", ps)
    assert context.sessions_above(900_005) == ["900001", "900002", "900003"]
    assert context.sessions_above(900_002) == ["900001", "900002"]
