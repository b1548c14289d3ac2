"""Step 7 of the recipe: carry out a plan, in its order, with its checkpoints.

7a event tables and key events, 7b ID stitching, 7c attributes, then what is to be pruned. Each
write is sent exactly once as far as tdx lets us know (realtime/write.py); after an interruption
the next plan holds what is left.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from tdxwrap.apply.baseline import Baseline
from tdxwrap.apply.events import (
    ChangeDone,
    ChangeStarted,
    Event,
    Listener,
    StepDone,
    StepStarted,
    ignore,
)
from tdxwrap.apply.lists import Fresh, Lists
from tdxwrap.config.attributes import BaseAttribute, with_names
from tdxwrap.config.equality import carried, same
from tdxwrap.config.fields import ApiItem
from tdxwrap.config.models import KeyEvent
from tdxwrap.errors import (
    ApiDisabled,
    LiveChanged,
    NotAuthenticated,
    RateLimited,
    Refused,
    TdxMissing,
    TdxwrapError,
)
from tdxwrap.plan.blockers import imported_names, new_names, turns
from tdxwrap.plan.build import differences
from tdxwrap.plan.changes import Action, Change, Kind, Loc, Made, Plan, Progress, State, Written
from tdxwrap.plan.course import Course
from tdxwrap.realtime.api import Realtime
from tdxwrap.realtime.read import ATTRIBUTES, KEY_EVENTS, READS_AT_ONCE
from tdxwrap.realtime.retry import Retry
from tdxwrap.realtime.write import Writer
from tdxwrap.system.signals import as_error
from tdxwrap.system.threads import Parallel, result

CHECKPOINTS = {
    "7a": "event tables added, key events created",
    "7b": "ID stitching keys configured, lookup key set",
    "7c": "RT attributes created",
    "prune": "what is not in the file is deleted",
}
# With these, a write was certainly not applied; with others that is not known (F22).
_NOT_APPLIED = (Refused, RateLimited, TdxMissing, NotAuthenticated, ApiDisabled)
_COLLECTIONS = {Kind.KEY_EVENT: KEY_EVENTS, Kind.ATTRIBUTE: ATTRIBUTES}
_CHANGED = (Action.CREATE, Action.UPDATE)
_STITCHING = (Kind.STITCHING_KEY, Kind.LOOKUP_KEY, Kind.BATCH_ATTRIBUTE)


@dataclass(frozen=True, slots=True)
class Settings:
    """How a plan is carried out.

    Attributes:
        baseline: where what was configured before is written; None leaves that out.
        elsewhere: returns where it is written instead if something is there already; without it,
            that is the next free name.
        jobs: how many creates of one step run side by side.
        where: gives `file:line` of an item of the configuration.
        clock: time in seconds.
        reading: read what a write replaces again, right before it (F33).
        named_by_segment: add the id of the parent segment to the name of the baseline.
        before_step: called before each step with something to write; may end the run.
    """

    baseline: Path | None = Path("rt_config.yaml")
    elsewhere: Callable[[], Path] | None = None
    jobs: int = 1
    where: Callable[[Loc], str] = lambda loc: ""
    clock: Callable[[], float] = time.monotonic
    reading: bool = True
    named_by_segment: bool = False
    before_step: Callable[[], object] = bool


def carry_out(
    course: Course,
    api: Realtime,
    retry: Retry,
    settings: Settings | None = None,
    listen: Listener = ignore,
) -> Written:
    """Write exactly what a plan says, in the recipe's order (recipe, 7a–7c).

    Args:
        course: the plan; keeps how far it has come.
    Returns:
        What was written.
    Raises:
        LiveChanged: an item to be changed is not as it was planned with; nothing was written.
        TdxwrapError: a write failed for good; `step`, `where` and `so_far` say what had been done.
    """
    with Parallel(READS_AT_ONCE, api.tdx.kill_all) as pool:
        run = _Run(course, course.plan, api, retry, settings or Settings(), listen, pool)
        run.step("7a", run.event_tables_and_key_events)
        run.step("7b", run.id_stitching)
        run.step("7c", run.attributes)
        if any(change.action is Action.DELETE for change in course.plan.changes):
            run.step("prune", run.prune)
        return Written(run.lists.written, run.made)


@dataclass(slots=True)
class _Run:
    """The state of one run: what exists by now, what is gone, how much is done."""

    course: Course
    plan: Plan
    api: Realtime
    retry: Retry
    settings: Settings
    listen: Listener
    pool: Parallel
    names: dict[str, str] = field(init=False)
    ids: dict[str, str] = field(init=False)
    made: Made = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)
    writer: Writer = field(init=False)
    lists: Lists = field(init=False)
    baseline: Baseline | None = field(init=False)

    def __post_init__(self) -> None:
        live, file, elsewhere = self.plan.live, self.settings.baseline, self.settings.elsewhere
        if file is not None and self.settings.named_by_segment:
            segment_id = live.segment.id.replace("/", "_")
            file = file.with_name(f"{file.stem}-{segment_id}{file.suffix}")
        beside = (elsewhere, self.api, self.retry, self.emit)
        self.baseline = None if file is None else Baseline(live, file, *beside)
        self.writer = Writer(self.api, self.retry, self.plan.live.segment.id)
        reading = self.settings.reading
        self.lists = Lists(self.plan, self.api, self.retry, self.pool, self.emit, reading)
        self.names = {there.id: there.value.name for there in self.plan.live.key_events}
        self.names |= {c.live_id: c.name for c in self.plan.of(Kind.KEY_EVENT) if c.live_id}
        self.ids = {name: event_id for event_id, name in reversed(self.names.items())}

    def emit(self, event: Event) -> None:
        # Changes of one step may run side by side; a listener sees one event at a time.
        with self.lock:
            self.listen(event)

    # Steps

    def step(self, name: str, work: Callable[[], None]) -> None:
        mine = [change for change in self.plan.pending if _step_of(change) == name]
        self.emit(StepStarted(name, len(mine)))
        start = self.settings.clock()
        try:
            if mine:
                self.settings.before_step()
            work()
        except TdxwrapError as error:
            error.step = error.step or name
            error.so_far = self.course.text
            raise
        except KeyboardInterrupt as stop:
            stopped = as_error(stop, self.course.text)
            stopped.step = name
            raise stopped from None
        checkpoint = CHECKPOINTS[name] if mine else "nothing to change"
        self.emit(StepDone(name, checkpoint, self.settings.clock() - start))

    def event_tables_and_key_events(self) -> None:
        if not self.plan.pending:
            return
        compare = self.begin_reads()
        with self.baseline.written() if self.baseline else nullcontext():
            compare()
            self.patch_lists((Kind.EVENT_TABLE,), _CHANGED, "set the event tables")
        stitching = self.changes(_STITCHING, _CHANGED)
        key_events = self.plan.of(Kind.KEY_EVENT, *_CHANGED, Action.REPLACE)
        self.each(key_events, self.lists.setting if stitching else None)

    def id_stitching(self) -> None:
        self.patch_lists(_STITCHING, _CHANGED, "set the ID stitching")

    def attributes(self) -> None:
        imports = self.plan.of(Kind.IMPORTED, Action.CREATE)
        pruned = self.plan.of(Kind.IMPORTED, Action.DELETE)
        held = imported_names(pruned, self.plan.live)
        if any(held & new_names(change) for change in self.plan.changes if held):
            self.import_columns((*pruned, *imports), "free the names of columns")
            imports = ()
        *first, last = turns(self.plan.changes) or [[]]
        for turn in first:
            self.each(turn)
        self.each(last, self.lists.imported if imports else None)
        self.import_columns(imports, "import the columns")

    def prune(self) -> None:
        columns = self.plan.of(Kind.IMPORTED, Action.DELETE)
        imports = [c for c in columns if self.course.state(c) is not State.WRITTEN]
        attributes = self.plan.of(Kind.ATTRIBUTE, Action.DELETE)
        self.each(attributes, self.lists.imported if imports else None)
        self.import_columns(imports, "take out what is not in the file")
        kinds = (Kind.STITCHING_KEY, Kind.BATCH_ATTRIBUTE, Kind.EVENT_TABLE)
        lists = self.changes(kinds, (Action.DELETE,))
        key_events = self.plan.of(Kind.KEY_EVENT, Action.DELETE)
        self.each(key_events, self.lists.setting if lists else None)
        self.patch_lists(kinds, (Action.DELETE,), "take out what is not in the file")

    def changes(self, kinds: Sequence[Kind], actions: Sequence[Action]) -> list[Change]:
        return [change for kind in kinds for change in self.plan.of(kind, *actions)]

    # What is live right before it is changed

    def begin_reads(self) -> Callable[[], None]:
        """Start the reads that are made beside the baseline.

        Returns:
            What compares the items that are to be changed with those that the plan was made with.
        """
        live, setting = self.plan.live, self.lists.setting
        targets = self.changes(tuple(_COLLECTIONS), (Action.UPDATE, Action.REPLACE, Action.DELETE))
        reads = [
            self.pool.start(self.retry.read, partial(self.api.items, live.segment.id, collection))
            for collection in _COLLECTIONS.values()
            if targets and self.settings.reading
        ]
        if self.changes((Kind.EVENT_TABLE,), _CHANGED):
            if live.initialized:
                setting.begin(beside=len(reads) + 1)
            else:  # the template of the baseline is written beside the PATCH, as one call more
                setting.know(setting.take(), self.api.tdx.begun + 1)
        if not reads:
            return lambda: None
        return lambda: self.compare(targets, [item for read in reads for item in result(read)])

    def compare(self, targets: Sequence[Change], items: Sequence[Mapping[str, Any]]) -> None:
        found = {str(item["id"]): item for item in items}
        for change in targets:
            assert isinstance(change.live, ApiItem)
            item = found.get(change.live_id or "")
            if item is None or with_names(item, self.names) != change.live.document:
                raise LiveChanged(
                    f"the {change.kind} {change.name} has changed since the plan was made",
                    hint="nothing was written: run the same command again, and look at its plan",
                )

    # Lists of the setting: several changes, one PATCH

    def patch_lists(self, kinds: Sequence[Kind], actions: Sequence[Action], what: str) -> None:
        changes = self.changes(kinds, actions)
        if changes:
            body = partial(self.lists.body, changes)
            self.together(changes, what, lambda: self.writer.patch_setting(body))

    def import_columns(self, changes: Sequence[Change], what: str) -> None:
        """Choose the columns to import: one list, like those of the setting (F14)."""
        if changes:
            self.free({change.name for change in changes if change.action is Action.CREATE})
            columns = partial(self.lists.columns, changes)
            self.together(changes, what, lambda: self.writer.import_columns(columns))

    def together(
        self, changes: Sequence[Change], what: str, write: Callable[[], str | None]
    ) -> None:
        """Make the changes that one write makes; add to its error what failed, and its place."""
        for change in changes:
            with self.lock:
                number = self.course.note(change, Progress(State.IN_FLIGHT))
                self.listen(ChangeStarted(change, number, len(self.plan.pending)))
        start = self.settings.clock()
        try:
            item_id = write()
        except TdxwrapError as error:
            for change in changes if isinstance(error, _NOT_APPLIED) else ():
                self.course.note(change, Progress(State.OPEN))
            what = f"could not {what}"
            # A refusal explains itself; of other failures the kind matters.
            error.what = what if isinstance(error, Refused) else f"{what}: {error.what}"
            error.where = self.settings.where(_loc(changes[0], error.pointer))
            raise
        seconds = self.settings.clock() - start
        for change in changes:
            self.course.note(change, Progress(State.WRITTEN, seconds, item_id))
        if self.baseline is not None:
            self.baseline.wait_until_announced()  # it comes first in the recipe
        for change in changes:
            self.emit(ChangeDone(change, seconds, item_id))

    # Items: one change, one write

    def each(self, changes: Sequence[Change], following: Fresh[Any] | None = None) -> None:
        """Carry out changes of one step, `jobs` side by side.

        The first failure stops new ones; those in flight finish.

        Args:
            following: what the next write replaces; read beside the last of these changes.
        """
        beside = [None] * (len(changes) - 1) + [following]
        if self.settings.jobs == 1 or len(changes) < 2:
            for change, fresh in zip(changes, beside, strict=False):
                self.item(change, fresh)
            return
        with Parallel(self.settings.jobs, self.api.tdx.kill_all) as parallel:
            pairs = zip(changes, beside, strict=True)
            _raise_first(parallel.settle([parallel.start(self.item, *pair) for pair in pairs]))

    def item(self, change: Change, following: Fresh[Any] | None = None) -> None:
        if following is not None:
            following.begin(beside=self.settings.jobs)
        what = f"{change.action} the {change.kind} {change.name}"
        self.together([change], what, partial(self.write_item, change))

    def write_item(self, change: Change) -> str | None:
        collection = _COLLECTIONS[change.kind]
        self.free(new_names(change))
        if change.action is Action.UPDATE:
            assert change.live_id is not None
            assert change.desired is not None
            body = change.desired.body_of(field.name for field in change.fields)
            if isinstance(change.live, BaseAttribute) and change.live.document:
                body = {n: carried(value, change.live.document.get(n)) for n, value in body.items()}
            self.writer.update(collection, change.live_id, with_names(body, self.ids))
            return change.live_id
        if change.action in (Action.REPLACE, Action.DELETE):
            if change.kind is Kind.KEY_EVENT:
                self.delete_hanging(change.name)
            self.delete_once(change)
        if change.action is Action.DELETE:
            return change.live_id
        return self.create_item(collection, change)

    def free(self, names: set[str]) -> None:
        """Delete the attributes to be pruned that hold one of these names, which are unique."""
        for pruned in self.plan.of(Kind.ATTRIBUTE, Action.DELETE) if names else ():
            if isinstance(pruned.live, BaseAttribute) and names & {pruned.name, pruned.live.key}:
                self.delete_once(pruned)

    def delete_hanging(self, key_event: str) -> None:
        """Delete the attributes that hang on a key event; the plan deletes or replaces them all."""
        for change in self.plan.of(Kind.ATTRIBUTE, Action.REPLACE, Action.DELETE):
            if isinstance(change.live, BaseAttribute) and key_event in change.live.key_events():
                self.delete_once(change)

    def delete_once(self, change: Change) -> None:
        assert change.live_id is not None
        if change.live_id not in self.gone:
            self.writer.delete(_COLLECTIONS[change.kind], change.live_id)
            self.gone.add(change.live_id)

    def create_item(self, collection: str, change: Change) -> str:
        desired = change.desired
        assert isinstance(desired, KeyEvent | BaseAttribute)
        # Null there means the same as leaving it out.
        body = {name: value for name, value in desired.to_api().items() if value is not None}
        if isinstance(desired, BaseAttribute):
            body = with_names(body, self.ids)
        is_equal = partial(self.is_equal, desired)
        item_id = self.writer.create(collection, body, partial(_is_same, desired), is_equal)
        if isinstance(desired, KeyEvent):
            self.ids[desired.name] = item_id
        self.made[change.kind, item_id] = desired.name
        return item_id

    def is_equal(self, desired: KeyEvent | BaseAttribute, item: Mapping[str, Any]) -> bool:
        """Whether an item is as the file states it."""
        if not _is_same(desired, item):
            return False
        names = {item_id: name for name, item_id in self.ids.items()}
        live = type(desired).from_api(with_names(item, names))
        return not any(differences(desired, live))


def _raise_first(futures: Sequence[Future[None]]) -> None:
    """Raise the first failure, with the others attached."""
    errors = [error for future in futures if (error := future.exception()) is not None]
    if not errors:
        return
    first, *others = errors
    if isinstance(first, TdxwrapError):
        first.others = tuple(error for error in others if isinstance(error, TdxwrapError))
    raise first


def _step_of(change: Change) -> str:
    return "prune" if change.action is Action.DELETE else change.step


def _is_same(desired: KeyEvent | BaseAttribute, item: Mapping[str, Any]) -> bool:
    """Compare the identifiers, or the names where there is none: the answer may lack it (F14)."""
    identifier = item.get("identifier")
    if identifier and isinstance(desired, BaseAttribute):
        return bool(identifier == desired.key)
    return same(item.get("name"), desired.name, "name")


def _loc(change: Change, pointer: str) -> Loc:
    """Return the place in the file that an API error points to (F17), else that of the item."""
    first = pointer.strip("/").split("/")[0]
    if change.desired is None or not first:
        return change.loc
    fields = type(change.desired).model_fields.items()
    named = [name for name, info in fields if info.alias == first]
    return (*change.loc, *named)
