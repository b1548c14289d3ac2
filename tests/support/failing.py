"""File operations of a tdxwrap that fail, as on a full disk, a mount that is gone or at a limit.

A rule is `OPERATION ERRNO WHERE`, such as `flock ENOLCK .local/state`: every such operation fails
on a path under the test's own folder that holds the text WHERE. Where OPERATION is a number, only
that operation of the run fails, counted from 1, whatever it is; `write@20` fails from the 20th on.
Several are separated by a comma.
"""

from __future__ import annotations

import errno
import os
import sys
import threading
from collections.abc import Callable
from typing import Any

# The events of Python's own audit, which come before the system call, and what has none.
_EVENTS = {
    "open": "open",
    "os.mkdir": "mkdir",
    "os.listdir": "list",
    "os.scandir": "list",
    "os.rename": "rename",
    "os.remove": "unlink",
    "os.rmdir": "rmdir",
    "os.truncate": "truncate",
    "os.chmod": "chmod",
    "fcntl.flock": "flock",
}
_FUNCTIONS = ("write", "pwrite", "pread", "stat", "lstat", "fstat", "access")


class Failing:
    """The rules of one process, and its count of operations."""

    def __init__(self, rules: str, folder: str, log: str) -> None:
        self._rules = [rule.split(" ", 2) for rule in rules.split(",") if rule]
        self._folder = folder
        self._owner = os.getpid()
        self._count = 0
        self._log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND) if log else -1
        self._busy = threading.local()
        self._lock = threading.Lock()

    def install(self) -> None:
        for name in _FUNCTIONS:
            setattr(os, name, self._failing(name, getattr(os, name)))
        sys.addaudithook(self._audit)

    def _failing(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def failing(place: Any, *args: Any, **more: Any) -> Any:
            self._check(name, place)
            return function(place, *args, **more)

        return failing

    def _audit(self, event: str, args: tuple[Any, ...]) -> None:
        if event in _EVENTS:
            self._check(_EVENTS[event], args[0])

    def _check(self, operation: str, place: Any) -> None:
        # In a fork it is tdx that is about to start.
        if getattr(self._busy, "now", False) or os.getpid() != self._owner:
            return
        self._busy.now = True
        try:
            path = _path(place)
            if path.startswith(self._folder):
                self._fail(operation, path)
        finally:
            self._busy.now = False

    def _fail(self, operation: str, path: str) -> None:
        with self._lock:
            self._count += 1
            count = self._count
        if self._log >= 0:
            os.write(self._log, f"{operation} {path}\n".encode())
        for which, code, where in self._rules:
            name, _, first = which.partition("@")
            if name in (operation, str(count)) and where in path and count >= int(first or 0):
                number = getattr(errno, code)
                raise OSError(number, os.strerror(number), path)


def _path(place: Any) -> str:
    if isinstance(place, int):
        try:
            return os.readlink(f"/proc/self/fd/{place}")
        except OSError:
            return ""
    return (
        os.path.abspath(os.fsdecode(place)) if isinstance(place, str | bytes | os.PathLike) else ""
    )


def install(environ: dict[str, str]) -> None:
    """Let operations fail by the variables of a request to the zygote: TEST_FAIL, TEST_LOG."""
    if rules := environ.get("TEST_FAIL", ""):
        Failing(rules, environ["TEST_TMP"], environ.get("TEST_LOG", "")).install()
