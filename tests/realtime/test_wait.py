"""How often the wait looks, on a clock that passes at once."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

import pytest

from tdxwrap.errors import NotReady, Refused
from tdxwrap.realtime.api import Realtime
from tdxwrap.realtime.retry import Retry
from tdxwrap.realtime.wait import USUAL, WaitPolicy, wait_until_ready


@dataclass
class Segment:
    """A segment that becomes ready at a time; every look takes a tenth of a second.

    Attributes:
        late: how many seconds it still shows the `ok` of before.
        gone: when it is listed no more.
    """

    ready: float
    now: float = 0.0
    looks: list[float] = field(default_factory=list)
    late: float = 0.0
    gone: float = math.inf

    def status(self, segment_id: str) -> str | None:
        self.looks.append(self.now)
        self.now += 0.1
        at = self.looks[-1]
        if at >= self.gone:
            return None
        return "ok" if at >= self.ready or at < self.late else "updating"

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def wait(
        self,
        *,
        changed: bool = False,
        beside: Callable[[], object] | None = None,
        **settings: float,
    ) -> int:
        patience = WaitPolicy(clock=lambda: self.now, sleep=self.sleep, **settings)
        api = cast(Realtime, self)
        return wait_until_ready(api, "394649", patience, Retry(), changed=changed, beside=beside)

    def wait_after_a_write(self, **settings: float) -> int:
        return self.wait(changed=True, **settings)

    def pauses(self) -> list[float]:
        pairs = zip(self.looks, self.looks[1:], strict=False)
        return [round(later - earlier - 0.1, 6) for earlier, later in pairs]


def test_what_is_ready_takes_one_look() -> None:
    assert Segment(ready=0).wait() == 1


def test_one_that_is_listed_no_more_is_not_waited_for() -> None:
    segment = Segment(ready=60, gone=1)
    with pytest.raises(Refused, match="not RT-enabled"):
        segment.wait()
    assert segment.now < 2


def test_the_pauses_double_and_are_shorter_while_it_usually_becomes_ready() -> None:
    segment = Segment(ready=200)
    assert segment.wait() == len(segment.looks)

    assert segment.pauses()[:9] == [0.6, 0.6, 0.6, 0.6, 0.6, 1.2, 2.4, 4.8, 8]
    begin, end = USUAL
    for look, pause in list(zip(segment.looks, segment.pauses(), strict=False))[8:]:
        assert pause == (4 if begin <= look + 0.1 < end else 8)


def test_pauses_do_not_depend_on_where_the_clock_begins() -> None:
    segment = Segment(ready=1200, now=1000)
    segment.wait()
    assert segment.pauses()[:9] == [0.6, 0.6, 0.6, 0.6, 0.6, 1.2, 2.4, 4.8, 8]


def test_after_a_write_ok_counts_once_updating_was_seen() -> None:
    segment = Segment(ready=2)
    assert segment.wait_after_a_write() == len(segment.looks)
    assert 2 <= segment.looks[-1] < 2.8


def test_after_a_write_an_ok_that_never_changes_counts_three_seconds_later() -> None:
    segment = Segment(ready=0)
    segment.wait_after_a_write()
    assert segment.looks[-1] == pytest.approx(0.1 + 3)


def test_after_a_write_the_ok_of_before_it_does_not_count() -> None:
    segment = Segment(ready=7, late=1)
    segment.wait_after_a_write()
    assert segment.looks[-1] >= 7


def test_an_ok_that_may_be_that_of_before_the_write_does_not_outlast_the_limit() -> None:
    with pytest.raises(NotReady, match="too soon after a write"):
        Segment(ready=0).wait_after_a_write(limit=1.0)


def test_something_is_started_beside_each_look() -> None:
    segment, started = Segment(ready=5), list[float]()
    segment.wait(beside=lambda: started.append(segment.now))
    assert started == segment.looks


@pytest.mark.parametrize("ready", [0.5, 29, 31, 60, 89, 91, 500])
def test_it_is_noticed_within_the_longest_pause(ready: float) -> None:
    segment = Segment(ready)
    segment.wait()
    assert segment.looks[-1] - ready <= 8.1


def test_the_limit_is_kept_to_a_look() -> None:
    segment = Segment(ready=1_000)
    with pytest.raises(NotReady, match=r"still 'updating' after 100 s$"):
        segment.wait(limit=100.0)
    assert segment.looks[-1] == pytest.approx(100, abs=0.2)


def test_very_many_looks_are_no_trouble() -> None:
    assert Segment(ready=9_000).wait(first=0.5, longest=1.0, limit=10_000.0) > 2_000
