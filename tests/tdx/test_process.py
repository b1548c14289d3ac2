"""The driver: one tdx process, what it is given, what comes back, and that it ends."""

from __future__ import annotations

import json
import logging
import os
import signal
import stat
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tdxwrap.errors import (
    ApiDisabled,
    CallFailed,
    CallTimeout,
    EnvironmentProblem,
    Interrupted,
    MalformedOutput,
    NotFound,
    TdxMissing,
    TdxwrapError,
    Transient,
)
from tdxwrap.tdx import client as driver
from tdxwrap.tdx import tempfiles
from tdxwrap.tdx.answer import CompletedCall
from tdxwrap.tdx.client import Tdx
from tdxwrap.tdx.tempfiles import sweep_leftovers

KEY = "1234/0123456789abcdef0123456789abcdef01234567"
HALF = KEY.partition("/")[2]
BASE = {"PATH": os.environ["PATH"]}
MAIN_DIRECTORY = Path(__file__).parents[2]

Stub = Callable[[str], str]


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory for temporary files that only this test uses."""
    directory = tmp_path / "tmp"
    directory.mkdir()
    monkeypatch.setenv("TMPDIR", str(directory))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return directory


@pytest.fixture
def shell(tmp_path: Path) -> Stub:
    """Writes an executable shell script and returns its path."""
    return lambda body: script(tmp_path / "tdx", f"#!/bin/sh\n{body}\n")


@pytest.fixture
def python(tmp_path: Path) -> Stub:
    """Writes an executable Python script and returns its path."""
    return lambda body: script(
        tmp_path / "tdx", f"#!{sys.executable} -IS\nimport json, os, sys\n{textwrap.dedent(body)}\n"
    )


@pytest.fixture
def echo(python: Stub) -> str:
    """A tdx that answers with what it was given."""
    return python(
        """
        data = {"argv": sys.argv[1:], "env": dict(os.environ), "cwd": os.getcwd()}
        if "-f" in sys.argv:
            path = sys.argv[sys.argv.index("-f") + 1]
            data["path"] = path
            data["modes"] = [os.stat(p).st_mode & 0o777 for p in (path, os.path.dirname(path))]
            data["body"] = open(path, encoding="utf-8").read()
        print(json.dumps(data))
        """
    )


def script(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def marker() -> Iterator[str]:
    """A word in the environment of a tdx and all its children; whoever is left is ended."""
    word = f"tdxwrap-test-{os.getpid()}-{time.monotonic_ns()}"
    yield word
    for pid in survivors(word):
        os.kill(pid, signal.SIGKILL)


def survivors(word: str) -> list[int]:
    """The processes, other than zombies, that carry the word in their environment."""
    found = []
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            alive = directory.joinpath("stat").read_text().rpartition(") ")[2][0] not in "ZX"
            marked = word.encode() in directory.joinpath("environ").read_bytes()
        except OSError:
            continue
        if alive and marked and int(directory.name) != os.getpid():
            found.append(int(directory.name))
    return found


def wait_for(condition: Callable[[], Any], seconds: float = 20.0) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return bool(condition())


# What tdx is given


@pytest.mark.parametrize(
    ("options", "front"),
    [
        ({}, []),
        ({"profile": "p"}, ["--profile", "p"]),
        ({"site": "jp01"}, ["--site", "jp01"]),
        ({"profile": "p", "site": "jp01"}, ["--profile", "p", "--site", "jp01"]),
        ({"profile": "", "site": ""}, []),
    ],
)
def test_arguments_are_those_of_the_recipe(
    echo: str, options: dict[str, Any], front: list[str]
) -> None:
    path, body = "/audiences/1/realtime_setting", {"eventTables": [{"database": "d", "table": "t"}]}
    with Tdx(echo, environ=BASE, **options) as tdx:
        sent = tdx.send("PATCH", path, body)
        got = tdx.get(path)
        ran = tdx.run("ps", "pull", "1", "-o", "x y.yaml")
    data = '{"eventTables": [{"database": "d", "table": "t"}]}'
    words = [*front, "api", path, "--type", "cdp", "-X", "PATCH", "--data", data]
    assert sent.data["argv"] == words
    assert sent.argv == ("tdx", *words)
    assert got.data["argv"] == [*front, "api", path, "--type", "cdp"]
    assert json.loads(ran.stdout)["argv"] == [*front, "ps", "pull", "1", "-o", "x y.yaml"]
    assert ran.data is None


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0")), max_size=5))
def test_arguments_arrive_unchanged(echo: str, words: list[str]) -> None:
    with Tdx(echo, environ=BASE) as tdx:
        assert tdx.json(*words).data["argv"] == words


@pytest.mark.parametrize("body", [{"a": "日本 \"quoted\" 'x' $HOME `id`\n"}, {"a": "\ud800"}, []])
def test_body_arrives_as_the_same_value(echo: str, body: Any) -> None:
    with Tdx(echo, environ=BASE) as tdx:
        assert json.loads(tdx.send("POST", "/x", body).data["argv"][-1]) == body


def test_no_body_means_no_data(echo: str) -> None:
    with Tdx(echo, environ=BASE) as tdx:
        words = ["api", "/x", "--type", "cdp", "-X", "DELETE"]
        assert tdx.send("DELETE", "/x", None).data["argv"] == words


def test_body_over_100_kib_goes_through_a_private_file_that_is_removed(
    echo: str, temporary: Path
) -> None:
    body = {"text": "'\"日本語" * 12_000}
    with Tdx(echo, environ=BASE) as tdx:
        data = tdx.send("POST", "/x", body).data
        assert data["argv"][:-1] == ["api", "/x", "--type", "cdp", "-X", "POST", "-f"]
        assert json.loads(data["body"]) == body
        assert data["modes"] == [0o600, 0o700]
        assert not Path(data["path"]).exists()
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize(("extra", "option"), [(0, "--data"), (1, "-f")])
def test_the_limit_counts_bytes(echo: str, extra: int, option: str) -> None:
    text = "é" * 51_198 + "x" * (2 + extra)  # with the quotes of JSON: 102,400 bytes
    with Tdx(echo, environ=BASE) as tdx:
        assert tdx.send("POST", "/x", text).data["argv"][-2] == option


def test_environment_of_the_child(echo: str) -> None:
    environ = {**BASE, "FORCE_COLOR": "3", "MINE": "ü"}
    with Tdx(echo, environ=environ) as tdx:
        env = tdx.json().data["env"]
    assert env["NO_COLOR"] == env["NO_UPDATE_NOTIFIER"] == "1"
    assert env["FORCE_COLOR"] == "0"
    assert env["MINE"] == "ü"
    assert env["TDX_SESSION"] == str(os.getppid())


@pytest.mark.parametrize("chosen", ["77", ""])
def test_session_of_the_user_is_kept(echo: str, chosen: str) -> None:
    with Tdx(echo, environ={**BASE, "TDX_SESSION": chosen}) as tdx:
        assert tdx.json().data["env"]["TDX_SESSION"] == (chosen or str(os.getppid()))


def test_working_directory(echo: str, tmp_path: Path) -> None:
    with Tdx(echo, environ=BASE, cwd=tmp_path) as tdx:
        assert tdx.json().data["cwd"] == str(tmp_path)


def test_streams_are_an_end_of_file_and_regular_files(python: Stub) -> None:
    path = python(
        """
        import stat
        regular = [stat.S_ISREG(os.fstat(n).st_mode) for n in (1, 2)]
        pipes = [n for n in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{n}")]
        print(json.dumps({
            "in": sys.stdin.read(), "regular": regular, "open": sorted(map(int, pipes)),
            "terminals": [os.isatty(n) for n in range(3)],
            "own_group": os.getpgid(0) == os.getpid(),
        }))
        """
    )
    with Tdx(path, environ=BASE) as tdx:
        data = tdx.json().data
    assert data["in"] == ""
    assert data["regular"] == [True, True]
    assert data["terminals"] == [False] * 3
    assert data["own_group"]
    assert data["open"] == [0, 1, 2]


# What comes back


def test_more_than_a_pipe_holds_is_complete(python: Stub) -> None:
    body = "sys.stdout.write(json.dumps(['x' * 50] * 20_000)); sys.stdout.flush(); os._exit(0)"
    with Tdx(python(body), environ=BASE) as tdx:
        assert len(tdx.json().data) == 20_000


def test_fifty_megabytes_on_one_line(python: Stub) -> None:
    body = "sys.stdout.write('\"'); [sys.stdout.write('y' * 10**6) for _ in range(50)]; print('\"')"
    with Tdx(python(body), environ=BASE) as tdx:
        assert tdx.json().data == "y" * 50_000_000


def test_invalid_utf8_is_replaced(python: Stub) -> None:
    path = python(r"""sys.stdout.buffer.write(b'["\xff\xfe"]'); sys.stderr.buffer.write(b'\xff')""")
    with Tdx(path, environ=BASE) as tdx:
        result = tdx.json()
    assert result.data == ["\ufffd\ufffd"]
    assert result.stderr == "\ufffd"


def test_banner_and_colours_are_survived(shell: Stub) -> None:
    path = shell(r"""printf '\033[33m[info] update {x}\033[0m\n\033[1m{"a": 1}\033[0m\nbye\n'""")
    with Tdx(path, environ=BASE) as tdx:
        assert tdx.json().data == {"a": 1}


def test_long_stderr_is_kept_from_both_ends(python: Stub) -> None:
    calls: list[CompletedCall] = []
    path = python("[print(f'line {n}', file=sys.stderr) for n in range(100_000)]; print('[]')")
    with Tdx(path, environ=BASE, on_call=calls.append) as tdx:
        stderr = tdx.json().stderr
    assert stderr.startswith("line 0\n")
    assert stderr.endswith("line 99999\n")
    assert "characters left out" in stderr
    assert len(stderr) < 140_000
    assert calls[0].stderr == stderr


def test_secret_on_the_cut_is_not_kept_in_part(python: Stub) -> None:
    for shift in range(0, 60, 7):
        filler = driver.KEPT_OF_STDERR - shift
        body = f"""
        text = ' ' * {filler} + {KEY!r} + ' ' * 300_000 + {KEY!r} + ' ' * {filler}
        sys.stderr.write(text); print('[]')
        """
        with Tdx(python(body), environ={**BASE, "TDX_API_KEY": KEY}) as tdx:
            assert "0123" not in tdx.json().stderr
            assert "4567" not in tdx.json().stderr


def test_empty_answer_is_fine_for_delete_only(shell: Stub) -> None:
    with Tdx(shell("exit 0"), environ=BASE) as tdx:
        assert tdx.send("DELETE", "/x/1", None).data is None
        with pytest.raises(MalformedOutput):
            tdx.send("POST", "/x", {})
        with pytest.raises(MalformedOutput):
            tdx.get("/x")
        assert tdx.run("auth").exit_code == 0


def test_cut_answer_names_the_cut(python: Stub) -> None:
    path = python("sys.stdout.write(('[' + '\"abcdefgh\", ' * 9_000)[:65536])")
    with Tdx(path, environ=BASE) as tdx, pytest.raises(MalformedOutput, match=r"65,536 bytes"):
        tdx.json("ps", "list", "--json")


def test_a_long_answer_is_judged_whole_and_only_the_listener_gets_its_ends(python: Stub) -> None:
    calls: list[CompletedCall] = []
    filler = driver.KEPT_OF_STDOUT + 1000
    path = python(
        f"""
        long = "x" * {filler}
        print(json.dumps({{"before": long, "errors": [{{"status": "404"}}], "after": long}}))
        sys.exit(1)
        """
    )
    with Tdx(path, environ=BASE, on_call=calls.append) as tdx, pytest.raises(NotFound):
        tdx.json("api")
    assert calls[0].truncated
    assert len(calls[0].stdout) < 2 * driver.KEPT_OF_STDOUT + 100


@pytest.mark.parametrize(
    ("body", "kind", "exit_code"),
    [
        ("echo 'Error: 404 Not Found' >&2; exit 1", NotFound, 1),
        ("""echo '{"errors": [{"status": "404"}]}'; exit 1""", NotFound, 1),
        ("""echo '{"errors": [{"status": "404"}]}'""", NotFound, 0),
        ("echo 'tdx api is disabled' >&2; exit 1", ApiDisabled, 1),
        ("echo odd; exit 7", CallFailed, 7),
        ("kill -9 $$", Transient, -9),
        ("echo '<html>'", MalformedOutput, 0),
    ],
)
def test_failure_becomes_a_typed_error_and_is_told(
    shell: Stub, body: str, kind: type[TdxwrapError], exit_code: int
) -> None:
    calls: list[CompletedCall] = []
    with (
        Tdx(shell(body), environ=BASE, on_call=calls.append) as tdx,
        pytest.raises(TdxwrapError) as caught,
    ):
        tdx.get("/x")
    assert type(caught.value) is kind
    assert caught.value.command == ("tdx", "api", "/x", "--type", "cdp")
    assert [(c.exit_code, c.error, c.argv) for c in calls] == [
        (exit_code, kind.kind, caught.value.command)
    ]


def test_listener_is_told_of_a_good_call(shell: Stub) -> None:
    calls: list[CompletedCall] = []
    before = time.time()
    with Tdx(shell("echo '[]'; echo e >&2"), environ=BASE, on_call=calls.append) as tdx:
        result = tdx.json("a", "b")
    (call,) = calls
    assert (call.argv, call.stdout, call.stderr) == (("tdx", "a", "b"), "[]\n", "e\n")
    assert (call.exit_code, call.error) == (0, None)
    assert before <= call.started <= time.time()
    assert 0 < result.seconds <= call.seconds


# No tdx to run


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: None, "there is no"),
        (lambda path: path.mkdir(), "is a directory"),
        (lambda path: path.write_text("#!/bin/sh\n"), "is not executable"),
        (lambda path: script(path, "#!/no/such/interpreter\n"), "cannot be started"),
        (lambda path: script(path, "\x00\x01\x02"), "cannot be started"),
        (lambda path: script(path, ""), "cannot be started"),
        (lambda path: script(path, "#!/usr/bin/env no-such-node\n"), "cannot start"),
    ],
    ids=["missing", "directory", "not executable", "interpreter", "format", "empty", "no node"],
)
@pytest.mark.parametrize("by_name", [False, True])
def test_tdx_that_cannot_run(
    tmp_path: Path, make: Callable[[Path], Any], words: str, by_name: bool
) -> None:
    make(tmp_path / "tdx")
    calls: list[CompletedCall] = []
    environ = {"PATH": f"{tmp_path}:/usr/bin:/bin"} if by_name else BASE
    name = "tdx" if by_name else str(tmp_path / "tdx")
    tdx = Tdx(name, environ=environ, on_call=calls.append)
    with tdx, pytest.raises(TdxMissing) as caught:
        tdx.json("ps", "list")
    assert words in caught.value.what
    assert caught.value.hint
    assert caught.value.__cause__ is None
    assert [call.error for call in calls] == ["tdx-missing"]


def test_name_is_searched_on_the_path_that_was_given(echo: str, tmp_path: Path) -> None:
    with Tdx("tdx", environ={"PATH": f"/nowhere:{tmp_path}:{BASE['PATH']}"}) as tdx:
        assert tdx.json("x").data["argv"] == ["x"]


def test_too_long_an_argument_is_a_typed_error(echo: str) -> None:
    with Tdx(echo, environ=BASE) as tdx, pytest.raises(EnvironmentProblem) as caught:
        tdx.run("x" * 200_000)
    assert "Argument list too long" in caught.value.what


def test_unwritable_temporary_directory_is_a_typed_error(
    echo: str, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(temporary / "gone"))
    with Tdx(echo, environ=BASE) as tdx, pytest.raises(EnvironmentProblem, match="temporary file"):
        tdx.run("x")


# It ends

STUBBORN = "trap '' TERM INT HUP; while :; do sleep 0.05; done"
SLEEPS = "exec sleep 60"
HEARS = "trap 'exit 3' TERM; while :; do sleep 0.05; done"
# The leader goes at once at SIGTERM, its child does not.
LEAVES_CHILD = f"sh -c \"{STUBBORN}\" & trap 'exit 0' TERM; while :; do sleep 0.05; done"


@pytest.mark.parametrize("body", [STUBBORN, SLEEPS, HEARS, LEAVES_CHILD])
def test_timeout_ends_the_whole_group(shell: Stub, marker: str, body: str) -> None:
    path = shell(f"echo partial >&2\n{body}")
    calls: list[CompletedCall] = []
    environ = {**BASE, "MARK": marker}
    with Tdx(path, environ=environ, timeout=0.3, grace=0.2, on_call=calls.append) as tdx:
        with pytest.raises(CallTimeout) as caught:
            tdx.run("x")
        assert wait_for(lambda: survivors(marker) == [], 2)
    assert caught.value.what == "tdx did not answer within 0.3 s and was ended"
    assert caught.value.said.startswith("partial")
    assert [(c.exit_code, c.error, c.stderr[:8]) for c in calls] == [(None, "timeout", "partial\n")]


def test_timeout_of_one_call(shell: Stub) -> None:
    with Tdx(shell(SLEEPS), environ=BASE) as tdx, pytest.raises(CallTimeout):
        tdx.run("x", timeout=0.05)


@pytest.mark.parametrize("limit", [0, -1.0])
def test_no_time_left_means_that_nothing_is_started(
    shell: Stub, tmp_path: Path, limit: float
) -> None:
    with Tdx(shell(f"touch {tmp_path}/ran"), environ=BASE) as tdx, pytest.raises(CallTimeout):
        tdx.run("x", timeout=limit)
    assert not (tmp_path / "ran").exists()


def test_infinite_time_is_allowed(shell: Stub) -> None:
    with Tdx(shell("echo 1"), environ=BASE, timeout=float("inf")) as tdx:
        assert tdx.json().data == 1


def test_sigterm_gives_tdx_time_to_end_by_itself(shell: Stub, tmp_path: Path) -> None:
    body = f"trap 'sleep 0.2; touch {tmp_path}/tidy; exit 0' TERM; while :; do sleep 0.05; done"
    with Tdx(shell(body), environ=BASE, timeout=0.3, grace=20) as tdx, pytest.raises(CallTimeout):
        tdx.run("x")
    assert (tmp_path / "tidy").exists()


def test_what_a_good_call_leaves_behind_is_ended(shell: Stub, marker: str) -> None:
    with Tdx(shell("sleep 60 &\necho '[]'"), environ={**BASE, "MARK": marker}) as tdx:
        assert tdx.json().data == []
        assert wait_for(lambda: survivors(marker) == [])


def run(tdx: Tdx, errors: list[BaseException]) -> None:
    try:
        tdx.run("x")
    except BaseException as error:
        errors.append(error)


@pytest.mark.parametrize("body", [SLEEPS, STUBBORN])
def test_kill_all_ends_calls_of_other_threads(
    shell: Stub, marker: str, body: str, tmp_path: Path
) -> None:
    path = shell(f"touch {tmp_path}/run-$$\n{body}")
    errors: list[BaseException] = []
    tdx = Tdx(path, environ={**BASE, "MARK": marker}, grace=0.2)
    threads = [threading.Thread(target=run, args=(tdx, errors)) for _ in range(4)]
    for thread in threads:
        thread.start()
    assert wait_for(lambda: len(list(tmp_path.glob("run-*"))) == 4)
    tdx.kill_all()
    assert wait_for(lambda: survivors(marker) == [], 2)
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive()
    assert [type(error) for error in errors] == [Interrupted] * 4
    with pytest.raises(Interrupted):
        tdx.run("x")
    tdx.close()


def test_kill_all_ends_a_pause_between_two_tries() -> None:
    errors: list[BaseException] = []

    def pauses(tdx: Tdx) -> None:
        try:
            tdx.pause(3_600)
        except Interrupted as error:
            errors.append(error)

    tdx = Tdx("tdx", environ=BASE)
    thread = threading.Thread(target=pauses, args=(tdx,), daemon=True)
    thread.start()
    tdx.kill_all()
    thread.join(20)
    assert not thread.is_alive()
    assert len(errors) == 1
    tdx.close()


def test_kill_all_while_calls_are_starting(shell: Stub, marker: str) -> None:
    """Whenever it comes, nothing is left: also between the fork and the moment we know the pid."""
    path = shell(SLEEPS)
    for delay in range(12):
        tdx = Tdx(path, environ={**BASE, "MARK": marker}, grace=0)
        errors: list[BaseException] = []
        thread = threading.Thread(target=run, args=(tdx, errors))
        thread.start()
        time.sleep(delay / 2000)
        tdx.close()
        thread.join(20)
        assert [type(error) for error in errors] == [Interrupted]
        assert wait_for(lambda: survivors(marker) == [], 2)


DRIVER = """
import os, signal, sys, threading
from concurrent.futures import ThreadPoolExecutor, wait
from tdxwrap.system import signals
from tdxwrap.tdx.client import Tdx

def stop(number, frame):
    # In a destructor the exception would get lost: once more, then.
    signal.setitimer(signal.ITIMER_REAL, 1)
    raise SystemExit(143)

path, how = sys.argv[1:]
signal.signal(signal.SIGTERM, stop)
signal.signal(signal.SIGALRM, stop)
with Tdx(path, grace=float(os.environ.get("GRACE", 0.3))) as tdx:
    if how == "main":
        tdx.run("x")
    elif how == "loop":
        signals.take_signals()
        while True:
            tdx.run("x")
    else:
        with ThreadPoolExecutor(4) as pool:
            try:
                calls = {pool.submit(tdx.run, word) for word in "abcd"}
                while calls:  # in slices: a signal just before a wait does not interrupt it
                    calls = wait(calls, timeout=0.2).not_done
            except BaseException:
                tdx.kill_all()
                raise
"""


@pytest.mark.parametrize("how", ["main", "pool"])
@pytest.mark.parametrize("body", [SLEEPS, STUBBORN, LEAVES_CHILD], ids=["hears", "deaf", "child"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_to_tdxwrap_leaves_no_process(
    shell: Stub, marker: str, tmp_path: Path, how: str, body: str, number: int
) -> None:
    path = shell(f"touch {tmp_path}/run-$$\n{body}")
    process = start_driver(path, how, marker)
    assert wait_for(lambda: len(list(tmp_path.glob("run-*"))) == (1 if how == "main" else 4))
    process.send_signal(number)
    process.wait(20)
    assert process.returncode == (-2 if number == signal.SIGINT else 143)
    assert wait_for(lambda: survivors(marker) == [], 2)


def start_driver(path: str, how: str, marker: str, grace: float = 0.3) -> subprocess.Popen[bytes]:
    environ = {**os.environ, "MARK": marker, "PYTHONPATH": str(MAIN_DIRECTORY)}
    environ["GRACE"] = str(grace)
    return subprocess.Popen(
        [sys.executable, "-c", DRIVER, path, how],
        env=environ,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def test_signal_at_any_moment_leaves_no_process(shell: Stub, marker: str, tmp_path: Path) -> None:
    """Ctrl-C of a terminal goes to the whole group of tdxwrap, a copy before exec included."""
    path = shell(f"echo x >{tmp_path}/runs")
    for delay in range(12):
        (tmp_path / "runs").unlink(missing_ok=True)
        process = start_driver(path, "loop", marker)
        assert wait_for(lambda: (tmp_path / "runs").exists())
        time.sleep(delay / 1000)
        os.killpg(process.pid, signal.SIGINT)
        # The call that the signal ended may be told before the signal itself.
        assert process.wait(20) in (-signal.SIGINT, 1)
        assert wait_for(lambda: survivors(marker) == [], 5)


def test_second_signal_ends_a_deaf_tdx_at_once(shell: Stub, marker: str, tmp_path: Path) -> None:
    deaf = f"trap '' INT HUP; trap 'touch {tmp_path}/heard' TERM; touch {tmp_path}/run-$$"
    waits = "while :; do sleep 0.05; done"
    process = start_driver(shell(f"{deaf}\n{waits}"), "main", marker, grace=60)
    assert wait_for(lambda: list(tmp_path.glob("run-*")))
    process.send_signal(signal.SIGINT)
    # Before that, a second one would be one with the first.
    assert wait_for((tmp_path / "heard").exists)
    assert survivors(marker) != []
    process.send_signal(signal.SIGINT)
    process.wait(20)
    assert wait_for(lambda: survivors(marker) == [], 5)


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel of Linux does this")
def test_killed_tdxwrap_takes_tdx_with_it_and_leaves_no_file(
    shell: Stub, marker: str, tmp_path: Path, temporary: Path
) -> None:
    process = start_driver(shell(f"touch {tmp_path}/run-$$\n{SLEEPS}"), "main", marker)
    assert wait_for(lambda: list(tmp_path.glob("run-*")))
    process.kill()
    process.wait(20)
    assert wait_for(lambda: survivors(marker) == [])
    assert list(temporary.iterdir()) == []


# Temporary files


def test_only_directories_of_dead_processes_are_swept(echo: str, temporary: Path) -> None:
    dead = subprocess.run(["sh", "-c", "echo $$"], capture_output=True, text=True).stdout.strip()
    for name in (f"tdxwrap-{dead}-a", f"tdxwrap-{os.getppid()}-b", "tdxwrap-x-c", "other-1-d"):
        (temporary / name).mkdir()
    (temporary / f"tdxwrap-{dead}-a" / "body.json").write_text("{}")
    (temporary / f"tdxwrap-{dead}-file").write_text("not a directory")
    (temporary / f"tdxwrap-{dead}-link").symlink_to(temporary / "other-1-d")
    locked = temporary / f"tdxwrap-{dead}-locked"
    locked.mkdir()
    descriptor = tempfiles._lock_directory(str(locked))
    assert descriptor is not None
    try:
        assert sweep_leftovers() == 1
    finally:
        os.close(descriptor)
    assert sorted(path.name for path in temporary.iterdir()) == sorted(
        [
            f"tdxwrap-{os.getppid()}-b",
            "tdxwrap-x-c",
            "other-1-d",
            f"tdxwrap-{dead}-file",
            f"tdxwrap-{dead}-link",
            locked.name,
        ]
    )


def test_a_directory_is_private_and_swept_after_its_process(temporary: Path) -> None:
    code = "import sys; from tdxwrap.tdx.tempfiles import throwaway\n"
    code += "with throwaway() as folder: print(folder, flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        (directory,) = temporary.iterdir()
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700
        assert directory.name.startswith(f"tdxwrap-{process.pid}-")
        assert sweep_leftovers() == 0
        process.kill()
    assert sweep_leftovers() == 1
    assert list(temporary.iterdir()) == []


def test_no_call_follows_the_end(echo: str) -> None:
    with Tdx(echo, environ=BASE) as tdx:
        tdx.run("x")
    with pytest.raises(Interrupted):
        tdx.run("x")


# Secrets


def test_secrets_leave_through_no_channel(
    python: Stub, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    path = python(
        f"""
        secret = {KEY!r}
        print(secret, 'Authorization: TD1 ' + secret, file=sys.stderr)
        if "fail" in sys.argv:
            print(json.dumps({{"errors": [{{"status": 422, "detail": secret}}]}}))
        elif "text" in sys.argv:
            print('no json', secret)
        else:
            print(json.dumps({{"a": secret, secret: [secret], "b": 1}}))
        """
    )
    calls: list[CompletedCall] = []
    seen: list[object] = [calls]
    with Tdx(path, environ={**BASE, "TDX_API_KEY": KEY}, on_call=calls.append) as tdx:
        result = tdx.send("POST", "/x", {"key": KEY})
        long = tdx.send("POST", "/x", {"key": KEY, "rest": "x" * 110_000})
        seen += [result, long]
        for word in ("fail", "text"):
            with pytest.raises(TdxwrapError) as caught:
                tdx.json(word, KEY)
            error = caught.value
            seen.append((error, error.what, error.said, error.hint, error.command, error.pointer))
    assert result.data == {"a": "[redacted]", "[redacted]": ["[redacted]"], "b": 1}
    assert len(calls) == 4
    assert '"key": "[redacted]"' in str(long.body)
    output = capfd.readouterr()
    assert HALF not in repr(seen) + caplog.text + output.out + output.err


def test_data_is_untouched_where_there_is_no_secret(shell: Stub) -> None:
    path = shell("""printf '{"name": "da39a3ee5e6b4b0d3255bfef95601890afd80709 日本"}'""")
    with Tdx(path, environ={**BASE, "TDX_API_KEY": KEY}) as tdx:
        assert tdx.json().data == {"name": "da39a3ee5e6b4b0d3255bfef95601890afd80709 日本"}
