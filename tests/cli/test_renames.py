"""A rename is a rename: what has another name in the file keeps what it has collected."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from support.shells import Shell

from tdxwrap.fake.control import World

pytestmark = pytest.mark.usefixtures("tdx_inside")

START = """
parent_segment: "394649"
event_tables: [web_events.pageviews, legacy.app_events]
id_stitching: {keys: [td_client_id, email, device_id]}
"""
EVENTS = """
key_events:
  - {name: %s, table: web_events.pageviews}
  - {name: legacy_screen, table: legacy.app_events}
"""
ATTRIBUTES = """
attributes:
  - {name: last_product_viewed, type: single, key_event: %s, value_column: product_id,
     data_type: string, duration: 1 day}
  - {name: legacy_last_screen, type: single, key_event: legacy_screen, value_column: screen,
     data_type: string, duration: 7 days}
"""
RENAMED = START + EVENTS % "view, renamed_from: page_view" + ATTRIBUTES % "view"
GO = ("--yes", "--no-wait")


@pytest.fixture
def user(half: World, new_shell: Callable[..., Shell]) -> Shell:
    shell = new_shell(half)
    shell.write("rt.yaml", RENAMED)
    return shell


def live(world: World) -> dict[str, dict[str, Any]]:
    """The realtime configuration's key events and attributes, by their ids."""
    realtime = world.segment("394649")["realtime"]
    return {item["id"]: item for item in (*realtime["keyEvents"], *realtime["attributes"])}


def writes(world: World) -> list[tuple[str, str]]:
    """Each write: its method and the end of its path."""
    argvs = [call.argv for call in world.writes()]
    found = [(argv[argv.index("-X") + 1], argv[1]) for argv in argvs if "-X" in argv]
    return [(method, path.split("/audiences/394649/")[1]) for method, path in found]


# A key event


def test_a_key_event_found_under_its_former_name_is_patched(user: Shell, half: World) -> None:
    before = live(half)
    out = user.run("plan", "rt.yaml").out
    assert "~ key event     view" in out
    assert "name   page_view  →  view" in out
    assert "\nupdate 1, " in out

    assert user.run("apply", "rt.yaml", *GO).code == 0
    assert writes(half) == [("PATCH", "realtime_key_events/7101")]
    assert live(half) == {**before, "7101": {**before["7101"], "name": "view"}}


def test_once_live_the_line_has_no_effect_and_the_plan_says_that_it_can_go(
    user: Shell, half: World
) -> None:
    assert user.run("verify", "rt.yaml").code == 7
    assert user.run("apply", "rt.yaml", *GO).code == 0
    half.clear_calls()
    out = user.run("plan", "rt.yaml").out
    assert (
        "= key event     view            it has its new name: the line renamed_from can go" in out
    )
    assert "nothing to change" in out
    assert user.run("apply", "rt.yaml", *GO).code == 0
    assert writes(half) == []
    user.write("rt.yaml", RENAMED.replace(", renamed_from: page_view", ""))
    assert "can go" not in user.run("plan", "rt.yaml").out


def test_on_a_segment_that_never_had_it_the_key_event_is_created(
    shell: Shell, world: World
) -> None:
    event = "key_events: [{name: view, renamed_from: page_view, table: web_events.pageviews}]\n"
    shell.write("rt.yaml", 'parent_segment: "394649"\n' + event)
    assert shell.run("apply", "rt.yaml", *GO).code == 0
    (event,) = world.segment("394649")["realtime"]["keyEvents"]
    assert (event["name"], "renamedFrom" in event) == ("view", False)


def test_a_former_name_is_found_in_another_unicode_form(user: Shell, half: World) -> None:
    decomposed = unicodedata.normalize("NFD", "café")
    with half.edit_segment("394649") as segment:
        segment["realtime"]["keyEvents"][0]["name"] = decomposed
    user.write("rt.yaml", RENAMED.replace("page_view", "café"))
    assert user.run("apply", "rt.yaml", *GO).code == 0
    assert writes(half) == [("PATCH", "realtime_key_events/7101")]


