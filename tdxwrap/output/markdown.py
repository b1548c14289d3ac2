"""Plans and tables in Markdown, for the comments of a pull request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from tdxwrap.output import plan_text
from tdxwrap.plan.changes import Action, Change, Finding, Level, Plan

# In the order of their sections; those of writing actions are open.
_OPEN = (Action.CREATE, Action.UPDATE, Action.REPLACE, Action.DELETE)
_CLOSED = (Action.UNMANAGED, Action.UNCHANGED)


def plan_markdown(plan: Plan, account: str) -> str:
    """Render a plan: the counts on top, the details in sections that open and close.

    Args:
        account: profile and site, as the user knows them.
    """
    segment = plan.live.segment
    lines = [
        f"### Realtime plan: {_escaped(segment.name)} ({segment.id})",
        "",
        f"**{plan_text.counts_text(plan)}** · {_escaped(account)} · RT status {segment.status}",
        "",
        *(f"> ⚠️ {_escaped(text)}\n" for text in plan_text.warnings(plan)),
        *(_finding(finding) for finding in plan.findings),
    ]
    for action in (*_OPEN, *_CLOSED):
        changes = [change for change in plan.changes if change.action is action]
        if changes:
            state = " open" if action in _OPEN else ""
            summary = f"<details{state}><summary>{len(changes)} {action}</summary>"
            items = [line for change in changes for line in _change(change)]
            lines.extend(["", summary, "", *items, "", "</details>"])
    return "\n".join(lines) + "\n"


def _finding(finding: Finding) -> str:
    symbol = "❌" if finding.level is Level.FAILED else "⚠️"
    hint = f" – {_escaped(finding.hint)}" if finding.hint else ""
    return f"> {symbol} {_escaped(finding.message)}{hint} ({_escaped(finding.where)})\n"


def _change(change: Change) -> Iterator[str]:
    aside = plan_text.aside(change)
    label = f"- `{change.step}` {plan_text.kind_label(change)} **{_escaped(change.name)}**"
    yield f"{label} – {_escaped(aside)}" if aside else label
    for field in change.fields:
        old, new = (_escaped(plan_text.value_text(value)) for value in (field.old, field.new))
        yield f"  - {_escaped(field.name)}: {old} → {new}"


def table_markdown(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Render a table, whatever its cells hold."""
    head, *body = (f"| {' | '.join(map(_escaped, row))} |" for row in (heads, *rows))
    return "\n".join((head, f"|{' --- |' * len(heads)}", *body)) + "\n"


def _escaped(text: str) -> str:
    """Return text of the user's in which nothing formats, links or opens a tag."""
    one_line = " ".join(text.split())
    escaped = "".join(f"\\{c}" if c in "\\`*_{}[]#|~!" else c for c in one_line)
    return escaped.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
