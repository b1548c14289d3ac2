"""A configuration as a picture: event tables → key events → attributes, and the ID stitching.

Pure: from a plan to the text of a Mermaid flowchart or of a DOT graph. Ids are positions, so a
name is never more than a label.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tdxwrap.config.models import BaseAttribute, ConfigItem, KeyEvent
from tdxwrap.plan.changes import Action, Change, Kind, Plan

_TITLES = {
    "tables": "Event tables",
    "events": "Key events",
    "attributes": "Attributes",
    "stitching": "ID stitching",
}
# Everything else is an attribute.
_GROUP_OF = {
    Kind.EVENT_TABLE: "tables",
    Kind.KEY_EVENT: "events",
    Kind.STITCHING_KEY: "stitching",
    Kind.LOOKUP_KEY: "stitching",
    Kind.BATCH_ATTRIBUTE: "stitching",
}


@dataclass(frozen=True, slots=True)
class State:
    """How an item stands to what is live: told by a mark as well as by a colour."""

    name: str
    mark: str
    fill: str
    stroke: str


LIVE = State("live", "✓", "#d8f0dd", "#1a7f37")
MISSING = State("missing", "+", "#fbdcdc", "#b3261e")
DIFFERENT = State("different", "~", "#fdecc8", "#8a5a00")
EXTRA = State("live only", "·", "#e6e6e6", "#666666")
STATES = {
    Action.UNCHANGED: LIVE,
    Action.CREATE: MISSING,
    Action.UPDATE: DIFFERENT,
    Action.REPLACE: DIFFERENT,
    Action.UNMANAGED: EXTRA,
}


@dataclass(frozen=True, slots=True)
class Node:
    """One item; `state` is None where nothing is known of what is live."""

    id: str
    label: str
    state: State | None


@dataclass(frozen=True, slots=True)
class Edge:
    """From what is read to what reads it; a dashed one has a label, the action of a list."""

    source: str
    target: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Graph:
    """The nodes of each group, under its id, and the edges."""

    groups: Mapping[str, Sequence[Node]]
    edges: tuple[Edge, ...]

    @property
    def states(self) -> tuple[State, ...]:
        """The states that occur, in a fixed order."""
        found = {node.state for nodes in self.groups.values() for node in nodes}
        return tuple(state for state in (LIVE, MISSING, DIFFERENT, EXTRA) if state in found)


def picture(plan: Plan, *, live: bool) -> Graph:
    """The graph of a plan.

    Args:
        live: tell of each item whether it is live; else the plan is one for a blank segment.
    """
    groups: dict[str, list[Node]] = {group: [] for group in _TITLES}
    drawn = []
    for change in plan.changes:
        group = _GROUP_OF.get(change.kind, "attributes")
        state = STATES[change.action] if live else None
        node = Node(f"{group[0]}{len(groups[group]) + 1}", _label(change, state), state)
        groups[group].append(node)
        drawn.append((node.id, change))
    return Graph(groups, tuple(_edges(drawn)))


def _label(change: Change, state: State | None) -> str:
    aside = {Kind.LOOKUP_KEY: "lookup key", Kind.BATCH_ATTRIBUTE: "batch attribute"}
    told = aside.get(change.kind) or getattr(_part(change), "type", "")
    # A label is one line, of what can be seen; Mermaid takes none that is empty.
    one_line = " ".join(change.name.split()) or "\ufffd"
    name = "".join(c if c.isprintable() else "\ufffd" for c in one_line)
    return f"{state.mark + ' ' if state else ''}{name}{f' – {told}' if told else ''}"


def _part(change: Change) -> ConfigItem | None:
    return change.desired or change.live


def _edges(nodes: list[tuple[str, Change]]) -> Iterator[Edge]:
    tables = {_part(change): node for node, change in nodes if change.kind is Kind.EVENT_TABLE}
    # Of several live key events of one name, the first is meant.
    events = {c.name: node for node, c in reversed(nodes) if c.kind is Kind.KEY_EVENT}
    lookup = [node for node, change in nodes if change.kind is Kind.LOOKUP_KEY]
    for node, change in nodes:
        part = _part(change)
        if isinstance(part, KeyEvent) and part.event_table in tables:
            yield Edge(tables[part.event_table], node)
        elif isinstance(part, BaseAttribute):
            yield from _attribute_edges(node, part, events)
        elif hasattr(part, "column"):
            yield from (Edge(key, node) for key in lookup)


def _attribute_edges(node: str, part: BaseAttribute, events: dict[str, str]) -> Iterator[Edge]:
    key_event = getattr(part, "key_event", None)
    if key_event in events:
        yield Edge(events[key_event], node)
    for action in getattr(part, "actions", ()):
        if action.key_event in events:
            yield Edge(events[action.key_event], node, action.action)


# Mermaid

# What could be taken for syntax, for Markdown or for HTML; a dot, a dash or an underscore within
# a word is none of these.
_MARKUP = re.compile(r"[!-,/:-@\[-^`{-~]|(?<![^\W_])[._-]|[._-](?![^\W_])")


def mermaid(graph: Graph) -> str:
    """A Mermaid flowchart, as GitHub and others draw it."""
    lines = ["flowchart LR"]
    for group, nodes in graph.groups.items():
        if nodes:
            lines.append(f'  subgraph {group}["{_TITLES[group]}"]')
            lines.extend(f'    {node.id}["{_entities(node.label)}"]' for node in nodes)
            lines.append("  end")
    for edge in graph.edges:
        arrow = f'-.->|"{edge.label}"|' if edge.label else "-->"
        lines.append(f"  {edge.source} {arrow} {edge.target}")
    if graph.states:
        lines.append(f'  legend["{_entities(_legend(graph))}"]')
    for state in graph.states:
        members = (n.id for nodes in graph.groups.values() for n in nodes if n.state is state)
        name = state.name.replace(" ", "_")
        style = f"fill:{state.fill},stroke:{state.stroke},color:#000000"
        lines.append(f"  classDef {name} {style}")
        lines.append(f"  class {','.join(members)} {name}")
    return "\n".join(lines) + "\n"


def _entities(text: str) -> str:
    return _MARKUP.sub(lambda found: f"#{ord(found[0])};", text)


def _legend(graph: Graph) -> str:
    return "   ".join(f"{state.mark} {state.name}" for state in graph.states)


# DOT


def dot(graph: Graph) -> str:
    """A DOT graph, for Graphviz."""
    lines = ["digraph realtime {", "  rankdir=LR;", "  node [shape=box];"]
    for group, nodes in graph.groups.items():
        if nodes:
            lines.append(f"  subgraph cluster_{group} {{")
            lines.append(f"    label={_quoted(_TITLES[group])};")
            lines.extend(f"    {node.id} [{_dot_node(node)}];" for node in nodes)
            lines.append("  }")
    for edge in graph.edges:
        dashed = f" [style=dashed, label={_quoted(edge.label)}]" if edge.label else ""
        lines.append(f"  {edge.source} -> {edge.target}{dashed};")
    if graph.states:
        lines.append(f"  label={_quoted(_legend(graph))};")
    return "\n".join([*lines, "}"]) + "\n"


def _dot_node(node: Node) -> str:
    label = f"label={_quoted(node.label)}"
    if node.state is None:
        return label
    state = node.state
    return f'{label}, style=filled, fillcolor="{state.fill}", color="{state.stroke}"'


def _quoted(text: str) -> str:
    # Graphviz knows escapes and HTML's entities in a quoted text.
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("&", "&amp;")
    return f'"{escaped}"'
