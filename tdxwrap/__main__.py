"""The command `tdxwrap`, as a process: its signals, its standard streams, its end."""

from __future__ import annotations

import gc
import os
import sys
from typing import NoReturn

from tdxwrap.system import signals


def main() -> NoReturn:
    """The entry point of the console script."""
    # Before all that takes time to import.
    signals.take_signals()
    _open_standard_streams()
    # A command makes much and drops little: to look for cycles as often as by default takes half of
    # the time of a large file.
    gc.set_threshold(200_000, 10, 100)
    from tdxwrap.cli.command_line import run

    code = run(sys.argv[1:])
    # All goes at once now: to look for cycles first takes longer than the rest of the exit.
    gc.freeze()
    sys.exit(code)


def _open_standard_streams() -> None:
    """Give closed standard streams (`>&-`) to nobody, before some other file gets their number."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    sys.stdin = sys.stdin or os.fdopen(0, encoding="utf-8", closefd=False)
    sys.stdout = sys.stdout or os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", encoding="utf-8", closefd=False)


if __name__ == "__main__":
    main()
