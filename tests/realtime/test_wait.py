"""How often the wait looks, on a clock that passes at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

import pytest

from tdxwrap.errors import NotReady
from tdxwrap.realtime.api import Realtime
from tdxwrap.realtime.retry import Retry
from tdxwrap.realtime.wait import USUAL, WaitPolicy, wait_until_ready


@dataclass
class Segment:
    """A segment that becomes ready at a time; every look takes a tenth of a second."""

    ready: float
    now: float = 0.0
    looks: list[float] = field(default_factory=list)

    def status(self, segment_id: str) -> str:
        self.looks.append(self.now)
        self.now += 0.1
        return "ok" if self.looks[-1] >= self.ready else "updating"

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def wait(self, **settings: float) -> int:
        patience = WaitPolicy(clock=lambda: self.now, sleep=self.sleep, **settings)
        return wait_until_ready(cast(Realtime, self), "394649", patience, Retry())

    def pauses(self) -> list[float]:
        pairs = zip(self.looks, self.looks[1:], strict=False)
        return [round(later - earlier - 0.1, 6) for earlier, later in pairs]


def test_what_is_ready_takes_one_look() -> None:
    assert Segment(ready=0).wait() == 1


def test_the_pauses_double_and_are_shorter_while_it_usually_becomes_ready() -> None:
    segment = Segment(ready=200)
    assert segment.wait() == len(segment.looks)

    assert segment.pauses()[:4] == [1, 2, 4, 8]
    begin, end = USUAL
    for look, pause in list(zip(segment.looks, segment.pauses(), strict=False))[4:]:
        assert pause == (4 if begin <= look + 0.1 < end else 8)


@pytest.mark.parametrize("ready", [0.5, 29, 31, 60, 89, 91, 500])
def test_it_is_noticed_within_the_longest_pause(ready: float) -> None:
    segment = Segment(ready)
    segment.wait()
    assert segment.looks[-1] - ready <= 8.1


def test_the_limit_is_kept_to_a_look() -> None:
    segment = Segment(ready=1_000)
    with pytest.raises(NotReady, match="still 'updating'"):
        segment.wait(limit=100.0)
    assert segment.looks[-1] == pytest.approx(100, abs=0.2)


def test_very_many_looks_are_no_trouble() -> None:
    assert Segment(ready=9_000).wait(first=0.5, longest=1.0, limit=10_000.0) > 2_000
