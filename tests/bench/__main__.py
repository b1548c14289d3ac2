"""Runs every benchmark, prints one table, and writes bench.json.

Everything is measured side by side in one run, alternating, with medians. BENCH_RUNS sets how
often (default 5).
"""

from __future__ import annotations

import json
import math
import os
import platform
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import cast

import yaml

from tdxwrap.config.models import RtConfig
from tdxwrap.realtime.api import Realtime
from tdxwrap.realtime.retry import Retry
from tdxwrap.realtime.wait import WaitPolicy, wait_until_ready
from tests.bench import worlds

ROOT = Path(__file__).parent.parent.parent
TDX = ROOT / "fixtures" / "bin" / "tdx"
RUNS = int(os.environ.get("BENCH_RUNS", "5"))
LATENCY = 0.4
KEY = "1/" + "a" * 40


@dataclass(frozen=True)
class Figure:
    """One row: what was measured, the value, what it is compared with, the ratio, the goal."""

    name: str
    value: str
    beside: str
    ratio: float
    goal: float

    @property
    def reached(self) -> bool:
        return self.ratio <= self.goal


def plain_environ() -> dict[str, str]:
    """The user's environment, where Python keeps bytecode as it does for what pip installs."""
    return {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}


def environ(folder: Path, state: Path) -> dict[str, str]:
    """Where a user works, at a terminal: without a launcher between the shell and tdxwrap."""
    return {
        **{k: v for k, v in plain_environ().items() if not k.startswith(("TD", "FAKE_TDX"))},
        "HOME": str(folder),
        "PATH": f"{TDX.parent}:{os.environ['PATH']}",
        "FAKE_TDX_STATE": str(state),
        "FAKE_TDX_PYTHON": sys.executable,
        "TDX_API_KEY": KEY,
        "TDX_SESSION": str(os.getpid()),
    }


def seconds(command: list[str], cwd: Path, env: dict[str, str]) -> float:
    """How long a command takes, from start to end, in seconds."""
    start = time.perf_counter()
    subprocess.run(
        command, cwd=cwd, env=env, check=True, capture_output=True, stdin=subprocess.DEVNULL
    )
    return time.perf_counter() - start


def alternating(*measures: Callable[[], float]) -> list[float]:
    """The medians of several measures, taken in turn."""
    rounds = [[measure() for measure in measures] for _ in range(RUNS)]
    return [statistics.median(column) for column in zip(*rounds, strict=True)]


def fastest(*measures: Callable[[], float]) -> list[float]:
    """The shortest times of several measures, taken in turn: for small differences between them."""
    rounds = [[measure() for measure in measures] for _ in range(3 * RUNS)]
    return [min(column) for column in zip(*rounds, strict=True)]


# The figures


def one_call(folder: Path) -> Iterator[Figure]:
    """What tdxwrap adds to one tdx call, and what a pipe into jq adds."""
    answer = '[{"id": "394649", "name": "Customer 360", "status": "ok"}]'
    stub = folder / "tdx"
    stub.write_text(f"#!/bin/sh\necho '{answer}'\n")
    stub.chmod(0o755)
    count = 100
    ours = (
        "import sys, time; from tdxwrap.tdx.client import Tdx\n"
        f"with Tdx({str(stub)!r}) as tdx:\n"
        "    tdx.json('x'); start = time.perf_counter()\n"
        f"    for _ in range({count}): tdx.json('ps', 'rt', 'list', '--json')\n"
        "    print(time.perf_counter() - start)\n"
    )
    piped = f"for i in $(seq {count}); do s=$({stub} ps rt list --json | jq -r '.[].status'); done"
    bare = f"for i in $(seq {count}); do {stub} ps rt list --json >/dev/null; done"

    def driver() -> float:
        command = [sys.executable, "-c", ours]
        done = subprocess.run(command, env=plain_environ(), check=True, capture_output=True)
        return float(done.stdout)

    wrapped, jq, alone = alternating(
        driver,
        lambda: seconds(["bash", "-c", piped], folder, plain_environ()),
        lambda: seconds(["bash", "-c", bare], folder, plain_environ()),
    )
    added, jq_added = (wrapped - alone) / count, (jq - alone) / count
    yield Figure(
        "added to one tdx call",
        f"{added * 1000:.1f} ms",
        f"{jq_added * 1000:.1f} ms for $(tdx | jq)",
        added / jq_added,
        0.5,
    )


