"""Step 7 as a shell script: the writes of `carry_out`, written down instead of sent.

A script therefore has the bodies, the order and the checkpoints of a real apply. Its fixed text
is `step7.sh`, for bash 3.2 and jq 1.6.
"""

from __future__ import annotations

import re
import shlex
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import resources
from typing import Any
from urllib.parse import quote

from tdxwrap.apply.events import ChangeStarted, Event, StepDone, StepStarted
from tdxwrap.apply.steps import Settings, carry_out
from tdxwrap.config.attributes import derived_identifier
from tdxwrap.config.models import RtConfig
from tdxwrap.output.plan_text import STEP_TITLES, kind_label
from tdxwrap.plan.build import build_plan
from tdxwrap.plan.changes import Change, Kind, Loc, Plan
from tdxwrap.plan.course import Course
from tdxwrap.realtime.api import Realtime
from tdxwrap.realtime.read import KEY_EVENTS
from tdxwrap.realtime.retry import Retry
from tdxwrap.realtime.state import BLANK
from tdxwrap.system.text import ascii_json, comment, shell_json, shell_word
from tdxwrap.tdx.client import Tdx
from tdxwrap.version import __version__

TITLES = {step: f"{step}. {title}" for step, title in STEP_TITLES.items()}
TITLES["prune"] = "What is not in the file"
# Stands in a body for the id of a key event that the script creates. No user text in JSON can look
# like this: its quotes would be escaped.
_REFERENCE = re.compile(r'"realtimeKeyEventId": "@(key_event_[0-9a-z_]+)"')
_FUNCTION = re.compile(r"^(?:# .*\n)*(\w+)\(\) \{\n(?:.*\n)*?\}\n\n", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a script comes from.

    Attributes:
        file: the configuration, as the user named it.
        ps: the parent segment, an id or a name.
        profile, site: the global options of that name.
        ascii_only: write every other character as an escape.
        where: gives `file:line` of an item of the configuration.
        account: the only one to work in; None for any.
    """

    file: str
    ps: str
    profile: str | None = None
    site: str | None = None
    ascii_only: bool = False
    where: Callable[[Loc], str] = lambda loc: ""
    account: str | None = None


@dataclass
class Draft(Realtime):
    """A realtime API that writes each request down as a call of a function in `step7.sh`.

    Args:
        merging: the live state is unknown, so the script looks for it and adds to its lists.
    """

    origin: Origin = field(kw_only=True)
    merging: bool = field(kw_only=True)
    lines: list[str] = field(default_factory=list)
    _begun: Change | None = None
    _created: list[str] = field(default_factory=list)
    _idle: bool = False

    def listen(self, event: Event) -> None:
        """Write down where a step begins and ends, if it has anything to do; note its changes."""
        if isinstance(event, ChangeStarted):
            self._begun = self._begun or event.change
        if isinstance(event, StepStarted):
            self._idle = event.writes == 0
        if self._idle:
            return
        if isinstance(event, StepStarted):
            title = TITLES[event.step]
            self.lines += ["", f"# {title}", f"echo {shlex.quote(title)}"]
        elif isinstance(event, StepDone):
            self.lines.append(f"echo {shlex.quote(f'Checkpoint: {event.checkpoint}')}")

    def patch_setting(self, segment_id: str, body: Mapping[str, Any]) -> None:
        """Add to the lists of the setting, or replace them (F11)."""
        self._call("add" if self.merging else "send PATCH realtime_setting", body)

    def import_columns(self, segment_id: str, columns: Sequence[str]) -> None:
        """Add to the imported columns, or replace them (F14)."""
        replacing = "send POST realtime_imported_attributes/bulk_update"
        self._call("import_columns" if self.merging else replacing, {"columns": columns})

    def create(self, segment_id: str, collection: str, body: Mapping[str, Any]) -> str:
        """Create an item; return a reference to the variable that holds the id of a key event."""
        former = getattr(self._begun and self._begun.desired, "renamed_from", None)
        if former and self.merging:
            self._call(f"rename {collection}", {"name": body["name"], "former": former})
        self._call(f"create {collection}", body)
        if collection != KEY_EVENTS:
            return ""
        name = derived_identifier(str(body["name"]))[:40]
        variable = f"key_event_{len(self._created) + 1}_{name}".rstrip("_")
        self._created.append(variable)
        self.lines.append(f"{variable}=$id")
        return f"@{variable}"

    def update(
        self, segment_id: str, collection: str, item_id: str, body: Mapping[str, Any]
    ) -> None:
        """Change an item."""
        self._call(f"send PATCH {shell_word(f'{collection}/{quote(item_id)}')}", body)

    def delete(self, segment_id: str, collection: str, item_id: str) -> None:
        """Delete an item."""
        self._write(f"remove {collection} {shell_word(item_id, ascii_only=True)}")

    def steps(self) -> str:
        """Return what was written down, without the variables that nothing uses."""
        text = "\n".join(self.lines)
        unused = {f"{name}=$id" for name in self._created if f'"${name}"' not in text}
        return "\n".join(line for line in self.lines if line not in unused)

    def _call(self, function: str, body: Mapping[str, Any]) -> None:
        self._write(f"{function} {_body(body)}")

    def _write(self, call: str) -> None:
        """Write a call down, after where the first of the changes that it makes stands."""
        if self._begun is not None:
            first, self._begun = self._begun, None
            at = f"{self.origin.where(first.loc)} {first.kind} {first.name}".strip()
            self.lines.append(f"at={shell_word(at, ascii_only=self.origin.ascii_only)}")
        self.lines.append(call)


def whole(config: RtConfig, origin: Origin) -> str:
    """Return the script that configures any parent segment as the file says. Reads nothing.

    When the script runs, it looks up what exists already, and leaves it as it is.
    """
    renames = " but for a former name" if any(e.renamed_from for e in config.key_events) else ""
    about = (
        f"It adds what is missing and leaves what is there as it is{renames}, so it may run any "
        "number of times. To write changes of what is there, too: tdxwrap recipe --plan"
    )
    return _script(build_plan(config, BLANK), origin, about, merging=True)


def remaining(plan: Plan, origin: Origin) -> str:
    """Return the script that carries out what is pending in a plan."""
    about = (
        "It is for what was live when it was written, and does only what was still to do: "
        "run it once, and soon."
    )
    by_id = replace(origin, ps=plan.live.segment.id)
    return _script(plan, by_id, about, merging=False)


def _script(plan: Plan, origin: Origin, about: str, *, merging: bool) -> str:
    with Tdx() as tdx:
        draft = Draft(tdx, origin=origin, merging=merging)
        carry_out(Course(plan), draft, Retry(), Settings(None, reading=False), draft.listen)
    account = shell_word(origin.account or "", ascii_only=origin.ascii_only)
    values = {
        "@about": _about(origin, about),
        "@options": _options(origin),
        "@account": f"demand {account}\n" if origin.account else "",
        "@ps": shell_word(origin.ps, ascii_only=origin.ascii_only),
        "@steps": _taken_away(plan, origin)
        + ("look_for_config\n" if plan.pending else "")
        + draft.steps(),
        "@key_events": str(_wanted(plan, Kind.KEY_EVENT)),
        "@attributes": str(_wanted(plan, Kind.ATTRIBUTE)),
    }
    template = resources.files("tdxwrap.generate").joinpath("step7.sh").read_text("utf-8")
    if origin.ascii_only:
        values["@steps"] = ascii_json(values["@steps"])
        template = re.sub("[❌✅] ", "", template)
    used = _without_unused(template, values["@account"] + values["@steps"])
    return re.sub("|".join(values), lambda match: values[match[0]], used)


def _without_unused(template: str, steps: str) -> str:
    """Leave out the functions that neither the steps nor the rest of the template call."""
    for function in reversed(list(_FUNCTION.finditer(template))):
        users = template[function.end() :] + steps
        if not re.search(rf"^\s*(if ! |\[.*\|\| )?{function[1]}( |$)", users, re.MULTILINE):
            template = template[: function.start()] + template[function.end() :]
    return template


def _taken_away(plan: Plan, origin: Origin) -> str:
    """Return a comment on what the script takes away, a line each."""
    texts = [f"{c.action} {kind_label(c)} {c.name}: {c.reason}" for c in plan.takings]
    return "".join(f"# {comment(text, ascii_only=origin.ascii_only)}\n" for text in texts)


def _wanted(plan: Plan, kind: Kind) -> int:
    return sum(change.kind is kind and change.desired is not None for change in plan.changes)


def _about(origin: Origin, about: str) -> str:
    """Return the head's comment on the script; no name in it can end the comment."""
    command = f"Step 7 for {origin.file}, written by tdxwrap {__version__}. {about}"
    return "\n# ".join(textwrap.wrap(comment(command, ascii_only=origin.ascii_only), 97))


def _options(origin: Origin) -> str:
    given = {"--profile": origin.profile, "--site": origin.site}
    words = {n: shell_word(v, ascii_only=origin.ascii_only) for n, v in given.items() if v}
    return "".join(f" {name} {word}" for name, word in words.items())


# Bodies


def _body(body: Mapping[str, Any]) -> str:
    """Return a body as one word for the shell: one line per field, and per object in a list."""
    fields = ",\n".join(f"  {shell_json(name)}: {_value(value)}" for name, value in body.items())
    return _REFERENCE.sub(r'''"realtimeKeyEventId": "'"$\1"'"''', f"'{{\n{fields}\n}}'")


def _value(value: Any) -> str:
    if isinstance(value, list) and any(isinstance(item, dict) for item in value):
        items = ",\n".join(f"    {shell_json(item)}" for item in value)
        return f"[\n{items}\n  ]"
    return shell_json(value)
