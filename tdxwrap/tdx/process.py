"""Runs one tdx process and returns what it said. The only module that imports `sh`.

What makes this more than a call of sh:

- tdx writes into regular files: into a pipe, Node writes 65,536 bytes and drops the rest (F2).
- Every process has its own group, and the whole group ends: at the time limit, at Ctrl-C, when
  tdx is done but something that it started is not. No tdx process outlives tdxwrap.
- The process is started and waited for in a thread of its own, while the caller waits for an
  event. Python runs signal handlers in the main thread only, so that no KeyboardInterrupt can
  come between the fork and the moment where we know the pid; and sh's own time limit works in
  steps of 100 ms, an event does not.
"""

from __future__ import annotations

import ctypes
import json
import logging
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from types import TracebackType
from typing import IO, Any, Self

import sh

from tdxwrap.errors import (
    CallFailed,
    CallTimeout,
    Interrupted,
    TdxMissing,
    TdxwrapError,
)
from tdxwrap.system import signals
from tdxwrap.system.redact import Redactor
from tdxwrap.tdx.answer import Answer, NotJson, parse_json, said
from tdxwrap.tdx.failures import classify, unreadable
from tdxwrap.tdx.tempfiles import TempFiles

DEFAULT_TIMEOUT = 120.0  # seconds
DEFAULT_GRACE = 2.0  # seconds between SIGTERM and SIGKILL
MAX_ARGUMENT = 102_400  # bytes; Linux takes 128 KiB in one argument (F7)
KEPT_CHARACTERS = 65_536  # of each end of a long text
KEPT_FOR_LISTENERS = 524_288  # the same of stdout, of which a journal wants the whole
# Cut off behind the kept part, so that no half of a secret that lies on the cut is kept (redact
# finds whole secrets only). Longer than any secret.
CUT_MARGIN = 4_096
INSTALL_HINT = (
    "install it with: npm install -g @treasuredata/tdx, or say where it is with --tdx PATH "
    "or TDXWRAP_TDX"
)

_POLL = 0.01  # seconds between looks whether a group that was asked to end has ended
_REAP = 5.0  # seconds for the kernel to hand over a process that got SIGKILL
_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
_PRCTL = ctypes.CDLL(None).prctl if sys.platform == "linux" else None
# Every exit code and every signal: the result is classified in failures.py, not raised by sh.
_ANY_EXIT = tuple(range(-128, 256))

# sh logs the whole argv, bodies included. Its records are for nobody.
logging.getLogger("sh").setLevel(logging.CRITICAL + 1)


@dataclass(frozen=True, slots=True)
class Result:
    """A tdx call that went well. All texts are free of secrets.

    Attributes:
        argv: as run, starting with `tdx`.
        data: the parsed JSON of stdout; None where none was asked for.
        stderr: a long one only from both ends.
        seconds: from before the start until tdx and its children had ended.
    """

    argv: tuple[str, ...]
    exit_code: int
    data: Any
    stdout: str
    stderr: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Call:
    """What a listener is told of every finished call, good or not. Free of secrets.

    Attributes:
        argv: as run, starting with `tdx`.
        started: seconds since the epoch.
        seconds: how long it took.
        exit_code: None if tdx did not start or was ended by us.
        stdout, stderr: long ones only from both ends.
        error: the `kind` of the error that was raised; None for a good call.
        truncated: whether stdout is not whole.
        body: the request body, where argv only names a file that is gone by now.
    """

    argv: tuple[str, ...]
    started: float
    seconds: float
    exit_code: int | None
    stdout: str
    stderr: str
    error: str | None
    truncated: bool = False
    body: str | None = None


class _Want(Enum):
    """What stdout has to be."""

    ANYTHING = auto()
    JSON = auto()
    JSON_OR_NOTHING = auto()


@dataclass(frozen=True, slots=True)
class _Output:
    """What one process left behind. `exit_code` is None if it was ended by us, or never ran."""

    exit_code: int | None = None
    stdout: bytes = b""
    stderr: str = ""


