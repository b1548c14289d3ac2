"""What a person reads, as lines: pure functions from typed values. `console.py` prints them."""

from __future__ import annotations

import json
import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len

from tdxwrap.apply.verify import Report
from tdxwrap.config.models import (
    BaseAttribute,
    CounterAttribute,
    KeyEvent,
    ListAttribute,
    LookupCatalogAttribute,
    SingleAttribute,
)
from tdxwrap.errors import ConfigError, Problem, TdxwrapError
from tdxwrap.plan.changes import Action, Change, Finding, Kind, Level, Plan
from tdxwrap.realtime.state import Segment

if TYPE_CHECKING:
    from tdxwrap.apply.checklist import Check

SYMBOLS = {
    Action.CREATE: "+",
    Action.UPDATE: "~",
    Action.REPLACE: "±",
    Action.DELETE: "-",
    Action.UNCHANGED: "=",
    Action.UNMANAGED: "·",
}
MARKS = {
    Action.CREATE: "green",
    Action.UPDATE: "yellow",
    Action.REPLACE: "magenta",
    Action.DELETE: "red",
    Action.UNCHANGED: "",
    Action.UNMANAGED: "",
}
STEP_TITLES = {
    "7a": "Event tables and key events",
    "7b": "ID stitching",
    "7c": "Attributes",
}
# Longer names than this do not push what stands behind them.
NAME_WIDTH = 28
# More items of a kind than this that stay as they are get told as a number.
SHOWN = {Action.UNCHANGED: 4, Action.UNMANAGED: 10}
ALONE = "live only, left alone"
# A command is shown up to this many characters; the journal and -v have it whole.
COMMAND_SHOWN = 400


@dataclass(frozen=True, slots=True)
class Line:
    """One line: a prefix that stays in front, and a body that may wrap beside it.

    Attributes:
        style: of the whole line: `bold`, `dim`.
        mark: the colour of the prefix; it only underlines what a symbol there says already.
        whole: never wrapped, since it is there to be copied.
    """

    prefix: str
    body: str = ""
    style: str = ""
    mark: str = ""
    whole: bool = False


BLANK = Line("")


def segment_line(segment: Segment, account: str) -> Line:
    """Which segment and login a command is about."""
    status = segment.status or "none"
    return Line("", f"{segment.name} ({segment.id}) · {account} · RT status {status}", "bold")


# Plans


def plan_lines(plan: Plan, account: str, *, everything: bool = False) -> list[Line]:
    """A plan as a reader wants it: what, why, old → new, and the counts at the end.

    Args:
        account: profile and site, as the user knows them.
        everything: list every unchanged item.
    """
    lines = [segment_line(plan.live.segment, account), BLANK]
    for step, title in STEP_TITLES.items():
        changes = [change for change in plan.changes if change.step == step]
        if changes:
            lines.append(Line(f"{step}  ", title, "bold"))
            lines.extend(_step_lines(changes, everything))
    lines.extend([BLANK, Line("", counts_text(plan), "bold")])
    lines.extend(Line("! ", text, mark="yellow") for text in warnings(plan))
    lines.extend(finding_lines(plan.findings))
    return lines


def finding_lines(findings: Iterable[Finding]) -> Iterator[Line]:
    """What the column checks found, each with its place and a hint."""
    for finding in findings:
        failed = finding.level is Level.FAILED
        body = f"{finding.message}   {finding.where}".rstrip()
        yield Line("✗ " if failed else "! ", body, mark="red" if failed else "yellow")
        if finding.hint:
            yield Line("  ", finding.hint)


def _step_lines(changes: Sequence[Change], everything: bool) -> Iterator[Line]:
    for kind in dict.fromkeys(change.kind for change in changes):
        mine = [change for change in changes if change.kind is kind]
        alike = Counter(change.action for change in mine if _plain(change))
        folded = {a for a, shown in SHOWN.items() if alike[a] > shown and not everything}
        told = [c for c in mine if not (c.action in folded and _plain(c))]
        width = min(NAME_WIDTH, max((cell_len(change.name) for change in told), default=0))
        for change in told:
            yield from change_lines(change, width)
        for action in sorted(folded, reverse=True):
            what = {Action.UNCHANGED: "unchanged", Action.UNMANAGED: ALONE}[action]
            yield Line(f"    {SYMBOLS[action]} ", f"{alike[action]} {kind}s {what}", "dim")


