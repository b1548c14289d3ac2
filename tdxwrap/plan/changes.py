"""What a plan is made of: changes, blockers, findings. Values only; `build.py` makes them."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Annotated, Any, Self

from pydantic import Field

from tdxwrap.config.fields import ApiItem, ConfigItem
from tdxwrap.realtime.state import LiveState

Loc = tuple[str | int, ...]
"""A place in a configuration: `("attributes", 2, "duration")`."""


class Action(StrEnum):
    """What is to be done with an item."""

    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"
    UNCHANGED = "unchanged"
    UNMANAGED = "not managed"


class Kind(StrEnum):
    """What an item is.

    Attributes:
        step: the step of the recipe that it belongs to.
        field: the field of the setting that holds it, under the API's name (F11); else empty.
        lost: what is lost when it is deleted.
    """

    step: str
    field: str
    lost: str

    EVENT_TABLE = "event table", "7a", "eventTables", "its rows are no longer read"
    KEY_EVENT = "key event", "7a", "", "its events are no longer recognized"
    STITCHING_KEY = "stitching key", "7b", "keyColumns", "profiles are no longer stitched by it"
    LOOKUP_KEY = "lookup key", "7b", "extLookupKey", "batch attributes are no longer looked up"
    BATCH_ATTRIBUTE = "batch attribute", "7b", "batchAttributes", "it is no longer looked up"
    ATTRIBUTE = "attribute", "7c", "", "what it has collected is lost"
    IMPORTED = "imported attribute", "7c", "", "it is no longer imported"

    def __new__(cls, name: str, step: str, field: str, lost: str) -> Self:
        """Make a member whose value is its name."""
        kind = str.__new__(cls, name)
        kind._value_ = name
        kind.step, kind.field, kind.lost = step, field, lost
        return kind


class State(StrEnum):
    """How far a change has come."""

    WRITTEN = "written"
    IN_FLIGHT = "in flight"
    OPEN = "open"
    KEPT = "kept"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a change that writes something has come.

    Attributes:
        seconds: how long it took to write.
        id: of the item, where it has one.
    """

    state: State
    seconds: float | None = None
    id: str | None = None


# Why something that cannot be changed in place is not replaced.
STORED = "live differs only in what an API may change: case, white space, order, number or text"
Made = dict[tuple[Kind, str], str]


@dataclass(frozen=True, slots=True)
class Written:
    """What a run has written.

    Attributes:
        lists: those that it has replaced, as it wrote them.
        made: what the items that it has created are called in the file, by kind and id.
    """

    lists: dict[Kind, tuple[ConfigItem, ...]]
    made: Made


TAKING = frozenset((Action.DELETE, Action.REPLACE))
WRITING = TAKING | {Action.CREATE, Action.UPDATE}


def listed(names: Iterable[object], shown: int = 8) -> str:
    """Return the first names of many, and how many more there are."""
    texts = [str(name) for name in names]
    more = len(texts) - shown
    return ", ".join(texts[:shown]) + (f" and {more} more" if more > 0 else "")


def member_name(part: ConfigItem) -> str:
    """Return what a member of a list is called."""
    return str(getattr(part, "name", None) or getattr(part, "column", None) or part)


def member_key(part: ConfigItem) -> str:
    """Return what makes a member of a list the same member: a column, a name, a table."""
    return str(getattr(part, "column", None) or getattr(part, "name", None) or part)


def members(live: LiveState, kind: Kind) -> tuple[ConfigItem, ...]:
    """A list of the setting, or the imported columns; empty for what is no list."""
    lists: dict[Kind, tuple[ConfigItem, ...]] = {
        Kind.EVENT_TABLE: live.event_tables,
        Kind.STITCHING_KEY: live.stitching_keys,
        Kind.BATCH_ATTRIBUTE: live.batch_attributes,
        Kind.IMPORTED: live.imported,
    }
    return lists.get(kind, ())