class Tdx:
    """The tdx command. May be used from several threads; use it as a context manager.

    Args:
        executable: a path, or a name on the PATH of `environ`.
        profile, site: given to tdx in front of the command where set (F3).
        timeout: seconds for one call.
        grace: seconds that tdx has to end by itself after SIGTERM, before SIGKILL.
        environ: the environment of the user; default: the one of this process.
        cwd: where tdx runs; default: the working directory.
        on_call: is told of every finished call, by one thread at a time.
    """

    def __init__(
        self,
        executable: str = "tdx",
        *,
        profile: str | None = None,
        site: str | None = None,
        timeout: float = DEFAULT_TIMEOUT,
        grace: float = DEFAULT_GRACE,
        environ: Mapping[str, str] | None = None,
        cwd: str | os.PathLike[str] | None = None,
        on_call: Callable[[Call], None] | None = None,
    ) -> None:
        self.executable = executable
        self._globals = _global_options(profile, site)
        self._timeout = timeout
        self._grace = grace
        self._environ = child_environment(os.environ if environ is None else environ)
        self._redactor = Redactor.from_environ(self._environ)
        self._cwd = None if cwd is None else os.fspath(cwd)
        self._on_call = on_call
        self._telling = threading.Lock()
        self._room = TempFiles()
        self._jobs = _Jobs()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End what is in flight and remove the temporary files. No call can follow."""
        self.kill_all()
        self._room.close()

    def kill_all(self) -> None:
        """End every call in flight with its children; from any thread, at any time.

        The calls raise `Interrupted`, and so does every later one. Returns when all have ended,
        after `grace` seconds at the latest (then they are killed).
        """
        _end(self._jobs.close(), self._grace)

    def pause(self, seconds: float) -> None:
        """Let time pass between two tries of a call; `kill_all` ends it as well.

        Raises:
            Interrupted: `kill_all` was called.
            KeyboardInterrupt: as `stops.check`.
        """
        signals.sleep(seconds, self._may_go_on)

    def _may_go_on(self) -> None:
        if self._jobs.closed:
            raise Interrupted("the run was interrupted between two tries")
        signals.check()

    def run(self, *args: str, timeout: float | None = None) -> Result:
        """Run `tdx ARGS…`; whatever it prints is good if it exits with 0.

        Args:
            timeout: seconds, where it should differ from the one of this Tdx.
        Raises:
            TdxwrapError: TdxMissing, CallTimeout, Interrupted, and what `failures.classify` finds.
        """
        return self._call(args, _Want.ANYTHING, timeout)

    def json(self, *args: str) -> Result:
        """Run `tdx ARGS…`, whose stdout must be JSON that reports no errors (F8).

        Raises:
            TdxwrapError: as `run`, and MalformedOutput.
        """
        return self._call(args, _Want.JSON)

    def get(self, path: str) -> Result:
        """`tdx api PATH --type cdp` (F7). Raises as `json`."""
        return self.json("api", path, "--type", "cdp")

    def send(self, method: str, path: str, body: Any | None) -> Result:
        """`tdx api PATH --type cdp -X METHOD --data JSON`, the words of the recipe (F7).

        A body of more than 100 KiB goes through `-f FILE`. Without a body there is no `--data`.
        A DELETE may answer nothing. Raises as `json`.
        """
        args = ("api", path, "--type", "cdp", "-X", method)
        want = _Want.JSON_OR_NOTHING if method == "DELETE" else _Want.JSON
        if body is None:
            return self._call(args, want)
        text = _json_text(body)
        if len(text.encode()) <= MAX_ARGUMENT:
            return self._call((*args, "--data", text), want)
        with self._room.file_of(text) as file:
            return self._call((*args, "-f", file), want, body=text)

    def _call(
        self,
        args: Sequence[str],
        want: _Want,
        timeout: float | None = None,
        body: str | None = None,
    ) -> Result:
        """Run, judge, tell the listener: every call passes through here."""
        signals.check()
        args = (*self._globals, *args)
        argv = tuple(self._redactor.text(word) for word in ("tdx", *args))
        limit = self._timeout if timeout is None else timeout
        output, failure = _Output(), ""
        started, clock = time.time(), time.monotonic()
        try:
            output = self._process(args, limit)
            seconds = time.monotonic() - clock
            answer = self._judged(argv, output, limit, want)
        except BaseException as error:
            if isinstance(error, TdxwrapError):
                error.command = argv
            failure = _kind(error)
            raise
        finally:
            self._tell(argv, started, time.monotonic() - clock, output, failure, body)
        return Result(argv, answer.exit_code, answer.data, answer.stdout, answer.stderr, seconds)

    def _process(self, args: Sequence[str], limit: float) -> _Output:
        """Run one process to its end, or to the end of its time."""
        program = find_executable(self.executable, self._environ)
        if limit <= 0:
            return _Output()
        with self._room.output() as stdout, self._room.output() as stderr:
            job = _Job()
            self._jobs.add(job)
            try:
                start = _starter(program, args, (stdout, stderr), self._environ, self._cwd)
                ended = _attend(job, start, limit, self._grace)
            finally:
                self._jobs.remove(job)
            if self._jobs.closed and not (ended and job.exit_code == 0):
                raise Interrupted("the run was interrupted while tdx was at work")
            if job.failure:
                raise _start_failure(program, job)
            errors = _both_ends(_content(stderr), self._redactor)
            return _Output(job.exit_code if ended else None, _content(stdout), errors)

    def _judged(self, argv: tuple[str, ...], output: _Output, limit: float, want: _Want) -> Answer:
        """The answer in this output; raises if it is none, or a bad one."""
        if output.exit_code is None:
            raise CallTimeout(
                f"tdx did not answer within {limit:g} s and was ended",
                said=said(output.stderr),
                hint="run the same command again: it looks at what is live before it writes; "
                "--timeout gives each call more time",
            )
        raw = output.stdout.decode("utf-8", "replace")
        stdout = self._redactor.text(raw)
        answer = Answer(argv, output.exit_code, stdout, output.stderr)
        if output.exit_code == 0:
            # Parsed as it came: to take a secret out of the text could break the document.
            data = _parsed(raw, answer, len(output.stdout), want)
            data = data if stdout == raw else self._redactor.json(data)
            answer = replace(answer, data=data)
        error = classify(answer)
        if error is not None:
            raise error
        return answer

    def _tell(
        self,
        argv: tuple[str, ...],
        started: float,
        seconds: float,
        output: _Output,
        failure: str,
        body: str | None,
    ) -> None:
        if self._on_call is None:
            return
        call = Call(
            argv,
            started,
            seconds,
            output.exit_code,
            _both_ends(output.stdout, self._redactor, KEPT_FOR_LISTENERS),
            output.stderr,
            failure or None,
            truncated=len(output.stdout) > 2 * (KEPT_FOR_LISTENERS + CUT_MARGIN),
            body=None if body is None else self._redactor.text(body),
        )
        with self._telling:
            self._on_call(call)


# Arguments and environment


def _global_options(profile: str | None, site: str | None) -> tuple[str, ...]:
    return (
        *(("--profile", profile) if profile else ()),
        *(("--site", site) if site else ()),
    )


def child_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment for tdx: the user's, without colours and notices, and with the session.

    What the user chose with `tdx use` hangs on the parent process of tdx: that is our parent,
    not we (F3, F5).
    """
    quiet = {"NO_COLOR": "1", "NO_UPDATE_NOTIFIER": "1", "FORCE_COLOR": "0"}
    session = environ.get("TDX_SESSION") or str(os.getppid())
    return {**environ, **quiet, "TDX_SESSION": session}


