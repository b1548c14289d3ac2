"""Crash reports: what is left of a bug in tdxwrap."""

from __future__ import annotations

import os
from contextlib import suppress

from tdxwrap.errors import TdxwrapError


def as_error(bug: Exception) -> TdxwrapError:
    """Turn a bug into an error of one line, and keep its traceback in a file.

    A full disk is no bug: neither that of a help or a completion, which click prints itself.
    """
    from tdxwrap.output.streams import unwritten
    from tdxwrap.system.files import NO_ROOM

    if isinstance(bug, OSError) and bug.errno in NO_ROOM:
        return unwritten(bug)
    import tempfile
    import traceback

    from tdxwrap.system.redact import Redactor

    trace = "".join(traceback.format_exception(bug))
    report = "please report it"
    text = Redactor.from_environ(os.environ).text(trace)
    with suppress(OSError):
        number, name = tempfile.mkstemp(".txt", "tdxwrap-bug-")
        with open(number, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
        report = f"please report it with {name}"
    return TdxwrapError(
        f"a bug in tdxwrap: {type(bug).__name__}: {bug}",
        hint=f"{report}; running the command again is safe",
    )
