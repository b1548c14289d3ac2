"""One apply at a time on a parent segment, on this machine."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from tdxwrap.errors import EnvironmentProblem, Locked
from tdxwrap.system.paths import private_folder


@contextmanager
def segment_lock(environ: Mapping[str, str], segment_id: str) -> Iterator[None]:
    """Hold the lock of a parent segment.

    The lock belongs to the open file, so a holder that died, however it died, holds it no more.
    It goes by the id alone: two accounts that know the same id would wait for each other, which
    is the safe mistake.

    Raises:
        Locked: another run holds it; says which.
        EnvironmentProblem: there is no place for it.
    """
    # Only an id gets here, but a file name must not depend on that.
    name = "".join(c if c.isalnum() else "_" for c in segment_id)
    try:
        path = private_folder(environ, "locks") / f"{name}.lock"
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise EnvironmentProblem(
            f"the lock of the parent segment {segment_id} cannot be made: {error.strerror}",
            hint="nothing was written; name a folder that can be written to with XDG_STATE_HOME",
        ) from None
    try:
        _take(file, segment_id)
        yield
    finally:
        os.close(file)


def _take(file: int, segment_id: str) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Locked(
            f"another run is at work on the parent segment {segment_id}: {_holder(file)}",
            hint="wait for it to end and run the same command again",
        ) from None
    holder = json.dumps({"pid": os.getpid(), "since": time.strftime("%Y-%m-%d %H:%M:%S")})
    os.ftruncate(file, 0)
    os.pwrite(file, holder.encode(), 0)


def _holder(file: int) -> str:
    try:
        holder = json.loads(os.pread(file, 1_000, 0))
        return f"process {holder['pid']}, since {holder['since']}"
    except (ValueError, KeyError, TypeError):
        return "a process that has only just begun"