def _json_text(body: Any) -> str:
    text = json.dumps(body, ensure_ascii=False)
    # A lone surrogate has no UTF-8; escaped, it is the same JSON.
    return text if _is_utf8(text) else json.dumps(body)


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def find_executable(executable: str, environ: Mapping[str, str]) -> str:
    """The path of tdx.

    Args:
        executable: a path, or a name on the PATH of `environ`.
    Raises:
        TdxMissing: it is not there, a directory, or not executable.
    """
    path = environ.get("PATH", os.defpath)
    name = os.path.expanduser(executable)
    found = shutil.which(name, path=path)
    if found:
        return os.path.abspath(found)
    places = [name] if os.sep in name else [os.path.join(p, name) for p in path.split(os.pathsep)]
    there = next((place for place in places if name and os.path.exists(place)), None)
    if there is None:
        where = "" if os.sep in name else " on the PATH"
        raise TdxMissing(f"there is no {executable or 'tdx'}{where}", hint=INSTALL_HINT)
    if os.path.isdir(there):
        raise TdxMissing(f"{there} is a directory, not the tdx command", hint=INSTALL_HINT)
    raise TdxMissing(f"{there} is not executable", hint=f"allow it with: chmod +x {there}")


# The process


class _Job:
    """One tdx process with its group, from before the fork until it has been reaped.

    Written by the thread that starts and reaps it, except `doomed`: set by whoever wants it
    ended, possibly before it has a pid.
    """

    __slots__ = ("doomed", "ended", "exit_code", "failure", "pid", "started")

    def __init__(self) -> None:
        self.started = threading.Event()
        self.ended = threading.Event()
        self.doomed = False
        self.pid: int | None = None  # also the id of its process group
        self.exit_code: int | None = None
        self.failure = ""

    def signal(self, number: int) -> bool:
        """Send a signal to the whole group; 0 only looks. False if there is no group any more."""
        if self.pid is None:
            return False
        try:
            os.killpg(self.pid, number)
        except (ProcessLookupError, PermissionError):  # the latter on macOS, for what is dead
            return False
        return True


