"""The command `tdxwrap`: runs a command and turns every failure into a message and an exit code."""

from __future__ import annotations

import sys
from typing import NoReturn

from tdxwrap.cli import run


def main() -> NoReturn:
    """The entry point of the console script."""
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
