"""Write files that people name, without losing what is there."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from tdxwrap.errors import EnvironmentProblem, UsageProblem

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""A disk that takes no more."""


def machine_problem(what: str, error: OSError, hint: str) -> EnvironmentProblem:
    """Return the error for what the machine does not do, with its reason by name.

    Args:
        hint: what to do next, unless the reason is a limit of this process.
    """
    if error.errno in (errno.EMFILE, errno.ENFILE):
        hint = "allow more open files, for instance with: ulimit -n 1024"
    return EnvironmentProblem(f"{what}: {error.strerror or error}", hint=hint)


def write_text(file: Path, text: str, option: str) -> Path | None:
    """Write a text to a file; keep an earlier one with other content under the next free name.

    Only a regular file is kept so, where a link leads to it. A terminal, a pipe, /dev/null or
    /dev/stdout gets the text as it is.

    Args:
        option: the option that names another file, for the hint.
    Returns:
        The name that the earlier file now has; None if there was none to keep.
    Raises:
        UsageProblem: this file cannot be written.
        EnvironmentProblem: the disk is full, or the like; the earlier file is where it was.
    """
    data = text.encode()
    try:
        if os.path.exists(file) and _is_open_or_special(os.stat(file)):
            _append(file, data)
            return None
        return _replace(behind(file), data)
    except OSError as error:
        if error.errno in NO_ROOM:
            raise EnvironmentProblem(
                f"{file} could not be written: {error.strerror}", hint=f"make room, or use {option}"
            ) from None
        raise UsageProblem(
            f"{file} cannot be written: {error.strerror}", hint=f"name another file with {option}"
        ) from None


def behind(file: Path) -> Path:
    """Return the file that a link leads to, whether it is there or not; what is no link itself."""
    return Path(os.path.realpath(file)) if file.is_symlink() else file


def free_name(file: Path) -> Path:
    """Return the next name after that of a file which nothing has: `rt.yaml.1`."""
    number = 1
    while os.path.lexists(free := file.with_name(f"{file.name}.{number}")):
        number += 1
    return free


def _is_open_or_special(found: os.stat_result) -> bool:
    """Whether a file takes what it gets in passing, or is where our own output goes.

    Raises:
        OSError: it is a folder, a disk or a socket, which nothing is written to.
    """
    if not stat.S_ISREG(found.st_mode):
        if not (stat.S_ISCHR(found.st_mode) or stat.S_ISFIFO(found.st_mode)):
            raise OSError(errno.EINVAL, "it is not a regular file")
        return True
    return any(os.path.samestat(found, os.fstat(descriptor)) for descriptor in (1, 2))


def _append(file: Path, data: bytes) -> None:
    # A pipe that nobody reads would block for ever: without O_NONBLOCK even to open it.
    descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK | os.O_NOCTTY)
    os.set_blocking(descriptor, True)
    with open(descriptor, "wb") as stream:
        stream.write(data)


def _replace(file: Path, data: bytes) -> Path | None:
    earlier = None
    if os.path.lexists(file):
        if file.read_bytes() == data:
            return None
        earlier = file.rename(free_name(file))
    try:
        file.write_bytes(data)
    except OSError:
        if earlier is not None:
            earlier.replace(file)
        raise
    return earlier