def test_what_is_made_and_changed_with_the_rename_hangs_on_it(user: Shell, half: World) -> None:
    """With a new attribute and a changed one on it; and then with its table changed, too."""
    counter = "  - {name: views, type: counter, key_event: view, duration: 1 day}\n"
    text = RENAMED.replace("duration: 1 day", "duration: 2 days") + counter
    user.write("rt.yaml", text)
    assert user.run("apply", "rt.yaml", *GO).code == 0
    assert [method for method, _ in writes(half)] == ["PATCH", "PATCH", "POST"]
    assert [i["name"] for i in live(half).values() if i.get("realtimeKeyEventId") == "7101"] == [
        "last_product_viewed",
        "views",
    ]
    moved = text.replace("view, renamed_from: page_view", "seen, renamed_from: view")
    moved = moved.replace("key_event: view", "key_event: seen")
    user.write(
        "rt.yaml",
        moved.replace("web_events.pageviews}", "web_events.carts}").replace(
            "[web_events.pageviews,", "[web_events.pageviews, web_events.carts,"
        ),
    )
    assert user.run("apply", "rt.yaml", *GO).code == 4
    assert user.run("apply", "rt.yaml", *GO, "--replace", "--force").code == 0
    names = {item["name"] for item in live(half).values()}
    assert names == {"seen", "legacy_screen", "last_product_viewed", "legacy_last_screen", "views"}


def test_both_names_live_the_former_is_live_only_and_pruned_only_with_force(
    user: Shell, half: World
) -> None:
    with half.edit_segment("394649") as segment:
        events = segment["realtime"]["keyEvents"]
        events.append({**events[0], "id": "7103", "name": "old_view"})
    user.write(
        "rt.yaml", (START + EVENTS % "page_view, renamed_from: old_view" + ATTRIBUTES % "page_view")
    )
    plan = user.run("plan", "rt.yaml")
    assert "! key event page_view: its former name old_view is live as well\n" in (plan.out)
    assert "can go" not in plan.out
    refused = user.run("apply", "rt.yaml", *GO, "--prune")
    assert refused.code == 4
    assert "key event page_view: its former name old_view is live as well" in refused.text
    assert writes(half) == []
    assert user.run("apply", "rt.yaml", *GO, "--prune", "--force").code == 0
    assert writes(half) == [("DELETE", "realtime_key_events/7103")]


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (
            ("view, renamed_from: page_view", "page_view"),
            "the key event page_view is already in line 8",
        ),
        (("a, renamed_from: b", "b, renamed_from: a"), "the key event b is already in line 8"),
        (("a, renamed_from: c", "b, renamed_from: c"), "the key event c is already in line 7"),
        (("a, renamed_from: a", "b"), "the key event a is already in line 7"),
    ],
)
def test_a_former_name_stands_nowhere_else_in_the_file(
    user: Shell, half: World, names: tuple[str, str], said: str
) -> None:
    events = EVENTS.replace("legacy_screen", "%s") % names
    user.write("rt.yaml", START + events)
    done = user.run("check", "rt.yaml")
    assert done.code == 2
    assert said in done.text
    assert user.run("apply", "rt.yaml", *GO, "--force").code == 2
    assert writes(half) == []


def test_extends_merges_by_the_new_name(user: Shell, half: World) -> None:
    user.write("base.yaml", RENAMED.replace(", renamed_from: page_view", ""))
    line = "key_events: [{name: view, renamed_from: page_view}]\n"
    user.write("rt.yaml", "extends: base.yaml\n" + line)
    assert "name   page_view  →  view" in user.run("plan", "rt.yaml").out

    user.write("base.yaml", START + EVENTS % "page_view" + ATTRIBUTES % "page_view")
    line = line.replace("view,", "view, table: web_events.pageviews,")
    user.write("rt.yaml", "extends: base.yaml\n" + line)
    done = user.run("check", "rt.yaml")
    assert done.code == 2
    assert "the key event page_view is already in base.yaml:7" in done.text


# A proposal


