"""Start one call of the fake, by path (`python -I -S …/__main__.py`) or with `-m`."""

import os
import sys


def _make_importable() -> None:
    """Put the package on the path without running its own `__init__`, to start quickly."""
    here = os.path.dirname(os.path.realpath(__file__))
    package = type(sys)("tdxwrap")
    package.__path__ = [os.path.dirname(here)]
    sys.modules["tdxwrap"] = package


if __name__ == "__main__":
    if "tdxwrap" not in sys.modules:
        _make_importable()
    from tdxwrap.fake.cli import main

    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
