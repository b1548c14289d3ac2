"""The command `tdxwrap`: runs a command and turns every failure into a message and an exit code."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

from tdxwrap.cli import run


def main() -> NoReturn:
    """The entry point of the console script."""
    _open_standard_streams()
    sys.exit(run(sys.argv[1:]))


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