COUNTER = "  - {name: %s, type: counter, key_event: page_view, duration: 1 day}\n"
COUNTING = START + EVENTS % "page_view" + ATTRIBUTES % "page_view" + COUNTER


@pytest.fixture
def counting(user: Shell, half: World) -> Shell:
    """With a counter, which the file then calls otherwise."""
    user.write("rt.yaml", COUNTING % "units_bought")
    assert user.run("apply", "rt.yaml", *GO).code == 0
    half.clear_calls()
    user.write("rt.yaml", COUNTING % "units_sold")
    return user


PROPOSAL = "attribute units_sold: renamed? `identifier: units_bought` keeps what it has collected"


def test_a_create_that_is_a_live_only_attribute_under_another_name_says_so(
    counting: Shell, half: World
) -> None:
    assert f"\n! {PROPOSAL}\n" in counting.run("plan", "rt.yaml").out
    assert "renamed? `identifier: units" in counting.run(
        "plan", "rt.yaml", "--markdown"
    ).out.replace("\\", "")
    assert counting.run("plan", "rt.yaml", "--json").file["plan"]["notes"] == [PROPOSAL]

    before = next(i for i, item in live(half).items() if item["name"] == "units_bought")
    kept = COUNTING % "units_sold, identifier: units_bought"
    counting.write("rt.yaml", kept)
    assert counting.run("apply", "rt.yaml", *GO).code == 0
    assert writes(half) == [("PATCH", f"realtime_attributes/{before}")]
    assert live(half)[before]["name"] == "units_sold"


def test_prune_of_such_a_pair_needs_force(counting: Shell, half: World) -> None:
    refused = counting.run("apply", "rt.yaml", *GO, "--prune")
    assert refused.code == 4
    assert PROPOSAL in refused.text
    assert "--force" in refused.text
    assert counting.run("plan", "rt.yaml", "--prune").out.count("renamed?") == 1
    assert counting.run("plan", "rt.yaml", "--prune").code == 4
    assert writes(half) == []
    assert counting.run("apply", "rt.yaml", *GO, "--prune", "--force").code == 0
    assert [method for method, _ in writes(half)] == ["POST", "DELETE"]


@pytest.mark.parametrize("other", ["counter_type: total", "increment: 2", "filter: {td_path: /a}"])
def test_what_collects_something_else_is_no_rename(counting: Shell, other: str) -> None:
    counting.write("rt.yaml", COUNTING % f"units_sold, {other}")
    out = counting.run("plan", "rt.yaml", "--prune").out
    assert "renamed" not in out
    assert "- counter       units_bought" in out


def test_a_create_that_is_a_live_only_key_event_under_another_name_proposes_renamed_from(
    user: Shell, half: World
) -> None:
    text = RENAMED.replace(", renamed_from: page_view", "")
    user.write("rt.yaml", text)
    out = user.run("plan", "rt.yaml").out
    proposal = "key event view: renamed? `renamed_from: page_view` keeps what hangs on it"
    assert f"\n! {proposal}\n" in out
    asked = user.run("apply", "rt.yaml", *GO, "--prune", "--replace")
    assert asked.code == 4
    assert proposal in asked.text
    assert writes(half) == []
    user.write("rt.yaml", text.replace("pageviews}", "pageviews, filter: {td_path: /a}}"))
    assert "renamed?" not in user.run("plan", "rt.yaml").out


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ('view: "all"', "seen", """renamed_from: 'view: "all"'"""),
        ("12", "seen", "renamed_from: '12'"),
        ("閲覧 #1", "ページ 'a'", "renamed_from: '閲覧 #1'"),
        ("${HOME} view", "seen", "renamed_from: $${HOME} view"),
    ],
)
def test_what_is_proposed_can_be_put_into_the_file(
    user: Shell, half: World, old: str, new: str, line: str
) -> None:
    with half.edit_segment("394649") as segment:
        segment["realtime"]["keyEvents"][0]["name"] = old
    text = yaml.safe_load(RENAMED)
    text["key_events"][0] = {"name": new, "table": "web_events.pageviews"}
    text["attributes"][0]["key_event"] = new
    user.write("rt.yaml", yaml.safe_dump(text, allow_unicode=True))
    assert f"key event {new}: renamed? `{line}` keeps what" in user.run("plan", "rt.yaml").out
    written = yaml.safe_dump(text, allow_unicode=True)
    user.write("rt.yaml", written.replace("key_events:\n- ", f"key_events:\n- {line}\n  "))
    assert user.run("apply", "rt.yaml", *GO).code == 0
    assert writes(half) == [("PATCH", "realtime_key_events/7101")]
    assert live(half)["7101"]["name"] == new


