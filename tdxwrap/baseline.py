"""The file that holds what was configured before a run (recipe, 7a). No earlier file is lost."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from tdxwrap.errors import UsageProblem


@dataclass(frozen=True, slots=True)
class Baseline:
    """Where the baseline stands.

    Attributes:
        file: the file just written.
        earlier: the name that an earlier file with other content now has; None if there was none.
    """

    file: Path
    earlier: Path | None


def write_baseline(file: Path, write: Callable[[Path], None]) -> Baseline:
    """Have a baseline written to `file`; a file of that name is kept under the next free name.

    The earlier file goes out of the way first, since tdx asks before it overwrites (F9). It comes
    back if nothing is written, and is not kept twice if it holds the same.

    Args:
        write: writes the file.
    Raises:
        UsageProblem: the folder cannot be written to.
        TdxwrapError: what `write` raises.
    """
    try:
        earlier = _move_away(file)
    except OSError as error:
        raise _not_writable(file, error) from None
    try:
        write(file)
    finally:
        if earlier is not None and not file.exists():
            os.rename(earlier, file)
    if earlier is not None and _same(file, earlier):
        earlier.unlink()
        earlier = None
    return Baseline(file, earlier)


def _move_away(file: Path) -> Path | None:
    if not os.access(file.parent, os.W_OK):
        raise PermissionError(13, "Permission denied")
    if file.is_dir():
        raise IsADirectoryError(21, "Is a directory")
    if not file.exists():
        return None
    free = next(name for n in count(1) if not (name := file.with_name(f"{file.name}.{n}")).exists())
    os.rename(file, free)
    return free


def _same(file: Path, other: Path) -> bool:
    return file.exists() and file.read_bytes() == other.read_bytes()


def _not_writable(file: Path, error: OSError) -> UsageProblem:
    return UsageProblem(
        f"the baseline {file} cannot be written: {error.strerror}",
        hint="name another file with --rt-config; nothing was written to the parent segment",
    )
