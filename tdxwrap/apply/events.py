"""The events of a run, for the console, the journal or a notebook. Facts, no wording."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from tdxwrap.errors import TdxwrapError
from tdxwrap.plan.changes import Change, Kind
from tdxwrap.plan.course import Course
from tdxwrap.tdx.context import Context


@dataclass(frozen=True, slots=True)
class RunEvent:
    """Something that happened in a run."""


@dataclass(frozen=True, slots=True)
class Planned(RunEvent):
    """A plan is made and about to be shown; its live state is what there is to go back to."""

    course: Course


@dataclass(frozen=True, slots=True)
class StepStarted(RunEvent):
    """A step of the recipe begins; `writes` is how many changes it has to make."""

    step: str
    writes: int = 0


@dataclass(frozen=True, slots=True)
class StepDone(RunEvent):
    """A step has reached its checkpoint.

    Attributes:
        checkpoint: what is true now, in the recipe's words, or that there was nothing to change.
        seconds: how long the step took.
        aside: what tdx said about it, for the screen only: it may name an account.
    """

    step: str
    checkpoint: str
    seconds: float
    aside: str = ""


@dataclass(frozen=True, slots=True)
class ChangeStarted(RunEvent):
    """A change of the plan is about to be written."""

    change: Change
    number: int
    of: int


@dataclass(frozen=True, slots=True)
class ChangeDone(RunEvent):
    """A change of the plan is written; `id` is the item's id where it has one."""

    change: Change
    seconds: float
    id: str | None = None


@dataclass(frozen=True, slots=True)
class StatusSeen(RunEvent):
    """The RT status while waiting; `elapsed` and `limit` in seconds."""

    status: str | None
    elapsed: float
    limit: float


@dataclass(frozen=True, slots=True)
class Retrying(RunEvent):
    """A call failed and is tried again after `seconds`."""

    error: TdxwrapError
    attempt: int
    of: int
    seconds: float


@dataclass(frozen=True, slots=True)
class BaselineWritten(RunEvent):
    """The baseline has been written to a file (recipe, 7a).

    Attributes:
        file: where it is.
        command: the tdx command that wrote it.
        asked_for: where it was to be; another name than `file` if something was there already.
    """

    file: str
    command: str
    asked_for: str


@dataclass(frozen=True, slots=True)
class LiveMoved(RunEvent):
    """What is live changed between the plan and its confirmation: there is a new plan."""


@dataclass(frozen=True, slots=True)
class LiveKept(RunEvent):
    """A member of a list appeared after the plan was made; it stays."""

    kind: Kind
    name: str


@dataclass(frozen=True, slots=True)
class LockedHere(RunEvent):
    """The parent segment is locked for the runs of this machine only; `reason` says why."""

    reason: str


Event: TypeAlias = RunEvent | Context
Listener: TypeAlias = Callable[[Event], None]


def ignore(event: Event) -> None:
    """A listener that does nothing."""
