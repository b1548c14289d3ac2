"""The journals of earlier runs: find them, show them, and export them without names."""

import json
import os
import shlex
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tdxwrap.errors import TdxwrapError, UsageProblem
from tdxwrap.journal import record
from tdxwrap.journal.pseudonyms import Pseudonyms
from tdxwrap.output.documents import RunDocument
from tdxwrap.output.error_text import error_lines
from tdxwrap.output.lines import COMMAND_SHOWN, Line, counted, seconds_text
from tdxwrap.output.plan_text import LOOKS
from tdxwrap.plan.changes import Action
from tdxwrap.realtime.read import live_from
from tdxwrap.realtime.state import LiveState, Segment
from tdxwrap.system.text import json_text


@dataclass(frozen=True, slots=True)
class Run:
    """A journal that has been read.

    Attributes:
        lines: begin with its header.
        problem: why it cannot be read; of such a run, only the name and the time are known.
    """

    path: Path
    lines: tuple[dict[str, Any], ...]
    problem: str = ""

    def of(self, kind: str) -> list[dict[str, Any]]:
        """Return the lines of one kind, in order."""
        return [line for line in self.lines if line["type"] == kind]

    def summary(self) -> RunDocument:
        """Return the run as `tdxwrap runs` lists it; `exit` is None if it did not end."""
        header, last = self.lines[0], self.lines[-1]
        code = last["exit"] if last["type"] == "end" else None
        error = last["error"] if last["type"] == "end" else None
        unended = "unreadable" if self.problem else "did not end"
        outcomes = {None: unended, 0: "done", 7: "changes are pending"}
        planned = (self.of("planned") or [{"id": None, "name": None}])[-1]
        return RunDocument(
            id=header["id"],
            command=header["command"],
            segment=header["segment"],
            segment_id=planned["id"],
            segment_name=planned["name"],
            path=str(self.path),
            file=header.get("config"),
            started=header["at"],
            outcome=error["kind"] if error else outcomes.get(code, f"exit {code}"),
            exit=code,
            changes=last.get("written", len(self.of("change"))),
            calls=len(self.of("call")),
            seconds=round(last["at"] - header["at"], 3),
        )


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Turn what a damaged journal leads to, whatever is in it, into an error that says so."""
    try:
        yield
    except OSError as error:
        raise UsageProblem(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError):
        what = f"{path} is not a journal that tdxwrap can read: it is damaged"
        raise UsageProblem(what) from None


def read(path: Path) -> Run:
    """Read a journal; the last line of a killed run may be cut.

    Raises:
        UsageProblem: it cannot be read, is damaged, or is not a journal of this version.
    """
    with _reading(path):
        lines = tuple(json.loads(line) for line in path.read_bytes().split(b"\n")[:-1])
        version = lines[0]["journal"]
        if version != record.VERSION:
            raise UsageProblem(f"{path} is not a journal of a form that tdxwrap knows: {version}")
        run = Run(path, lines)
        list(list_lines([run]))
    return run


def read_all(environ: Mapping[str, str]) -> list[Run]:
    """Return the runs in the default folder, newest first.

    Raises:
        UsageProblem: the folder cannot be read.
    """
    where = record.folder(environ)
    if where is None:
        return []
    with _reading(where):
        found = [_read_or_not(path) for path in record.kept_in(where)]
    return sorted(found, key=lambda run: run.lines[0]["at"], reverse=True)


def _read_or_not(path: Path) -> Run:
    try:
        return read(path)
    except UsageProblem as error:
        written = path.stat().st_mtime if os.path.exists(path) else 0.0
        header = {"type": "run", "id": path.stem, "command": "", "segment": None, "at": written}
        return Run(path, (header,), error.what)


def chosen(runs: list[Run], ps: str | None, failed: bool) -> list[Run]:
    """Return the runs on a parent segment, by id or name, and of these those that failed."""
    found = [(run, run.summary()) for run in runs]
    return [
        run
        for run, about in found
        if ps is None or ps in (about.segment, about.segment_id, about.segment_name)
        if not (failed and about.exit in (0, 7))
    ]


def find(environ: Mapping[str, str], which: str) -> Run:
    """Find a run by its id, the beginning of it, `last`, or the path of its journal.

    Raises:
        UsageProblem: no run or more than one matches, or the journal cannot be read.
    """
    run = read(Path(which)) if os.path.isfile(which) else _found(environ, which)
    if run.problem:
        raise UsageProblem(run.problem)
    with _reading(run.path):
        list(story(run))
    return run


def _found(environ: Mapping[str, str], which: str) -> Run:
    runs = read_all(environ)
    readable = [run for run in runs if not run.problem]
    if which == "last" and readable:
        return readable[0]
    found = [run for run in runs if run.path.stem == which] or [
        run for run in runs if run.path.stem.startswith(which)
    ]
    if len(found) == 1:
        return found[0]
    several = ", ".join(run.path.stem for run in found[:5])
    raise UsageProblem(
        f"{len(found)} runs begin with {which}: {several}" if found else f"there is no run {which}",
        hint="see `tdxwrap runs`",
    )


# Showing


def list_lines(runs: list[Run]) -> Iterator[Line]:
    """Return one line per run: when it ran, with what file on which segment, how it ended."""
    for run in runs:
        summary = run.summary()
        what = run.problem or f"{_about(summary)}: {_counts(summary)}"
        yield Line(f"{summary.id}  ", f"{_when(summary)}  {what}")
    if not runs:
        yield Line("", "no runs are recorded")


def _about(run: RunDocument) -> str:
    segment = f"{run.segment_name} ({run.segment_id})" if run.segment_id else run.segment or ""
    file = os.path.relpath(run.file) if run.file else ""
    return " ".join(filter(None, (run.command, min(file, run.file or "", key=len), segment)))


def _when(run: RunDocument) -> str:
    return time.strftime("%Y-%m-%d %H:%M %z", time.localtime(run.started))


def story(run: Run) -> Iterator[Line]:
    """Return everything that happened in a run, in order."""
    summary, header = run.summary(), run.lines[0]
    login = f"profile {header['profile']}" if header["profile"] else "the selected profile"
    yield Line("", f"{_about(summary)} · {login} · {_when(summary)} · {summary.path}", "bold")
    done = {(line["kind"], line["name"]) for line in run.of("change")}
    for line in run.lines[1:]:
        if line["type"] != "change-started" or (line["kind"], line["name"]) not in done:
            yield from _lines(line)
    yield Line("", _counts(summary), "bold")


def _lines(line: Mapping[str, Any]) -> Iterator[Line]:
    match line["type"]:
        case "call":
            text = f"{shlex.join(line['argv'])[:COMMAND_SHOWN]}   # {_how(line)}"
            yield Line("    $ ", text, "dim", mark="red" if line["error"] else "")
        case "change":
            known_as = f" ({line['id']})" if line["id"] else ""
            text = f"{line['kind']} {line['name']}{known_as}"
            yield Line(f"    {_symbol(line)} ", text, mark="green")
        case "change-started":
            text = f"{line['kind']} {line['name']}: begun, and not known to be written"
            yield Line(f"    {_symbol(line)} ", text, mark="yellow")
        case "said":
            yield from (Line(f"    {prefix}", body) for prefix, body in line["lines"])
        case "end" if line["error"]:
            yield from error_lines(_error(line["error"]))
        case kind if kind in _SHOWN:
            yield _SHOWN[kind](line)


def _baseline(line: Mapping[str, Any]) -> Line:
    stays = line.get("asked_for", line["file"])
    there = "" if stays == line["file"] else f"; {stays} is there already, and stays as it is"
    return Line("  ✓ ", f"{line['command']} → {line['file']}{there}")


_SHOWN: Mapping[str, Callable[[Mapping[str, Any]], Line]] = {
    "step": lambda line: Line(f"{line['step']}  ", "", "bold"),
    "checkpoint": lambda line: Line("  ✓ ", line["checkpoint"]),
    "retry": lambda line: Line(
        "    ! ", f"{line['said']}: again in {seconds_text(line['seconds'])}"
    ),
    "status": lambda line: Line("    ", f"status {line['status'] or 'not listed'}"),
    "baseline": _baseline,
}


def _error(document: Mapping[str, Any]) -> TdxwrapError:
    """Return an error as the terminal showed it."""
    texts = {name: document.get(name, "") for name in ("hint", "said", "command")}
    error = TdxwrapError(document["what"], **texts)
    error.step, error.where, error.so_far = (
        document.get(name, "") for name in ("step", "where", "so_far")
    )
    error.others = tuple(map(_error, document.get("others", ())))
    return error


def _symbol(line: Mapping[str, Any]) -> str:
    return LOOKS[Action(line["action"])].symbol


def _how(call: Mapping[str, Any]) -> str:
    code = "ended by tdxwrap" if call["exit"] is None else f"exit {call['exit']}"
    kind = f", {call['error']}" if call["error"] else ""
    return f"{seconds_text(call['seconds'])}, {code}{kind}"


def _counts(summary: RunDocument) -> str:
    counts = f"{counted(summary.changes, 'change')}, {counted(summary.calls, 'call')}"
    return f"{summary.outcome}, {counts}, {seconds_text(summary.seconds)}"


def live_before(run: Run) -> LiveState:
    """Return what was live before the first write of a run.

    A key event that the run has renamed is `renamed_from` its name of now, so that going back to
    its former name keeps what hangs on it.

    Raises:
        UsageProblem: its journal does not hold that.
    """
    with _reading(run.path):
        # Of several plans the last one was carried out.
        planned = (run.of("planned") or [{"live": None}])[-1]
        if planned["live"] is not None:
            segment = Segment(planned["id"], planned["name"], None)
            live = live_from(segment, planned["live"])
            now = {line["id"]: line["name"] for line in run.of("change")}
            events = tuple(
                replace(each, value=each.value.model_copy(update={"renamed_from": now[each.id]}))
                if now.get(each.id, each.value.name) != each.value.name
                else each
                for each in live.key_events
            )
            return replace(live, key_events=events)
    raise UsageProblem(
        f"the journal of {run.lines[0]['id']} does not hold what was live before it",
        hint="it made no plan, is of an earlier version, or there was too much: see `tdxwrap runs`",
    )


# Exporting


def redacted(run: Run) -> str:
    """Return the journal without names."""
    pseudonyms = Pseudonyms(run.path.read_text(encoding="utf-8", errors="replace"))
    with _reading(run.path):
        # Twice: a sentence may mention a name before it is known as one.
        for _ in range(2):
            lines = [json_text(pseudonyms.line(line)) for line in run.lines]
    return "\n".join([*lines, ""])
