"""One apply from the first read to the proof, while somebody else writes too."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.inprocess import NO_RETRY, InProcess, account
from support.worlds import shipped

from tdxwrap.apply import run
from tdxwrap.apply.events import Event, LiveMoved, StatusSeen, StepStarted
from tdxwrap.apply.session import Session
from tdxwrap.apply.steps import Settings
from tdxwrap.config.load import parse
from tdxwrap.errors import CallTimeout, Locked, NotReady, Refused
from tdxwrap.plan.changes import Action, Plan, PlanOptions
from tdxwrap.realtime.wait import WaitPolicy
from tdxwrap.system.lock import segment_lock

HALF = shipped("half-configured")
# All that is live there.
WHOLE = """
event_tables: [web_events.pageviews, legacy.app_events]
key_events:
  - {name: page_view, table: web_events.pageviews}
  - {name: legacy_screen, table: legacy.app_events}
id_stitching: {keys: [td_client_id, email, device_id], ext_lookup_key: customer_id}
attributes:
  - {name: last_product_viewed, type: single, key_event: page_view, value_column: product_id,
     data_type: string, duration: 1 day}
  - {name: legacy_last_screen, type: single, key_event: legacy_screen, value_column: screen,
     data_type: string, duration: 7 days}
"""
# The same without the last attribute, which --prune deletes.
PRUNED = WHOLE.partition("  - {name: legacy_last_screen")[0]
CHANGED = WHOLE.replace("1 day", "2 days")


class User:
    """Somebody who applies files to the half-configured segment, and agrees to every plan.

    Attributes:
        meanwhile: what happens, one after another, while a question stands.
        events: of the last apply.
        plans: as the last apply showed them.
    """

    def __init__(self, there: InProcess, home: Path) -> None:
        self.there = there
        self.world = there.world
        self.environ = {"HOME": str(home), "TD_API_KEY": "1/" + "b" * 40}
        self.meanwhile: list[Callable[[], object]] = []
        self.on_event: Callable[[Event], object] = lambda event: None

    def show(self, plan: Plan) -> None:
        self.plans.append(plan)

    def ask(self, plan: Plan) -> bool:
        if not self.meanwhile:
            return False
        self.meanwhile.pop(0)()
        return True

    def listen(self, event: Event) -> None:
        self.events.append(event)
        self.on_event(event)

    def apply(
        self, text: str, ps: str = "394649", baseline: Path | None = None, **allowed: bool
    ) -> run.Outcome:
        self.events: list[Event] = []
        self.plans: list[Plan] = []
        return run.apply(
            Session(self.there.api, self.environ, retry=NO_RETRY, listen=self.listen),
            parse("rt.yaml", text.encode(), environ={}),
            ps,
            consent=self,
            options=PlanOptions(check_columns=False, **allowed),
            settings=Settings(baseline=baseline, where=lambda loc: ".".join(map(str, loc))),
            policy=WaitPolicy(first=0.01, longest=0.01, limit=5),
        )

    def deleted(self) -> list[str]:
        """What the last plan deletes."""
        return [c.name for c in self.plans[-1].changes if c.action is Action.DELETE]

    def change_the_first_attribute(self) -> None:
        with self.world.edit_segment("394649") as segment:
            segment["realtime"]["attributes"][0]["description"] = "changed by somebody else"

    def add_a_table(self) -> None:
        with self.world.edit_segment("394649") as segment:
            table = {"database": "web_events", "table": "orders"}
            segment["realtime"]["eventTables"].append(table)


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[User]:
    monkeypatch.setattr("tdxwrap.realtime.wait.SETTLED", 0.01)
    monkeypatch.setattr(run, "LAG", 0.0)
    with account({**HALF, "updating_seconds": 0}) as there:
        yield User(there, tmp_path)


def test_what_was_agreed_to_holds_for_a_plan_that_is_made_anew(user: User) -> None:
    user.meanwhile = [user.add_a_table, lambda: None]
    outcome = user.apply(PRUNED, prune=True, force=True)
    assert LiveMoved() in user.events
    assert user.deleted() == ["web_events.orders", "legacy_last_screen"]
    assert outcome.report is not None
    assert outcome.report.ok


def test_what_was_agreed_to_holds_where_what_is_changed_has_changed(user: User) -> None:
    def change(event: Event) -> None:
        if event == StepStarted("7a", 0) and len(user.plans) == 1:
            user.change_the_first_attribute()

    user.on_event = change
    user.apply(CHANGED.partition("  - {name: legacy_last_screen")[0], prune=True, force=True)
    assert LiveMoved() in user.events
    assert [len(user.plans), *user.deleted()] == [2, "legacy_last_screen"]


def test_what_somebody_else_takes_out_of_a_list_is_not_written_again(user: User) -> None:
    def take(event: Event) -> None:
        if isinstance(event, StepStarted) and event.step == "7a":
            with user.world.edit_segment("394649") as segment:
                segment["realtime"]["eventTables"].pop()

    user.on_event = take
    outcome = user.apply("event_tables: [web_events.orders]")
    there = user.world.segment("394649")["realtime"]["eventTables"]
    assert [table["table"] for table in there] == ["pageviews", "orders"]
    assert outcome.report is not None
    assert [lost.name for lost in outcome.report.lost] == ["legacy.app_events"]


def test_of_two_key_events_of_one_name_an_attribute_gets_the_first(user: User) -> None:
    with user.world.edit_segment("394649") as segment:
        events = segment["realtime"]["keyEvents"]
        events.append({**events[0], "id": "7109"})
    more = "  - {name: views, type: counter, key_event: page_view, duration: 1 day}\n"
    user.apply(WHOLE + more)
    [call] = user.world.writes()
    assert (call.method, call.body["realtimeKeyEventId"]) == ("POST", "7101")


def test_what_is_configured_is_saved_before_the_event_tables_are_set(
    user: User, tmp_path: Path
) -> None:
    happened: list[str] = []

    def save(*args: Any) -> None:
        time.sleep(0.1)  # so that a write beside it would come first
        happened.append("saved")

    api = user.there.api
    send = api.patch_setting
    api.write_baseline = save
    api.patch_setting = lambda *args: (happened.append("set"), send(*args))
    more = WHOLE.replace("[web_events.pageviews", "[web_events.carts, web_events.pageviews")
    user.apply(more, baseline=tmp_path / "rt_config.yaml")
    assert happened == ["saved", "set"]


def test_a_baseline_that_is_there_stays_and_the_next_free_name_is_taken(
    user: User, tmp_path: Path
) -> None:
    file = tmp_path / "rt_config.yaml"
    file.write_text("mine")
    user.there.api.write_baseline = lambda segment_id, initialized, file: file.write_text("saved")
    user.apply(CHANGED, baseline=file)
    assert file.read_text() == "mine"
    assert (tmp_path / "rt_config.yaml.1").read_text() == "saved"


def test_what_was_created_is_known_by_its_name_where_no_identifier_is_listed(user: User) -> None:
    api = user.there.api
    create, items = api.create, api.items

    def lose_the_answer(*args: Any) -> str:
        create(*args)
        raise CallTimeout("the answer is lost")

    def without_identifiers(*args: Any) -> tuple[dict[str, Any], ...]:
        return tuple({**item, "identifier": None} for item in items(*args))

    api.create = lose_the_answer
    api.items = without_identifiers
    more = "  - {name: views, type: counter, key_event: page_view, duration: 1 day}\n"
    report = user.apply(WHOLE + more).report
    assert report is not None
    assert report.ok
    assert len(user.world.writes()) == 1


def test_a_segment_given_by_name_is_locked_by_its_id(user: User) -> None:
    with user.world.edit_segment("394649") as segment:
        segment["name"] = "777"
    for ps in ("777", "394649"):
        with segment_lock(user.environ, "394649"), pytest.raises(Locked):
            user.apply(CHANGED, ps)
    assert user.world.writes() == []


@pytest.mark.parametrize("status", ["updating", "inconsistent"])
def test_where_nothing_is_to_be_written_the_status_is_waited_for_all_the_same(
    user: User, status: str
) -> None:
    def becomes_ok(event: Event) -> None:
        if isinstance(event, StatusSeen):
            user.world.set_status("394649", "ok")

    assert user.apply(WHOLE).plan.pending == ()
    assert not any(isinstance(event, StatusSeen) for event in user.events)
    user.world.set_status("394649", status)
    if status == "inconsistent":
        with pytest.raises(NotReady, match="waiting longer does not help") as caught:
            user.apply(WHOLE)
        assert caught.value.so_far == "nothing had to be written"
        return
    user.on_event = becomes_ok
    outcome = user.apply(WHOLE)
    seen = [event.status for event in user.events if isinstance(event, StatusSeen)]
    assert seen == ["updating", "ok"]
    assert outcome.report is not None
    assert outcome.report.ok


def test_an_error_names_the_place_and_what_is_open(user: User) -> None:
    def refuse(*args: Any) -> str:
        raise Refused("422", pointer="/duration/value")

    user.there.api.create = refuse
    counters = [
        f"  - {{name: views_{n}, type: counter, key_event: page_view, duration: 1 day}}\n"
        for n in range(7)
    ]
    with pytest.raises(Refused) as caught:
        user.apply("".join((WHOLE, *counters)))
    assert caught.value.where == "attributes.2.duration"
    named = ", ".join(f"attribute views_{n}" for n in range(5))
    assert caught.value.so_far == f"0 of 7 changes are written; open: {named} and 2 more"


def answered(*args: Any) -> None:
    """A write that tdx says it has done."""


@pytest.mark.parametrize(
    ("call", "text", "differs"),
    [
        ("update", CHANGED, "last_product_viewed"),
        ("delete", PRUNED, "legacy_last_screen"),
        ("patch_setting", WHOLE.replace("device_id", "cart_id"), "cart_id"),
    ],
)
def test_a_write_that_did_nothing_fails_the_proof(
    user: User, call: str, text: str, differs: str
) -> None:
    setattr(user.there.api, call, answered)
    report = user.apply(text, prune=call == "delete", force=True).report
    assert report is not None
    assert all(check.ok for check in report.checks)
    assert [change.name for change in report.differences] == [differs]
    assert not report.ok
