"""Plans and their changes, as lines."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from rich.cells import cell_len

from tdxwrap.config.attributes import (
    BaseAttribute,
    CounterAttribute,
    ListAttribute,
    LookupCatalogAttribute,
    SingleAttribute,
)
from tdxwrap.config.models import KeyEvent
from tdxwrap.config.odd_characters import composed
from tdxwrap.output.lines import BLANK, Line, counted
from tdxwrap.plan.changes import (
    TAKING,
    WRITING,
    Action,
    Change,
    FieldChange,
    Finding,
    Kind,
    Level,
    Plan,
)
from tdxwrap.realtime.state import Segment
from tdxwrap.system.text import ascii_json, json_text, visible


class Look(NamedTuple):
    """How an action is shown in front of an item."""

    symbol: str
    color: str


# In this order they are counted and, in Markdown, listed: what takes something away comes first.
LOOKS = {
    Action.DELETE: Look("-", "red"),
    Action.REPLACE: Look("±", "magenta"),
    Action.CREATE: Look("+", "green"),
    Action.UPDATE: Look("~", "yellow"),
    Action.UNMANAGED: Look("·", ""),
    Action.UNCHANGED: Look("=", ""),
}
STEP_TITLES = {"7a": "Event tables and key events", "7b": "ID stitching", "7c": "Attributes"}
# Longer names than this do not push what stands behind them.
NAME_WIDTH = 28
# More items of a kind than this that stay as they are appear as a number.
SHOWN = {Action.UNCHANGED: 4, Action.UNMANAGED: 10}
LIVE_ONLY = "live only, left alone"


def segment_line(segment: Segment, account: str) -> Line:
    """Render which segment and login a command is about."""
    status = segment.status or "none"
    return Line("", f"{segment.name} ({segment.id}) · {account} · RT status {status}", "bold")


def plan_lines(plan: Plan, account: str, *, everything: bool = False) -> list[Line]:
    """Render a plan: what is taken away, then each other item with its reason and its fields, and
    the counts at the end.

    Args:
        account: profile and site, as the user knows them.
        everything: list every unchanged item.
    """
    lines = [segment_line(plan.live.segment, account), BLANK]
    if plan.takings:
        lines.append(Line("", "Taken away", "bold"))
        lines.extend(step_lines(plan.takings, everything=True))
    for step, title in STEP_TITLES.items():
        changes = [change for change in plan.changes if change.step == step and not change.takes]
        if changes:
            lines.append(Line(f"{step}  ", title, "bold"))
            lines.extend(step_lines(changes, everything))
    lines.extend([BLANK, Line("", counts_text(plan), "bold")])
    if plan.prunable:
        lines.append(Line("· ", prunable_text(plan), "dim"))
    lines.extend(Line("! ", text, mark="yellow") for text in warnings(plan))
    lines.extend(_finding_lines(plan.findings))
    return lines


def _finding_lines(findings: Iterable[Finding]) -> Iterator[Line]:
    for finding in findings:
        symbol, mark = ("✗", "red") if finding.level is Level.FAILED else ("!", "yellow")
        yield Line(f"{symbol} ", f"{finding.message}   {finding.where}".rstrip(), mark=mark)
        if finding.hint:
            yield Line("  ", finding.hint)


def step_lines(changes: Sequence[Change], everything: bool) -> Iterator[Line]:
    """Render the changes of a step, kind by kind.

    Args:
        everything: list items that stay as they are, however many there are.
    """
    for kind in dict.fromkeys(change.kind for change in changes):
        of_kind = [change for change in changes if change.kind is kind]
        bare = Counter(change.action for change in of_kind if _is_bare(change))
        folded = [a for a, most in SHOWN.items() if bare[a] > most and not everything]
        shown = [c for c in of_kind if c.action not in folded or not _is_bare(c)]
        width = min(NAME_WIDTH, max((cell_len(change.name) for change in shown), default=0))
        for change in shown:
            yield from _change_lines(change, width)
        for action in folded:
            what = "unchanged" if action is Action.UNCHANGED else LIVE_ONLY
            label = f"    {LOOKS[action].symbol} "
            yield Line(label, f"{counted(bare[action], kind)} {what}", "dim")


def _is_bare(change: Change) -> bool:
    """Return whether the line of a change would hold nothing but its name."""
    return not (change.writes or change.reason)


def _change_lines(change: Change, name_width: int) -> Iterator[Line]:
    """Render one item, and below it each field that changes.

    Args:
        name_width: the cells that a name takes, to align what stands behind it.
    """
    look, style = LOOKS[change.action], "" if change.writes else "dim"
    name = change.name + " " * (name_width - cell_len(change.name))
    label = f"    {look.symbol} {kind_label(change):<13} "
    yield Line(label, f"{name}   {aside(change)}".rstrip(), style, look.color)
    for field in change.fields:
        yield Line(f"        {field.name}   ", "  →  ".join(value_texts(field)))


def kind_label(change: Change) -> str:
    """Return what an item is called in a list: an attribute by its type."""
    item = change.desired or change.live
    if isinstance(item, BaseAttribute):
        return str(getattr(item, "type", change.kind))
    short = {Kind.STITCHING_KEY: "key", Kind.BATCH_ATTRIBUTE: "batch", Kind.IMPORTED: "imported"}
    return short.get(change.kind, str(change.kind))


def aside(change: Change) -> str:
    """Return what stands behind the name of an item: what it is about, or why it changes."""
    if change.action is Action.CREATE:
        return _summary(change)
    return change.reason or (LIVE_ONLY if change.action is Action.UNMANAGED else "")


def _summary(change: Change) -> str:
    match change.desired:
        case KeyEvent() as event:
            return str(event.event_table)
        case SingleAttribute() as single:
            return f"{single.key_event}.{single.value_column}, kept {single.duration}"
        case ListAttribute() as items:
            column = items.id_column or items.value_column or "items"
            return f"{items.key_event}.{column}, kept {items.duration}"
        case CounterAttribute() as counter:
            kept = f", kept {counter.duration}" if counter.duration else ""
            return f"{counter.key_event}, {counter.counter_type}{kept}"
        case LookupCatalogAttribute() as lookup:
            return f"from {lookup.lookup_catalog_table_name}"
    return ""


def refused_text(plan: Plan) -> str:
    """Return that apply would refuse the plan; empty if it would not."""
    count = plan.refusals
    return f"apply would refuse this: {counted(count, 'error')}" if count else ""


def value_text(value: Any) -> str:
    """Return the value of a field as a person reads it."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def value_texts(field: FieldChange) -> tuple[str, str]:
    """Return the old and the new value; escaped where they differ only in what cannot be seen."""
    old, new = value_text(field.old), value_text(field.new)
    if visible(old) != visible(new):
        return old, new
    old, new = json_text(field.old), json_text(field.new)
    return (old, new) if composed(old) != composed(new) else (ascii_json(old), ascii_json(new))


