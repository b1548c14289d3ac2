"""Starts tdxwrap processes that need not load its modules first.

Loading pydantic, sh and rich takes half a second, and the suite runs tdxwrap a thousand times. So
one process loads everything once and forks: each child is a process of its own, with its own
arguments, environment, directory, streams and signals, that runs the entry point of the console
script. Each connection to the socket that it is given asks for one child (client.py): it sends the
standard streams, the directory and a line of JSON, and gets back the pid and, in the end, the exit
code.
"""

from __future__ import annotations

import fcntl
import gc
import importlib
import json
import os
import pkgutil
import select
import signal
import socket
import sys
import termios
from typing import Any, NoReturn

from pydantic import BaseModel

import tdxwrap
from support import failing, forked_tdx, inside
from tdxwrap import __main__ as entry
from tdxwrap.system import paths


def become(request: dict[str, Any], files: list[int]) -> NoReturn:
    """In the child: take on the request's streams, directory and environment, and run."""
    *streams, directory = files
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    gc.disable()
    for number, file in enumerate(streams):
        os.dup2(file, number)
    os.fchdir(directory)
    os.closerange(3, 256)
    if request["terminal"]:
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    os.environ.clear()
    os.environ.update(request["environ"])
    encoding = os.environ.get("PYTHONIOENCODING", "utf-8")
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", encoding=encoding, closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding=encoding, closefd=False)  # noqa: SIM115
    sys.argv = ["tdxwrap", *request["args"]]
    # In the place of /tmp, where all tests would wait for each other's locks.
    paths.TEMPORARY = os.environ["TEST_TMP"]
    failing.install(request["environ"])
    if os.environ.get("TEST_TDX") == "inside":
        forked_tdx.answer_inside()
    code: Any = 1
    try:
        entry.main()
    except SystemExit as end:
        code = end.code
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(int(code or 0))


def load() -> None:
    """Import all that any command needs, and build what pydantic puts off until first used."""
    for module in pkgutil.walk_packages(tdxwrap.__path__, f"{tdxwrap.__name__}."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    for name in ("rich._emoji_codes", "encodings.utf_8_sig", "click._textwrap"):
        importlib.import_module(name)
    models = BaseModel.__subclasses__()
    for model in models:
        model.model_rebuild()
        models += model.__subclasses__()
    forked_tdx.install()
    for short in inside.short_waits():
        short.start()
    gc.freeze()


def serve(listener: socket.socket) -> None:
    """Fork on request until stdin closes."""
    wake, waker = os.pipe()
    os.set_blocking(waker, False)
    signal.set_wakeup_fd(waker)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    waiting: dict[int, socket.socket] = {}
    while True:
        ready, _, _ = select.select([0, wake, listener], [], [])
        if listener in ready:
            connection, _ = listener.accept()
            pid = fork(connection)
            waiting[pid] = connection
            tell(connection, pid)
        if wake in ready:
            os.read(wake, 4096)
            reap(waiting)
        if 0 in ready:
            return


def fork(connection: socket.socket) -> int:
    """Read a request and fork the child that it asks for."""
    _, files, _, _ = socket.recv_fds(connection, 1, 4)
    with connection.makefile("rb") as file:
        request = json.loads(file.readline())
    pid = os.fork()
    if pid == 0:
        become(request, files)
    for file in files:
        os.close(file)
    return pid


def reap(waiting: dict[int, socket.socket]) -> None:
    while waiting:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        connection = waiting.pop(pid)
        tell(connection, os.waitstatus_to_exitcode(status))
        connection.close()


def tell(connection: socket.socket, number: int) -> None:
    try:
        connection.sendall(b"%d\n" % number)
    except (BrokenPipeError, ConnectionResetError):  # nobody waits for it
        return


if __name__ == "__main__":
    load()
    serve(socket.socket(fileno=int(sys.argv[1])))