def test_of_several_that_are_equal_each_is_proposed(counting: Shell, half: World) -> None:
    counting.write("rt.yaml", COUNTING % "again")
    assert counting.run("apply", "rt.yaml", *GO).code == 0
    counting.write("rt.yaml", COUNTING % "units_sold")
    both = "renamed? `identifier: units_bought` or `identifier: again` keeps what it has collected"
    assert f"! attribute units_sold: {both}\n" in counting.run("plan", "rt.yaml").out
    refused = counting.run("apply", "rt.yaml", *GO, "--prune")
    assert refused.code == 4
    assert both in refused.text


# A name that is taken


@pytest.mark.parametrize("jobs", ["1", "4"])
def test_a_name_that_a_pruned_attribute_holds_is_freed_first(
    counting: Shell, half: World, jobs: str
) -> None:
    taken = "legacy_last_screen, identifier: units_bought"
    text = COUNTING.replace("name: legacy_last_screen,", "name: other, identifier: other,") % taken
    counting.write("rt.yaml", text.replace("duration: 7 days", "duration: 8 days"))
    refused = counting.run("apply", "rt.yaml", *GO)
    assert refused.code == 4
    assert "cannot be called 'legacy_last_screen' while attribute legacy_last_screen is" in (
        refused.text
    )
    script = counting.run("recipe", "rt.yaml", "--plan", "--prune").out
    assert script.index("remove realtime_attributes 7202") < script.index("send PATCH")

    assert counting.run("apply", "rt.yaml", *GO, "--prune", "--jobs", jobs).code == 0
    done = writes(half)
    assert sorted(method for method, _ in done) == ["DELETE", "PATCH", "POST"]
    patch = next(n for n, (method, _) in enumerate(done) if method == "PATCH")
    assert ("DELETE", "realtime_attributes/7202") in done[:patch]
    names = {i["name"]: i["identifier"] for i in live(half).values() if "identifier" in i}
    assert names["legacy_last_screen"] == "units_bought"
    assert counting.run("plan", "rt.yaml", "--exit-code").code == 0


THREE = (
    START + EVENTS % "page_view" + ATTRIBUTES % "page_view" + "".join(COUNTER % n for n in "abc")
)
NAMES = ("{name: b, identifier: a,", "{name: c, identifier: b,", "{name: d, identifier: c,")


@pytest.fixture
def three(user: Shell, half: World) -> Shell:
    """With the counters a, b and c."""
    user.write("rt.yaml", THREE)
    assert user.run("apply", "rt.yaml", *GO).code == 0
    half.clear_calls()
    return user


def renamed(text: str, names: tuple[str, ...]) -> str:
    new = dict(zip("abc", names, strict=True))
    return re.sub(r"\{name: ([abc]),", lambda match: new[match[1]], text)


def counters(world: World) -> dict[str, str]:
    """The names of the counters by their identifiers."""
    items = live(world).values()
    return {i["identifier"]: i["name"] for i in items if i.get("type") == "counter"}


@pytest.mark.parametrize("jobs", ["1", "4"])
def test_a_chain_of_renames_is_done_from_its_end(three: Shell, half: World, jobs: str) -> None:
    before = [*live(half)]
    three.write("rt.yaml", renamed(THREE, NAMES))
    script = three.run("recipe", "rt.yaml", "--plan").out
    assert script.index('"name": "d"') < script.index('"name": "c"') < script.index('"name": "b"')
    assert three.run("apply", "rt.yaml", *GO, "--jobs", jobs).code == 0
    assert [method for method, _ in writes(half)] == ["PATCH"] * 3
    assert counters(half) == {"a": "b", "b": "c", "c": "d"}
    assert [*live(half)] == before
    assert three.run("plan", "rt.yaml", "--exit-code").code == 0


