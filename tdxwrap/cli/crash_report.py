"""Crash reports: what is left of a bug in tdxwrap."""

from __future__ import annotations

import os

from tdxwrap.errors import TdxwrapError


def as_error(bug: Exception) -> TdxwrapError:
    """Turn a bug into an error of one line, and keep its traceback in a file."""
    import tempfile
    import traceback

    from tdxwrap.system.redact import Redactor

    trace = "".join(traceback.format_exception(bug))
    with tempfile.NamedTemporaryFile(
        "w", prefix="tdxwrap-bug-", suffix=".txt", delete=False, encoding="utf-8"
    ) as file:
        file.write(Redactor.from_environ(os.environ).text(trace))
    return TdxwrapError(
        f"a bug in tdxwrap: {type(bug).__name__}: {bug}",
        hint=f"please report it with {file.name}; running the command again is safe",
    )
