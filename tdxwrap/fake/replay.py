"""Answers calls as the journal of a run recorded them: `FAKE_TDX_JOURNAL=run.jsonl`.

A call is matched by its argv: in any order among different ones, in the recorded order among equal
ones. Left out of the match are --profile and --site, where -o writes to, and how a JSON body is
written or given (--data, -f). Each recorded answer is given once; a call beyond them fails with
exit 3 and shows the nearest recorded one, and so does every call after it: an answer would only
hide where the run has left the record. Nothing waits as long as tdx did then.
"""

from __future__ import annotations

import json
import os

from tdxwrap.fake import streams
from tdxwrap.fake.opening import state_directory
from tdxwrap.fake.store import Store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Any

USED, MISSED = "used.json", "missed.json"
_IGNORED = ("--profile", "--site")
_OUTPUTS = ("-o", "--output")
_BODIES = ("--data", "-f", "--file")


class Replay:
    """A journal that is being replayed; what has been answered is kept in `state_dir`."""

    def __init__(self, state_dir: str | Path, journal: str | Path) -> None:
        """Go on where the state directory stands."""
        self.journal = os.path.abspath(journal)
        self._store = Store(str(state_dir))

    @classmethod
    def create(cls, state_dir: str | Path, journal: str | Path) -> Replay:
        """Begin a replay at the first call, in place of any earlier one."""
        os.makedirs(state_dir, mode=0o700, exist_ok=True)
        replay = cls(state_dir, journal)
        replay._store.save(USED, [])
        replay._store.save(MISSED, "")
        return replay

    def environ(self) -> dict[str, str]:
        """The variables that make a child use this replay."""
        return {"FAKE_TDX_STATE": self._store.root, "FAKE_TDX_JOURNAL": self.journal}

    def launcher(self) -> Path:
        """An executable `tdx` bound to this replay, for where there is no source tree."""
        from tdxwrap.fake.control import write_launcher

        return write_launcher(self._store.root, self.environ())

    def unused(self) -> list[list[str]]:
        """The argv of the recorded calls that nobody has made yet."""
        used = self._store.load_or(USED, [])
        calls = recorded(self.journal)
        return [call["argv"] for number, call in enumerate(calls) if number not in used]

    def take(self, argv: list[str]) -> dict[str, Any] | str:
        """The next recorded call like this one, which is used up by it; else what is wrong."""
        wanted, calls = key(argv), recorded(self.journal)
        os.makedirs(self._store.root, mode=0o700, exist_ok=True)
        with self._store.lock():
            used = self._store.load_or(USED, [])
            missed: str = self._store.load_or(MISSED, "")
            if missed:
                return missed
            for number, call in enumerate(calls):
                if number not in used and call_key(call) == wanted:
                    self._store.save(USED, [*used, number])
                    return dict(call)
            again = [call for call in calls if call_key(call) == wanted]
            if again and _waits(argv):
                return again[-1]
            missed = _unrecorded(argv, calls)
            self._store.save(MISSED, missed)
            return missed


def _waits(argv: list[str]) -> bool:
    """Whether a call belongs to a wait, which looks more often on a slower machine."""
    words = " ".join(argv)
    return "ps rt list" in words or ("api /audiences" in words and "-X" not in argv)


def main(argv: list[str], environ: Mapping[str, str]) -> int:
    """Answer one call from the journal that the environment names; returns the exit code."""
    journal = environ["FAKE_TDX_JOURNAL"]
    replay = Replay(state_directory(environ), journal)
    try:
        call = replay.take(argv)
    except (OSError, ValueError, KeyError) as error:
        streams.write_err(f"fake tdx: {journal} cannot be replayed: {error!r}\n")
        return 3
    if isinstance(call, str):
        streams.write_err(call)
        return 3
    _leave_output(argv, call["exit"])
    streams.write_err(call["stderr"])
    streams.write_out(call["stdout"].encode("utf-8", "replace"), streams.stdout_kind())
    if call["exit"] is None or call["exit"] < 0:
        os.kill(os.getpid(), -(call["exit"] or -9))  # as it ended then: by a signal
    return int(call["exit"])


def recorded(journal: str) -> list[dict[str, Any]]:
    """The calls of a journal; its last line may be cut."""
    calls = []
    with open(journal, "rb") as file:
        for line in file.read().split(b"\n")[:-1]:
            record = json.loads(line)
            if record["type"] == "call":
                calls.append(record)
    return calls


def key(argv: list[str], body: str | None = None) -> str:
    """What makes two calls the same call; `body` stands for the content of an `-f` file."""
    words: list[str] = []
    content: Any = None
    rest = list(argv)
    while rest:
        word, equals, value = rest.pop(0).partition("=")
        valued = word in (*_IGNORED, *_OUTPUTS, *_BODIES)
        if not valued:
            words.append(word + equals + value)
            continue
        value = value if equals else (rest.pop(0) if rest else "")
        if word in _BODIES:
            content = _body(value if word == "--data" else _content(value, body))
        elif word in _OUTPUTS:
            words.append("-o")
    return json.dumps([words, content], sort_keys=True)


def call_key(call: dict[str, Any]) -> str:
    """The `key` of a recorded call."""
    return key(call["argv"][1:], call.get("body"))


def _content(path: str, body: str | None) -> str:
    if body is not None:
        return body
    with open(path, encoding="utf-8") as file:
        return file.read()


def _body(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _leave_output(argv: list[str], exit_code: int | None) -> None:
    """What the command wrote to its -o file is not in a journal: leave something in its place."""
    option = next((word for word in argv if word in _OUTPUTS), None)
    path = argv[argv.index(option) + 1] if option else ""
    if path and exit_code == 0 and not os.path.exists(path):
        with open(path, "w", encoding="utf-8") as file:
            file.write("# written by tdx in the recorded run\n")


def _unrecorded(argv: list[str], calls: list[dict[str, Any]]) -> str:
    """What to say of a call that is not in the journal, or not once more."""
    import difflib
    import shlex

    # Cut: comparing two bodies of 100 KiB would take minutes.
    asked, *known = (shlex.join(a)[:2000] for a in (argv, *(call["argv"][1:] for call in calls)))
    nearest = difflib.get_close_matches(asked, known, 1, 0.0) or ["(none at all)"]
    times = sum(call_key(call) == key(argv) for call in calls)
    how = f"was recorded only {times} times" if times else "was not recorded"
    return f"fake tdx: this call {how}:\n  {asked}\nthe nearest that was:\n  {nearest[0]}\n"
