"""One apply at a time on a parent segment: on this machine, and on those that share a home."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from tdxwrap.errors import Locked
from tdxwrap.system import paths, signals
from tdxwrap.system.files import machine_problem
from tdxwrap.system.paths import state_home, temporary_folder, writable

# Seconds in which a run that was killed may still seem to hold its lock: a child of it does, until
# that has executed tdx.
GRACE = 1.0


@contextmanager
def segment_lock(
    environ: Mapping[str, str], segment_id: str, folder: Path | None = None
) -> Iterator[str]:
    """Hold the lock of a parent segment, in a folder of this machine and in the state folder.

    The latter may lie on a file system that has no locks, or not for us (NFS, a container): then
    only the runs of this machine are held off.
    The lock belongs to the open file, so a holder that died, however it died, holds it no more.
    It goes by the id alone: two accounts that know the same id would wait for each other, which
    is the safe mistake.

    Args:
        folder: where the locks of this machine lie, if not where every run looks for them.
    Yields:
        Why runs on other machines are not held off; empty if they are.
    Raises:
        Locked: another run holds it; says which.
        EnvironmentProblem: it cannot be taken on this machine.
    """
    # Only an id gets here, but a file name must not depend on that.
    name = "".join(c if c.isalnum() else "_" for c in segment_id) + ".lock"
    with ExitStack() as held:
        try:
            folder = folder or temporary_folder(paths.TEMPORARY, "locks")
            _take(held, folder / name, segment_id)
        except OSError as error:
            raise machine_problem(
                f"the lock of the parent segment {segment_id} cannot be taken: "
                f"{error.filename or folder}",
                error,
                "nothing was written; every run locks there, in a folder of yours alone",
            ) from None
        yield _taken_in_state(held, environ, name, segment_id)


def _taken_in_state(held: ExitStack, environ: Mapping[str, str], name: str, segment_id: str) -> str:
    state = state_home(environ)
    if state is None:
        return "neither HOME nor XDG_STATE_HOME says where the state folder is"
    try:
        _take(held, writable(state / "locks") / name, segment_id)
    except OSError as error:
        return f"{error.filename or state}: {error.strerror}"
    return ""


def _take(held: ExitStack, path: Path, segment_id: str) -> None:
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    held.callback(os.close, file)
    until = time.monotonic() + GRACE
    while not _is_mine(file):
        if time.monotonic() > until:
            raise Locked(
                f"another run is at work on the parent segment {segment_id}: {_holder(file)}",
                hint="wait for it to end and run the same command again",
            )
        signals.sleep(0.02)
    holder = json.dumps({"pid": os.getpid(), "since": time.strftime("%Y-%m-%d %H:%M:%S")})
    # Held it is all the same, on a full disk too.
    with suppress(OSError):
        os.ftruncate(file, 0)
        os.pwrite(file, holder.encode(), 0)


def _is_mine(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(file: int) -> str:
    try:
        holder = json.loads(os.pread(file, 1_000, 0))
        return f"process {holder['pid']}, since {holder['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "a process that has only just begun"
