"""Starts tdxwrap processes that need not load its modules first.

Loading pydantic, sh and rich takes half a second, and the suite runs tdxwrap a thousand times. So
one process loads everything once and forks: each child is a process of its own, with its own
arguments, environment, directory, streams and signals, that runs the entry point of the console
script. A line of JSON on stdin asks for a child; lines on stdout tell its pid and how it ended.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import pkgutil
import select
import signal
import sys
from typing import Any, NoReturn

from tdxwrap import __main__ as entry
from tdxwrap import cli

MODES = (
    os.O_RDONLY,
    os.O_WRONLY | os.O_CREAT | os.O_APPEND,
    os.O_WRONLY | os.O_CREAT | os.O_APPEND,
)


def become(request: dict[str, Any]) -> NoReturn:
    """In the child: take on the request's streams, directory and environment, and run."""
    for number in (signal.SIGCHLD, signal.SIGINT):
        signal.signal(
            number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
        )
    gc.disable()
    signal.set_wakeup_fd(-1)
    for number, (path, mode) in enumerate(zip(request["streams"], MODES, strict=True)):
        file = os.open(path, mode, 0o600)
        os.dup2(file, number)
        os.close(file)
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["environ"])
    encoding = os.environ.get("PYTHONIOENCODING", "utf-8")
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", encoding=encoding, closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding=encoding, closefd=False)  # noqa: SIM115
    sys.argv = ["tdxwrap", *request["args"]]
    code: Any = 1
    try:
        entry.main()
    except SystemExit as end:
        code = end.code
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(int(code or 0))


def serve() -> None:
    """Fork on request until stdin closes."""
    importlib.import_module("tdxwrap.cli.command_line")
    for module in pkgutil.iter_modules(cli.__path__, f"{cli.__name__}."):
        importlib.import_module(module.name)
    gc.freeze()
    wake, waker = os.pipe()
    os.set_blocking(waker, False)
    signal.set_wakeup_fd(waker)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    requests = b""
    while True:
        ready, _, _ = select.select([0, wake], [], [])
        if wake in ready:
            os.read(wake, 4096)
            reap()
        if 0 in ready:
            chunk = os.read(0, 1 << 20)
            if not chunk:
                return
            *lines, requests = (requests + chunk).split(b"\n")
            for line in lines:
                fork(json.loads(line))


def fork(request: dict[str, Any]) -> None:
    pid = os.fork()
    if pid == 0:
        become(request)
    tell({"started": request["name"], "pid": pid})


def reap() -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        tell({"ended": pid, "code": os.waitstatus_to_exitcode(status)})


def tell(message: dict[str, Any]) -> None:
    os.write(1, json.dumps(message).encode() + b"\n")


if __name__ == "__main__":
    serve()
