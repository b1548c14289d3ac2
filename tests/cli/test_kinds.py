"""What the recipe does not show: imported columns, lookup catalogs, `sensitive`, `extra`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from support.shells import Shell

from tdxwrap.fake.control import World

pytestmark = pytest.mark.usefixtures("tdx_inside")

BULK = "/audiences/394649/realtime_imported_attributes/bulk_update"
HEAD = "parent_segment: 394649\n"
EVENT = HEAD + "key_events:\n  - {name: page_view, table: web_events.pageviews%s}\n"
COUNTER = (
    EVENT
    + "attributes:\n  - {name: visits, type: counter, key_event: page_view, duration: 1 day%s}\n"
)
IMPORTED = HEAD + "attributes:\n  - {type: imported, column: %s}\n"


@pytest.fixture
def configured(new_world: Callable[..., World]) -> World:
    """A segment that imports loyalty_tier."""
    return new_world("configured")


@pytest.fixture
def user(configured: World, new_shell: Callable[..., Shell]) -> Shell:
    return new_shell(configured)


def imported(world: World) -> list[str]:
    attributes = world.segment("394649")["realtime"]["attributes"]
    return [each["identifier"] for each in attributes if each["type"] == "imported"]


def batch(world: World) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = world.segment("394649")["realtime"]["batchAttributes"]
    return found


def test_imported_columns_are_the_union_with_what_is_live(user: Shell, configured: World) -> None:
    config = user.write("rt.yaml", IMPORTED % "city, name: Home town")
    done = user.run("apply", config, "--yes")

    assert done.code == 0, done.text
    assert "+ batch         Home town" in done.err
    assert "+ imported      city" in done.err
    setting, bulk = configured.writes()
    tier = {"column": "loyalty_tier", "name": None}
    assert setting.body == {"batchAttributes": [tier, {"column": "city", "name": "Home town"}]}
    assert (bulk.argv[1], bulk.body) == (BULK, {"columns": ["loyalty_tier", "city"]})

    configured.clear_calls()
    again = user.run("apply", config, "--yes")
    assert (again.code, configured.writes()) == (0, [])


def test_imported_columns_go_when_pruned(user: Shell, configured: World) -> None:
    exported = user.run("export", "394649").out
    kept, _, _ = exported.partition("- type: imported")
    config = user.write("rt.yaml", kept)

    assert user.run("plan", config).out.count("· imported      loyalty_tier") == 1
    done = user.run("apply", config, "--yes", "--prune", "--no-check-columns")
    assert done.code == 0, done.text
    assert [(call.argv[1], call.body) for call in configured.writes()] == [
        (BULK, {"columns": []}),
        ("/audiences/394649/realtime_setting", {"batchAttributes": []}),
    ]


@pytest.mark.parametrize("fault", ["lost-answer", "killed"])
def test_a_lost_answer_to_an_import_is_looked_after(
    user: Shell, configured: World, fault: str
) -> None:
    configured.add_fault(fault, {"method": "POST"})
    done = user.run("apply", user.write("rt.yaml", IMPORTED % "city"), "--yes")
    assert done.code == 0, done.text
    assert imported(configured) == ["loyalty_tier", "city"]


def test_the_name_of_an_imported_column_is_that_of_its_batch_attribute(
    user: Shell, configured: World
) -> None:
    config = user.write("rt.yaml", IMPORTED % "loyalty_tier, name: Tier")
    done = user.run("apply", config, "--yes")
    assert done.code == 0, done.text
    assert [call.argv[1] for call in configured.writes()] == ["/audiences/394649/realtime_setting"]
    assert batch(configured) == [{"column": "loyalty_tier", "name": "Tier"}]
    assert user.run("plan", config, "--exit-code").code == 0


def test_an_imported_column_that_the_master_table_lacks_only_warns(shell: Shell) -> None:
    done = shell.run("plan", shell.write("rt.yaml", IMPORTED % "citty"))
    assert done.code == 0, done.text
    assert "batch attribute citty is not a column of the master table" in done.text
    assert "did you mean city?" in done.text


def test_an_attribute_cannot_take_the_name_of_an_imported_column(user: Shell) -> None:
    text = (COUNTER % ("", "")).replace("visits", "loyalty_tier")
    done = user.run("apply", user.write("rt.yaml", text), "--yes")
    assert done.code == 4, done.text
    assert "the column of this name is imported" in done.text


@pytest.mark.parametrize(
    ("text", "path", "message"),
    [
        (
            IMPORTED % "city}\n  - {type: imported, column: city",
            "attributes[1].column",
            "city is the identifier of the attribute in line 3",
        ),
        (
            IMPORTED % "city, name: A" + "batch_attributes: [{column: city, name: B}]",
            "attributes[0].name",
            "city has another name under batch_attributes",
        ),
        (
            IMPORTED % "city, duration: 1 day",
            "attributes[0].duration",
            "duration belongs to counter and list and single attributes",
        ),
        (
            COUNTER % ("", ", extra: {counterType: total}"),
            "attributes[0].extra.counterType",
            "counterType is a field of its own",
        ),
        (
            COUNTER % ("", ", novelty: 1"),
            "attributes[0].novelty",
            "there is no field novelty",
        ),
        (
            HEAD + "attributes: [{type: lookup_catalog, name: a, lookup_catalog_table_name: t, "
            "lookup_catalog_columns: [], lookup_keys: [{id: 1, type: attribute}]}]",
            "attributes[0].lookup_catalog_columns",
            "a list without items",
        ),
    ],
)
def test_mistakes(shell: Shell, text: str, path: str, message: str) -> None:
    done = shell.run("check", shell.write("rt.yaml", text), "--json")
    assert done.code == 2
    [problem] = done.json["error"]["problems"]
    assert (problem["path"], problem["message"]) == (path, message)


def test_check_warns_of_what_is_passed_on(shell: Shell) -> None:
    keys = "id_stitching: {keys: [{name: email, extra: {novelty: 1}}]}\n"
    text = COUNTER % (", extra: {novelty: 2}", ", extra: {novelty: 3}") + keys
    done = shell.run("check", shell.write("rt.yaml", text))
    assert done.code == 0
    assert done.text.count("novelty is passed on as it is: this version does not know it") == 3
    assert ":3:60" in done.text


def test_extra_is_passed_on_compared_and_replaced(
    new_world: Callable[..., World], new_shell: Callable[..., Shell]
) -> None:
    world = new_world(tdx__more_properties=["novelty"])
    shell = new_shell(world)
    config = shell.write("rt.yaml", COUNTER % (", extra: {novelty: 1}", ", extra: {novelty: 2}"))
    assert shell.run("apply", config, "--yes").code == 0
    assert shell.run("plan", config, "--exit-code").code == 0
    event, counter = [call.body for call in world.writes() if call.argv[3:5][-1] and call.body][1:]
    assert (event["novelty"], counter["novelty"]) == (1, 2)

    # A key event is patched; of an attribute the contract lets only some fields be patched (F15).
    shell.write("rt.yaml", COUNTER % (", extra: {novelty: 5}", ", extra: {novelty: 2}"))
    world.clear_calls()
    assert shell.run("apply", config, "--yes").code == 0
    assert [call.body for call in world.writes()] == [{"novelty": 5}]
    shell.write("rt.yaml", COUNTER % (", extra: {novelty: 5}", ", extra: {novelty: 6}"))
    refused = shell.run("apply", config, "--yes")
    assert refused.code == 4
    assert "--replace" in refused.text
    assert shell.run("apply", config, "--yes", "--replace").code == 0
    assert shell.run("plan", config, "--exit-code").code == 0


def test_what_is_live_and_unknown_of_a_stitching_key_is_sent_back(
    new_world: Callable[..., World], new_shell: Callable[..., Shell]
) -> None:
    world = new_world("configured", tdx__more_properties=["novelty"])
    with world.edit_segment("394649") as segment:
        segment["realtime"]["keyColumns"][0]["novelty"] = {"a": 1}
    shell = new_shell(world)
    config = shell.write("rt.yaml", HEAD + "id_stitching: {keys: [product_id]}\n")
    assert shell.run("apply", config, "--yes").code == 0
    [call] = world.writes()
    assert [key.get("novelty") for key in call.body["keyColumns"]] == [{"a": 1}, None, None, None]


def test_sensitive_is_sent_and_changes_only_by_replacing(shell: Shell, world: World) -> None:
    config = shell.write("rt.yaml", COUNTER % ("", ", sensitive: true"))
    assert shell.run("apply", config, "--yes").code == 0
    assert world.writes()[-1].body["sensitive"] is True
    assert "sensitive: true" in shell.run("export", "394649").out
    shell.write("rt.yaml", COUNTER % ("", ", sensitive: false"))
    assert "--replace" in shell.run("apply", config, "--yes").text


def test_a_filter_in_short_is_planned_and_its_columns_are_looked_for(
    user: Shell, configured: World
) -> None:
    short = ",\n    filter: {country: JP, any: [{prize: 5}]}"
    plan = user.run("plan", user.write("rt.yaml", EVENT % short))
    assert "key event page_view: filter prize is not a column of" in plan.text
    assert "rt.yaml:4" in plan.text
    assert "did you mean price?" in plan.text


def test_the_order_of_conditions_has_no_meaning(shell: Shell, world: World) -> None:
    first = '  filter: {country: JP, price: {greater: 1}, any: [{td_path: "/"}, {td_path: "/a"}]}'
    other = '  filter: {any: [{td_path: "/a"}, {td_path: "/"}], price: {greater: 1}, country: JP}'
    text = COUNTER.replace("1 day%s}", "1 day,%s}")
    path = shell.write("rt.yaml", text % ("", first))
    assert shell.run("apply", path, "--yes", "--no-check-columns").code == 0
    shell.write("rt.yaml", text % ("", other))
    assert shell.run("plan", path, "--exit-code").code == 0
    shell.write("rt.yaml", text % ("", other.replace("JP", "US")))
    other_filter = ("plan", path, "--exit-code", "--no-check-columns")
    assert shell.run(*other_filter).code == 4  # apply refuses it without --replace
    assert shell.run(*other_filter, "--replace").code == 7