def counts_text(plan: Plan) -> str:
    """Return `create 3, update 1, 12 unchanged`."""
    stay = [a for a in (Action.UNCHANGED, Action.UNMANAGED) if plan.counts[a]]
    counts = [writes_text(plan) or "nothing to change", *(f"{plan.counts[a]} {a}" for a in stay)]
    return ", ".join(counts)


def writes_text(plan: Plan) -> str:
    """Return `delete 1, replace 1 (what they have collected is lost), create 3`; may be empty."""
    counts = {a: f"{a} {plan.counts[a]}" for a in LOOKS if a in WRITING and plan.counts[a]}
    taking = ", ".join(text for action, text in counts.items() if action in TAKING)
    if any(change.kind is Kind.ATTRIBUTE for change in plan.takings):
        whose = "it has" if len(plan.takings) == 1 else "they have"
        taking += f" (what {whose} collected is lost)"
    rest = (text for action, text in counts.items() if action not in TAKING)
    return ", ".join(filter(None, (taking, *rest)))


def prunable_text(plan: Plan) -> str:
    """Return what `--prune` would do to what is left alone."""
    return f"{LIVE_ONLY}: --prune would delete {plan.prunable} of these"


def warnings(plan: Plan) -> list[str]:
    """Return what a reader must not overlook: dangerous changes, and what blocks the plan."""
    texts = [f"dangerous: the {c.kind} changes to {c.name}: {c.reason}" for c in plan.dangers]
    if plan.live.unread:
        fields = ", ".join(sorted(plan.live.unread))
        texts.append(f"not read, so not known: {fields}; apply does not write over them")
    for blocker in plan.blockers:
        allowed = f"; apply refuses it without {blocker.flag}" if blocker.flag else ""
        texts.append(f"{blocker.reason}{allowed}")
    return [*texts, *plan.notes]