class _Jobs:
    """The jobs in flight."""

    def __init__(self) -> None:
        # Reentrant: a signal handler may close it while its own thread is adding to it.
        self._lock = threading.RLock()
        self._jobs: set[_Job] = set()
        self.closed = False

    def add(self, job: _Job) -> None:
        with self._lock:
            if self.closed:
                raise Interrupted("the run was interrupted before this call")
            self._jobs.add(job)

    def remove(self, job: _Job) -> None:
        with self._lock:
            self._jobs.discard(job)

    def close(self) -> tuple[_Job, ...]:
        """No more jobs; those that are in flight."""
        with self._lock:
            self.closed = True
            return tuple(self._jobs)


def _starter(
    program: str,
    args: Sequence[str],
    outputs: tuple[IO[bytes], IO[bytes]],
    environ: dict[str, str],
    cwd: str | None,
) -> Callable[[], Any]:
    """What starts tdx and returns the running command of sh: the one place that spawns."""
    owner = os.getpid()
    options: dict[str, Any] = {
        "_out": outputs[0],
        "_err": outputs[1],
        "_env": environ,
        "_cwd": cwd,
        "_new_group": True,
        "_bg_exc": False,
        "_ok_code": _ANY_EXIT,
        "_preexec_fn": lambda: _die_with(owner),
        "_log_msg": _nothing_to_log,
    }

    def start() -> Any:
        # /dev/null as a descriptor: sh would make a pipe of anything else (F9).
        with open(os.devnull, "rb") as nothing:
            return sh.Command(program)(*args, _bg=True, _in=nothing, **options)

    return start


