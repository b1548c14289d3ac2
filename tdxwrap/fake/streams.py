"""The three standard streams: what they are, and writing to them (tdx-facts F2, F9)."""

from __future__ import annotations

import os
import stat

PIPE_BYTES = 65536


def stdout_kind() -> str:
    """What stdout is: file, pipe, tty, null or closed."""
    try:
        mode = os.fstat(1)
    except OSError:
        return "closed"
    if stat.S_ISREG(mode.st_mode):
        return "file"
    if os.isatty(1):
        return "tty"
    return "null" if _is_null(mode) else "pipe"


def stdin_kind() -> str:
    """What stdin is: eof, open or tty, found out without waiting."""
    try:
        mode = os.fstat(0)
    except OSError:
        return "eof"
    if os.isatty(0):
        return "tty"
    if _is_null(mode):
        return "eof"
    if stat.S_ISREG(mode.st_mode):
        return "eof" if os.lseek(0, 0, os.SEEK_CUR) >= mode.st_size else "open"
    return "open" if _may_speak() else "eof"


def _is_null(mode: os.stat_result) -> bool:
    if not stat.S_ISCHR(mode.st_mode):
        return False
    return mode.st_rdev == os.stat(os.devnull).st_rdev


def _may_speak() -> bool:
    """Whether the other end of the pipe is still there or has left something to read."""
    import fcntl
    import select
    import termios

    readable, _, _ = select.select([0], [], [], 0)
    if not readable:
        return True
    waiting = fcntl.ioctl(0, termios.FIONREAD, bytes(4))
    return waiting != bytes(4)


def confirmed(question: str) -> bool:
    """Ask on stdout and read the reply from stdin, as tdx does (tdx-facts F9)."""
    _write(1, question.encode())
    reply = b""
    while not reply.endswith(b"\n"):
        try:
            piece = os.read(0, 1)
        except OSError:
            break
        if not piece:
            break
        reply += piece
    return reply.strip().lower() in (b"y", b"yes")


def write_out(data: bytes, kind: str) -> None:
    """Write to stdout; a pipe or a terminal gets the first 64 KiB only (tdx-facts F2)."""
    if kind in ("pipe", "tty"):
        data = data[:PIPE_BYTES]
    _write(1, data)


def write_err(message: str) -> None:
    """Write to stderr."""
    _write(2, message.encode("utf-8", "surrogateescape"))


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    try:
        while view:
            view = view[os.write(descriptor, view) :]
    except OSError:
        # A reader that has gone away is no concern of this program.
        return
