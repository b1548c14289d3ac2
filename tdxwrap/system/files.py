"""Write a file without losing an earlier one of that name (recipe, 7a: the baseline)."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from tdxwrap.errors import EnvironmentProblem, UsageProblem


@dataclass(frozen=True, slots=True)
class Written:
    """Where something was written.

    Attributes:
        file: the file just written.
        earlier: the name that an earlier file with other content now has; None if there was none.
    """

    file: Path
    earlier: Path | None


def write_with_backup(file: Path, write: Callable[[Path], None], option: str) -> Written:
    """Have `file` written; a file of that name is kept under the next free name.

    Args:
        write: writes the file.
        option: the option that names another file, for the hint.
    Raises:
        UsageProblem, EnvironmentProblem, TdxwrapError: as `back_up` and `write_in_place`.
    """
    return write_in_place(file, back_up(file, option), write, option)


def back_up(file: Path, option: str) -> Path | None:
    """Move a file out of the way, since tdx asks before it overwrites (F9).

    Returns:
        The next free name, which it has now; None if there was none.
    Raises:
        UsageProblem: the folder cannot be written to.
    """
    try:
        return _move_away(file)
    except OSError as error:
        raise UsageProblem(
            f"{file} cannot be written: {error.strerror}",
            hint=f"name another file with {option}; nothing was written to the parent segment",
        ) from None


def write_in_place(
    file: Path, earlier: Path | None, write: Callable[[Path], None], option: str
) -> Written:
    """Have `file` written where way was made for it.

    The earlier file comes back if nothing is written, and is not kept twice if it holds the same.

    Args:
        earlier: what `back_up` gave.
        write, option: as for `write_with_backup`.
    Raises:
        EnvironmentProblem: the disk is full, or the like.
        TdxwrapError: what `write` raises.
    """
    try:
        write(file)
    except OSError as error:
        raise EnvironmentProblem(
            f"{file} could not be written: {error.strerror}", hint=f"make room, or use {option}"
        ) from None
    finally:
        if earlier is not None and not file.exists():
            os.rename(earlier, file)
    if earlier is not None and _same(file, earlier):
        earlier.unlink()
        earlier = None
    return Written(file, earlier)


def _move_away(file: Path) -> Path | None:
    if not file.parent.is_dir():
        raise FileNotFoundError(2, f"there is no folder {file.parent}")
    if file.is_dir():
        raise IsADirectoryError(21, "it is a folder")
    # Permissions do not tell all (root, /proc, a full disk): only a file does.
    tempfile.TemporaryFile(dir=file.parent).close()
    if not file.exists():
        return None
    free = next(name for n in count(1) if not (name := file.with_name(f"{file.name}.{n}")).exists())
    os.rename(file, free)
    return free


def _same(file: Path, other: Path) -> bool:
    return file.exists() and file.read_bytes() == other.read_bytes()
