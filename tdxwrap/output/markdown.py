"""Plans and tables in Markdown, for the comments of a pull request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from tdxwrap.output import plan_text
from tdxwrap.plan.changes import WRITING, Action, Change, Finding, Level, Plan
from tdxwrap.system.text import ascii_entities, markdown

# Characters that a comment on GitHub may have, with some left for a secret that is redacted.
COMMENT = 65_000
# Room for the line that says how many are left out.
_MORE = 60

Block = tuple[str, list[str], str]
"""How a section begins, its items, and how it ends."""


def plan_markdown(
    plan: Plan, account: str, limit: int = COMMENT, *, ascii_only: bool = False
) -> str:
    """Render a plan: the counts on top, the details in sections that open and close.

    What takes something away comes first, and is whole if that fits at all; of the rest as much as
    fits. Of each section the count is given.

    Args:
        account: profile and site, as the user knows them.
        limit: how many characters it may have.
        ascii_only: whether the output has entities in place of other characters.
    """
    segment = plan.live.segment
    where = f"{account} · RT status {segment.status}"
    lines = [
        f"### Realtime plan: {markdown(segment.name)} ({markdown(segment.id)})",
        "",
        f"**{plan_text.counts_text(plan)}** · {markdown(where)}",
        *(["", f"Fingerprint: `{plan.fingerprint}`"] if plan.pending else []),
    ]
    sections = [_section(plan, action) for action in plan_text.LOOKS if plan.counts[action]]
    taking = len({change.action for change in plan.takings})
    blocks = [*sections[:taking], ("", _notes(plan), ""), *sections[taking:]]
    fixed = [*lines, *(part for head, _, end in blocks for part in (head, end, " " * _MORE))]

    def size(text: str) -> int:
        return 1 + len(ascii_entities(text) if ascii_only else text)

    room = limit - sum(map(size, fixed))
    for head, items, end in blocks:
        shown = []
        for item in items:
            # If not whole, then at least without its fields.
            text = item if size(item) <= room else item.partition("\n")[0]
            if size(text) <= room:
                shown.append(text)
                room -= size(text)
        left = len(items) - len(shown)
        more = [f"- … and {left} more: see `tdxwrap plan`"] if left else []
        lines += [head, *shown, *more, end]
    return "\n".join(lines) + "\n"


def _section(plan: Plan, action: Action) -> Block:
    changes = [change for change in plan.changes if change.action is action]
    state = " open" if action in WRITING else ""
    head = f"\n<details{state}><summary>{len(changes)} {action}</summary>\n"
    if action is Action.UNMANAGED and plan.prunable:
        head += f"\n{markdown(plan_text.prunable_text(plan))}\n"
    return head, ["\n".join(_change(change)) for change in changes], "\n</details>"


def _notes(plan: Plan) -> list[str]:
    refused = plan_text.refused_text(plan)
    return [
        *(f"> ⚠️ {markdown(text)}\n" for text in plan_text.warnings(plan)),
        *(_finding(finding) for finding in plan.findings),
        *([f"> ❌ **{refused}**\n"] if refused else []),
    ]


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
