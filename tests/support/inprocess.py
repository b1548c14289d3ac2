"""The fake tdx without a process for each call: for property tests that make thousands of them."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tdxwrap.apply.session import Session, read_live
from tdxwrap.apply.steps import Settings, carry_out
from tdxwrap.fake import args as fake_args
from tdxwrap.fake import cli as fake_cli
from tdxwrap.fake.context import Context
from tdxwrap.fake.control import World
from tdxwrap.fake.store import SETTINGS, Store
from tdxwrap.plan.build import build_plan
from tdxwrap.plan.changes import Plan, PlanOptions
from tdxwrap.realtime.api import Realtime
from tdxwrap.realtime.retry import Retry
from tdxwrap.realtime.state import LiveState
from tdxwrap.tdx.client import Tdx

NO_RETRY = Retry(retries=0, sleep=lambda seconds: None)


class InProcessTdx(Tdx):
    """A Tdx whose calls are answered by the fake's own functions."""

    def __init__(self, world: World) -> None:
        super().__init__("tdx", environ=world.environ())
        self._store = Store(str(world.state_dir))
        self.writes = 0
        self.bodies: list[tuple[str, str, Any]] = []

    def _process(self, args: Sequence[str], limit: float) -> tuple[int | None, bytes, bytes]:
        invocation = fake_args.parse(list(args))
        settings = self._store.load(SETTINGS)
        context = Context(self._store, invocation, settings, self._environ)
        answer = fake_cli._run(context)
        if "-X" in args:
            self.writes += 1
            self.bodies.append((invocation.method, invocation.arguments[0], _body(invocation)))
        return answer.exit_code, answer.out, answer.err.encode()


def _body(invocation: Any) -> Any:
    given = invocation.values
    text = Path(given["file"]).read_text() if "file" in given else given.get("data", "null")
    return json.loads(text)


class InProcess:
    """A world with what the commands do to it."""

    def __init__(self, world: World, segment: str = "394649") -> None:
        self.tdx = InProcessTdx(world)
        self.api = Realtime(self.tdx)
        self.segment = segment
        self.folder = Path(world.state_dir)

    def live(self) -> LiveState:
        return read_live(Session(self.api, retry=NO_RETRY), self.segment)

    def plan(self, config: object, options: PlanOptions | None = None) -> Plan:
        return build_plan(config, self.live(), options)  # type: ignore[arg-type]

    def carry_out(self, plan: Plan, jobs: int = 1) -> None:
        settings = Settings(baseline=self.folder / "rt_config.yaml", jobs=jobs)
        carry_out(plan, self.api, NO_RETRY, settings)


@contextmanager
def account(scenario: dict[str, Any]) -> Iterator[InProcess]:
    with tempfile.TemporaryDirectory() as folder:
        yield InProcess(World.create(f"{folder}/world", scenario))
