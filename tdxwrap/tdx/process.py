"""Run one tdx process and end it in time. The only module that imports `sh`.

What makes this more than a call of sh:

- tdx writes into regular files: into a pipe, Node writes 65,536 bytes and drops the rest (F2).
- Every process has its own group, and the whole group ends: at the time limit, at Ctrl-C, and
  when tdx is done but something that it started is not. No tdx process outlives tdxwrap.
- A thread of its own starts the process and waits for it, while the caller waits for an event.
  Python runs signal handlers in the main thread only, so no KeyboardInterrupt can come between
  the fork and the moment the pid is known; and sh's own time limit works in steps of 100 ms, an
  event does not.
"""

from __future__ import annotations

import ctypes
import errno
import logging
import os
import re
import shutil
import signal
import sys
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, Any

import sh

from tdxwrap.errors import CallFailed, EnvironmentProblem, TdxMissing, TdxwrapError
from tdxwrap.system import signals
from tdxwrap.system.files import machine_problem

INSTALL_HINT = (
    "install it with: npm install -g @treasuredata/tdx, or say where it is with --tdx PATH "
    "or TDXWRAP_TDX"
)
AGAIN = "run the same command again"

# Of the program or its interpreter; every other reason is one of this machine.
_NO_PROGRAM = (errno.ENOENT, errno.ENOEXEC, errno.ENOTDIR, errno.EACCES)

_POLL = 0.01  # seconds between checks whether a group has ended
_LAST_LOOK = 0.5  # seconds after the limit: we may have been stopped for longer than that
_REAP = 5.0  # seconds for the kernel to hand over a process that got SIGKILL
_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
_PRCTL = ctypes.CDLL(None).prctl if sys.platform == "linux" else None
# Every exit code and every signal: failures.py classifies the result, sh raises nothing.
_ANY_EXIT = tuple(range(-128, 256))

# sh logs the whole argv, bodies included.
logging.getLogger("sh").setLevel(logging.CRITICAL + 1)


def find_executable(executable: str, environ: Mapping[str, str]) -> str:
    """Return the absolute path of tdx.

    Args:
        executable: a path, or a name on the PATH of `environ`.
    Raises:
        TdxMissing: it is not there, a directory, or not executable.
        EnvironmentProblem: there is no directory for it to run in.
    """
    try:
        os.getcwd()
    except FileNotFoundError:
        raise EnvironmentProblem(
            "the working directory was deleted, and tdx needs one", hint="cd to another directory"
        ) from None
    path = environ.get("PATH", os.defpath)
    name = os.path.expanduser(executable)
    found = shutil.which(name, path=path)
    if found:
        return os.path.abspath(found)
    places = [name] if os.sep in name else [os.path.join(p, name) for p in path.split(os.pathsep)]
    there = next((place for place in places if name and os.path.exists(place)), None)
    words = executable.split()
    if there is None and len(words) > 1 and shutil.which(words[0], path=path):
        raise TdxMissing(
            f"{executable} is a command line; the path of one program is wanted",
            hint="put these two lines into a file, allow it with chmod +x, and give its path:\n"
            f'#!/bin/sh\nexec {executable} "$@"',
        )
    if there is None:
        where = "" if os.sep in name else " on the PATH"
        raise TdxMissing(f"there is no {executable or 'tdx'}{where}", hint=INSTALL_HINT)
    if os.path.isdir(there):
        raise TdxMissing(f"{there} is a directory, not the tdx command", hint=INSTALL_HINT)
    raise TdxMissing(f"{there} is not executable", hint=f"allow it with: chmod +x {there}")


