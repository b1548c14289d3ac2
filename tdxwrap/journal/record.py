"""The record of a run: JSON Lines, each written when it happens, all of them free of secrets.

The first line is the header (`run`), the last one the `end`; in between stand each tdx call
(`call`), change (`change-started`, `change`), step (`step`, `checkpoint`) and what else happened.
A run that was killed leaves a journal without an end, its last line perhaps cut. A journal that
cannot be written never fails the run: it goes on without one, after a warning.
"""

from __future__ import annotations

import errno
import json
import os
import re
import stat
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from tdxwrap.apply import events
from tdxwrap.apply.events import Event
from tdxwrap.errors import TdxwrapError, UsageProblem
from tdxwrap.output import documents
from tdxwrap.system.paths import make_private, state_home
from tdxwrap.system.redact import Redactor
from tdxwrap.tdx.answer import CompletedCall
from tdxwrap.version import __version__

VERSION = 1
# How many journals are kept; older ones go when a run begins.
KEPT = 200
_NAME = re.compile(r"[0-9]{8}T[0-9]{6}-.+\.jsonl")
_KINDS: dict[type[Event], str] = {
    events.StepStarted: "step",
    events.StepDone: "checkpoint",
    events.ChangeStarted: "change-started",
    events.ChangeDone: "change",
    events.StatusSeen: "status",
    events.Retrying: "retry",
    events.FileKept: "file-kept",
    events.BaselineWritten: "baseline",
    events.LiveMoved: "live-moved",
}
_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_NOCTTY


class Journal:
    """The record of one run; its methods may be called from any thread, and never raise.

    Args:
        run_id: what the run is called, such as `20261122T091455-394649`.
        file: an open file descriptor, which the journal owns from now on.
        path: the file's name, to show.
        redactor: what takes the secrets out of every line.
        warn: is told once, in one line, if no more can be written.
    """

    def __init__(
        self,
        run_id: str,
        file: int,
        path: Path,
        redactor: Redactor,
        warn: Callable[[str], None],
    ) -> None:
        self.id = run_id
        self.path = path
        self._file = file
        self._redactor = redactor
        self._warn = warn
        self._lock = threading.RLock()
        self._started = time.monotonic()
        self._step = "read"

    def header(self, command: str, about: Mapping[str, Any]) -> None:
        """The first line: which tdxwrap does what, to which segment, as whom."""
        run = {"journal": VERSION, "tdxwrap": __version__, "id": self.id, "pid": os.getpid()}
        self._write("run", {**run, "command": command, **about})

    def call(self, call: CompletedCall) -> None:
        """A tdx call that has ended; `step` is the one in which it ran."""
        optional = {"truncated": call.truncated or None, "body": call.body}
        line = {
            # The login is looked for while other calls read, and is the only call of its step.
            "step": "key" if call.argv[-1] == "auth" else self._step,
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
        """What happened in the run."""
        if isinstance(event, events.StepStarted | events.StepDone) and event.step != "key":
            self._step = event.step if isinstance(event, events.StepStarted) else "read"
        self._write(*_told(event))

    def end(self, code: int, error: TdxwrapError | None) -> None:
        """The last line: how the run ended. Nothing can follow."""
        told = None if error is None else documents.ErrorDocument.of(error)
        seconds = time.monotonic() - self._started
        self._write("end", {"exit": code, "error": told, "seconds": seconds})
        self._close()

    def _write(self, kind: str, content: Mapping[str, Any]) -> None:
        told = {"type": kind, "at": time.time(), **content}
        line = self._redactor.json({name: _plain(value) for name, value in told.items()})
        # A lone surrogate has no UTF-8; `\\udc80` in its place is the same text in JSON.
        text = json.dumps(line, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"
        with self._lock:
            if self._file < 0:
                return
            try:
                _write_all(self._file, text)
            except OSError as error:
                self._close()
                self._warn(f"the journal {self.path} breaks off: {error.strerror}")

    def _close(self) -> None:
        with self._lock:
            if self._file >= 0:
                os.close(self._file)
            self._file = -1


def _write_all(file: int, data: bytes) -> None:
    while data:
        data = data[os.write(file, data) :]


def _plain(value: Any) -> Any:
    """As JSON has it (the redactor looks into lists, not into tuples), times in milliseconds."""
    if isinstance(value, float):
        return round(value, 3)
    return list(value) if isinstance(value, tuple) else value


def _told(event: Event) -> tuple[str, dict[str, Any]]:
    """The kind and the content of an event's line."""
    told = {field.name: getattr(event, field.name) for field in fields(event)}
    told.pop("aside", None)
    if isinstance(event, events.ChangeStarted | events.ChangeDone):
        del told["change"]
        told["id"] = told.get("id") or event.change.live_id
        told = documents.ChangeDocument.of(event.change) | told
    if isinstance(event, events.Retrying):
        error = event.error
        told |= {"error": error.kind, "said": error.said or error.what}
    return _KINDS[type(event)], told


# Where journals are


def folder(environ: Mapping[str, str]) -> Path | None:
    """Where journals are kept; None without a home and an XDG state directory."""
    home = state_home(environ)
    return None if home is None else home / "runs"


def open_journal(
    path: Path | None,
    label: str,
    environ: Mapping[str, str],
    warn: Callable[[str], None],
) -> Journal | None:
    """A new journal, or None after a warning where none can be written.

    Args:
        path: the file to write; None for a new one in the default folder.
        label: what the name of the run ends with: the segment or the command.
        environ: where the default folder and the secrets to leave out are found.
        warn: is told in one line why there is no journal.
    Raises:
        UsageProblem: the file that was asked for exists.
    """
    redactor = Redactor.from_environ(environ)
    clean = re.sub(r"[^\w.-]+", "_", redactor.text(label), flags=re.ASCII)[:60]
    run_id = f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}-{clean}"
    try:
        if path is not None:
            return Journal(run_id, _named(path), path, redactor, warn)
        file, path = _new_file(environ, run_id)
        return Journal(path.stem, file, path, redactor, warn)
    except OSError as error:
        warn(f"no journal of this run: {error.filename or path}: {error.strerror}")
        return None


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
    for old in sorted(kept_in(where))[: -KEPT + 1]:
        old.unlink(missing_ok=True)
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


def kept_in(where: Path) -> list[Path]:
    """The journals in a folder, in no order; none where there is no such folder."""
    return [path for path in where.glob("*.jsonl") if _NAME.fullmatch(path.name)]
