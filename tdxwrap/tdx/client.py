"""The tdx command as a Python object: run it, judge its answer, report every call."""

from __future__ import annotations

import copy
import json
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import IO, Any, Self

from tdxwrap.errors import CallTimeout, Interrupted, TdxwrapError, Transient
from tdxwrap.system import signals
from tdxwrap.system.redact import Redactor
from tdxwrap.system.threads import result
from tdxwrap.tdx.answer import CompletedCall, NotJson, parse_json, said
from tdxwrap.tdx.failures import LOGIN, again, classify, unreadable
from tdxwrap.tdx.login import missing_login, profile_variable
from tdxwrap.tdx.process import AGAIN, Process, end_all, find_executable
from tdxwrap.tdx.tempfiles import file_of, output_file

DEFAULT_TIMEOUT = 120.0  # seconds
DEFAULT_GRACE = 2.0  # seconds between SIGTERM and SIGKILL
MAX_ARGUMENT = 102_400  # bytes; Linux takes 128 KiB in one argument (F7)
# Characters kept of each end of a long text. A journal wants the whole of stdout.
KEPT_OF_STDOUT, KEPT_OF_STDERR = 524_288, 65_536


class Tdx:
    """The tdx command. May be used from several threads; use it as a context manager.

    Args:
        executable: a path, or a name on the PATH of `environ`.
        profile, site: given to tdx in front of the command where set (F3).
        timeout: seconds for one call.
        grace: seconds that tdx has to end by itself after SIGTERM, before SIGKILL.
        environ: the environment of the user; default: the one of this process.
        cwd: where tdx runs; default: the working directory.
        on_call: receives every finished call, good or not, from one thread at a time.
        reads: held by each read, to limit how many run at once.

    Attributes:
        begun: how many calls have begun.
        elsewhere: whether the choice of another session counts (context.py); None if nobody asks.
        may_move: whether that or the account is open, so that no call can be trusted before.
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
        on_call: Callable[[CompletedCall], None] | None = None,
        reads: AbstractContextManager[Any] | None = None,
    ) -> None:
        self.executable = executable
        self.begun = 0
        self.elsewhere: Future[bool] | None = None
        self.may_move = False
        self._globals = (
            *(("--profile", profile) if profile else ()),
            *(("--site", site) if site else ()),
        )
        self._profile = profile
        self._timeout = timeout
        self._grace = grace
        self._environ = _child_environment(os.environ if environ is None else environ)
        self._redactor = Redactor.from_environ(self._environ)
        self._data_redactor = Redactor.of_tdx(self._environ)
        self._cwd = None if cwd is None else os.fspath(cwd)
        self._on_call = on_call
        self._reads = reads or nullcontext()
        self._reporting = threading.Lock()
        # Reentrant: a signal handler may call kill_all while its own thread is starting a call.
        self._lock = threading.RLock()
        self._running: set[Process] = set()
        self._closed = threading.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """End the calls in flight. No call can follow."""
        self.kill_all()

    def kill_all(self) -> None:
        """End every call in flight with its children; from any thread, at any time.

        The calls raise `Interrupted`, and so does every later one. Returns when all have ended,
        after `grace` seconds at the latest (then they are killed).
        """
        with self._lock:
            self._closed.set()
            running = tuple(self._running)
        end_all(running, self._grace)

    def within(self, **environ: str) -> Tdx:
        """Return this tdx with other variables, such as TDX_SESSION (F5).

        It ends with this one. Its calls are not counted in `begun`, and nobody asks for it.
        """
        other = copy.copy(self)
        other._environ = {**self._environ, **environ}
        other.elsewhere = None
        return other

    def follow(self, **environ: str) -> None:
        """Set variables for the calls to come."""
        self._environ = {**self._environ, **environ}

    @property
    def session(self) -> str:
        """The session in which tdx is called (F5)."""
        return self._environ["TDX_SESSION"]

    def settle(self) -> None:
        """Wait until it is known whose choice of a profile counts; raises what asking raised."""
        if self.elsewhere is not None:
            result(self.elsewhere)

    @property
    def profile(self) -> str | None:
        """The profile that is given to tdx, or that its environment names (F4, F5)."""
        return self._profile or self._environ.get("TDX_PROFILE")

    @property
    def missing_login(self) -> tuple[str, str]:
        """What is wrong where tdx is not authenticated, and what to do (login.py)."""
        return missing_login(self._environ, self.profile)

    def pause(self, seconds: float) -> None:
        """Sleep between two tries of a call; `kill_all` ends it as well.

        Raises:
            Interrupted: `kill_all` was called.
            KeyboardInterrupt: as `signals.check`.
        """
        signals.sleep(seconds, self._safe_point)

    def _safe_point(self) -> None:
        if self._closed.is_set():
            raise Interrupted("the run was interrupted between two tries")
        signals.check()

    def run(self, *args: str, timeout: float | None = None) -> CompletedCall:
        """Run `tdx ARGS…`; whatever it prints is good if it exits with 0.

        Args:
            timeout: seconds, where it should differ from the one of this Tdx.
        Raises:
            TdxwrapError: TdxMissing, CallTimeout, Interrupted, and what `failures.classify` finds.
        """
        return self._call(args, timeout=timeout)

    def json(self, *args: str) -> CompletedCall:
        """Run `tdx ARGS…`, whose stdout must be JSON that reports no errors (F8).

        Raises:
            TdxwrapError: as `run`, and MalformedOutput.
        """
        return self._call(args, parse=True)

    def get(self, path: str) -> CompletedCall:
        """Run `tdx api PATH --type cdp` (F7). Raises as `json`."""
        return self.json("api", path, "--type", "cdp")

    def send(self, method: str, path: str, body: Any | None) -> CompletedCall:
        """Run `tdx api PATH --type cdp -X METHOD --data JSON`, as the recipe does (F7).

        A body of more than 100 KiB goes through `-f FILE`. Without a body there is no `--data`.
        A DELETE may answer nothing. Raises as `json`.
        """
        self.settle()
        args = ("api", path, "--type", "cdp", "-X", method)
        may_be_empty = method == "DELETE"
        if body is None:
            return self._call(args, parse=True, may_be_empty=may_be_empty)
        text = _json_text(body)
        if len(text.encode()) <= MAX_ARGUMENT:
            return self._call((*args, "--data", text), parse=True, may_be_empty=may_be_empty)
        with file_of(text) as file:
            return self._call((*args, "-f", file), True, may_be_empty, body=text)

    def _call(
        self,
        args: Sequence[str],
        parse: bool = False,
        may_be_empty: bool = False,
        *,
        timeout: float | None = None,
        body: str | None = None,
    ) -> CompletedCall:
        """Run, judge and report: every call passes through here."""
        signals.check()
        with self._lock:
            self.begun += 1
        args = (*self._globals, *args)
        limit = self._timeout if timeout is None else timeout
        call = CompletedCall(
            argv=tuple(self._redactor.text(word) for word in ("tdx", *args)),
            started=time.time(),
            body=None if body is None else self._redactor.text(body),
        )
        clock = time.monotonic()
        try:
            exit_code, stdout, stderr = self._settled(args, limit)
            raw = stdout.decode("utf-8", "replace")
            call = self._record(call, exit_code, raw, stderr.decode("utf-8", "replace"))
            if exit_code is None:
                raise _timed_out(call, limit)
            if exit_code == 0 and parse and not (may_be_empty and not raw.strip()):
                call = replace(call, data=self._parsed(call, raw, len(stdout)))
            failure = classify(call)
            if failure is not None:
                raise failure
        except BaseException as error:
            if isinstance(error, TdxwrapError):
                error.command = error.command or call.argv
                self._advise(error)
            call = replace(call, error=_kind(error))
            raise
        finally:
            call = replace(call, seconds=time.monotonic() - clock)
            self._report(call)
        return call

    def _settled(self, args: Sequence[str], limit: float) -> tuple[int | None, bytes, bytes]:
        """Run one process; drop what it says and run it again if it ran in the wrong session."""
        asking = self.elsewhere
        if asking is None or asking.done():
            self.settle()
            return self._process(args, limit)
        done = self._process(args, limit)
        return self._process(args, limit) if result(asking) else done

    def _advise(self, error: TdxwrapError) -> None:
        """Make the advice of an error fit how the person is logged in."""
        if error.hint == LOGIN:
            error.what, error.hint = self.missing_login
        key = profile_variable(self.profile) if self.profile else "TDX_API_KEY"
        error.hint = error.hint.replace("{key}", key)

    def _process(self, args: Sequence[str], limit: float) -> tuple[int | None, bytes, bytes]:
        """Run one process to its end, or to the end of its time.

        Returns:
            The exit code (None if it was ended by us, or never ran), stdout and stderr.
        """
        program = find_executable(self.executable, self._environ)
        if limit <= 0:
            return None, b"", b""
        with output_file() as stdout, output_file() as stderr:
            process = Process(program, args, (stdout, stderr), self._environ, self._cwd)
            with self._lock:
                if self._closed.is_set():
                    raise Interrupted("the run was interrupted before this call")
                self._running.add(process)
            try:
                with nullcontext() if "-X" in args else self._reads:
                    exit_code = process.run(limit, self._grace)
            finally:
                with self._lock:
                    self._running.discard(process)
            if self._closed.is_set() and exit_code != 0:
                raise Interrupted("the run was interrupted while tdx was at work")
            failure = process.failure()
            if failure is not None:
                raise failure
            try:
                return exit_code, _content(stdout), _content(stderr)
            except OSError as error:
                raise Transient(
                    "tdx has answered, but its answer could not be read",
                    said=error.strerror or str(error),
                    hint=AGAIN,
                ) from None

    def _record(
        self, call: CompletedCall, exit_code: int | None, stdout: str, stderr: str
    ) -> CompletedCall:
        """Add what the process left behind, without secrets; stdout whole, since it is judged."""
        return replace(
            call,
            exit_code=exit_code,
            stdout=self._redactor.text(stdout),
            stderr=_both_ends(self._redactor.text(stderr), KEPT_OF_STDERR),
        )

    def _parsed(self, call: CompletedCall, raw: str, size: int) -> Any:
        # Parsed as it came: to take a secret out of the text could break the document.
        try:
            data = parse_json(raw)
        except NotJson as problem:
            raise unreadable(call, str(problem), size) from None
        return data if call.stdout == raw else self._data_redactor.json(data)

    def _report(self, call: CompletedCall) -> None:
        if self._on_call is None:
            return
        stdout = _both_ends(call.stdout, KEPT_OF_STDOUT)
        with self._reporting:
            self._on_call(replace(call, stdout=stdout, truncated=stdout != call.stdout))


def _child_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for tdx: the user's, without colours and notices, with the session.

    What the user chose with `tdx use` hangs on the parent process of tdx: that is our parent,
    not we (F3, F5).
    """
    quiet = {"NO_COLOR": "1", "NO_UPDATE_NOTIFIER": "1", "FORCE_COLOR": "0"}
    session = environ.get("TDX_SESSION") or str(os.getppid())
    return {**environ, **quiet, "TDX_SESSION": session}


def _json_text(body: Any) -> str:
    text = json.dumps(body, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:  # a lone surrogate has no UTF-8; escaped, it is the same JSON
        return json.dumps(body)
    return text


def _timed_out(call: CompletedCall, limit: float) -> CallTimeout:
    return CallTimeout(
        f"tdx did not answer within {limit:g} s and was ended",
        said=said(call.stderr),
        hint=f"{again(call)}; --timeout gives each call more time",
    )


def _kind(error: BaseException) -> str:
    if isinstance(error, TdxwrapError):
        return error.kind
    return TdxwrapError.kind if isinstance(error, Exception) else Interrupted.kind


def _content(file: IO[bytes]) -> bytes:
    # pread: the position is shared with tdx, and with what tdx may have left running.
    descriptor = file.fileno()
    return os.pread(descriptor, os.fstat(descriptor).st_size, 0)


def _both_ends(text: str, kept: int) -> str:
    """Return the text, or only `kept` characters of its beginning and of its end."""
    left_out = len(text) - 2 * kept
    if left_out <= 0:
        return text
    return f"{text[:kept]}\n[… {left_out} characters left out …]\n{text[-kept:]}"
