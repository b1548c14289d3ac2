"""What has to change so that live is as the file says: a pure function, no I/O, no clock.

`build` compares an `RtConfig` with a `LiveState` and gives a `Plan`: an ordered tuple of changes
in the recipe's order. `plan` shows it, `apply` carries it out, `verify` demands that it is empty.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from tdxwrap.config.models import BaseAttribute, ConfigItem, KeyEvent, RtConfig
from tdxwrap.plan.changes import (
    Action,
    Blocker,
    Change,
    FieldChange,
    Kind,
    Loc,
    Plan,
    PlanOptions,
)
from tdxwrap.realtime.state import LiveAttribute, LiveKeyEvent, LiveState

_Label = Callable[[BaseAttribute], str | None]

# F13, F15: what can only be changed by delete and create. A key event that reads another table
# would leave its attributes with values from both.
_KEY_EVENT_FIXED = frozenset(("database", "table"))


def build(config: RtConfig, live: LiveState, options: PlanOptions | None = None) -> Plan:
    """Compare what the file says with what is live.

    Rules: lists of the setting are merged; only fields that the file states are compared; items
    match by name, attributes by identifier first; what cannot be patched is replaced (F11, F15).

    Args:
        config: what the file says; its names are known to be consistent (`config.load`).
        live: what is there.
        options: what the user has agreed to.
    Returns:
        The plan. Whether it may be carried out stands in `blockers`.
    """
    options = options or PlanOptions()
    key_events = _key_events(config, live)
    replaced_events = {c.name for c in key_events if c.action is Action.REPLACE}
    attributes = _attributes(config, live, replaced_events)
    keys, batch = config.id_stitching.keys, config.batch()
    changes = (
        *_members(Kind.EVENT_TABLE, config.tables(), live.event_tables, table_locs(config)),
        *key_events,
        *_members(
            Kind.STITCHING_KEY,
            keys,
            live.stitching_keys,
            _locs("id_stitching", "keys", count=len(keys)),
        ),
        *_lookup_key(config, live),
        *_members(
            Kind.BATCH_ATTRIBUTE,
            batch,
            live.batch_attributes,
            batch_locs(config),
        ),
        *attributes,
        *_members(
            Kind.IMPORTED,
            # How a column is called is a matter of its batch attribute.
            [part.model_copy(update={"name": None}) for part in config.imported().values()],
            live.imported,
            [("attributes", index) for index in config.imported()],
        ),
        *_not_readable(live),
    )
    if options.prune:
        changes = _prune(changes, live)
    return Plan(changes, tuple(_blockers(changes, live, options)), live)


def table_locs(config: RtConfig) -> list[Loc]:
    """Where each of `config.tables()` stands: in its own list, or in its first key event."""
    if config.event_tables is not None:
        return _locs("event_tables", count=len(config.event_tables))
    read = [event.event_table for event in config.key_events]
    return [("key_events", read.index(table)) for table in config.tables()]


def batch_locs(config: RtConfig) -> list[Loc]:
    """Where each of `config.batch()` stands: in its own list, or as an imported attribute."""
    stated = {part.column for part in config.batch_attributes}
    new = [i for i, each in config.imported().items() if each.column not in stated]
    own = _locs("batch_attributes", count=len(config.batch_attributes))
    return [*own, *(("attributes", index) for index in new)]


def _locs(*path: str, count: int) -> list[Loc]:
    return [(*path, index) for index in range(count)]


# The lists of the setting: event tables, stitching keys, batch attributes


def _member_name(part: ConfigItem) -> str:
    return str(getattr(part, "name", None) or getattr(part, "column", None) or part)


def _member_key(part: ConfigItem) -> str:
    """What makes a member of a list the same member: a column, a name, a table."""
    return str(getattr(part, "column", None) or getattr(part, "name", None) or part)


def _members(
    kind: Kind, desired: Sequence[ConfigItem], live: Sequence[ConfigItem], locs: Sequence[Loc]
) -> Iterable[Change]:
    existing = {_member_key(part): part for part in reversed(live)}
    for part, place in zip(desired, locs, strict=True):
        there = existing.get(_member_key(part))
        if there is None:
            yield Change(Action.CREATE, kind, _member_name(part), desired=part, loc=place)
            continue
        fields = tuple(_differences(part, there, getattr(there, "extra", {})))
        action = Action.UPDATE if fields else Action.UNCHANGED
        yield Change(action, kind, _member_name(part), fields, desired=part, live=there, loc=place)
    wanted = {_member_key(part) for part in desired}
    for part in live:
        if _member_key(part) not in wanted:
            yield Change(Action.UNMANAGED, kind, _member_name(part), live=part)


def _lookup_key(config: RtConfig, live: LiveState) -> Iterable[Change]:
    wanted, there = config.id_stitching.ext_lookup_key, live.ext_lookup_key
    loc: Loc = ("id_stitching", "ext_lookup_key")
    if wanted is None:
        if there is not None:
            yield Change(Action.UNMANAGED, Kind.LOOKUP_KEY, there)
    elif there is None:
        yield Change(Action.CREATE, Kind.LOOKUP_KEY, wanted, loc=loc)
    elif there == wanted:
        yield Change(Action.UNCHANGED, Kind.LOOKUP_KEY, wanted, loc=loc)
    else:
        yield Change(
            Action.UPDATE,
            Kind.LOOKUP_KEY,
            wanted,
            (FieldChange("ext_lookup_key", there, wanted),),
            reason="every batch attribute is looked up by another column from then on",
            loc=loc,
            dangerous=True,
        )


# Key events and attributes


def _key_events(config: RtConfig, live: LiveState) -> tuple[Change, ...]:
    by_name: dict[str, LiveKeyEvent] = {}
    for event in live.key_events:
        by_name.setdefault(event.value.name, event)
    changes = [
        _key_event(event, by_name.get(event.name), ("key_events", index), live)
        for index, event in enumerate(config.key_events)
    ]
    matched = {change.live_id for change in changes}
    changes.extend(
        Change(
            Action.UNMANAGED,
            Kind.KEY_EVENT,
            event.value.name,
            live_id=event.id,
            live=event.value,
            reason=_duplicate(by_name[event.value.name], event),
        )
        for event in live.key_events
        if event.id not in matched
    )
    return tuple(changes)


def _duplicate(first: LiveKeyEvent, event: LiveKeyEvent) -> str:
    return "" if first is event else f"a second one of this name; {first.id} is the first"


def _key_event(event: KeyEvent, there: LiveKeyEvent | None, loc: Loc, live: LiveState) -> Change:
    if there is None:
        return Change(Action.CREATE, Kind.KEY_EVENT, event.name, desired=event, loc=loc)
    fields = tuple(_differences(event, there.value, there.answer))
    change = Change(
        _action(fields, _KEY_EVENT_FIXED),
        Kind.KEY_EVENT,
        event.name,
        fields,
        live_id=there.id,
        desired=event,
        live=there.value,
        loc=loc,
    )
    if change.action is not Action.REPLACE:
        return change
    hanging = _names(a for a in live.attributes if event.name in a.value.key_events())
    lost = f"with it what these attributes have collected: {hanging}" if hanging else ""
    return replace(change, reason=lost or "no attribute hangs on it")


def _attributes(config: RtConfig, live: LiveState, replaced_events: set[str]) -> tuple[Change, ...]:
    collected = config.collected()
    found = match_attributes([*collected.values()], live.attributes)
    matches = {index: found[n] for n, index in enumerate(collected) if n in found}
    changes = [
        _attribute(attribute, matches.get(index), ("attributes", index), replaced_events)
        for index, attribute in collected.items()
    ]
    matched = {there.id for there in matches.values()}
    changes.extend(
        Change(
            Action.UNMANAGED,
            Kind.ATTRIBUTE,
            there.value.name,
            live_id=there.id,
            live=there.value,
        )
        for there in live.attributes
        if there.id not in matched
    )
    return tuple(changes)


def match_attributes(
    desired: Sequence[BaseAttribute], live: Sequence[LiveAttribute]
) -> dict[int, LiveAttribute]:
    """Which live attribute each desired one (by index) is: by identifier, then by name.

    An identifier that was only derived from the name comes last: it was never stated, but a new
    attribute could not have it either. No live attribute is matched twice.
    """
    matches: dict[int, LiveAttribute] = {}
    matchers: tuple[tuple[_Label, _Label], ...] = (
        (lambda a: a.identifier, lambda a: a.key),
        (lambda a: a.name, lambda a: a.name),
        (lambda a: a.key, lambda a: a.key),
    )
    for wanted_label, live_label in matchers:
        taken = {there.id for there in matches.values()}
        free: dict[str | None, LiveAttribute] = {}
        for there in live:
            if there.id not in taken:
                free.setdefault(live_label(there.value), there)
        for index, attribute in enumerate(desired):
            label = wanted_label(attribute)
            if index not in matches and label is not None and label in free:
                matches[index] = free.pop(label)
    return matches


def _attribute(
    attribute: BaseAttribute,
    there: LiveAttribute | None,
    loc: Loc,
    replaced_events: set[str],
) -> Change:
    if there is None:
        return Change(Action.CREATE, Kind.ATTRIBUTE, attribute.name, desired=attribute, loc=loc)
    fields = tuple(_differences(attribute, there.value, there.answer))
    change = Change(
        _action(fields, _fixed_fields(attribute)),
        Kind.ATTRIBUTE,
        attribute.name,
        fields,
        live_id=there.id,
        desired=attribute,
        live=there.value,
        loc=loc,
    )
    if replaced_events.intersection(there.value.key_events()):
        change = replace(change, action=Action.REPLACE, reason="its key event is replaced; ")
    if change.action is not Action.REPLACE:
        return change
    return replace(change, reason=f"{change.reason}what it has collected is lost")


def _fixed_fields(attribute: BaseAttribute) -> frozenset[str]:
    return frozenset(type(attribute).model_fields) - BaseAttribute.PATCHABLE


def _action(fields: Sequence[FieldChange], fixed: frozenset[str]) -> Action:
    if any(field.name in fixed for field in fields):
        return Action.REPLACE
    return Action.UPDATE if fields else Action.UNCHANGED


def _differences(
    desired: ConfigItem, live: ConfigItem, answer: Mapping[str, Any]
) -> Iterable[FieldChange]:
    """The fields that the file states and that live has otherwise.

    Of another kind of attribute every stated field that live lacks counts as well.

    Args:
        answer: where live has what the file states under `extra`.
    """
    old = live.model_dump(mode="json", by_alias=False)
    new = desired.model_dump(mode="json", by_alias=False)
    for name in type(desired).model_fields:
        if name not in desired.model_fields_set:
            continue
        if name == "extra":
            old["extra"] = {known: answer.get(known) for known in new["extra"]}
            if old["extra"] != new["extra"]:
                yield FieldChange(name, old["extra"], new["extra"])
        elif getattr(desired, name) != getattr(live, name, None):
            yield FieldChange(name, old.get(name), new[name])


# What is live only


def _not_readable(live: LiveState) -> Iterable[Change]:
    for item in live.unreadable:
        yield Change(
            Action.UNMANAGED,
            Kind(item.kind),
            item.name,
            live_id=item.id,
            reason=f"left alone: this version cannot read it ({item.reason})",
        )


def _prune(changes: Sequence[Change], live: LiveState) -> tuple[Change, ...]:
    """What is not managed becomes a delete, unless something that stays needs it."""
    staying = [c for c in changes if c.action is not Action.UNMANAGED or not _prunable(c)]
    used_events = {
        name
        for change in staying
        for part in (change.desired or change.live,)
        if isinstance(part, BaseAttribute)
        for name in part.key_events()
    }
    used_events.update(name for item in live.unreadable for name in item.key_events)
    kept = tuple(_pruned(change, used_events) for change in changes)
    used_tables = {
        str(part.event_table)
        for change in kept
        if change.action is not Action.DELETE
        for part in (change.desired or change.live,)
        if isinstance(part, KeyEvent)
    }
    return tuple(
        replace(change, action=Action.UNMANAGED, reason="left alone: a key event reads it")
        if change.action is Action.DELETE
        and change.kind is Kind.EVENT_TABLE
        and change.name in used_tables
        else change
        for change in kept
    )


def _prunable(change: Change) -> bool:
    # The lookup key can never be null again (F18); what cannot be read is never touched.
    return change.live is not None


def _pruned(change: Change, used_events: set[str]) -> Change:
    if change.action is not Action.UNMANAGED or not _prunable(change):
        return change
    if change.kind is Kind.KEY_EVENT and change.name in used_events:
        return replace(change, reason="left alone: attributes hang on it")
    return replace(change, action=Action.DELETE, reason="not in the file")


def _blockers(
    changes: Sequence[Change], live: LiveState, options: PlanOptions
) -> Iterable[Blocker]:
    yield from _replace_blockers(changes, live, options)
    deletes = sum(change.action is Action.DELETE for change in changes)
    if deletes * 3 > live.size and not options.force:
        yield Blocker(
            f"{deletes} of {live.size} live items would be deleted, more than a third", "--force"
        )
    yield from _taken_names(changes, live)
    for change in changes:
        if change.action is Action.CREATE and _hits_unreadable(change, live):
            yield Blocker(
                f"{change.kind} {change.name} exists in a form that this version cannot read", ""
            )


def _taken_names(changes: Sequence[Change], live: LiveState) -> Iterable[Blocker]:
    """Names are unique: one that another attribute has now cannot be given away in one run."""
    holders = {there.value.name: there for there in live.attributes}
    for change in changes:
        holder = holders.get(change.name)
        has_it = isinstance(change.live, BaseAttribute) and change.live.name == change.name
        if isinstance(change.desired, BaseAttribute) and holder is not None and not has_it:
            yield Blocker(
                f"attribute {change.desired.key} cannot be called {change.name!r} while attribute "
                f"{holder.value.key} is",
                "",
            )
    imported = {part.column for part in live.imported}
    for change in changes:
        new = change.desired if change.action is Action.CREATE else None
        if isinstance(new, BaseAttribute) and {new.name, new.key} & imported:
            yield Blocker(f"attribute {new.name}: the column of this name is imported", "")


def _hits_unreadable(change: Change, live: LiveState) -> bool:
    key = change.desired.key if isinstance(change.desired, BaseAttribute) else change.name
    return any(
        item.kind == change.kind and (item.name == change.name or item.identifier == key)
        for item in live.unreadable
    )


def _replace_blockers(
    changes: Sequence[Change], live: LiveState, options: PlanOptions
) -> Iterable[Blocker]:
    replaced = [change for change in changes if change.action is Action.REPLACE]
    if replaced and not options.replace:
        names = ", ".join(f"{change.kind} {change.name}" for change in replaced)
        yield Blocker(f"to be deleted and created anew: {names}", "--replace")
    staying = [c for c in changes if c.action is Action.UNMANAGED]
    for change in replaced:
        if change.kind is not Kind.KEY_EVENT:
            continue
        hanging = [
            c.name
            for c in staying
            if isinstance(c.live, BaseAttribute) and change.name in c.live.key_events()
        ]
        if hanging:
            yield Blocker(
                f"key event {change.name} cannot be replaced while attributes hang on it that are "
                f"not in the file: {', '.join(hanging)}",
                "--prune",
            )


def _names(attributes: Iterable[LiveAttribute]) -> str:
    return ", ".join(attribute.value.name for attribute in attributes)


# The lists that the setting holds afterwards (F11: a PATCH replaces a whole list)


def merged(plan: Plan, kind: Kind, *, without_deleted: bool) -> tuple[ConfigItem, ...]:
    """A list of the setting as it is to be: what is live in its order, updated, then the new.

    Args:
        kind: EVENT_TABLE, STITCHING_KEY, BATCH_ATTRIBUTE or IMPORTED.
        without_deleted: leave out what is to be pruned; that happens last.
    """
    mine = [change for change in plan.changes if change.kind is kind]
    by_live = {_member_key(c.live): c for c in mine if c.live is not None}
    lists: dict[Kind, Sequence[ConfigItem]] = {
        Kind.EVENT_TABLE: plan.live.event_tables,
        Kind.STITCHING_KEY: plan.live.stitching_keys,
        Kind.BATCH_ATTRIBUTE: plan.live.batch_attributes,
        Kind.IMPORTED: plan.live.imported,
    }
    kept = [
        _updated(part, by_live[_member_key(part)])
        for part in lists[kind]
        if not (without_deleted and by_live[_member_key(part)].action is Action.DELETE)
    ]
    new = [c.desired for c in mine if c.action is Action.CREATE and c.desired is not None]
    return (*kept, *new)


def _updated(part: ConfigItem, change: Change) -> ConfigItem:
    if change.action is not Action.UPDATE or change.desired is None:
        return part
    stated = {field.name: getattr(change.desired, field.name) for field in change.fields}
    if "extra" in stated:
        stated["extra"] = getattr(part, "extra", {}) | stated["extra"]
    return part.model_copy(update=stated)
