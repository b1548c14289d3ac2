"""Write a file without losing an earlier one of that name (recipe, 7a: the baseline)."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
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
    """Write `file`; keep an earlier file of that name under the next free name.

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
        The next free name, which it has now; None if there was no file.
    Raises:
        UsageProblem: the folder is not writable.
    """
    try:
        if not file.parent.is_dir():
            raise FileNotFoundError(2, f"there is no folder {file.parent}")
        if file.is_dir():
            raise IsADirectoryError(21, "it is a folder")
        # Permissions do not say everything (root, /proc, a full disk): only a file does.
        tempfile.TemporaryFile(dir=file.parent).close()
        return _move_away(file) if file.exists() else None
    except OSError as error:
        raise UsageProblem(
            f"{file} cannot be written: {error.strerror}",
            hint=f"name another file with {option}; nothing was written to the parent segment",
        ) from None


def write_in_place(
    file: Path, earlier: Path | None, write: Callable[[Path], None], option: str
) -> Written:
    """Write `file` after `back_up`.

    The earlier file comes back if nothing is written, and is not kept twice if it holds the same.

    Args:
        earlier: what `back_up` returned.
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


def _move_away(file: Path) -> Path:
    number = 1
    while (free := file.with_name(f"{file.name}.{number}")).exists():
        number += 1
    return file.rename(free)


def _same(file: Path, other: Path) -> bool:
    return file.exists() and file.read_bytes() == other.read_bytes()
