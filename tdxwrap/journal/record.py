"""The record of a run: JSON Lines, each written as it happens and free of secrets.

The first line is the header (`run`), the last one the `end`; between them are the tdx calls
(`call`), changes (`change-started`, `change`), steps (`step`, `checkpoint`), other events, and what
was printed beside them (`said`).
A killed run leaves a journal without an end; its last line may be cut. A journal that cannot be
written never fails the run, which continues without one after a warning.
"""

import errno
import os
import re
import stat
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from tdxwrap.apply import events
from tdxwrap.apply.events import Event
from tdxwrap.errors import TdxwrapError, UsageProblem
from tdxwrap.output import documents
from tdxwrap.output.lines import Line
from tdxwrap.plan.course import Course
from tdxwrap.realtime.read import documents_of
from tdxwrap.system.files import NO_ROOM, free_name, machine_problem
from tdxwrap.system.paths import make_private, private_folder, state_home
from tdxwrap.system.redact import Redactor
from tdxwrap.system.text import json_text
from tdxwrap.tdx.answer import CompletedCall
from tdxwrap.tdx.context import Context
from tdxwrap.version import __version__

VERSION = 1
# Of what is live before a run, so many characters of JSON are kept: thousands of attributes.
LONGEST_LIVE = 4_000_000
# How many runs are kept; the files of older ones are deleted when a run begins.
KEPT = 200
_ENDINGS = (".jsonl", ".rt_config.yaml")
_NAME = re.compile(r"([0-9]{8}T[0-9]{6}-.+?)(?:\.jsonl|\.rt_config\.yaml)")
_KINDS: dict[type[Event], str] = {
    events.Planned: "planned",
    events.StepStarted: "step",
    events.StepDone: "checkpoint",
    events.ChangeStarted: "change-started",
    events.ChangeDone: "change",
    events.StatusSeen: "status",
    events.Retrying: "retry",
    events.BaselineWritten: "baseline",
    events.LiveMoved: "live-moved",
    events.LiveKept: "live-kept",
    events.LockedHere: "locked-here",
    Context: "context",
}
_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_NOCTTY


@dataclass(slots=True)
class Journal:
    """The record of one run. Its methods may be called from any thread.

    Attributes:
        id: the name of the run, such as `20261122T091455-394649`.
        file: an open file descriptor, owned by the journal; -1 once it is closed.
        path: the name of the file.
        redactor: removes the secrets from every line.
        warn: called once, with one line of text, if no more can be written.
    """

    id: str
    file: int
    path: Path
    redactor: Redactor
    warn: Callable[[str], None]
    lock: threading.RLock = field(default_factory=threading.RLock)
    started: float = field(default_factory=time.monotonic)
    step: str = "read"

    def header(self, command: str, about: Mapping[str, Any]) -> None:
        """Write the first line: the version, the command, its segment and profile.

        Raises:
            EnvironmentProblem: there is no room for it.
        """
        run = {"journal": VERSION, "tdxwrap": __version__, "id": self.id, "pid": os.getpid()}
        self._write("run", {**run, "command": command, **about})

    def call(self, call: CompletedCall) -> None:
        """Write a finished tdx call with the step in which it ran."""
        optional = {"truncated": call.truncated, "body": call.body}
        line = {
            # The login is checked while other calls read, and is the only call of its step.
            "step": "key" if call.argv[-1] == "auth" else self.step,
            "argv": call.argv,
            "started": call.started,
            "seconds": call.seconds,
            "exit": call.exit_code,
            "error": call.error,
            "stdout": call.stdout,
            "stderr": call.stderr,
        }
        self._write("call", line | {name: value for name, value in optional.items() if value})

    def event(self, event: Event) -> None:
        """Write an event of the run."""
        if isinstance(event, events.StepStarted | events.StepDone) and event.step != "key":
            self.step = event.step if isinstance(event, events.StepStarted) else "read"
        self._write(_KINDS[type(event)], _content(event))

    def said(self, lines: Iterable[Line]) -> None:
        """Write what the run printed beside its events: warnings, the plan, the validation."""
        texts = [[line.prefix, line.body] for line in lines]
        if texts:
            self._write("said", {"lines": texts})

    def end(self, code: int, error: TdxwrapError | None, course: Course | None) -> None:
        """Write the last line, how the run ended and how far it came, and close the file."""
        failure = None if error is None else documents.ErrorDocument.of(error)
        seconds = time.monotonic() - self.started
        counts = course.counts if course else {}
        self._write("end", {"exit": code, "error": failure, "seconds": seconds, **counts})
        self._close()

    def _write(self, kind: str, content: Mapping[str, Any]) -> None:
        whole = {"type": kind, "at": time.time(), **content}
        line = self.redactor.json({name: _plain(value) for name, value in whole.items()})
        text = json_text(line).encode() + b"\n"
        with self.lock:
            if self.file < 0:
                return
            try:
                _write_all(self.file, text)
            except OSError as error:
                self._close()
                if kind == "run":
                    _refuse_without_room(self.path, error)
                self.warn(f"the journal {self.path} breaks off: {error.strerror}")

    def _close(self) -> None:
        with self.lock:
            if self.file >= 0:
                os.close(self.file)
            self.file = -1


