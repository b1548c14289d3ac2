"""What takes something away: shown first, with what is lost, and never out from under its users."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from support.shells import Shell
from support.worlds import shipped

from tdxwrap.fake.control import World

pytestmark = pytest.mark.usefixtures("tdx_inside")

START = """
parent_segment: "394649"
event_tables: [web_events.pageviews, legacy.app_events]
key_events: [{name: page_view, table: web_events.pageviews}]
id_stitching: {keys: [td_client_id, email]}
"""
KEPT = (
    START
    + """
attributes:
  - {name: last_product_viewed, type: single, key_event: page_view, value_column: %s,
     data_type: string, duration: %s}
"""
)
GONE = "legacy_last_screen"
NOT_CHECKED = "use by personalizations and journeys was not checked"


@pytest.fixture
def user(half: World, new_shell: Callable[..., Shell]) -> Shell:
    """Deletes an attribute and its key event with --prune, replaces one with --replace."""
    shell = new_shell(half)
    shell.write("prune.yaml", KEPT % ("product_id", "1 day"))
    shell.write("both.yaml", KEPT % ("category", "1 day"))
    return shell


def plain(text: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text))


def use(world: World, personalizations: Any) -> None:
    with world.edit_segment("394649") as segment:
        segment["personalizations"] = personalizations


BOTH = ("both.yaml", "--prune", "--replace", "--force")
COUNT = "delete 3, replace 1 (what they have collected is lost)"


def test_a_plan_has_them_first_each_with_what_is_lost(user: Shell) -> None:
    out = user.run("plan", *BOTH).out
    assert (
        """\
