"""Who has agreed to what: a person on a terminal, --yes and --force."""

from __future__ import annotations

from typing import Any, cast

import pytest

from tdxwrap.config.models import RtConfig
from tdxwrap.errors import UsageProblem
from tdxwrap.output.consent import PlanConsent
from tdxwrap.output.console import Console
from tdxwrap.plan.build import build_plan
from tdxwrap.plan.changes import Plan
from tdxwrap.realtime.state import LiveState, Segment
from tdxwrap.tdx.context import Context

LIVE = LiveState(Segment("394649", "Customer 360", "ok"), True, ext_lookup_key="customer_id")
WRITE = "Write this 1 change to Customer 360 (394649), account acme, profile x?"
DANGEROUS = "Dangerous: change the lookup key to email anyway?"


def account() -> Context:
    return Context(account="acme", profile="x")


class Asking:
    """A console whose every question is answered with yes."""

    def __init__(self, can_ask: bool) -> None:
        self.can_ask = can_ask
        self.asked: list[str] = []

    def ask(self, question: str) -> None:
        self.asked.append(question)


def plan(**stated: Any) -> Plan:
    return build_plan(RtConfig.model_validate(stated), LIVE)


NOTHING = plan(event_tables=[])
HARMLESS = plan(event_tables=["web.pageviews"])
DANGER = plan(id_stitching={"ext_lookup_key": "email"})


@pytest.mark.parametrize(
    ("of", "options", "questions"),
    [
        (NOTHING, "", []),
        (HARMLESS, "", [WRITE]),
        (HARMLESS, "yes", []),
        (DANGER, "", [WRITE, DANGEROUS]),
        # Time passes at this question too, so what is live is to be read again.
        (DANGER, "yes", [DANGEROUS]),
        (DANGER, "force", [WRITE]),
        (DANGER, "yes force", []),
    ],
)
def test_it_says_whether_a_person_was_asked(of: Plan, options: str, questions: list[str]) -> None:
    console = Asking(can_ask=True)
    consent = PlanConsent(cast(Console, console), account, "yes" in options, "force" in options)
    assert consent.ask(of) is bool(questions)
    assert console.asked == questions


@pytest.mark.parametrize(
    ("of", "options", "needed"),
    [(HARMLESS, "force", "add --yes"), (DANGER, "yes", "--force"), (NOTHING, "", "")],
)
def test_without_a_terminal_the_options_must_say_it(of: Plan, options: str, needed: str) -> None:
    console = cast(Console, Asking(can_ask=False))
    consent = PlanConsent(console, account, "yes" in options, "force" in options)
    if not needed:
        assert consent.ask(of) is False
        return
    with pytest.raises(UsageProblem) as caught:
        consent.ask(of)
    assert needed in caught.value.hint