@dataclass(eq=False)
class Process:
    """One tdx process with its group, from before the fork until it has been reaped.

    Its own thread writes the attributes, except `doomed`: anyone who wants the process to end
    sets that, possibly before it has a pid.

    Args:
        outputs: regular files for stdout and stderr.
    """

    program: str
    args: Sequence[str]
    outputs: tuple[IO[bytes], IO[bytes]]
    environ: dict[str, str]
    cwd: str | None
    started: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)
    doomed: bool = False
    _owner: int = field(default_factory=os.getpid)
    _pid: int | None = None  # also the id of its process group
    _exit_code: int | None = None
    _failure: str = ""

    def run(self, limit: float, grace: float) -> int | None:
        """Run to the end; whatever happens here, the group has ended on return.

        Args:
            limit: seconds until the group is ended.
            grace: seconds between SIGTERM and SIGKILL.
        Returns:
            The exit code; None if it was ended by us, or `failure` says why there is none.
        """
        worker = threading.Thread(target=self._work, name="tdx", daemon=True)
        try:
            worker.start()
            return self._exit_code if self._ended_within(limit) else None
        finally:
            if self.ended.is_set():
                self.signal(signal.SIGKILL)  # what tdx has left behind in its group
            else:
                end_all([self], grace)

    def failure(self) -> TdxwrapError | None:
        """Return why the process did not start, or why its end is unknown."""
        if not self._failure:
            return None
        if self._pid is not None:
            return CallFailed(
                "tdx was started, but how it ended could not be found out",
                said=self._failure,
                hint=AGAIN,
            )
        what = f"{self.program} cannot be started"
        number = re.search(r"\[Errno (\d+)\]", self._failure)
        if number and int(number[1]) not in _NO_PROGRAM:
            hint = "nothing was asked of tdx: run the same command again once that is in order"
            return machine_problem(what, OSError(int(number[1]), self._failure), hint)
        return TdxMissing(
            what,
            said=self._failure,
            hint="is it a script whose first line names a program that is not there (node)? "
            + INSTALL_HINT,
        )

    def signal(self, number: int) -> bool:
        """Send a signal to the whole group; 0 only checks. Return False if the group is gone."""
        if self._pid is None:
            return False
        try:
            os.killpg(self._pid, number)
        except (ProcessLookupError, PermissionError):  # the latter on macOS, for what is dead
            return False
        return True

    def _work(self) -> None:
        """Start the process and wait for it; the body of its own thread."""
        try:
            running = self._spawn()
            self._pid = running.pid
            self.started.set()
            if self.doomed:
                self.signal(signal.SIGKILL)
            self._exit_code = running.exit_code
        except BaseException as error:
            # A signal between fork and exec raises in the child, right through sh. That copy of
            # us must not go on.
            if os.getpid() != self._owner:
                os._exit(255)
            # sh packs the traceback of the child into the text; only the last line is useful.
            lines = [line.strip() for line in str(error).splitlines() if line.strip()]
            self._failure = lines[-1] if lines else type(error).__name__
        finally:
            self.started.set()
            self.ended.set()

    def _spawn(self) -> Any:
        # /dev/null as a descriptor: sh would make a pipe of anything else (F9).
        with open(os.devnull, "rb") as nothing:
            return sh.Command(self.program)(
                *self.args,
                _in=nothing,
                _out=self.outputs[0],
                _err=self.outputs[1],
                _env=self.environ,
                _cwd=self.cwd,
                _encoding="utf-8",  # Node reads its arguments so, whatever the locale says
                _bg=True,
                _bg_exc=False,
                _new_group=True,
                _ok_code=_ANY_EXIT,
                _preexec_fn=self._die_with_owner,
                _log_msg=_nothing_to_log,
            )

    def _die_with_owner(self) -> None:
        """In the child, before exec: have the kernel kill it when we are killed (Linux only).

        The signal comes when the thread that forked ends; that one waits for the child.
        """
        if _PRCTL is not None:
            _PRCTL(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
            if os.getppid() != self._owner:
                os._exit(255)

    def _ended_within(self, limit: float) -> bool:
        """Wait for the end, at most `limit` seconds, in slices that each end at a safe point."""
        deadline = time.monotonic() + limit
        while not self.ended.wait(min(signals.SLICE, max(0.0, deadline - time.monotonic()))):
            signals.check()
            if time.monotonic() >= deadline:
                return self.ended.wait(_LAST_LOOK)
        return True


def end_all(processes: Iterable[Process], grace: float) -> None:
    """Send SIGTERM to the groups, give them `grace` seconds to end, then SIGKILL.

    A second Ctrl-C, or an exception that comes meanwhile, only makes it faster.
    """
    left = list(processes)
    for process in left:
        process.doomed = True
    try:
        for process in left:
            process.started.wait(_REAP)
            process.signal(signal.SIGTERM)
        deadline = time.monotonic() + grace
        while left := [process for process in left if process.signal(0)]:
            if signals.hurried() or time.monotonic() >= deadline:
                break
            time.sleep(_POLL)
    finally:
        for process in left:
            process.signal(signal.SIGKILL)
    for process in left:
        process.ended.wait(_REAP)


def _nothing_to_log(ran: str, call_args: Mapping[str, Any], pid: int | None = None) -> str:
    return "tdx"
