"""Plans and tables in Markdown, for the comments of a pull request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from tdxwrap.output import plan_text
from tdxwrap.plan.changes import Action, Change, Finding, Level, Plan
from tdxwrap.system.text import markdown

# In the order of their sections; those of writing actions are open.
_OPEN = (Action.CREATE, Action.UPDATE, Action.REPLACE, Action.DELETE)
_CLOSED = (Action.UNMANAGED, Action.UNCHANGED)


def plan_markdown(plan: Plan, account: str) -> str:
    """Render a plan: the counts on top, the details in sections that open and close.

    Args:
        account: profile and site, as the user knows them.
    """
    segment = plan.live.segment
    where = f"{account} · RT status {segment.status}"
    lines = [
        f"### Realtime plan: {markdown(segment.name)} ({markdown(segment.id)})",
        "",
        f"**{plan_text.counts_text(plan)}** · {markdown(where)}",
        "",
        *(f"> ⚠️ {markdown(text)}\n" for text in plan_text.warnings(plan)),
        *(_finding(finding) for finding in plan.findings),
        *((f"> ❌ **{refused}**\n",) if (refused := plan_text.refused_text(plan)) else ()),
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
    hint = f" – {markdown(finding.hint)}" if finding.hint else ""
    return f"> {symbol} {markdown(finding.message)}{hint} ({markdown(finding.where)})\n"


def _change(change: Change) -> Iterator[str]:
    aside = plan_text.aside(change)
    kind = markdown(plan_text.kind_label(change))
    label = f"- `{change.step}` {kind} **{markdown(change.name)}**"
    yield f"{label} – {markdown(aside)}" if aside else label
    for field in change.fields:
        old, new = map(markdown, plan_text.value_texts(field))
        yield f"  - {markdown(field.name)}: {old} → {new}"


def table_markdown(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Render a table, whatever its cells hold."""
    head, *body = (f"| {' | '.join(map(markdown, row))} |" for row in (heads, *rows))
    return "\n".join((head, f"|{' --- |' * len(heads)}", *body)) + "\n"