Taken away
    - key event     legacy_screen   its events are no longer recognized
    - key           device_id"""
        in out
    )
    assert out.index(f"- single        {GONE}    what it has collected is lost") < out.index("7a  ")
    assert out.index("± single        last_product_viewed") < out.index("7a  ")
    assert out.count(GONE) == 1
    assert f"\n{COUNT}, " in out


def test_markdown_and_json_have_them_first_too(user: Shell) -> None:
    out = user.run("plan", *BOTH, "--markdown").out
    summaries = re.findall(r"<details( open|)><summary>\d+ ([a-z ]+)<", out)
    assert [name for _, name in summaries][:2] == ["delete", "replace"]
    assert f"**{COUNT}, " in out.replace("\\", "")
    assert "**last\\_product\\_viewed** – what it has collected is lost" in out

    changes = user.run("plan", *BOTH, "--json").file["plan"]["changes"]
    actions = [change["action"] for change in changes]
    assert actions[:4] == ["delete"] * 3 + ["replace"]
    assert not {"delete", "replace"} & {*actions[4:]}
    assert {
        c["reason"] for c in changes if c["kind"] == "attribute" and c["action"] == "delete"
    } == {"what it has collected is lost"}


def test_the_question_begins_with_them_and_yes_prints_the_same_line(
    user: Shell, half: World
) -> None:
    asked = user.terminal("apply", *BOTH, columns=300, answers=[("[y/N]", lambda: "n\n")])
    line = f"{COUNT.capitalize()} in Customer 360 (394649), "
    assert line in plain(asked.out)
    assert half.writes() == []
    for quiet in ((), ("-q",)):
        done = user.run("apply", *BOTH, "--yes", "--no-wait", *quiet)
        assert done.code == 0, done.text
        assert (f"! {line}" in done.err) is not quiet
        if quiet:
            assert "Delete" not in done.err  # by then there is nothing to write
    user.write("more.yaml", START)
    done = user.run("apply", "more.yaml", "--prune", "--yes", "-q", "--no-wait")
    assert "! Delete 1 (what it has collected is lost) in Customer 360" in done.err


def test_a_blocker_is_said_once(user: Shell) -> None:
    done = user.run("apply", "both.yaml", "--yes")
    assert done.code == 4
    assert done.err.count("to be deleted and created anew") == 1
    assert user.run("plan", "both.yaml").out.count("to be deleted and created anew") == 1


def test_the_script_of_a_plan_names_them(user: Shell) -> None:
    done = user.run("recipe", "--plan", *BOTH)
    assert done.code == 0, done.text
    assert f"\n# delete single {GONE}: what it has collected is lost\n" in done.out
    assert "\n# replace single last_product_viewed: what it has collected is lost\n" in done.out
    assert COUNT in done.err


def test_what_is_left_alone_says_once_that_prune_would_delete_it(user: Shell) -> None:
    out = user.run("plan", "prune.yaml").out
    assert out.count("--prune") == 1
    assert "· live only, left alone: --prune would delete 3 of these\n" in out
    assert "--prune" not in user.run("plan", *BOTH).out


# Less is kept


@pytest.mark.parametrize(
    ("live", "file", "said"),
    [
        ({}, {"duration": "12 hours"}, "duration"),
        ({}, {"duration": "1440 minutes"}, ""),
        ({}, {"duration": "2 days"}, ""),
        ({"maxItems": 50}, {"max_items": 10}, "max_items"),
        ({"maxItems": 50}, {"max_items": 60}, ""),
        ({"fields": ["category", "price"]}, {"fields": ["price"]}, "fields"),
        ({"aggregations": ["a", "b"]}, {"aggregations": ["b"]}, "aggregations"),
        ({"aggregations": ["a"]}, {"aggregations": ["b", "a"]}, ""),
        ({"aggregations": ["a"], "maxItems": 9}, {"aggregations": ["b"], "max_items": 8},
         "max_items, aggregations"),
    ],
)  # fmt: skip
def test_an_update_that_keeps_less_says_that_older_values_go(
    user: Shell, half: World, live: dict[str, Any], file: dict[str, Any], said: str
) -> None:
    def summary(name: str, kind: str) -> dict[str, str]:
        return {"name": name, "identifier": name, kind: "max", "column": "price"}

    def with_all(fields: dict[str, Any], kind: str) -> dict[str, Any]:
        names = fields.get("aggregations", ())
        return fields | ({"aggregations": [summary(n, kind) for n in names]} if names else {})

    with half.edit_segment("394649") as segment:
        attributes = segment["realtime"]["attributes"]
        event = attributes[0]["realtimeKeyEventId"]
        stored = with_all(live, "aggregationType")
        attributes[0] = {
            "id": "7201",
            "name": "browsed",
            "identifier": "browsed",
            "type": "list",
            "realtimeKeyEventId": event,
            "idColumn": "product_id",
            "duration": {"value": 1, "unit": "day"},
            **stored,
        }
    item = {"name": "browsed", "type": "list", "key_event": "page_view", "id_column": "product_id"}
    stated = item | {"duration": "1 day"} | with_all(file, "aggregation_type")
    user.write("less.yaml", START + f"attributes: [{json.dumps(stated)}]\n")
    out = user.run("plan", "less.yaml").out
    assert ("older values go" in out) is bool(said)
    assert not said or re.search(rf"browsed +older values go: less is kept by {said}\n", out)


# Personalizations


def named(value: Any) -> list[dict[str, Any]]:
    return [{"id": "1", "name": "Other", "x": "legacy_last_screens 72021"}, value]


@pytest.mark.parametrize(
    "form",
    [
        named({"id": "8801", "name": "Home page", "sections": [{"attributes": [GONE]}]}),
        named({"name": "Home page", "payload": {"n": {"stringBuilder": f"{{{{{GONE}}}}}!"}}}),
        named({"name": "Home page", "criteria": {"attributeId": 7202}}),
        named({"personalization_service": {"name": "Home page", "of": {GONE: True}}}),
        {"data": named({"attributes": {"name": "Home page", "a": "attributes/7202?x"}})},
        {"8801": {"name": "Home page", "trigger_event": "legacy_screen"}},
        {"name": "Home page", "entryCriteria": {"keyEventId": "7102"}},
    ],
    ids=str,
)  # fmt: skip
def test_what_a_personalization_uses_goes_only_with_force(
    user: Shell, half: World, form: Any
) -> None:
    use(half, form)
    done = user.run("apply", "prune.yaml", "--prune", "--yes")
    assert done.code == 4, done.text
    assert "personalization Home page uses " in done.err
    assert "Other" not in done.err
    assert "--force" in done.err
    assert half.writes() == []
    plan = user.run("plan", "prune.yaml", "--prune", "--json")
    assert plan.code == 4
    assert {blocker["flag"] for blocker in plan.file["plan"]["blockers"]} == {"--force"}

    forced = user.run("plan", "prune.yaml", "--prune", "--force")
    assert forced.code == 0
    assert "! personalization Home page uses " in forced.out
    assert user.run("apply", "prune.yaml", "--prune", "--force", "--yes", "--no-wait").code == 0


@pytest.mark.parametrize(
    ("fault", "form"),
    [
        ({"name": "http", "status": 403}, []),
        ({"name": "garbage"}, []),
        ({"name": "wrong-exit"}, []),
        (None, {"data": [], "pagination": {"nextPage": "/more"}}),
    ],
)
def test_where_use_cannot_be_read_the_plan_says_so(
    user: Shell, half: World, fault: dict[str, Any] | None, form: Any
) -> None:
    use(half, form)
    if fault:
        rest = {name: value for name, value in fault.items() if name != "name"}
        half.add_fault(fault["name"], {"command": "ps pz list"}, times=0, **rest)
    done = user.run("plan", "prune.yaml", "--prune")
    assert done.code == 0, done.text
    assert f"! {NOT_CHECKED}" in done.out
    markdown = user.run("plan", "prune.yaml", "--prune", "--markdown").out
    assert NOT_CHECKED in markdown
    assert (
        NOT_CHECKED in user.run("plan", "prune.yaml", "--prune", "--json").file["plan"]["notes"][0]
    )


def reads(world: World) -> int:
    return sum("pz" in call.argv for call in world.calls())


def test_personalizations_are_read_only_where_something_goes(user: Shell, half: World) -> None:
    assert user.run("plan", "prune.yaml").code == 0
    assert reads(half) == 0
    assert NOT_CHECKED not in user.run("plan", "prune.yaml", "--prune").out
    assert reads(half) == 1


def test_a_personalization_made_while_a_person_decides_is_seen(user: Shell, half: World) -> None:
    def somebody_else_uses_it() -> str:
        use(half, [{"name": "New one", "attribute": GONE}])
        return "y\n"

    answers = [("[y/N]", somebody_else_uses_it)]
    done = user.terminal("apply", "prune.yaml", "--prune", columns=200, answers=answers)
    assert done.code == 4
    assert "personalization New one uses attribute legacy_last_screen" in plain(done.out)
    assert half.writes() == []


# A comment


@pytest.mark.long
def test_markdown_fits_a_comment_however_much_there_is(
    user: Shell, half: World, new_world: Callable[..., World], new_shell: Callable[..., Shell]
) -> None:
    with half.edit_segment("394649") as segment:
        realtime = segment["realtime"]
        event = realtime["keyEvents"][0]["id"]
        realtime["attributes"] += [
            {
                "id": str(9000 + n),
                "name": f"gone_{n}",
                "identifier": f"gone_{n}",
                "type": "counter",
                "realtimeKeyEventId": event,
                "counterType": "total",
                "increment": {"type": "const", "value": 1},
                "duration": {"value": 1, "unit": "day"},
            }
            for n in range(300)
        ]
    rest = "type: counter, key_event: page_view, duration: 1 day"
    many = "".join(f"  - {{identifier: new_{n}, name: 新しい_{n}, {rest}}}\n" for n in range(1700))
    text = (KEPT % ("category", "1 day")).rstrip() + "\n" + many
    user.write("many.yaml", text)
    args = ("--prune", "--replace", "--force", "--markdown", "--no-check-columns")
    for encoding in ("utf-8", "ascii"):
        out = user.run("plan", "many.yaml", *args, PYTHONIOENCODING=encoding).out
        assert 50_000 < len(out) <= 65_536
        assert len(re.findall(r"\*\*gone\\_\d+\*\*", out)) == 300
        assert "<summary>1700 create</summary>" in out
        assert re.search(r"- (…|&#8230;) and \d+ more: see `tdxwrap plan`", out)
        assert out.count("<details") == out.count("</details>")
    scenario = shipped("half-configured")
    scenario["segments"] += [{**scenario["segments"][0], "id": "394650", "name": "Another"}]
    others = new_shell(new_world(scenario, name="others"), "others")
    for name, number in (("many", "394649"), ("again", "394650")):
        others.write(f"{name}.yaml", text.replace("394649", number))
    both = others.run("plan", "many.yaml", "again.yaml", *args).out
    assert len(both) <= 65_536
    assert both.count("### Realtime plan") == 2


def test_nobody_is_pinged(user: Shell, half: World) -> None:
    text = (KEPT % ("product_id", "1 day")).replace(
        "type: single", "type: single, description: '@octo'"
    )
    user.write("ping.yaml", text)
    out = user.run("plan", "ping.yaml", "--markdown").out
    assert "octo" in out
    assert "@octo" not in out