def step_7(folder: Path) -> Iterator[Figure]:
    """The whole of Step 7 beside the recipe and the limit, at 400 ms a call."""
    desired = worlds.config(tables=3, events=3, attributes=20)
    model = RtConfig.model_validate(desired)
    (folder / "rt.yaml").write_text(yaml.safe_dump(desired))
    (folder / "recipe.sh").write_text(worlds.shell_recipe(model))

    def run(command: list[str]) -> float:
        state = Path(tempfile.mkdtemp(dir=folder))
        world = worlds.world(state / "world", 3, int(LATENCY * 1000))
        world.set_credentials(keychain={}, keys={KEY: "main"})
        return seconds(command, state, environ(folder, state / "world"))

    apply = [sys.executable, "-m", "tdxwrap", "apply", str(folder / "rt.yaml"), "--yes"]
    recipe, ours, eight = alternating(
        lambda: run(["bash", str(folder / "recipe.sh")]),
        lambda: run(apply),
        lambda: run([*apply, "--jobs", "8"]),
    )
    beside = f"{recipe:.1f} s for the recipe"
    yield Figure("Step 7, 20 attributes", f"{ours:.1f} s", beside, ours / recipe, 0.95)
    yield _to_limit("Step 7, to its limit", ours, jobs=1)
    yield Figure("Step 7, --jobs 8", f"{eight:.1f} s", beside, eight / recipe, 0.45)
    yield _to_limit("--jobs 8, to its limit", eight, jobs=8)


def _to_limit(name: str, took: float, jobs: int) -> Figure:
    """Beside the longest chain of calls that depend on each other, for 3 key events and 20
    attributes: reads, event tables (the template beside them), key events, keys, attributes, look;
    and the time in which the segment is updating.
    """
    chain = 1 + 1 + math.ceil(3 / jobs) + 1 + math.ceil(20 / jobs) + 1
    limit = chain * LATENCY + worlds.UPDATING
    beside = f"{limit:.1f} s for {chain} calls"
    return Figure(name, f"{took:.1f} s", beside, took / limit, 1.25)


def no_op(folder: Path) -> Iterator[Figure]:
    """A no-op apply on 100 attributes, in latencies."""
    desired = worlds.config(tables=3, events=3, attributes=100)
    (folder / "rt.yaml").write_text(yaml.safe_dump(desired))
    world = worlds.world(folder / "world", 3, 400, RtConfig.model_validate(desired))
    world.set_credentials(keychain={}, keys={KEY: "main"})
    command = [sys.executable, "-m", "tdxwrap", "apply", str(folder / "rt.yaml")]
    (took,) = alternating(lambda: seconds(command, folder, environ(folder, folder / "world")))
    yield Figure(
        "no-op apply, 100 attributes",
        f"{took:.2f} s",
        f"{LATENCY:.1f} s for one latency",
        took / LATENCY,
        4,
    )


