"""Crash reports: what is left of a bug in tdxwrap."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

from tdxwrap.errors import EnvironmentProblem, TdxwrapError

_AGAIN = "running the command again is safe, once that is in order"


def as_error(bug: Exception) -> TdxwrapError:
    """Turn a bug into an error of one line, and keep its traceback in a file.

    A condition of the machine is no bug: a missing package, a full disk (also that of a help or a
    completion, which click prints itself), a file system or a limit that says no.
    """
    if isinstance(bug, ModuleNotFoundError) and not str(bug.name).startswith("tdxwrap"):
        way = f"{sys.executable} -m pip install click jmespath pydantic pyyaml rich sh"
        return EnvironmentProblem(f"tdxwrap lacks the package {bug.name}: install it with {way}")
    from tdxwrap.output.streams import unwritten
    from tdxwrap.system.files import NO_ROOM, machine_problem

    if isinstance(bug, OSError) and bug.errno in NO_ROOM:
        return unwritten(bug)
    if isinstance(bug, OSError):
        return machine_problem(f"{bug.filename or 'a file'} cannot be used", bug, _AGAIN)
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
