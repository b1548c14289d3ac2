"""The temporary files of a run: private, gone afterwards, and swept up after a kill."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from tdxwrap.system.files import machine_problem

TEMPORARY_PREFIX = "tdxwrap-"


def output_file() -> IO[bytes]:
    """Return a regular file without a name, which nobody else can open; the caller closes it."""
    with _temporary_files():
        return tempfile.TemporaryFile(buffering=0)


@contextlib.contextmanager
def file_of(text: str) -> Iterator[str]:
    """Yield the path of a private file that holds the text, until the end of the context."""
    with throwaway() as folder:
        path = folder / "body.json"
        with _temporary_files():
            path.touch(0o600)
            path.write_text(text, encoding="utf-8")
        yield str(path)


@contextlib.contextmanager
def throwaway() -> Iterator[Path]:
    """Make a private directory until the end of the context.

    Its name holds our pid and it is locked as long as we live: `sweep_leftovers` knows it by that
    from one that a killed process left behind.
    """
    with _temporary_files():
        directory = tempfile.TemporaryDirectory(
            prefix=f"{TEMPORARY_PREFIX}{os.getpid()}-", ignore_cleanup_errors=True
        )
        descriptor = _lock_directory(directory.name)
    try:
        yield Path(directory.name)
    finally:
        directory.cleanup()
        if descriptor is not None:
            os.close(descriptor)


@contextlib.contextmanager
def _temporary_files() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise machine_problem(
            f"no temporary file could be written in {tempfile.tempdir or 'any directory'}",
            error,
            "make room there, or name another directory with TMPDIR",
        ) from None


def _lock_directory(path: str) -> int | None:
    """Return an open descriptor that holds the lock on a directory; None if another has it."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def sweep_leftovers() -> int:
    """Remove the temporary directories that killed processes of this user left; return how many.

    The lock, and not the pid alone, shows whether a process lives: its pid may belong to another
    container that shares the directory.

    Raises:
        OSError: the temporary directory cannot be read.
    """
    return sum(_swept(path) for path in Path(tempfile.gettempdir()).glob(f"{TEMPORARY_PREFIX}*-*"))


def _swept(path: Path) -> bool:
    pid = path.name.removeprefix(TEMPORARY_PREFIX).partition("-")[0]
    if not pid.isdecimal() or _alive(int(pid)):
        return False
    try:
        descriptor = _lock_directory(str(path)) if path.stat().st_uid == os.getuid() else None
    except OSError:
        return False
    if descriptor is None:
        return False
    shutil.rmtree(path, ignore_errors=True)
    os.close(descriptor)
    return True


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
