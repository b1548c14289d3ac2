"""`make run`, as a newcomer types it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from support.shells import ROOT, clean_environ


def test_make_run_says_that_all_of_it_is_the_fake_and_leaves_nothing(tmp_path: Path) -> None:
    command = [
        "make",
        "--no-print-directory",
        "-o",
        f"{sys.prefix}/.installed",
        f"VENV={sys.prefix}",
        "run",
    ]
    environ = clean_environ(tmp_path)
    # Two at a time, as two people on one machine: neither waits for the other.
    runs = [
        subprocess.Popen(command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for run in runs:
        shown = run.communicate(timeout=120)[0].splitlines()
        assert run.returncode == 0, shown
        assert shown[0].startswith("On the built-in fake tdx: nothing is sent anywhere")
        assert any(line.startswith("✓ Live now") for line in shown)
        assert shown[-1].strip() == f"{sys.prefix}/bin/tdxwrap --help"
    assert list(tmp_path.rglob("*")) == []
