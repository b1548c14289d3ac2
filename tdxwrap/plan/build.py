"""Compare desired and live: a pure function, no I/O, no clock.

`build_plan` compares an `RtConfig` with a `LiveState` and returns a `Plan`: changes in the recipe's
order. `plan` shows it, `apply` carries it out, `verify` requires it to be empty.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from tdxwrap.config.attributes import KEEPING, BaseAttribute, references
from tdxwrap.config.equality import MINUTES, alike, same, states
from tdxwrap.config.fields import ApiItem, ConfigItem, Duration
from tdxwrap.config.models import KeyEvent, RtConfig
from tdxwrap.plan.blockers import find_blockers, taken_names
from tdxwrap.plan.changes import (
    STORED,
    Action,
    Blocker,
    Change,
    FieldChange,
    Kind,
    Loc,
    Made,
    Plan,
    PlanOptions,
    listed,
    member_key,
    member_name,
)
from tdxwrap.plan.spelling import KEPT, as_live, as_renamed, find_renames, with_lookalikes
from tdxwrap.realtime.state import LiveItem, LiveState

# An item of the file, and where it stands.
_Placed = tuple[ConfigItem, Loc]
# Key events or attributes: those of the file by index, and those that are live.
_Desired = Mapping[int, KeyEvent | BaseAttribute]
_Live = Sequence[LiveItem[Any]]
# What something uses: the kind of an item, and what it is called by there.
_Used = tuple[Kind, str]

# F13, F15: what can only be changed by delete and create. A key event that reads another table
# would leave its attributes with values from both.
_KEY_EVENT_FIXED = frozenset(("database", "table"))
# What an item of the file is recognized by: its field, and that of a live one. An identifier that
# was only derived from the name comes last: it was never stated, but a new attribute could not have
# it either.
_MATCHED_BY = {
    Kind.KEY_EVENT: (("name", "name"), ("renamed_from", "name")),
    Kind.ATTRIBUTE: (("identifier", "key"), ("name", "name"), ("key", "key")),
}


def build_plan(
    config: RtConfig, live: LiveState, options: PlanOptions | None = None, made: Made | None = None
) -> Plan:
    """Compare what the file says with what is live.

    Rules: lists of the setting are merged; only fields that the file states are compared; items
    match by name, attributes by identifier first, exactly or else in normal form C; what cannot be
    patched is replaced (F11, F15).

    Args:
        config: what the file says; its names are known to be consistent (`config.load`).
        live: what is there.
        options: what the user has agreed to.
        made: as in `Written`; these items are what they were created as, whatever their names.
    Returns:
        The plan. Whether it may be carried out stands in `blockers`.
    """
    config, options = as_live(config, live), options or PlanOptions()
    seen, made = as_renamed(config, live), made or {}
    numbered = enumerate(config.id_stitching.keys)
    keys: list[_Placed] = [(key, ("id_stitching", "keys", n)) for n, key in numbered]
    # The batch attribute holds the name of a column.
    imported: list[_Placed] = [
        (part.model_copy(update={"name": None}), ("attributes", index))
        for index, part in config.imported().items()
    ]
    events = dict(enumerate(config.key_events))
    changes = (
        *_members(Kind.EVENT_TABLE, config.tables().items(), live.event_tables),
        *_items(Kind.KEY_EVENT, events, seen.key_events, made),
        *_members(Kind.STITCHING_KEY, keys, live.stitching_keys),
        *_lookup_key(config, live),
        *_members(Kind.BATCH_ATTRIBUTE, config.batch().items(), live.batch_attributes),
        *_items(Kind.ATTRIBUTE, config.collected(), seen.attributes, made),
        *_members(Kind.IMPORTED, imported, live.imported),
    )
    if not options.force:
        changes = tuple(map(_as_stored, changes))
    changes = tuple(_with_reasons(changes, seen))
    if not options.force:
        changes = tuple(with_lookalikes(changes))
    pruned = _prune(changes)
    prunable = sum(change.action is Action.DELETE for change in pruned)
    if options.prune:
        changes, prunable = pruned, 0
    renames = [(text, takes and not options.force) for takes, text in find_renames(changes)]
    blockers = [*find_blockers(changes), *taken_names(changes, live)]
    blockers += [Blocker(text, "--force") for text, blocks in renames if blocks]
    allowed = {"--force": options.force, "--replace": options.replace}
    blockers = [blocker for blocker in blockers if not allowed.get(blocker.flag)]
    notes = tuple(text for text, blocks in renames if not blocks)
    return Plan(changes, tuple(blockers), live, notes=notes, prunable=prunable)


# The lists of the setting: event tables, stitching keys, batch attributes


def _members(
    kind: Kind, desired: Iterable[_Placed], live: Sequence[ConfigItem]
) -> Iterable[Change]:
    existing = {member_key(part): part for part in reversed(live)}
    wanted = set()
    for part, loc in desired:
        wanted.add(member_key(part))
        there = existing.get(member_key(part))
        yield _compare(Change(Action.CREATE, kind, member_name(part), desired=part, loc=loc), there)
    for part in live:
        if member_key(part) not in wanted:
            yield Change(Action.UNMANAGED, kind, member_name(part), live=part)


def _lookup_key(config: RtConfig, live: LiveState) -> Iterable[Change]:
    wanted, there = config.id_stitching.ext_lookup_key, live.ext_lookup_key
    if wanted is None and there is not None:
        yield Change(Action.UNMANAGED, Kind.LOOKUP_KEY, there)
    if wanted is None:
        return
    loc: Loc = ("id_stitching", "ext_lookup_key")
    change = Change(Action.CREATE, Kind.LOOKUP_KEY, wanted, loc=loc)
    if there == wanted:
        change = replace(change, action=Action.UNCHANGED)
    elif there is not None:
        fields = (FieldChange("ext_lookup_key", there, wanted),)
        reason = "every batch attribute is looked up by another column from then on"
        change = replace(change, action=Action.UPDATE, fields=fields, reason=reason, dangerous=True)
    yield change


# Key events and attributes


def _items(kind: Kind, desired: _Desired, live: _Live, made: Made) -> Iterable[Change]:
    section = "key_events" if kind is Kind.KEY_EVENT else "attributes"
    matches = _matches(kind, desired, live, made)
    for index, item in desired.items():
        create = Change(Action.CREATE, kind, item.name, desired=item, loc=(section, index))
        there = matches.get(index)
        yield create if there is None else _compare(create, there.value, there.id)
    matched = {there.id for there in matches.values()}
    for there in live:
        if there.id not in matched:
            name, value = there.value.name, there.value
            yield Change(Action.UNMANAGED, kind, name, live_id=there.id, live=value)


def _matches(kind: Kind, desired: _Desired, live: _Live, made: Made) -> dict[int, LiveItem[Any]]:
    """Which live item each desired one (by index) is: made as it, else by `_MATCHED_BY`.

    No live item is matched twice.
    """
    by_name = {item.name: index for index, item in desired.items()}
    names = ((made.get((kind, there.id), ""), there) for there in live)
    matches = {by_name[name]: there for name, there in names if name in by_name}
    for stated, label in _MATCHED_BY[kind]:
        taken = {there.id for there in matches.values()}
        free: dict[str, LiveItem[Any]] = {}
        for there in live:
            if there.id not in taken:
                free.setdefault(getattr(there.value, label), there)
        for index, item in desired.items():
            name = getattr(item, stated)
            if index not in matches and name in free:
                matches[index] = free.pop(name)
    return matches


def _as_stored(change: Change) -> Change:
    """Replace nothing that the API may only have stored in its own way."""
    fixed = [field for field in change.fields if _is_fixed(change.desired, field.name)]
    if fixed and all(alike(field.old, field.new) for field in fixed):
        return replace(change, action=Action.UPDATE, reason=STORED)
    return change


def _with_reasons(changes: Sequence[Change], live: LiveState) -> Iterable[Change]:
    """Say of key events and attributes what is lost; replace what hangs on a replaced event."""
    replaced = {c.name for c in changes if c.kind is Kind.KEY_EVENT and c.action is Action.REPLACE}
    first = {event.value.name: event.id for event in reversed(live.key_events)}
    for change in changes:
        if isinstance(change.live, KeyEvent):
            yield replace(change, reason=_event_reason(change, live, first))
        elif not isinstance(change.live, BaseAttribute) or change.desired is None:
            yield change
        elif replaced.intersection(change.live.key_events()):
            reason = f"its key event is replaced; {Kind.ATTRIBUTE.lost}"
            yield replace(change, action=Action.REPLACE, reason=reason)
        elif change.action is Action.REPLACE:
            yield replace(change, reason=Kind.ATTRIBUTE.lost)
        else:
            yield replace(change, reason=_older_values(change) or change.reason)


def _event_reason(change: Change, live: LiveState, first: Mapping[str, str]) -> str:
    """The reason of a change of a key event that is live.

    Args:
        first: the ids of the live events, by name; of several of one name, the first.
    """
    if change.action is Action.REPLACE:
        names = [a.value.name for a in live.attributes if change.name in a.value.key_events()]
        lost = f"with it what these attributes have collected: {listed(names)}"
        return lost if names else "no attribute hangs on it"
    former = getattr(change.desired, "renamed_from", None)
    if former and former not in first and not change.reason:
        return "it has its new name: the line renamed_from can go"
    if change.desired is None and first[change.name] != change.live_id:
        return f"a second one of this name; {first[change.name]} is the first"
    return change.reason


def _older_values(change: Change) -> str:
    """What an update says of the values that go because less is kept; empty if none do."""
    old, new = change.live, change.desired
    names = [field.name for field in change.fields if field.name in KEEPING]
    less = [n for n in names if _keeps_less(getattr(old, n, None), getattr(new, n))]
    return f"older values go: less is kept by {listed(less)}" if less else ""


def _keeps_less(old: Any, new: Any) -> bool:
    if isinstance(old, tuple):
        return not {*map(_nameless, old)} <= {*map(_nameless, new)}
    if isinstance(old, Duration):
        old, new = (each.value * MINUTES[each.unit] for each in (old, new))
    return old is None or bool(new < old)


def _nameless(member: Any) -> Any:
    return member.model_copy(update={"name": ""}) if isinstance(member, ConfigItem) else member


# Fields


def _is_fixed(item: ConfigItem | None, name: str) -> bool:
    if isinstance(item, BaseAttribute):
        return name not in item.PATCHABLE
    return name in _KEY_EVENT_FIXED


def _compare(create: Change, live: ConfigItem | None, live_id: str | None = None) -> Change:
    """Return what has to be done about an item of the file; what cannot be patched is replaced.

    Args:
        create: the change that creates it; returned as it is if nothing is live.
    """
    if live is None or create.desired is None:
        return create
    fields = tuple(differences(create.desired, live))
    action = Action.UPDATE if fields else Action.UNCHANGED
    if any(_is_fixed(create.desired, field.name) for field in fields):
        action = Action.REPLACE
    return replace(create, action=action, fields=fields, live=live, live_id=live_id)


def differences(desired: ConfigItem, live: ConfigItem) -> Iterable[FieldChange]:
    """The fields that the file states and that live has otherwise.

    Of another kind of attribute every stated field that live lacks counts as well, and so does one
    that is live in a form that is not known.
    """
    old, new = (item.model_dump(mode="json", by_alias=True) for item in (live, desired))
    unread = live.unread if isinstance(live, ApiItem) else {}
    answer = getattr(live, "document", None) or getattr(live, "extra", {})
    old["extra"] = {known: answer.get(known) for known in new.get("extra", ())}
    aliases = {n: str(type(desired).model_fields[n].alias) for n in states(desired)}
    names = [n for n, a in aliases.items() if n in unread or not same(old.get(a), new[a], a)]
    if names:
        # As a configuration file writes them.
        was, now = (item.model_dump(mode="json", by_alias=False) for item in (live, desired))
        was["extra"] = old["extra"]
        yield from (FieldChange(n, unread.get(n, was.get(n)), now[n]) for n in names)


# What is live only


def _prune(changes: Sequence[Change]) -> tuple[Change, ...]:
    """Delete what is not in the file, unless something that stays needs it."""
    needed: set[_Used] = set()
    while True:
        pruned = tuple(_pruned(change, needed) for change in changes)
        more = set().union(*(_needs(c) for c in pruned if c.action is not Action.DELETE))
        if more <= needed:
            return pruned
        needed |= more


def _pruned(change: Change, needed: set[_Used]) -> Change:
    # The lookup key can never be null again (F18).
    if change.action is not Action.UNMANAGED or not isinstance(change.live, ApiItem):
        return change
    if change.reason == KEPT:
        return change
    if change.live.unread:
        return replace(change, reason=f"left alone: {change.live.not_read}")
    if needed.intersection(_labels(change)):
        return replace(change, reason=f"left alone: {_USERS[change.kind]}")
    return replace(change, action=Action.DELETE, reason=change.kind.lost)


_USERS = {
    Kind.KEY_EVENT: "attributes hang on it",
    Kind.EVENT_TABLE: "a key event reads it",
    Kind.ATTRIBUTE: "a lookup is made with it",
}


def _labels(change: Change) -> Iterable[_Used]:
    """What others call the item of a change by."""
    labels = [change.name, ""]
    if isinstance(change.live, BaseAttribute):
        labels += [str(change.live_id), change.live.key]
    return ((change.kind, label) for label in labels)


def _needs(change: Change) -> set[_Used]:
    """What the item of a change uses once the plan is carried out; "" for what is not known."""
    item = change.desired or change.live
    if isinstance(item, KeyEvent):
        known = not item.unread.keys() & {"database", "table"}
        return {(Kind.EVENT_TABLE, str(item.event_table) if known else "")}
    if not isinstance(item, BaseAttribute):
        return set()
    keys = [key.id for key in getattr(item, "lookup_keys", ())]
    keys += [""] if "lookup_keys" in item.unread else []
    events = {*item.key_events(), *_kept_references(change)}
    return {(Kind.KEY_EVENT, name) for name in events} | {(Kind.ATTRIBUTE, key) for key in keys}


def _kept_references(change: Change) -> Iterable[str]:
    """The key events in what an update of an attribute leaves as it is."""
    live = change.live
    if change.action is Action.REPLACE or not isinstance(live, BaseAttribute) or not live.document:
        return ()
    changed = {type(live).model_fields[field.name].alias for field in change.fields}
    return references({n: value for n, value in live.document.items() if n not in changed})