def _plain(change: Change) -> bool:
    """Whether nothing but its name would be told of an item."""
    return not (change.writes or change.reason)


def change_lines(change: Change, name_width: int = 0) -> Iterator[Line]:
    """One item, and below it each field that changes.

    Args:
        name_width: columns that the name takes, so that what stands behind it is aligned.
    """
    style, mark = "" if change.writes else "dim", MARKS[change.action]
    label = f"    {SYMBOLS[change.action]} {kind_label(change):<14}"
    name = change.name + " " * (name_width - cell_len(change.name))
    yield Line(label, f"{name}   {_aside(change)}".rstrip(), style, mark)
    for changed in change.fields:
        values = f"{_value(changed.old)}  →  {_value(changed.new)}"
        yield Line(f"        {changed.name}   ", values)


def kind_label(change: Change) -> str:
    """What an item is called in a list: attributes by their type."""
    part = change.desired or change.live
    if isinstance(part, BaseAttribute):
        return str(getattr(part, "type", change.kind))
    short = {Kind.STITCHING_KEY: "key", Kind.BATCH_ATTRIBUTE: "batch", Kind.IMPORTED: "imported"}
    return short.get(change.kind, str(change.kind))


def _aside(change: Change) -> str:
    if change.action is Action.UNMANAGED:
        return change.reason or ALONE
    if change.action is Action.CREATE:
        return summary(change)
    return change.reason


def summary(change: Change) -> str:
    """What an item is about, in a few words."""
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


def _value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def counts_text(plan: Plan) -> str:
    """`3 to create, 1 to update, 12 unchanged`."""
    counts = plan.counts
    words = {
        Action.CREATE: "to create",
        Action.UPDATE: "to update",
        Action.REPLACE: "to replace",
        Action.DELETE: "to delete",
        Action.UNCHANGED: "unchanged",
        Action.UNMANAGED: "not managed",
    }
    told = [f"{counts[action]} {word}" for action, word in words.items() if counts[action]]
    if not plan.pending:
        told.insert(0, "nothing to change")
    return ", ".join(told)


def warnings(plan: Plan) -> list[str]:
    """What a reader must not overlook."""
    told = [
        f"dangerous: the {change.kind} changes to {change.name}: {change.reason}"
        for change in plan.dangers
    ]
    for blocker in plan.blockers:
        allowed = f"; apply refuses it without {blocker.flag}" if blocker.flag else ""
        told.append(f"{blocker.reason}{allowed}")
    return told


def plan_markdown(plan: Plan, account: str) -> str:
    """A plan for a pull request comment: the counts on top, the details to be opened."""
    lines = [
        f"### Realtime plan: {_md(plan.live.segment.name)} ({plan.live.segment.id})",
        "",
        f"**{counts_text(plan)}** · {_md(account)} · RT status {plan.live.segment.status}",
        "",
        *(f"> ⚠️ {_md(text)}\n" for text in warnings(plan)),
        *(_markdown_finding(finding) for finding in plan.findings),
    ]
    for action in (Action.CREATE, Action.UPDATE, Action.REPLACE, Action.DELETE):
        lines.extend(_markdown_section(plan, action, opened=True))
    for action in (Action.UNMANAGED, Action.UNCHANGED):
        lines.extend(_markdown_section(plan, action, opened=False))
    return "\n".join(lines) + "\n"


def _markdown_finding(finding: Finding) -> str:
    symbol = "❌" if finding.level is Level.FAILED else "⚠️"
    hint = f" – {_md(finding.hint)}" if finding.hint else ""
    return f"> {symbol} {_md(finding.message)}{hint} ({_md(finding.where)})\n"


def _markdown_section(plan: Plan, action: Action, *, opened: bool) -> Iterator[str]:
    changes = [change for change in plan.changes if change.action is action]
    if not changes:
        return
    state = " open" if opened else ""
    yield from ("", f"<details{state}><summary>{len(changes)} {action}</summary>", "")
    for change in changes:
        aside = _aside(change)
        yield (
            f"- `{change.step}` {kind_label(change)} **{_md(change.name)}**"
            f"{' – ' + _md(aside) if aside else ''}"
        )
        for changed in change.fields:
            old, new = _md(_value(changed.old)), _md(_value(changed.new))
            yield f"  - {_md(changed.name)}: {old} → {new}"
    yield from ("", "</details>")


def table_rows(rows: Sequence[Sequence[str]]) -> list[str]:
    """Render rows as lines with aligned columns."""
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(_padded, row, widths)).rstrip() for row in rows]


