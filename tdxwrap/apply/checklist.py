"""What doctor finds: a checklist."""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    NOT_CHECKED = "not checked"


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the checklist; `where` is `file:line`, if it is about a place in the file."""

    name: str
    state: State
    message: str
    hint: str = ""
    where: str = ""