def missing_from(
    parts: Iterable[ConfigItem], others: Iterable[ConfigItem]
) -> tuple[ConfigItem, ...]:
    """The members of a list that another one lacks."""
    known = {member_key(part) for part in others}
    return tuple(part for part in parts if member_key(part) not in known)


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field of an item; values as a configuration file writes them."""

    name: str
    old: Any
    new: Any


@dataclass(frozen=True, slots=True)
class Change:
    """What happens to one item.

    Attributes:
        fields: what differs (update, replace), each with its old and new value.
        reason: why it is so, where that is not plain; for a delete or a replace, what is lost.
        live_id: the id of the item that exists.
        desired, live: the item as the file and as the API have it.
        loc: where the item stands in the configuration.
        dangerous: needs a confirmation of its own.
        progress: how far it has come; None if it was not begun.
    """

    action: Action
    kind: Kind
    name: str
    fields: tuple[FieldChange, ...] = ()
    reason: str = ""
    live_id: str | None = None
    desired: ConfigItem | None = None
    live: ConfigItem | None = None
    loc: Loc = ()
    dangerous: bool = False
    progress: Progress | None = None

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"

    @property
    def step(self) -> str:
        """The step of the recipe that the change belongs to."""
        return self.kind.step

    @property
    def writes(self) -> bool:
        """Whether anything is to be done at all."""
        return self.action in WRITING

    @property
    def takes(self) -> bool:
        """Whether something that is live goes, if only to be made anew."""
        return self.action in TAKING

    @property
    def state(self) -> State:
        """How far it has come; what writes nothing is kept."""
        begun = self.progress.state if self.progress else State.OPEN
        return begun if self.writes else State.KEPT

    @property
    def id(self) -> str | None:
        """The id of the item: of the one made for it, else of the one that was there."""
        return (self.progress and self.progress.id) or self.live_id

    @property
    def seconds(self) -> float | None:
        """How long it took to write; None if it is not written."""
        return self.progress.seconds if self.progress else None


def _told(change: Change) -> list[Any]:
    """Return everything that a change takes from the file and from what is live."""
    fields = [(field.name, field.old, field.new) for field in change.fields]
    items = [item and item.model_dump(mode="json") for item in (change.desired, change.live)]
    unread = dict(change.live.unread) if isinstance(change.live, ApiItem) else {}
    return [change.action, change.kind, change.name, change.live_id, fields, *items, unread]


@dataclass(frozen=True, slots=True)
class Blocker:
    """Why a plan may not be carried out as it is.

    Attributes:
        flag: the option that allows it; empty if none does.
    """

    reason: str
    flag: str


class Topic(StrEnum):
    """What the live column checks are about."""

    TABLES = "event tables"
    KEYS = "stitching keys"
    LOOKUP_KEY = "lookup key"
    COLUMNS = "columns"


class Level(StrEnum):
    """How grave a finding is: `apply` stops at a failed check."""

    FAILED = "failed"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """What the column checks found: the API accepts it, and it does not work.

    Attributes:
        loc: where it stands in the configuration.
        where: the same as `file:line`, filled in by who knows the file.
    """

    topic: Topic
    level: Level
    message: str
    hint: str = ""
    loc: Annotated[Loc, Field(exclude=True)] = ()
    where: str = ""


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """What the user has agreed to: `--prune`, `--replace`, `--force`.

    Attributes:
        check_columns: whether tables and columns are looked at when something is to be written.
    """

    prune: bool = False
    replace: bool = False
    force: bool = False
    check_columns: bool = True


@dataclass(frozen=True, slots=True)
class Plan:
    """Every item of both sides with what happens to it, in the recipe's order.

    Attributes:
        findings: of the column checks; empty where they were not made.
        notes: what else is to be known before it is carried out.
        prunable: how many of the items that are left alone `--prune` would delete.
    """

    changes: tuple[Change, ...]
    blockers: tuple[Blocker, ...]
    live: LiveState
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    prunable: int = 0

    @property
    def danger_first(self) -> tuple[Change, ...]:
        """Every change, with deletes and then replaces in front."""
        return (*self.takings, *(change for change in self.changes if not change.takes))

    @property
    def pending(self) -> tuple[Change, ...]:
        """The changes that write something."""
        return tuple(change for change in self.changes if change.writes)

    @property
    def refusals(self) -> int:
        """For how many reasons apply would refuse the plan: failed column checks and blockers."""
        failed = [found for found in self.findings if found.level is Level.FAILED]
        return len(failed) + len(self.blockers)

    @property
    def takings(self) -> tuple[Change, ...]:
        """The changes that take something away: deletes, then replaces."""
        taking = (change for change in self.changes if change.takes)
        return tuple(sorted(taking, key=lambda change: change.action is Action.REPLACE))

    @property
    def fingerprint(self) -> str:
        """The changes as 12 hexadecimal digits: the same for the same changes of the same live
        items of a segment, whatever the machine and the order."""
        texts = sorted(json.dumps(_told(change), sort_keys=True) for change in self.pending)
        return sha256("\n".join([self.live.segment.id, *texts]).encode()).hexdigest()[:12]

    @property
    def dangers(self) -> tuple[Change, ...]:
        """The changes that need a confirmation of their own."""
        return tuple(change for change in self.changes if change.dangerous)

    def of(self, kind: Kind, *actions: Action) -> tuple[Change, ...]:
        """The changes of one kind that have one of the actions; without actions, all of them."""
        of_kind = (change for change in self.changes if change.kind is kind)
        return tuple(c for c in of_kind if not actions or c.action in actions)

    @property
    def counts(self) -> dict[Action, int]:
        """How many items there are of each action, zeros included."""
        counted = Counter(change.action for change in self.changes)
        return {action: counted[action] for action in Action}