def _padded(text: str, width: int) -> str:
    return text + " " * (width - cell_len(text))


def table_markdown(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table, whatever its cells hold."""
    lines = [f"| {' | '.join(map(_md, row))} |" for row in (heads, *rows)]
    return "\n".join((lines[0], f"|{' --- |' * len(heads)}", *lines[1:])) + "\n"


def _md(text: str) -> str:
    """Text of the user's in Markdown: nothing in it formats, links or opens a tag."""
    one_line = " ".join(text.split())
    escaped = "".join(f"\\{c}" if c in "\\`*_{}[]#|~!" else c for c in one_line)
    return escaped.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


# Validation


def report_lines(report: Report, file: str) -> list[Line]:
    """The recipe's checks, one a line, and every field that differs."""
    lines = [
        Line(
            f"{'✓' if check.ok else '✗'} {check.name:<14}",
            check.found if check.ok else f"{check.found}, expected {check.expected}",
            mark="green" if check.ok else "red",
        )
        for check in report.checks
    ]
    if not file:
        return lines
    if not report.differences:
        return [*lines, Line(f"✓ {'every field':<14}", f"as in {file}", mark="green")]
    lines.append(Line(f"✗ {'every field':<14}", f"differs from {file}:", mark="red"))
    return [*lines, *_step_lines(report.differences, everything=True)]


# Doctor

CHECK_SYMBOLS = {"ok": "✓", "warning": "!", "failed": "✗", "not checked": "·"}
CHECK_MARKS = {"ok": "green", "warning": "yellow", "failed": "red", "not checked": ""}


def check_lines(checks: Sequence[Check]) -> list[Line]:
    """The checklist of doctor, one check a line with its hint below, and the counts."""
    lines: list[Line] = []
    for check in checks:
        body = check.message.removeprefix(f"{check.name} ")
        body = body if check.state != "not checked" else f"not checked: {body}"
        body = f"{body}   {check.where}" if check.where else body
        label = f"{CHECK_SYMBOLS[check.state]} {check.name:<15} "
        lines.append(Line(label, body, mark=CHECK_MARKS[check.state]))
        if check.hint:
            lines.append(Line(" " * len(label), check.hint))
    told = [
        f"{count} {word}"
        for state, word in (("failed", "failed"), ("warning", "to look at"))
        if (count := sum(check.state == state for check in checks))
    ]
    return [*lines, Line("", ", ".join(told) or "all is well", "bold")]


# Errors


def error_lines(error: TdxwrapError) -> list[Line]:
    """What failed – what tdx said – what to do next."""
    if isinstance(error, ConfigError):
        return problem_lines(error.problems)
    step = f"{error.step}: " if error.step else ""
    where = f"   {error.where}" if error.where else ""
    lines = [Line("✗ ", f"{step}{error.what}{where}", "bold", mark="red")]
    told = {
        "tdx said": error.said,
        "command": command_text(error.command),
        "so far": error.so_far,
        "next": error.hint,
    }
    for label, text in told.items():
        for index, part in enumerate(text.splitlines() or [""]):
            if text:
                lines.append(Line(f"  {label if index == 0 else '':<11}", part))
    for other in error.others:
        lines.extend(error_lines(other))
    return lines


def command_text(argv: Sequence[str]) -> str:
    """A command as it could be pasted into a shell, cut if it is very long."""
    text = shlex.join(argv)
    return text if len(text) <= COMMAND_SHOWN else f"{text[:COMMAND_SHOWN]}… (-v shows it whole)"


def problem_lines(problems: Iterable[Problem]) -> list[Line]:
    """Every problem of a file: file, line, column, field, what is wrong, how to mend it."""
    lines: list[Line] = []
    count = 0
    for problem in problems:
        count += 1
        place = f"{problem.file}:{problem.line}:{problem.column}" if problem.line else problem.file
        path = f"{problem.path}: " if problem.path else ""
        lines.append(Line(f"{place}  ", f"{path}{problem.message}", mark="red"))
        if problem.hint:
            lines.append(Line(" " * (len(place) + 2), problem.hint))
    return [*lines, Line("", f"{count} error{'' if count == 1 else 's'}", "bold")]


def seconds_text(seconds: float) -> str:
    """`0.6 s`, `1 min 7 s`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def clock_text(seconds: float) -> str:
    """`0:42`."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02d}"
