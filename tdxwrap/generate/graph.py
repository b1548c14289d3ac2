"""A configuration as a graph: event tables → key events → attributes, and the ID stitching.

Pure: turns a plan into a Mermaid flowchart or a DOT graph. Ids are positions, so names only ever
appear in labels.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tdxwrap.config.attributes import BaseAttribute
from tdxwrap.config.fields import EVERY_EVENT, ConfigItem
from tdxwrap.config.models import KeyEvent
from tdxwrap.plan.changes import Action, Change, Kind, Plan
from tdxwrap.system import text

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
    """How an item compares with what is live: shown by a mark as well as by a color."""

    name: str
    mark: str
    fill: str
    stroke: str


_DIFFERENT = State("different", "~", "#fdecc8", "#8a5a00")
STATES = {
    Action.UNCHANGED: State("live", "✓", "#d8f0dd", "#1a7f37"),
    Action.CREATE: State("missing", "+", "#fbdcdc", "#b3261e"),
    Action.UPDATE: _DIFFERENT,
    Action.REPLACE: _DIFFERENT,
    Action.UNMANAGED: State("live only", "·", "#e6e6e6", "#666666"),
}


@dataclass(frozen=True, slots=True)
class Node:
    """One item; `state` is None if the live state is unknown."""

    id: str
    label: str
    state: State | None


@dataclass(frozen=True, slots=True)
class Edge:
    """From a source to what reads it; with a label, what else it does there, it is dashed."""

    source: str
    target: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Graph:
    """The nodes of each group that has any, under its id, the edges, and the parent segment."""

    groups: Mapping[str, Sequence[Node]]
    edges: tuple[Edge, ...]
    title: str

    def members(self) -> dict[State, list[str]]:
        """Return the ids of the nodes in each state that occurs, in a fixed order."""
        nodes = [node for group in self.groups.values() for node in group]
        found = {s: [node.id for node in nodes if node.state is s] for s in STATES.values()}
        return {state: ids for state, ids in found.items() if ids}


def picture(plan: Plan, title: str, *, live: bool) -> Graph:
    """Return the graph of a plan.

    Args:
        title: the parent segment; empty if none is named.
        live: show the state of each item; False for the plan of a blank segment.
    """
    groups: dict[str, list[Node]] = {group: [] for group in _TITLES}
    drawn = []
    for change in plan.changes:
        group = _GROUP_OF.get(change.kind, "attributes")
        state = STATES[change.action] if live else None
        node = Node(f"{group[0]}{len(groups[group]) + 1}", _label(change, state), state)
        groups[group].append(node)
        drawn.append((node.id, change))
    occupied = {group: nodes for group, nodes in groups.items() if nodes}
    return Graph(occupied, tuple(_edges(drawn)), title)


def _label(change: Change, state: State | None) -> str:
    aside = {Kind.LOOKUP_KEY: "lookup key", Kind.BATCH_ATTRIBUTE: "batch attribute"}
    part = _part(change)
    told = aside.get(change.kind) or getattr(part, "type", "")
    if isinstance(part, KeyEvent) and part.filter_rule != EVERY_EVENT:
        told = "filtered"
    # Mermaid does not accept an empty label.
    name = text.one_line(change.name) or "\N{REPLACEMENT CHARACTER}"
    return f"{state.mark + ' ' if state else ''}{name}{f' – {told}' if told else ''}"


def _part(change: Change) -> ConfigItem | None:
    return change.desired or change.live


def _edges(nodes: list[tuple[str, Change]]) -> Iterator[Edge]:
    tables = {_part(change): node for node, change in nodes if change.kind is Kind.EVENT_TABLE}
    # Of several live key events of one name, the first one wins.
    events = {c.name: node for node, c in reversed(nodes) if c.kind is Kind.KEY_EVENT}
    lookup = [node for node, change in nodes if change.kind is Kind.LOOKUP_KEY]
    attributes = {label: node for node, change in nodes for label in _labels(change)}
    for node, change in nodes:
        part = _part(change)
        if isinstance(part, KeyEvent) and part.event_table in tables:
            yield Edge(tables[part.event_table], node)
        elif isinstance(part, BaseAttribute):
            yield from _attribute_edges(node, part, events)
            for key in getattr(part, "lookup_keys", ()):
                if key.id in attributes:
                    yield Edge(attributes[key.id], node, "lookup key")
        elif hasattr(part, "column"):
            yield from (Edge(key, node) for key in lookup)


def _labels(change: Change) -> tuple[str, ...]:
    """What a lookup key may call an attribute."""
    part = _part(change)
    if not isinstance(part, BaseAttribute):
        return ()
    return (str(change.live_id), part.key, part.name)


def _attribute_edges(node: str, part: BaseAttribute, events: dict[str, str]) -> Iterator[Edge]:
    key_event = getattr(part, "key_event", None)
    if key_event in events:
        yield Edge(events[key_event], node)
    for action in getattr(part, "actions", ()):
        if action.key_event in events:
            yield Edge(events[action.key_event], node, action.action)


# Mermaid


def mermaid(graph: Graph) -> str:
    """Return a Mermaid flowchart, as GitHub and others draw it."""
    head = (
        ["---", f"title: {json.dumps(text.terminal(graph.title), ensure_ascii=False)}", "---"]
        if graph.title
        else []
    )
    lines = [*head, "flowchart LR"]
    for group, nodes in graph.groups.items():
        lines.append(f'  subgraph {group}["{_TITLES[group]}"]')
        lines.extend(f'    {node.id}["{text.mermaid(node.label)}"]' for node in nodes)
        lines.append("  end")
    for edge in graph.edges:
        arrow = f'-.->|"{text.mermaid(edge.label)}"|' if edge.label else "-->"
        lines.append(f"  {edge.source} {arrow} {edge.target}")
    states = graph.members()
    if states:
        lines.append(f'  legend["{text.mermaid(_legend(states))}"]')
    for state, members in states.items():
        name = state.name.replace(" ", "_")
        style = f"fill:{state.fill},stroke:{state.stroke},color:#000000"
        lines.append(f"  classDef {name} {style}")
        lines.append(f"  class {','.join(members)} {name}")
    return "\n".join(lines) + "\n"


def _legend(states: Iterable[State]) -> str:
    return "   ".join(f"{state.mark} {state.name}" for state in states)


# DOT


def dot(graph: Graph) -> str:
    """Return a DOT graph, for Graphviz."""
    lines = ["digraph realtime {", "  rankdir=LR;", "  node [shape=box];"]
    for group, nodes in graph.groups.items():
        lines.append(f"  subgraph cluster_{group} {{")
        lines.append(f"    label={text.dot(_TITLES[group])};")
        lines.extend(f"    {node.id} [{_dot_node(node)}];" for node in nodes)
        lines.append("  }")
    for edge in graph.edges:
        dashed = f" [style=dashed, label={text.dot(edge.label)}]" if edge.label else ""
        lines.append(f"  {edge.source} -> {edge.target}{dashed};")
    below = "   ".join(filter(None, (graph.title, _legend(graph.members()))))
    if below:
        lines.append(f"  label={text.dot(below)};")
    return "\n".join([*lines, "}"]) + "\n"


def _dot_node(node: Node) -> str:
    label = f"label={text.dot(node.label)}"
    if node.state is None:
        return label
    state = node.state
    return f'{label}, style=filled, fillcolor="{state.fill}", color="{state.stroke}"'