def _die_with(owner: int) -> None:
    """In the child, before tdx begins: let the kernel kill it when we are killed (Linux only).

    The signal comes when the thread that forked ends; that one waits for the child.
    """
    if _PRCTL is not None:
        _PRCTL(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
        if os.getppid() != owner:
            os._exit(255)


def _nothing_to_log(ran: str, call_args: Mapping[str, Any], pid: int | None = None) -> str:
    return "tdx"


def _work(job: _Job, start: Callable[[], Any]) -> None:
    """Start the process and wait for it; the body of a job's own thread."""
    owner = os.getpid()
    try:
        running = start()
        job.pid = running.pid
        job.started.set()
        if job.doomed:
            job.signal(signal.SIGKILL)
        job.exit_code = running.exit_code
    except BaseException as error:
        # A signal that comes between fork and exec raises in the child, right through sh. That
        # copy of us must not go on.
        if os.getpid() != owner:
            os._exit(255)
        job.failure = _last_line(error)
    finally:
        job.started.set()
        job.ended.set()


def _attend(job: _Job, start: Callable[[], Any], limit: float, grace: float) -> bool:
    """Run the job; whatever happens here, its group has ended on return.

    Returns:
        True if it ended by itself within `limit` seconds.
    """
    worker = threading.Thread(target=_work, args=(job, start), name="tdx", daemon=True)
    try:
        worker.start()
        return _ended_within(job, limit)
    finally:
        if job.ended.is_set():
            job.signal(signal.SIGKILL)  # what tdx has left behind in its group
        else:
            _end([job], grace)


def _ended_within(job: _Job, limit: float) -> bool:
    """Wait until the job has ended, at most `limit` seconds.

    In slices, each of which ends at a safe point. The end itself is noticed at once.
    """
    deadline = time.monotonic() + limit
    while not job.ended.wait(min(signals.SLICE, max(0.0, deadline - time.monotonic()))):
        signals.check()
        if time.monotonic() >= deadline:
            return False
    return True


def _end(jobs: Iterable[_Job], grace: float) -> None:
    """SIGTERM to the groups, `grace` seconds for them to end, then SIGKILL.

    A second Ctrl-C, or an exception that comes meanwhile, only makes it faster.
    """
    left = list(jobs)
    for job in left:
        job.doomed = True
    try:
        for job in left:
            job.started.wait(_REAP)
            job.signal(signal.SIGTERM)
        deadline = time.monotonic() + grace
        while left := [job for job in left if job.signal(0)]:
            if signals.hurried() or time.monotonic() >= deadline:
                break
            time.sleep(_POLL)
    finally:
        for job in left:
            job.signal(signal.SIGKILL)
    for job in left:
        job.ended.wait(_REAP)


def _last_line(error: BaseException) -> str:
    """sh packs the traceback of the child into the text of its exception; only its end tells."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__


def _start_failure(program: str, job: _Job) -> TdxwrapError:
    if job.pid is not None:
        return CallFailed(
            "tdx was started, but how it ended could not be found out",
            said=job.failure,
            hint="run the same command again: it looks at what is live before it writes",
        )
    return TdxMissing(
        f"{program} cannot be started",
        said=job.failure,
        hint="is it a script whose first line names a program that is not there (node)? "
        + INSTALL_HINT,
    )


def _kind(error: BaseException) -> str:
    if isinstance(error, TdxwrapError):
        return error.kind
    return Interrupted.kind if not isinstance(error, Exception) else TdxwrapError.kind


# Output


def _content(file: IO[bytes]) -> bytes:
    # pread: the position is shared with tdx, and with what tdx may have left running.
    descriptor = file.fileno()
    return os.pread(descriptor, os.fstat(descriptor).st_size, 0)


def _both_ends(data: bytes, redactor: Redactor, kept: int = KEPT_CHARACTERS) -> str:
    """The text without secrets; of a long one only `kept` of the beginning and of the end."""
    window = kept + CUT_MARGIN
    if len(data) <= 2 * window:
        return redactor.text(data.decode("utf-8", "replace"))
    head = redactor.text(data[:window].decode("utf-8", "replace"))[:-CUT_MARGIN]
    tail = redactor.text(data[-window:].decode("utf-8", "replace"))[CUT_MARGIN:]
    return f"{head}\n[… {len(data) - 2 * kept} bytes left out …]\n{tail}"


def _parsed(raw: str, answer: Answer, size: int, want: _Want) -> Any:
    if want is _Want.ANYTHING or (want is _Want.JSON_OR_NOTHING and not raw.strip()):
        return None
    try:
        return parse_json(raw)
    except NotJson as problem:
        raise unreadable(answer, str(problem), size) from None