def _refuse_without_room(path: Path | None, error: OSError) -> None:
    """End a run that has not begun where the disk is full, without an empty journal."""
    if error.errno in NO_ROOM:
        if path is not None and path.is_file():
            path.unlink()
        hint = "nothing was written; make room, name another file with --journal, or --no-journal"
        raise machine_problem(f"no journal of this run: {path or 'its folder'}", error, hint)


def _write_all(file: int, data: bytes) -> None:
    while data:
        data = data[os.write(file, data) :]


def _plain(value: Any) -> Any:
    """Return lists for tuples, which the redactor skips, and times in milliseconds."""
    if isinstance(value, float):
        return round(value, 3)
    return list(value) if isinstance(value, tuple) else value


def _content(event: Event) -> dict[str, Any]:
    if isinstance(event, events.Planned):
        plan = event.course.plan
        segment, live = plan.live.segment, documents_of(plan.live)
        kept = live if len(json_text(live)) <= LONGEST_LIVE else None
        return {"id": segment.id, "name": segment.name, "live": kept}
    content = {field.name: getattr(event, field.name) for field in fields(event)}
    content.pop("aside", None)
    if isinstance(event, events.ChangeStarted | events.ChangeDone):
        del content["change"]
        content["id"] = content.get("id") or event.change.live_id
        return documents.ChangeDocument.of(event.change, exclude={"state", "seconds"}) | content
    if isinstance(event, events.Retrying):
        error = event.error
        return content | {"error": error.kind, "said": error.said or error.what}
    return content


# Where journals are


def folder(environ: Mapping[str, str]) -> Path | None:
    """Return the folder of the journals; None without a home and an XDG state directory."""
    home = state_home(environ)
    return None if home is None else home / "runs"


def open_journal(
    path: Path | None, label: str, environ: Mapping[str, str], warn: Callable[[str], None]
) -> Journal | None:
    """Open a new journal; return None after a warning if none can be written.

    Args:
        path: the file to write; None for a new one in the default folder.
        label: the end of the run's name: the segment or the command.
        environ: gives the default folder and the secrets to remove.
        warn: called with one line of text if there is no journal.
    Raises:
        UsageProblem: the file `path` exists.
        EnvironmentProblem: there is no room for it.
    """
    redactor = Redactor.from_environ(environ)
    run_id = _new_id(redactor.text(label))
    try:
        if path is not None:
            return Journal(run_id, _named(path), path, redactor, warn)
        file, path = _new_file(environ, run_id)
        return Journal(path.stem, file, path, redactor, warn)
    except OSError as error:
        _refuse_without_room(path, error)
        warn(f"no journal of this run: {error.filename or path}: {error.strerror}")
        return None


def _new_id(label: str) -> str:
    clean = re.sub(r"[^\w.-]+", "_", label, flags=re.ASCII)[:60]
    return f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}-{clean}"


def baseline_beside(journal: Journal | None, label: str, environ: Mapping[str, str]) -> Path:
    """Return where the baseline of a run goes that has no place of its own.

    That is beside the journals, under the name of the run, and it goes when that journal goes.

    Args:
        label: the end of the run's name if there is no journal.
    Raises:
        OSError: there is no folder for it.
    """
    where = private_folder(environ, "runs")
    run_id = _new_id(label) if journal is None else journal.id
    _delete_oldest(where, run_id)
    file = where / f"{run_id}{_ENDINGS[1]}"
    return free_name(file) if file.exists() else file


def _named(path: Path) -> int:
    try:
        return _created(path)
    except FileExistsError:
        if stat.S_ISCHR(path.stat().st_mode):  # /dev/null and the like
            return os.open(path, _FLAGS)
    raise UsageProblem(
        f"the journal {path} exists already", hint="name a new file with --journal, or remove it"
    )


def _new_file(environ: Mapping[str, str], run_id: str) -> tuple[int, Path]:
    where = folder(environ)
    if where is None:
        raise OSError(errno.ENOENT, "neither HOME nor XDG_STATE_HOME says where", "~/.local/state")
    make_private(where)
    _delete_oldest(where, run_id)
    path, number = where / f"{run_id}.jsonl", 1
    while True:
        try:
            return _created(path), path
        except FileExistsError:  # another run began in this second
            number += 1
            path = where / f"{run_id}-{number}.jsonl"


def _created(path: Path) -> int:
    file = os.open(path, _FLAGS | os.O_CREAT | os.O_EXCL, 0o600)
    os.fchmod(file, 0o600)  # whatever the umask takes away
    return file


def _delete_oldest(where: Path, new: str) -> None:
    """Delete the files of the oldest runs, so that there is room for a new one of that id."""
    files = [path.name for path in where.iterdir() if path.is_file()]
    found = {name[1] for file in files if (name := _NAME.fullmatch(file))}
    for old in sorted(found - {new})[: 1 - KEPT]:
        for ending in _ENDINGS:
            (where / f"{old}{ending}").unlink(missing_ok=True)


def kept_in(where: Path) -> list[Path]:
    """Return the journals in a folder, unordered; none if there is no such folder.

    Raises:
        OSError: it cannot be read.
    """
    try:
        names = os.listdir(where)
    except (FileNotFoundError, NotADirectoryError):
        return []
    found = [where / name for name in names if _NAME.fullmatch(name) and name.endswith(".jsonl")]
    return [path for path in found if os.path.isfile(path) or not os.path.exists(path)]
