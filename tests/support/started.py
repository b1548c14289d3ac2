"""Start tdxwrap as its console script does, with its locks in the place that a test names."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from tdxwrap.__main__ import main
from tdxwrap.system import paths

if __name__ == "__main__":
    paths.TEMPORARY = os.environ["TEST_TMP"]
    if os.environ.get("TEST_TDX") == "inside":
        sys.path[0] = str(Path(__file__).parents[1])
        from support import forked_tdx

        forked_tdx.answer_inside()
    main()
