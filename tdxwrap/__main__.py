"""The process of the command `tdxwrap`: signals, standard streams and exit."""

from __future__ import annotations

import gc
import os
import sys
from typing import NoReturn

from tdxwrap.system import signals


def main() -> NoReturn:
    """Run the command line of this process and exit."""
    # First, because the imports below take time.
    signals.take_signals()
    _open_standard_streams()
    # A command drops few objects. The default thresholds would spend half of the time of a large
    # file on garbage collection.
    gc.set_threshold(200_000, 10, 100)
    try:
        from tdxwrap.cli.command_line import run

        code = run(sys.argv[1:])
    except ModuleNotFoundError as missing:  # of what is needed to print an error, too
        from tdxwrap.cli.crash_report import as_error

        error = as_error(missing)
        sys.stderr.write(f"✗ {error.what}\n")
        code = error.exit_code
    # Skip the collection at exit; it would take longer than the rest of the exit.
    gc.freeze()
    sys.exit(code)


def _open_standard_streams() -> None:
    """Open closed standard streams (`>&-`) on /dev/null, before a file gets their number."""
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
