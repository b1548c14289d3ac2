"""The fake tdx without a process for each call: for property tests that make thousands of them."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from support import forked_tdx
from tdxwrap.apply.session import Session, read_live
from tdxwrap.apply.steps import Settings, carry_out
from tdxwrap.fake.control import World
from tdxwrap.plan.build import build_plan
from tdxwrap.plan.changes import Plan, PlanOptions, Written
from tdxwrap.plan.course import Course
from tdxwrap.realtime.api import Realtime
from tdxwrap.realtime.retry import Retry
from tdxwrap.realtime.state import LiveState
from tdxwrap.tdx.client import Tdx

NO_RETRY = Retry(retries=0, sleep=lambda seconds: None)


class InProcessTdx(Tdx):
    """A Tdx whose calls are answered by the fake's own functions."""

    def __init__(self, world: World) -> None:
        super().__init__("tdx", environ=world.environ())

    def _process(self, args: Sequence[str], limit: float) -> tuple[int | None, bytes, bytes]:
        return forked_tdx.answer_to(args, self._environ)


class InProcess:
    """A world with what the commands do to it."""

    def __init__(self, world: World, segment: str = "394649") -> None:
        self.world = world
        self.tdx = InProcessTdx(world)
        self.api = Realtime(self.tdx)
        self.segment = segment
        self.folder = Path(world.state_dir)

    def live(self) -> LiveState:
        return read_live(Session(self.api, retry=NO_RETRY), self.segment)

    def plan(self, config: object, options: PlanOptions | None = None) -> Plan:
        return build_plan(config, self.live(), options)  # type: ignore[arg-type]

    def carry_out(self, plan: Plan, jobs: int = 1) -> Written:
        settings = Settings(baseline=self.folder / "rt_config.yaml", jobs=jobs)
        return carry_out(Course(plan), self.api, NO_RETRY, settings)


@contextmanager
def account(scenario: dict[str, Any]) -> Iterator[InProcess]:
    with tempfile.TemporaryDirectory() as folder:
        yield InProcess(World.create(f"{folder}/world", scenario))


class AnsweringTdx(Tdx):
    """A Tdx that answers what a function makes of the arguments, and exits with 0."""

    def __init__(self, answer: Callable[[Sequence[str]], Any], *args: Any, **settings: Any) -> None:
        super().__init__(*(args or ("tdx",)), **{"environ": {}, **settings})
        self.answer = answer

    def _process(self, args: Sequence[str], limit: float) -> tuple[int | None, bytes, bytes]:
        return 0, json.dumps(self.answer(args)).encode(), b""
