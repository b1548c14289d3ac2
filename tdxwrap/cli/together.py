"""Applies of several parent segments side by side: what they share, and where they meet.

Each segment goes its own way, in a thread of its own. They meet three times: when all segments are
known, since two files must not mean the same one; at the question, which is one for all; and before
the wait, which begins when the last of them has written.
"""

from __future__ import annotations

import copy
import os
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from enum import IntEnum
from functools import partial

from tdxwrap.errors import CallFailed, Interrupted, NotBegun, TdxwrapError, UsageProblem
from tdxwrap.output.consent import PlanConsent
from tdxwrap.plan.changes import Plan
from tdxwrap.realtime.api import VERSION
from tdxwrap.realtime.read import READS_AT_ONCE
from tdxwrap.realtime.retry import Pause
from tdxwrap.realtime.state import Segment
from tdxwrap.system import signals
from tdxwrap.system.threads import Parallel, result
from tdxwrap.tdx.answer import CompletedCall
from tdxwrap.tdx.client import Tdx

# Seconds in which those that wait for the same answer come together.
GATHER = 0.2


class Phase(IntEnum):
    """How far a segment has come."""

    READING = 0
    KNOWN = 1
    PLANNED = 2
    QUEUED = 3
    WRITING = 4
    WRITTEN = 5
    ENDED = 6


class Together:
    """What the segments of one run share.

    Args:
        files: the configurations, in their order.
        at_once: how many segments are written side by side.
        keep_going: begin to write the others, too, after one has failed.
    Attributes:
        changed: held to change a phase, and notified after it.
        slots: limits the reads of all segments together.
        pause: of all segments, after a 429 of one.
        nobody: a session in which nothing was chosen, as in `Asking`.
        stop: what ended the run from outside.
        told: what has failed, to tell it at length only once.
    """

    def __init__(self, files: Sequence[str], at_once: int, *, keep_going: bool) -> None:
        self.at_once = at_once
        self.keep_going = keep_going
        self.changed = threading.Condition()
        self.slots = threading.BoundedSemaphore(READS_AT_ONCE)
        self.pause = Pause()
        self.nobody = f"{os.getpid()}{time.time_ns()}"
        self.stop: BaseException | None = None
        self.told: set[str] = set()
        self.members = [Member(self, number, file) for number, file in enumerate(files, 1)]
        self._asked: dict[tuple[str, ...], _Common] = {}

    def count(self, phase: Phase) -> int:
        """Return how many segments are in a phase."""
        return sum(member.phase is phase for member in self.members)

    def all_at(self, phase: Phase) -> bool:
        """Return whether every segment has come so far, or has ended."""
        return all(member.phase >= phase for member in self.members)

    def may_begin(self) -> bool:
        """Return whether a segment may begin to be written."""
        return self.keep_going or not any(member.failed for member in self.members)

    def end_all(self, stop: BaseException) -> None:
        """End every segment where it is, because of what came from outside."""
        self.stop = stop
        self.kill_all()

    def kill_all(self) -> None:
        """End every call in flight, all at the same time; no call can follow."""
        begun = [member.tdx for member in self.members if member.tdx is not None]
        with Parallel(len(self.members), lambda: None) as pool:
            for tdx in begun:
                pool.start(tdx.kill_all)

    def read(
        self, key: tuple[str, ...], tdx: Tdx, call: Callable[[], CompletedCall], *, anew: bool
    ) -> CompletedCall:
        """Run a read for all who ask for it meanwhile; who fails otherwise, fails alone.

        Args:
            key: the same for all whose answer is the same.
            tdx, call: what makes the read.
            anew: an answer that was asked for earlier is too old.
        """
        with self.changed:
            common = self._asked.get(key)
            mine = common is None or (common.begun if anew else common.failed)
            if mine or common is None:
                common = self._asked[key] = _Common()
        if mine:
            return common.run(tdx, call, GATHER if anew else 0.0)
        try:
            return result(common.answer)
        except CallFailed as error:
            raise copy.copy(error) from None
        except TdxwrapError:
            return call()  # what it was refused for, may be about its own file


class _Common:
    """A read for several segments; one of them makes it."""

    def __init__(self) -> None:
        self.begun = False
        self.answer: Future[CompletedCall] = Future()

    @property
    def failed(self) -> bool:
        return self.answer.done() and self.answer.exception() is not None

    def run(self, tdx: Tdx, call: Callable[[], CompletedCall], gather: float) -> CompletedCall:
        try:
            tdx.pause(gather)
            self.begun = True
            answer = call()
        except BaseException as error:
            self.begun = True
            self.answer.set_exception(copy.copy(error))  # each of them adds what it knows
            raise
        self.answer.set_result(answer)
        return answer


