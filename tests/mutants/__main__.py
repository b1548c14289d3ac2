"""Changes the code, one place at a time, and prints which changes no test notices.

A fixed sample of mutants, as many from each package, goes through the tests of its package and,
if it survives those, through the tests of the command line. The sample changes only where the code
does. SAMPLE says how many mutants of it are tried (default 150), FROM after how many to begin.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from tests.mutants.changes import Mutant, mutants

ROOT = Path(__file__).parents[2]
PACKAGES = ("plan", "realtime", "apply", "tdx", "journal")
SAMPLE = 150
# The tests of other packages that show the same as those of the command line, and sooner.
BROADER = ("tests/apply", "tests/journal", "tests/output", "tests/sandbox", "tests/cli")
# Seconds for the tests of a package, and for the broader ones; who takes longer hangs.
LIMITS = (300.0, 1800.0)
LEFT_OUT = shutil.ignore_patterns(".git", ".venv", "__pycache__", ".*_cache", ".hypothesis")
PYTEST = ("-m", "pytest", "-q", "-x", "-n", os.environ.get("JOBS", "2"), "--hypothesis-seed=0")
QUICK = ("-p", "no:cacheprovider", "-m", "not sweep and not soak and not extra")


def main() -> int:
    """Try the sample; 1 if the tests fail with nothing changed."""
    begin, end = int(os.environ.get("FROM", 0)), int(os.environ.get("SAMPLE", SAMPLE))
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        tree = Path(folder, "tree")
        shutil.copytree(ROOT, tree, ignore=LEFT_OUT)
        failed = _failing(tree, _tests_of(*PACKAGES), LIMITS[1])
        if failed:
            print(f"with nothing changed there fails: {failed}")
            return 1
        outcomes = Counter[str]()
        for number, mutant in enumerate(_sample(tree)[begin:end], begin + 1):
            outcome = _try(tree, mutant, number)
            outcomes[outcome.split()[0]] += 1
            change = f"{_short(mutant.before)}  →  {_short(mutant.after)}"
            print(f"{number:>3}  {mutant.file}:{mutant.line}  {mutant.where}  {change}")
            print(f"     {outcome}", flush=True)
    print(", ".join(f"{count} {outcome}" for outcome, count in outcomes.items()))
    return 0


def _sample(tree: Path) -> list[Mutant]:
    """The mutants in their order: one of each package, again and again."""
    columns = [_ranked(tree, package) for package in PACKAGES]
    return list(chain.from_iterable(zip(*columns, strict=True)))


def _ranked(tree: Path, package: str) -> list[Mutant]:
    files = (file.relative_to(tree) for file in sorted((tree / "tdxwrap" / package).glob("*.py")))
    found: Iterator[Mutant] = chain.from_iterable(mutants(tree, file) for file in files)
    return sorted(found, key=lambda mutant: mutant.rank)[: SAMPLE // len(PACKAGES)]


def _try(tree: Path, mutant: Mutant, number: int) -> str:
    """How a mutant ends: `killed` by a test, or `SURVIVED`; with the seconds that it took."""
    file, started = tree / mutant.file, time.monotonic()
    original = file.read_bytes()
    file.write_bytes(mutant.apply(original))
    # Python knows what it has compiled by time and size, and takes whole seconds.
    later = time.time() + 2 * number
    os.utime(file, (later, later))
    near = _tests_of(mutant.file.parts[1])
    broader = [folder for folder in BROADER if folder not in near]
    try:
        killer = _failing(tree, near, LIMITS[0]) or _failing(tree, broader, LIMITS[1])
    finally:
        file.write_bytes(original)
    seconds = f"({time.monotonic() - started:.0f} s)"
    return f"killed by {killer} {seconds}" if killer else f"SURVIVED {seconds}"


def _tests_of(*packages: str) -> list[str]:
    return [f"tests/{package}" for package in packages]


def _failing(tree: Path, tests: list[str], limit: float) -> str:
    """The first test that fails; empty if all pass."""
    process = subprocess.Popen(
        [sys.executable, *PYTEST, *QUICK, *tests],
        cwd=tree,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return f"the limit of {limit:.0f} s"
    if process.returncode == 0:
        return ""
    named = [
        line.split()[1] for line in output.splitlines() if line.startswith(("FAILED", "ERROR"))
    ]
    return named[0] if named else "what stops pytest"


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 60 else f"{line[:59]}…"


if __name__ == "__main__":
    sys.exit(main())
