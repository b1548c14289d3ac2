"""Start tdxwrap as its console script does, with its locks in the place that a test names."""

from __future__ import annotations

import os

from tdxwrap.__main__ import main
from tdxwrap.system import paths

if __name__ == "__main__":
    paths.TEMPORARY = os.environ["TEST_TMP"]
    main()
