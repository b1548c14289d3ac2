"""What is live as a CONFIG file: `check` accepts it, and its plan on the same segment is empty."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from tdxwrap.config.models import (
    BaseAttribute,
    BatchAttribute,
    ConfigItem,
    ImportedAttribute,
    KeyEvent,
)
from tdxwrap.config.yaml_source import escape
from tdxwrap.config.yaml_text import yaml_text
from tdxwrap.realtime.state import SETTING_LISTS, LiveState
from tdxwrap.system.text import comment, json_text
from tdxwrap.version import __version__


def config_text(live: LiveState, *, ascii_only: bool = False) -> str:
    """The live configuration as the text of a CONFIG file, with names in place of ids.

    What a file cannot say (a second item of the same name, a form that this version cannot read)
    is named in a comment; it stays live as it is, since a file only manages what it states.

    Raises:
        MalformedOutput: the setting was not read whole.
    """
    live.require(SETTING_LISTS)
    key_events, left_out = _once([event.value for event in live.key_events], "key event")
    attributes, left_out_too = _attributes(live, {event.name for event in key_events})
    imported, batch, not_batch = _imported(live)
    document = {
        "parent_segment": live.segment.id,
        "event_tables": _written(live.event_tables),
        "key_events": _written(key_events),
        "id_stitching": _id_stitching(live),
        "batch_attributes": [_short(part, "column") for part in batch],
        "attributes": [*_written(attributes), *_written(imported)],
    }
    # Event tables stand there even when there are none: a file has to say something.
    stated = {name: value for name, value in document.items() if value or name == "event_tables"}
    text = yaml_text(_escaped(stated), ascii_only=ascii_only, width=100)
    strange = [_left_out(item.kind, item.name, item.reason) for item in live.unreadable]
    lines = [*_header(live), *left_out, *left_out_too, *not_batch, *strange]
    return "\n".join([*(comment(line, ascii_only=ascii_only) for line in lines), "", text])


def _header(live: LiveState) -> list[str]:
    name = json_text(live.segment.name)
    return [
        f"# The realtime configuration of the parent segment {name} ({live.segment.id}),",
        f"# exported by tdxwrap {__version__}. To apply it to another parent segment, change",
        "# parent_segment or give --parent-segment.",
    ]


def _attributes(live: LiveState, key_events: set[str]) -> tuple[list[BaseAttribute], list[str]]:
    hanging: list[BaseAttribute] = []
    lost: list[BaseAttribute] = []
    for attribute in live.attributes:
        known = key_events.issuperset(attribute.value.key_events())
        (hanging if known else lost).append(attribute.value)
    kept, comments = _once(hanging, "attribute")
    reason = "its key event does not exist"
    return kept, [*comments, *(_left_out("attribute", a.name, reason) for a in lost)]


def _imported(
    live: LiveState,
) -> tuple[list[ImportedAttribute], list[BatchAttribute], list[str]]:
    """The imported columns with their names, the other batch attributes, what is left out."""
    names = {part.column: part.name for part in live.batch_attributes}
    columns = dict.fromkeys(each.column for each in live.imported)
    imported = [
        ImportedAttribute(type="imported", column=column, name=names.get(column))
        for column in columns
        if column in names
    ]
    others = [part for part in live.batch_attributes if part.column not in columns]
    reason = "its column is not among the batch attributes"
    lost = [_left_out("attribute", column, reason) for column in columns if column not in names]
    return imported, others, lost


def _id_stitching(live: LiveState) -> dict[str, Any]:
    keys = [_short(key, "name") for key in live.stitching_keys]
    stated = {"keys": keys, "ext_lookup_key": live.ext_lookup_key}
    return {name: value for name, value in stated.items() if value}


Named = TypeVar("Named", KeyEvent, BaseAttribute)


def _once(parts: Iterable[Named], kind: str) -> tuple[list[Named], list[str]]:
    """Each item once: neither a name nor an identifier may come twice in a file."""
    seen: set[tuple[str, str]] = set()
    kept, comments = [], []
    for part in parts:
        labels = {("name", part.name)}
        if isinstance(part, BaseAttribute):
            labels.add(("identifier", part.key))
        if seen & labels:
            comments.append(_left_out(kind, part.name, "it exists twice"))
            continue
        seen |= labels
        kept.append(part)
    return kept, comments


def _left_out(kind: str, name: str, reason: str) -> str:
    # As JSON, since a name may hold a line break, which would end the comment.
    return f"# left out: {kind} {json_text(name)}: {json_text(reason)}"


def _written(parts: Sequence[ConfigItem]) -> list[Any]:
    return [part.to_config() for part in parts]


def _short(part: ConfigItem, only: str) -> Any:
    """The shorthand of an item that states one field alone."""
    stated = part.to_config()
    return stated[only] if set(stated) == {only} else stated


def _escaped(value: Any) -> Any:
    """Texts that look like `${NAME}` must not be taken from the environment on the way back."""
    if isinstance(value, str):
        return escape(value)
    if isinstance(value, list):
        return [_escaped(item) for item in value]
    if isinstance(value, dict):
        return {name: _escaped(item) for name, item in value.items()}
    return value
