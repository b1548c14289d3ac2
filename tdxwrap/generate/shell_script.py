"""Step 7 as a shell script: what `carry_out` would send, written down instead of sent.

So a script has the bodies, the order and the checkpoints of the real apply, whatever a
configuration may say. Its fixed parts stand in `scripttext.py`.
"""

from __future__ import annotations

import json
import re
import shlex
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from tdxwrap.apply.events import Event, StepDone, StepStarted
from tdxwrap.apply.steps import Settings, carry_out
from tdxwrap.config.models import RtConfig, derived_identifier
from tdxwrap.generate import script_text
from tdxwrap.plan.build import build_plan
from tdxwrap.plan.changes import Kind, Plan
from tdxwrap.realtime.api import Realtime
from tdxwrap.realtime.read import ATTRIBUTES, KEY_EVENTS
from tdxwrap.realtime.retry import Retry
from tdxwrap.realtime.state import BLANK
from tdxwrap.tdx.answer import CompletedCall
from tdxwrap.tdx.client import Tdx
from tdxwrap.version import __version__

TITLES = {
    "7a": "7a. Event tables and key events",
    "7b": "7b. ID stitching",
    "7c": "7c. Attributes",
    "prune": "What is not in the file",
}
# What replaces a list that may hold more by then, and the function that sends both (F11, F14).
_MERGED = {
    "realtime_setting": "add",
    "realtime_imported_attributes/bulk_update": "import_columns",
}
# Stands in a body for the id of a key event that the script creates. In JSON text, nothing that a
# user wrote can look so: its quotes would be escaped.
_REFERENCE = re.compile(r'"realtimeKeyEventId": "@(key_event_[0-9a-z_]+)"')
# What a shell, or a reader of one, takes notice of between single quotes.
_QUOTED = "'$`‘’"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a script comes from.

    Attributes:
        file: the configuration, as the user named it.
        ps: the parent segment, an id or a name.
        profile, site: the global options of that name.
    """

    file: str
    ps: str
    profile: str | None = None
    site: str | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """One write.

    Attributes:
        path: below the parent segment: `realtime_key_events/7101`.
        creates: the variable that holds the id of a key event which is created.
    """

    method: str
    path: str
    body: dict[str, Any] | None
    creates: str = ""


class Draft(Tdx):
    """A tdx that notes down what it is to send, and the steps between."""

    def __init__(self) -> None:
        super().__init__()
        self.entries: list[Request | StepStarted | StepDone] = []
        self._created = 0
        self._idle = False

    def listen(self, event: Event) -> None:
        """Note down where a step begins and ends, if it has anything to do."""
        if isinstance(event, StepStarted):
            self._idle = event.writes == 0
        if isinstance(event, StepStarted | StepDone) and not self._idle:
            self.entries.append(event)

    def send(self, method: str, path: str, body: Any | None) -> CompletedCall:
        """Note down one request; the id that it answers is the name of a variable."""
        below = path.split("/", 3)[3]
        variable = ""
        if (method, below) == ("POST", KEY_EVENTS) and body is not None:
            self._created += 1
            name = derived_identifier(str(body["name"]))[:40]
            variable = f"key_event_{self._created}_{name}".rstrip("_")
        self.entries.append(Request(method, below, body, variable))
        return CompletedCall(("tdx",), exit_code=0, data={"id": f"@{variable}"})


def whole(config: RtConfig, origin: Origin) -> str:
    """The script that makes any parent segment what the file says. Reads nothing.

    What is there already is looked up when the script runs, and left as it is.
    """
    about = (
        "It adds what is missing and leaves what is there as it is, so it may run any number of "
        "times. To write changes of what is there, too: tdxwrap recipe --plan"
    )
    return _script(build_plan(config, BLANK), origin, about, merging=True)


def remaining(plan: Plan, origin: Origin) -> str:
    """The script that does what a plan has still to do."""
    about = (
        "It is for what was live when it was written, and does only what was still to do: "
        "run it once, and soon."
    )
    by_id = replace(origin, ps=plan.live.segment.id)
    return _script(plan, by_id, about, merging=False)


def _script(plan: Plan, origin: Origin, about: str, *, merging: bool) -> str:
    steps = "\n".join(_steps(plan, merging=merging))
    baseline = script_text.BASELINE if plan.pending else ""
    counts = {
        "@key_events": str(_wanted(plan, Kind.KEY_EVENT)),
        "@attributes": str(_wanted(plan, Kind.ATTRIBUTE)),
    }
    end = _filled(script_text.END, counts)
    head = _filled(
        script_text.HEAD, {"@about": _comment(origin, about), "@options": _options(origin)}
    )
    start = _filled(script_text.START, {"@ps": _word(origin.ps)})
    functions = _functions(steps + end)
    parts = [head, *functions, start, baseline, steps, end]
    return "\n\n".join(part.strip("\n") for part in parts if part) + "\n"


def _wanted(plan: Plan, kind: Kind) -> int:
    return sum(change.kind is kind and change.desired is not None for change in plan.changes)


def _filled(text: str, values: dict[str, str]) -> str:
    return re.sub("|".join(values), lambda match: values[match[0]], text)


def _comment(origin: Origin, about: str) -> str:
    """What the head says of the script; a name in it cannot end the comment."""
    command = f"Step 7 for {origin.file}, written by tdxwrap {__version__}. {about}"
    plain = "".join(c if c.isprintable() else " " for c in command)
    return "\n# ".join(textwrap.wrap(plain, 97))


def _options(origin: Origin) -> str:
    given = {"--profile": origin.profile, "--site": origin.site}
    return "".join(f" {name} {_word(value)}" for name, value in given.items() if value)


def _word(text: str) -> str:
    """A name as one word for bash; what could be taken for something else is escaped."""
    if text.isprintable() and not set(text) & {"\\", *_QUOTED}:
        return shlex.quote(text)
    return "$'" + "".join(_in_ansi_quotes(character) for character in text) + "'"


def _in_ansi_quotes(character: str) -> str:
    if character in "'\\":
        return f"\\{character}"
    if character.isprintable():
        return character
    return "".join(f"\\x{byte:02x}" for byte in character.encode("utf-8", "surrogatepass"))


def _functions(used_by: str) -> list[str]:
    """The functions that a text uses, and those that these use."""
    found: list[str] = []
    for name, text in reversed(script_text.FUNCTIONS.items()):
        if re.search(rf"^\s*(\[.*\|\| )?{name} ", used_by, re.MULTILINE):
            found.insert(0, text)
            used_by += text
    return found


# Steps


def _steps(plan: Plan, *, merging: bool) -> Iterator[str]:
    with Draft() as draft:
        carry_out(plan, Realtime(draft), Retry(), Settings(baseline=None), draft.listen)
    calls = [call_of(e, merging=merging) if isinstance(e, Request) else "" for e in draft.entries]
    everything = "\n".join(calls)
    for entry, call in zip(draft.entries, calls, strict=True):
        match entry:
            case StepStarted():
                yield f"\n# {TITLES[entry.step]}\necho {shlex.quote(TITLES[entry.step])}"
            case StepDone():
                yield f"echo {shlex.quote(f'Checkpoint: {entry.checkpoint}')}"
            case Request():
                yield call
                if entry.creates and f'"${entry.creates}"' in everything:
                    yield f"{entry.creates}=$id"


def call_of(request: Request, *, merging: bool) -> str:
    """The line of a script that makes a request. Kinds of requests differ only here.

    Args:
        merging: what is live was not known when the request was made.
    """
    collection, _, item = request.path.partition("/")
    if request.method == "DELETE":
        return f"remove {collection} {shlex.quote(item)}"
    body = _REFERENCE.sub(r'''"realtimeKeyEventId": "'"$\1"'"''', _body(request.body or {}))
    if request.method == "POST" and collection in (KEY_EVENTS, ATTRIBUTES):
        return f"create {collection} {body}"
    if merging and request.path in _MERGED:
        return f"{_MERGED[request.path]} {body}"
    return f"send {request.method} {shlex.quote(request.path)} {body}"


# Bodies


def _body(body: dict[str, Any]) -> str:
    """A body as one word for the shell: a field a line, and an item of a list of objects a line."""
    fields = ",\n".join(f"  {_json(name)}: {_value(value)}" for name, value in body.items())
    return f"'{{\n{fields}\n}}'"


def _value(value: Any) -> str:
    if isinstance(value, list) and any(isinstance(item, dict) for item in value):
        items = ",\n".join(f"    {_json(item)}" for item in value)
        return f"[\n{items}\n  ]"
    return _json(value)


def _json(value: Any) -> str:
    """JSON that keeps to itself between single quotes; what cannot be seen in it is escaped."""
    text = json.dumps(value, ensure_ascii=False)
    return "".join(c if c.isprintable() and c not in _QUOTED else _escaped(c) for c in text)


def _escaped(character: str) -> str:
    if character in _QUOTED:
        return f"\\u{ord(character):04x}"
    return json.dumps(character)[1:-1]