def test_a_chain_that_was_interrupted_is_finished(three: Shell, half: World) -> None:
    three.write("rt.yaml", renamed(THREE, NAMES))
    half.add_fault("http", {"method": "PATCH"}, skip=1, status=422)
    assert three.run("apply", "rt.yaml", *GO).code == 4
    assert counters(half) == {"a": "a", "b": "b", "c": "d"}
    assert three.run("apply", "rt.yaml", *GO).code == 0
    assert counters(half) == {"a": "b", "b": "c", "c": "d"}


@pytest.mark.parametrize(
    ("names", "refused"),
    [
        (("{name: b, identifier: a,", "{name: a, identifier: b,", "{name: c,"), "ab"),
        ((*NAMES[:2], "{name: a, identifier: c,"), "abc"),
        ((*NAMES[:2], "{name: last_product_viewed, identifier: c,"), ""),
    ],
)
def test_names_that_go_round_in_a_circle_are_refused(
    three: Shell, half: World, names: tuple[str, ...], refused: str
) -> None:
    three.write("rt.yaml", renamed(THREE, names))
    done = three.run("apply", "rt.yaml", *GO, "--force", "--prune", "--replace")
    assert done.code == (4 if refused else 2)  # twice in the file
    for name in refused:
        assert f"attribute {name} cannot be called " in done.text
    assert writes(half) == []


@pytest.mark.parametrize("called", ["loyalty_tier", "Tier", "tier_now, identifier: loyalty_tier"])
@pytest.mark.parametrize("renamed", [False, True])
def test_a_name_that_a_pruned_column_holds_is_freed_first(
    new_world: Callable[..., World], new_shell: Callable[..., Shell], called: str, renamed: bool
) -> None:
    world = new_world("configured")
    with world.edit_segment("394649") as segment:
        (column,) = (a for a in segment["realtime"]["attributes"] if a["type"] == "imported")
        column["name"] = segment["realtime"]["batchAttributes"][0]["name"] = "Tier"
    user = new_shell(world)
    kept = user.run("export", "394649").out.partition("- type: imported")[0]
    if renamed and "identifier" not in called:
        user.write("rt.yaml", kept + COUNTER[2:] % "visits")
        assert user.run("apply", "rt.yaml", *GO, "--no-check-columns").code == 0
        called += ", identifier: visits"
    column = "- {type: imported, column: city}\n"
    user.write("rt.yaml", kept + COUNTER[2:] % called + column)
    world.clear_calls()
    refused = user.run("apply", "rt.yaml", *GO, "--no-check-columns")
    assert refused.code == 4
    assert "the column of this name is imported" in refused.text

    done = user.run("apply", "rt.yaml", *GO, "--no-check-columns", "--prune", "--force")
    assert done.code == 0, done.text
    bodies = [call.body for call in world.writes() if call.body and "columns" in call.body]
    assert bodies == [{"columns": ["city"]}]
    assert user.run("plan", "rt.yaml", "--prune", "--exit-code", "--no-check-columns").code == 0


def test_an_attribute_that_is_pruned_frees_its_name_for_a_column(user: Shell, half: World) -> None:
    user.write("rt.yaml", COUNTING % "city")
    assert user.run("apply", "rt.yaml", *GO).code == 0
    half.clear_calls()
    user.write(
        "rt.yaml",
        (COUNTING % "city").replace(COUNTER % "city", "  - {type: imported, column: city}\n"),
    )
    assert user.run("apply", "rt.yaml", *GO, "--prune").code == 0
    methods = [path.split("/")[0] for _, path in writes(half)]
    assert methods == ["realtime_setting", "realtime_attributes", "realtime_imported_attributes"]
