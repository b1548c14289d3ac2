"""How far the changes of a plan have come: the one count that all others show."""

from dataclasses import dataclass, field, replace

from tdxwrap.plan.changes import Action, Change, Plan, Progress, State, listed

# How many of the changes that are not written are named.
SHOWN = 5


@dataclass(slots=True)
class Course:
    """A plan that is carried out.

    Attributes:
        plan: as it was agreed to.
    """

    plan: Plan
    _begun: dict[int, Progress] = field(default_factory=dict)

    def note(self, change: Change, progress: Progress) -> int:
        """Note how far a change has come; return which one it is of those begun, from 1."""
        self._begun[id(change)] = progress
        return len(self._begun)

    @property
    def told(self) -> Plan:
        """The plan, each of whose changes says how far it has come."""
        changes = (replace(each, progress=self._begun.get(id(each))) for each in self.plan.changes)
        return replace(self.plan, changes=tuple(changes))

    def state(self, change: Change) -> State:
        """Return how far a change that writes something has come."""
        begun = self._begun.get(id(change))
        return begun.state if begun else State.OPEN

    def those(self, state: State) -> list[Change]:
        """Return the changes that write something and have come so far."""
        return [change for change in self.plan.pending if self.state(change) is state]

    @property
    def counts(self) -> dict[str, int]:
        """How many are written, in flight and open."""
        states = (State.WRITTEN, State.IN_FLIGHT, State.OPEN)
        return {state.name.lower(): len(self.those(state)) for state in states}

    @property
    def alters(self) -> bool:
        """Whether something that was there is changed or gone, or may be."""
        begun = (*self.those(State.WRITTEN), *self.those(State.IN_FLIGHT))
        return any(change.action is not Action.CREATE for change in begun)

    @property
    def text(self) -> str:
        """The count, with the names of what is not written."""
        flying, left = self.those(State.IN_FLIGHT), self.those(State.OPEN)
        of = len(self.plan.pending)
        parts = [f"{of - len(flying) - len(left)} of {of} changes are written"]
        if flying:
            were = "was" if len(flying) == 1 else "were"
            names = listed(flying, SHOWN)
            parts.append(f"{len(flying)} {were} in flight ({names}): the next run looks")
        if left:
            parts.append(f"open: {listed(left, SHOWN)}")
        return "; ".join(parts)

    @property
    def brief(self) -> str:
        """The count in a few words: `7`, or `7 of 31, 3 in flight`."""
        written, flying, left = self.counts.values()
        whole = f"{written} of {written + flying + left}" if flying or left else f"{written}"
        return f"{whole}, {flying} in flight" if flying else whole