class Member:
    """One segment of several; the consent to its plan is one with that of the others.

    Attributes:
        number: of its file, from 1.
        phase: how far it has come.
        failed: whether it has ended with a failure.
        segment: once it is known.
        own: shows its plan.
        question: the plan that it asks consent for; None if nothing is asked.
        refusal: the answer, if it was no, which has been printed once for all.
        tdx: its own, once there is one.
    """

    def __init__(self, together: Together, number: int, file: str) -> None:
        self.together = together
        self.number = number
        self.file = file
        self.phase = Phase.READING
        self.failed = False
        self.segment: Segment | None = None
        self.own: PlanConsent | None = None
        self.question: tuple[PlanConsent, Plan] | None = None
        self.tdx: Tdx | None = None
        self.refusal: TdxwrapError | None = None
        self._known: set[tuple[str, ...]] = set()

    def connect(self, tdx: Tdx) -> None:
        """Take the tdx that it calls; it ends when the run is stopped."""
        self.tdx = tdx
        if self.together.stop is not None:
            tdx.kill_all()

    def read(self, *args: str) -> CompletedCall:
        """Run a read whose answer is the same for every segment; a second time, anew."""
        assert self.tdx is not None
        return self._read(args, self.tdx, partial(self.tdx.json, *args))

    def status(self, tdx: Tdx) -> CompletedCall:
        """Run `tdx status` in the session of a tdx, whose answer is the same for every file."""
        return self._read((tdx.session,), tdx, partial(tdx.json, "status", "--json"))

    def version(self, tdx: Tdx) -> CompletedCall:
        """Run `tdx --version`."""
        return self._read(VERSION, tdx, partial(tdx.run, *VERSION))

    def _read(
        self, key: tuple[str, ...], tdx: Tdx, call: Callable[[], CompletedCall]
    ) -> CompletedCall:
        answer = self.together.read(key, tdx, call, anew=key in self._known)
        self._known.add(key)
        return answer

    def known(self, segment: Segment) -> None:
        """Note which segment the file means, once all files have one.

        Raises:
            UsageProblem: another file means the same.
        """
        self.segment = segment
        self._enter(max(self.phase, Phase.KNOWN))
        self._until(lambda: self.together.all_at(Phase.KNOWN))
        others = (each for each in self.together.members if each.segment is not None)
        same = [each.file for each in others if each.segment and each.segment.id == segment.id]
        if len(same) > 1:
            raise same_segment(same, f"{segment.name} ({segment.id})")

    def asking(self, own: PlanConsent) -> Member:
        """Return what asks for its plan together with the others."""
        self.own = own
        return self

    def show(self, plan: Plan) -> None:
        """Show what would be done."""
        assert self.own is not None
        self.own.show(plan)

    def ask(self, plan: Plan) -> bool:
        """Wait for consent to a plan, and until the segment may be written.

        Returns:
            Whether time has passed.
        Raises:
            EnvironmentProblem, UsageProblem: nobody can be asked.
            Interrupted: the answer is no.
            NotBegun: another segment has failed.
        """
        if not plan.pending:
            return False
        assert self.own is not None
        self.own.check(plan)
        self.question = self.own, plan
        self._enter(max(self.phase, Phase.PLANNED))
        self._until(lambda: self.question is None)
        if self.refusal is not None:
            raise self.refusal
        self._until(self._may_write)
        if self.phase is not Phase.WRITING:
            raise NotBegun("not begun, since another parent segment failed")
        return True

    def answer(self, refusal: TdxwrapError | None) -> None:
        """Agree to the plan that it asks about, or refuse it; together with the others."""
        self.refusal, self.question = copy.copy(refusal), None
        self._enter(max(self.phase, Phase.QUEUED))

    def all_written(self) -> None:
        """Say that the segment is written, and wait until all are."""
        self._enter(Phase.WRITTEN)
        self._until(lambda: self.together.all_at(Phase.WRITTEN))

    def end(self, *, failed: bool) -> None:
        """Say that the segment is done."""
        self.failed = failed
        self._enter(Phase.ENDED)

    def _enter(self, phase: Phase) -> None:
        with self.together.changed:
            self.phase = phase
            self.together.changed.notify_all()

    def _may_write(self) -> bool:
        """Take a place among those that write; the first file in the queue goes first."""
        together = self.together
        if self.phase is Phase.WRITING or not together.may_begin():
            return True
        first = next(each for each in together.members if each.phase is Phase.QUEUED)
        mine = first is self and together.count(Phase.WRITING) < together.at_once
        if mine:
            self._enter(Phase.WRITING)
        return mine

    def _until(self, reached: Callable[[], bool]) -> None:
        with self.together.changed:
            while self.together.stop is None and not reached():
                self.together.changed.wait(signals.SLICE)
        if self.together.stop is not None:
            raise Interrupted("the run was interrupted")


def same_segment(files: Sequence[str], segment: str) -> UsageProblem:
    """Return the error for files that mean the same parent segment."""
    return UsageProblem(
        f"{' and '.join(files)} mean the same parent segment {segment}",
        hint="nothing was written for them: one run takes one file for each parent segment; what "
        "files share goes into one that they extend",
    )
