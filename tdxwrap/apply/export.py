"""What is live as a CONFIG file: `check` accepts it, and its plan on the same segment is empty."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from tdxwrap.config.attributes import ImportedAttribute
from tdxwrap.config.cross_checks import MAX_TABLES
from tdxwrap.config.equality import SETTING_LISTS
from tdxwrap.config.fields import SHORT_FILTERS, ApiItem
from tdxwrap.config.load import parse
from tdxwrap.config.models import BatchAttribute
from tdxwrap.config.yaml_text import as_stated, yaml_text
from tdxwrap.errors import ConfigError
from tdxwrap.plan.build import build_plan
from tdxwrap.realtime.state import LiveState
from tdxwrap.system.text import comment, has_half, json_text
from tdxwrap.version import __version__

Entries: TypeAlias = dict[str, list[Any]]
"""What is to stand in each list of the file, by the path to it."""

_LOOKUP_KEY = "id_stitching.ext_lookup_key"
_CALLED = {
    "event_tables": "event table",
    "key_events": "key event",
    "id_stitching.keys": "stitching key",
    _LOOKUP_KEY: "lookup key",
    "batch_attributes": "batch attribute",
    "attributes": "attribute",
}


def config_text(
    live: LiveState, *, before: str | None = None, origin: str = "", ascii_only: bool = False
) -> str:
    """The live configuration as the text of a CONFIG file, with names in place of ids.

    What a file cannot say (a second item of the same name, a form that this version cannot read)
    is named in a comment; it stays live as it is, since a file only manages what it states.

    Args:
        before: the run before which it was live. To go back to that, every field is stated.
        origin: what configured it, where that is no account.
    Raises:
        MalformedOutput: the setting was not read whole.
    """
    live.require(SETTING_LISTS)
    items = _items(live)
    entries: Entries = {path: [] for path in _CALLED}
    for path, parts in items.items():
        entries[path] = [_short(_entry(item, before)) for item in parts if not item.unread]
    entries[_LOOKUP_KEY] = [live.ext_lookup_key] if live.ext_lookup_key else []
    left_out = [
        _left_out(path, str(getattr(item, "name", item)), item.not_read)
        for path, parts in items.items()
        for item in parts
        if item.unread
    ]
    text = yaml_text(_document(live, entries), ascii_only=ascii_only, width=100)
    while refused := _refused(live, text, entries):
        for (path, index), reason in sorted(refused.items(), reverse=True):
            left_out.append(_left_out(path, _name(entries[path].pop(index)), reason))
        text = yaml_text(_document(live, entries), ascii_only=ascii_only, width=100)
    header = [f"# What {origin} configures, imported by tdxwrap {__version__}."]
    lines = [*(header if origin else _header(live, before)), *left_out, *_unknown_properties(items)]
    return "\n".join([*(comment(line, ascii_only=ascii_only) for line in lines), "", text])


def _items(live: LiveState) -> dict[str, list[ApiItem]]:
    """What is live, as items of each list of the file."""
    columns = dict.fromkeys(each.column for each in live.imported)
    batch = [part for part in live.batch_attributes if getattr(part, "column", "") not in columns]
    names = {p.column: p.name for p in live.batch_attributes if isinstance(p, BatchAttribute)}
    imported = [
        ImportedAttribute(type="imported", column=column, name=names.get(column) or None)
        for column in columns
    ]
    return {
        "event_tables": [*live.event_tables],
        "key_events": [event.value for event in live.key_events],
        "id_stitching.keys": [*live.stitching_keys],
        "batch_attributes": [*batch],
        "attributes": [*(attribute.value for attribute in live.attributes), *imported],
    }


def _document(live: LiveState, entries: Entries) -> Any:
    document: dict[str, Any] = {"parent_segment": live.segment.id}
    for path, items in entries.items():
        section, _, name = path.partition(".")
        if name and items:
            value = items[0] if path == _LOOKUP_KEY else items
            document.setdefault(section, {})[name] = value
        # Event tables stand there even when there are none: a file has to say something.
        elif items or path == "event_tables":
            document[section] = items
    return as_stated(document)


def _refused(live: LiveState, text: str, entries: Entries) -> dict[tuple[str, int], str]:
    """The entries, by path and index, that `check` refuses or a plan would change, with reasons.

    Raises:
        ConfigError: it is none of them that is refused.
    """
    everything = (
        (path, i, entry) for path, each in entries.items() for i, entry in enumerate(each)
    )
    halves = [(path, i) for path, i, entry in everything if has_half(entry)]
    if halves:
        return dict.fromkeys(halves, "half a character cannot stand in YAML")
    try:
        config = parse("export", text.encode(), environ={}).config
    except ConfigError as error:
        found = {place: p.message for p in error.problems for place in _places(p.path, entries)}
        if not found:
            raise
        return {place: re.sub(r" in line \d+", " above", found[place]) for place in found}
    pending = build_plan(config, live).pending
    paths = (".".join(str(part) for part in change.loc) for change in pending)
    reason = "a file cannot say it as it is live"
    return {place: reason for path in paths for place in _places(path, entries)}


def _places(path: str, entries: Entries) -> Iterator[tuple[str, int]]:
    """The entries that the path of a problem means; without an index those above the limit."""
    found = re.match(r"([a-z_.]+[a-z])(?:[.\[](\d+))?", path)
    if not found or found[1] not in entries:
        return
    count = len(entries[found[1]])
    indexes = [int(found[2])] if found[2] else range(min(MAX_TABLES, count - 1), count)
    yield from ((found[1], index) for index in indexes)


def _unknown_properties(items: Mapping[str, Iterable[ApiItem]]) -> Iterator[str]:
    """A line that names the properties that are live and that a file does not carry."""
    found: set[str] = set()
    for item in (item for parts in items.values() for item in parts if not item.unread):
        known = {"id", *_properties(item.model_dump(mode="json", by_alias=True))}
        found.update(set(_properties(item.document)) - known)
    if found:
        yield f"# left out: properties that this version does not know: {json_text(sorted(found))}"


def _properties(value: Any) -> Iterator[str]:
    for item in value if isinstance(value, list) else ():
        yield from _properties(item)
    for name, item in value.items() if isinstance(value, dict) else ():
        if item is not None and name != "filterRule":
            yield name
            yield from _properties(item)


def _entry(item: ApiItem, before: str | None) -> Any:
    whole: Any = item.model_dump(mode="json", by_alias=False, context=SHORT_FILTERS)
    if before is None or not isinstance(whole, dict):
        return item.to_config()
    later = getattr(item, "renamed_from", None)
    whole |= {"renamed_from": later} if later else {}
    return {n: value for n, value in whole.items() if n != "extra" or value}


def _header(live: LiveState, before: str | None) -> list[str]:
    name = json_text(live.segment.name)
    if before is not None:
        return [
            f"# The realtime configuration of the parent segment {name} ({live.segment.id})",
            f"# before the run {before}, exported by tdxwrap {__version__}. To go back to it:",
            "# tdxwrap apply FILE --prune --replace --force",
            "# That does not bring back ids, the RT status, and what a deleted attribute had",
            "# collected; and a lookup key that was set since then stays.",
        ]
    return [
        f"# The realtime configuration of the parent segment {name} ({live.segment.id}),",
        f"# exported by tdxwrap {__version__}. To apply it to another parent segment, change",
        "# parent_segment or give --parent-segment.",
    ]


def _left_out(path: str, name: str, reason: str) -> str:
    # As JSON, since a name may hold a line break, which would end the comment.
    return f"# left out: {_CALLED[path]} {json_text(name)}: {json_text(reason)}"


def _name(entry: Any) -> str:
    return entry if isinstance(entry, str) else str(entry.get("name") or entry.get("column") or "")


def _short(entry: Any) -> Any:
    """The shorthand of an item that states one field alone."""
    return next(iter(entry.values())) if isinstance(entry, dict) and len(entry) == 1 else entry
