"""When calls are repeated: reads after a pause, writes only after a look."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from tdxwrap.errors import (
    CallFailed,
    CallTimeout,
    Conflict,
    MalformedOutput,
    RateLimited,
    Refused,
    TdxwrapError,
    Transient,
)
from tdxwrap.realtime.retry import Retry, says_updating


@dataclass
class Script:
    """Answers one after the other; an error is raised. Remembers what was asked."""

    answers: list[object]
    asked: int = 0

    def __call__(self) -> object:
        self.asked += 1
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


@dataclass
class Clock:
    """Time that passes only in sleeps."""

    now: float = 0.0
    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept.append(seconds)


def retry(clock: Clock, **settings: object) -> Retry:
    return Retry(clock=lambda: clock.now, sleep=clock.sleep, jitter=lambda: 1.0, **settings)  # type: ignore[arg-type]


def nothing() -> object:
    raise AssertionError("nobody should have looked")


PASSING = [Transient("503"), CallTimeout("late"), RateLimited("429")]
AMBIGUOUS = [*PASSING, MalformedOutput("garbage")]


@pytest.mark.parametrize("error", AMBIGUOUS, ids=lambda e: e.kind)
def test_a_read_is_tried_again_with_growing_pauses(error: TdxwrapError) -> None:
    clock, send = Clock(), Script([error, error, "answer"])
    assert retry(clock).read(send) == "answer"
    assert clock.slept == [0.5, 1.0]


def test_a_read_gives_up_after_the_retries() -> None:
    send = Script([Transient("503")] * 4)
    with pytest.raises(Transient):
        retry(Clock()).read(send)
    assert send.asked == 4


@pytest.mark.parametrize("error", [Refused("422"), CallFailed("exit 1")])
def test_a_read_that_would_fail_again_is_not_tried_again(error: TdxwrapError) -> None:
    send = Script([error])
    with pytest.raises(type(error)):
        retry(Clock()).read(send)


def test_the_api_says_how_long_to_wait() -> None:
    clock, send = Clock(), Script([RateLimited("429", retry_after=7.0), "answer"])
    retry(clock).read(send)
    assert clock.slept == [7.0]


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"limit": 6.0}, "7 s; 6 s are allowed"),
        ({"left": lambda: 3.0}, "7 s; 3 s are allowed"),
        ({"left": lambda: -1.0}, "7 s; 0 s are allowed"),
    ],
)
def test_a_pause_that_is_too_long_is_not_made(settings: dict[str, object], says: str) -> None:
    for act in (
        lambda r, send: r.read(send),
        lambda r, send: r.write(send, nothing),
    ):
        clock, send = Clock(), Script([Transient("503", retry_after=7.0, said="later")])
        with pytest.raises(RateLimited, match="asks for a pause of 7 s") as caught:
            act(retry(clock, **settings), send)
        assert says in caught.value.what
        assert (caught.value.said, clock.slept) == ("later", [])


@pytest.mark.parametrize(("jitter", "pauses"), [(0.0, [0.25, 0.5]), (0.5, [0.375, 0.75])])
def test_pauses_differ_by_up_to_a_half(jitter: float, pauses: list[float]) -> None:
    clock, send = Clock(), Script([Transient("503")] * 2 + ["answer"])
    assert replace(retry(clock), jitter=lambda: jitter).read(send) == "answer"
    assert clock.slept == pauses


def test_no_pause_is_longer_than_what_is_left() -> None:
    clock, send = Clock(), Script([Transient("503")] * 3 + ["answer"])
    assert retry(clock, left=lambda: 1.5 - clock.now).read(send) == "answer"
    assert clock.slept == [0.5, 1.0, 0.0]


@pytest.mark.parametrize("error", [*AMBIGUOUS, CallFailed("exit 1")], ids=lambda e: e.kind)
def test_a_write_that_landed_is_not_sent_again(error: TdxwrapError) -> None:
    send, landed = Script([error]), Script(["31009"])
    assert retry(Clock()).write(send, landed) == "31009"
    assert (send.asked, landed.asked) == (1, 1)


@pytest.mark.parametrize("error", AMBIGUOUS, ids=lambda e: e.kind)
def test_a_write_that_did_not_land_is_sent_again(error: TdxwrapError) -> None:
    send, landed = Script([error, "31009"]), Script([None])
    assert retry(Clock()).write(send, landed) == "31009"
    assert (send.asked, landed.asked) == (2, 1)


def test_a_failure_that_nobody_knows_is_looked_up_but_not_repeated() -> None:
    send, landed = Script([CallFailed("exit 1")]), Script([None])
    with pytest.raises(CallFailed):
        retry(Clock()).write(send, landed)
    assert (send.asked, landed.asked) == (1, 1)


def test_a_write_that_never_lands_ends_after_a_last_look() -> None:
    send, landed = Script([Transient("503")] * 4), Script([None] * 4)
    with pytest.raises(Transient):
        retry(Clock()).write(send, landed)
    assert (send.asked, landed.asked) == (4, 4)


def test_the_pause_comes_before_the_look() -> None:
    clock = Clock()
    looked_at: list[float] = []

    def landed() -> object:
        looked_at.append(clock.now)
        return "31009"

    retry(clock).write(Script([CallTimeout("late")]), landed)
    assert looked_at == [0.5]


@pytest.mark.parametrize("error", [Refused("422"), Conflict("409", said="the name is taken")])
def test_a_plain_no_is_an_answer(error: TdxwrapError) -> None:
    with pytest.raises(type(error)):
        retry(Clock()).write(Script([error]), nothing)


def test_a_conflict_with_an_update_is_waited_out_but_not_for_ever() -> None:
    updating = Conflict("409", said="409 Conflict: the configuration is being updated")
    clock = Clock()
    assert retry(clock).write(Script([updating] * 6 + ["x"]), Script([None] * 6)) == "x"

    clock = Clock()
    endless: Callable[[], object] = Script([updating] * 100)
    with pytest.raises(Conflict):
        retry(clock, patience=60).write(endless, Script([None] * 100))
    assert 60 <= clock.now < 100


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("409 Conflict: Realtime is updating", True),
        ("The realtime configuration is being updated [conflict-error]", True),
        ("another update is in progress", True),
        ("a key event of this name exists", False),
        ("name has already been taken", False),
    ],
)
def test_which_conflicts_mean_an_update(said: str, expected: bool) -> None:
    assert says_updating(Conflict("409", said=said)) is expected
