"""Errors and the problems of a configuration file, as lines."""

from __future__ import annotations

from tdxwrap.errors import ConfigError, Problem, TdxwrapError
from tdxwrap.output.lines import Line, command_text, counted

SHOWN = 50
"""How many problems of a file are shown; of more, something else was given by mistake."""


def error_lines(error: TdxwrapError) -> list[Line]:
    """Render what failed, what tdx said and what to do next."""
    if isinstance(error, ConfigError):
        return _problem_lines(error)
    step = f"{error.step}: " if error.step else ""
    where = f"   {error.where}" if error.where else ""
    lines = [Line("✗ ", f"{step}{error.what}{where}", "bold", mark="red")]
    details = {
        "tdx said": error.said,
        "command": command_text(error.command),
        "so far": error.so_far,
        "next": error.hint,
    }
    for label, text in details.items():
        for row in text.splitlines():
            lines.append(Line(f"  {label:<11}", row))
            label = ""
    for other in error.others:
        lines.extend(error_lines(other))
    return lines


def _problem_lines(error: ConfigError) -> list[Line]:
    """Render what is wrong with a file: where it is, and how to fix it."""
    lines: list[Line] = []
    for problem in error.problems[:SHOWN]:
        place = f"{problem.file}:{problem.line}:{problem.column}" if problem.line else problem.file
        path = f"{problem.path}: " if problem.path else ""
        lines.append(Line(f"{place}  ", f"{path}{problem.message}", mark="red"))
        if problem.hint:
            lines.append(Line(" " * (len(place) + 2), problem.hint))
    total = counted(error.count, "error")
    more = f"; the first {SHOWN} are shown" if error.count > SHOWN else ""
    return [*lines, Line("", f"{total}{more}", "bold")]


def warning_line(problem: Problem) -> Line:
    """Render what a file may say but seldom means to."""
    hint = f" – {problem.hint}" if problem.hint else ""
    place = f"! {problem.file}:{problem.line}:{problem.column}  "
    return Line(place, f"{problem.path}: {problem.message}{hint}", mark="yellow")
