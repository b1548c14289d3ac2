"""How many examples of a property are tried: a part in `make test`, more in `make test-long`."""

from __future__ import annotations

import os

SHARE = float(os.environ.get("EXAMPLES", "0.4"))


def examples(number: int) -> int:
    """So many of a number of examples as this run has time for."""
    return max(3, round(number * SHARE))