def large_plan(folder: Path) -> Iterator[Figure]:
    """A plan on 1,200 attributes against one on 120, without what every run costs; its memory."""
    commands = {}
    for size in (0, 120, 1200):
        where = folder / str(size)
        where.mkdir()
        desired = worlds.config(tables=1, events=max(1, size * 250 // 1200), attributes=size)
        (where / "rt.yaml").write_text(yaml.safe_dump(desired))
        world = worlds.world(where / "world", 1, 0, RtConfig.model_validate(desired))
        world.set_credentials(keychain={}, keys={KEY: "main"})
        commands[size] = [sys.executable, "-m", "tdxwrap", "plan", str(where / "rt.yaml")]

    def run(size: int) -> float:
        where = folder / str(size)
        return own_time(commands[size], where, environ(where, where / "world"))

    fixed, small, large = fastest(lambda: run(0), lambda: run(120), lambda: run(1200))
    growth = (large - fixed) / (small - fixed)
    beside = f"{small - fixed:.3f} s for 120"
    yield Figure("plan, 1,200 attributes", f"{large - fixed:.3f} s", beside, growth, 11)
    peak = peak_memory(commands[1200], folder / "1200", environ(folder, folder / "1200" / "world"))
    yield Figure("its memory", f"{peak:.0f} MB", "100 MB", peak / 100, 1)


def own_time(command: list[str], cwd: Path, env: dict[str, str]) -> float:
    """The seconds that a command computes itself, once everything is imported; without tdx."""
    code = (
        "import sys, time; from tdxwrap.cli import app\n"
        "from tdxwrap.__main__ import main\n"
        "start = time.process_time()\n"
        "try: main()\n"
        "finally: print(time.process_time() - start, file=sys.stderr)\n"
    )
    args = command[command.index("tdxwrap") + 1 :]
    done = subprocess.run(
        [sys.executable, "-c", code, *args], cwd=cwd, env=env, capture_output=True, text=True
    )
    return float(done.stderr.splitlines()[-1])


def peak_memory(command: list[str], cwd: Path, env: dict[str, str]) -> float:
    """The peak of the largest process of a command, in MB (children of this process, so far)."""
    code = (
        "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True,"
        "stdout=subprocess.DEVNULL);"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *command], cwd=cwd, env=env, check=True, capture_output=True
    )
    unit = 1024 if platform.system() == "Linux" else 1024 * 1024
    return float(done.stdout) / unit


def brands(folder: Path) -> Iterator[Figure]:
    """Ten segments in one command beside the recipe looped over them; measured once.

    Each is ready 20 s after its last write, and the recipe looks every 10 s.
    """
    segments = [str(394700 + number) for number in range(10)]
    files = _files(folder, segments, attributes=9)
    loop = folder / "loop.sh"
    steps = (f"mkdir {n}; (cd {n}; bash {file}.sh)\n" for n, file in enumerate(files))
    loop.write_text("set -e\n" + "".join(steps))
    listings: list[int] = []

    def run(command: list[str]) -> float:
        state = Path(tempfile.mkdtemp(dir=folder))
        world = worlds.world(state / "world", 2, int(LATENCY * 1000), None, segments, 20)
        world.set_credentials(keychain={}, keys={KEY: "main"})
        took = seconds(command, state, environ(folder, state / "world"))
        last = max((call.n for call in world.writes()), default=0)
        polls = [call for call in world.calls() if call.argv[:3] == ("ps", "rt", "list")]
        listings.append(sum(call.n > last for call in polls))
        return took

    def ours(command: str, *args: str) -> float:
        return run([sys.executable, "-m", "tdxwrap", command, *args])

    recipe = run(["bash", str(loop)])
    usual, wide = (
        ours("apply", *files, "--yes", *more)
        for more in ((), ("--segments-at-once", "10", "--jobs", "8"))
    )
    ours("apply", files[0], "--yes")
    beside = f"{recipe:.0f} s for the recipe"
    yield Figure("10 segments", f"{usual:.1f} s", beside, usual / recipe, 0.15)
    yield Figure("10 at once, --jobs 8", f"{wide:.1f} s", beside, wide / recipe, 0.12)
    polls, alone = listings[1], listings[3]
    yield Figure("polls for 10", f"{polls}", f"{alone} for one", polls / alone, 1.1)
    single = sum(ours("plan", file) for file in files)
    plans = ours("plan", *files)
    yield Figure("plan of 10", f"{plans:.1f} s", f"{single:.1f} s for ten", plans / single, 0.35)


def _files(folder: Path, segments: list[str], attributes: int) -> list[str]:
    """A configuration for each segment, and beside it the recipe for it."""
    desired = worlds.config(tables=2, events=2, attributes=attributes)
    script = worlds.shell_recipe(RtConfig.model_validate(desired))
    script = script.replace(f"do sleep {worlds.UPDATING};", "do sleep 10;")
    files = []
    for segment in segments:
        file = folder / f"{segment}.yaml"
        file.write_text(yaml.safe_dump({**desired, "parent_segment": segment}))
        Path(f"{file}.sh").write_text(script.replace(worlds.PS, segment))
        files.append(str(file))
    return files


def many_brands(folder: Path) -> Iterator[Figure]:
    """The memory of 50 segments of 100 attributes: what is live is as the files say."""
    segments = [str(394700 + number) for number in range(50)]
    files = _files(folder, segments, attributes=100)
    live = RtConfig.model_validate(worlds.config(tables=2, events=2, attributes=100))
    world = worlds.world(folder / "world", 2, 0, live, segments)
    world.set_credentials(keychain={}, keys={KEY: "main"})
    command = [sys.executable, "-m", "tdxwrap", "apply", *files]
    peak = peak_memory(command, folder, environ(folder, folder / "world"))
    yield Figure("memory, 50 segments", f"{peak:.0f} MB", "150 MB", peak / 150, 1)


def noticing(folder: Path) -> Iterator[Figure]:
    """From ready to noticing it, over moments spread over 30–90 s: ours, and sleep 10.

    The product's own wait, on a clock that passes at once.
    """
    chance = random.Random(7)
    moments = [chance.uniform(30, 90) for _ in range(2_000)]
    ours = [_waited(moment) for moment in moments]
    theirs = [_slept(moment) for moment in moments]
    late, late_too = (statistics.mean(late for late, _ in each) for each in (ours, theirs))
    calls, calls_too = (statistics.mean(calls for _, calls in each) for each in (ours, theirs))
    beside = f"{late_too:.1f} s, sleep 10"
    yield Figure("noticing that it is ready", f"{late:.1f} s", beside, late / late_too, 0.5)
    yield Figure("calls for that", f"{calls:.1f}", f"{calls_too:.1f}", calls / calls_too, 2.3)


class _Clock:
    """Time that passes when somebody sleeps, or calls tdx."""

    def __init__(self, ready: float) -> None:
        self.now = 0.0
        self.ready = ready

    def time(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def status(self, segment_id: str) -> str:
        """What a call that takes 400 ms is told; it looks when it begins."""
        status = "ok" if self.now >= self.ready else "updating"
        self.now += LATENCY
        return status


def _waited(ready: float) -> tuple[float, int]:
    """How late `wait_until_ready` notices, and its calls."""
    clock = _Clock(ready)
    patience = WaitPolicy(clock=clock.time, sleep=clock.sleep)
    looks = wait_until_ready(cast(Realtime, clock), worlds.PS, patience, Retry())
    return clock.now - ready, looks


def _slept(ready: float) -> tuple[float, int]:
    """How late the recipe's loop notices, and its calls."""
    clock = _Clock(ready)
    looks = 1
    while clock.status(worlds.PS) != "ok":
        clock.sleep(10)
        looks += 1
    return clock.now - ready, looks


def starting(folder: Path) -> Iterator[Figure]:
    """What needs no work, beside `import click`."""
    python = sys.executable
    env = plain_environ()
    asked = {
        **env,
        "_TDXWRAP_COMPLETE": "bash_complete",
        "COMP_WORDS": "tdxwrap apply --pr",
        "COMP_CWORD": "2",
    }
    click, *ours = alternating(
        lambda: seconds([python, "-c", "import click"], folder, env),
        lambda: seconds([python, "-m", "tdxwrap", "--version"], folder, env),
        lambda: seconds([python, "-m", "tdxwrap", "--help"], folder, env),
        lambda: seconds([python, "-m", "tdxwrap"], folder, asked),
    )
    beside = f"{click * 1000:.0f} ms, import click"
    for name, took in zip(("--version", "--help", "completion"), ours, strict=True):
        yield Figure(f"tdxwrap {name}", f"{took * 1000:.0f} ms", beside, took / click, 1.5)


def checking(folder: Path) -> Iterator[Figure]:
    """`check` on 1,000 attributes; its growth from 200 to 2,000 without what every run costs."""

    def command(size: int) -> list[str]:
        path = folder / f"{size}.yaml"
        if not path.exists():
            desired = worlds.config(tables=3, events=20, attributes=size)
            path.write_text(yaml.safe_dump(desired))
        return [sys.executable, "-m", "tdxwrap", "check", str(path)]

    def growing(size: int) -> float:
        return own_time(command(size), folder, plain_environ())

    (whole,) = alternating(lambda: seconds(command(1000), folder, plain_environ()))
    fixed, small, large = fastest(lambda: growing(0), lambda: growing(200), lambda: growing(2000))
    growth = (large - fixed) / (small - fixed)
    beside = f"{small - fixed:.3f} s for 200"
    yield Figure("check, 1,000 attributes", f"{whole:.2f} s", "1 s", whole, 1)
    yield Figure("the same, 2,000", f"{large - fixed:.3f} s", beside, growth, 11)


BENCHMARKS = (
    one_call,
    step_7,
    brands,
    many_brands,
    no_op,
    large_plan,
    noticing,
    starting,
    checking,
)


def main() -> None:
    """Measure everything named on the command line, else everything."""
    chosen = [b for b in BENCHMARKS if b.__name__ in sys.argv[1:]] or list(BENCHMARKS)
    if shutil.which("jq") is None:
        sys.exit("the recipe needs jq on the PATH")
    figures: list[Figure] = []
    print(f"{'figure':<28}{'tdxwrap':>10}  {'beside':<26}{'ratio':>7}  goal")
    for benchmark in chosen:
        with tempfile.TemporaryDirectory() as folder:
            for figure in benchmark(Path(folder)):
                figures.append(figure)
                mark = "✓" if figure.reached else "✗"
                print(
                    f"{figure.name:<28}{figure.value:>10}  {figure.beside:<26}"
                    f"{figure.ratio:>6.2f}x  ≤ {figure.goal:g} {mark}",
                    flush=True,
                )
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    rows = [{**asdict(figure), "reached": figure.reached} for figure in figures]
    report = {"machine": machine, "runs": RUNS, "figures": rows}
    (ROOT / "bench.json").write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n")
    print(f"{machine}; medians of {RUNS}; also in bench.json")


if __name__ == "__main__":
    # A benchmark may start many processes; none of them may dump a core into the results.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    main()
