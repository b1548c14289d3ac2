"""`plan`, the consent of `apply`, `verify` and `export` from the outside."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest
from support.shells import MINIMAL, WEB, Shell
from support.worlds import HALF, configuration, exact

from tdxwrap.fake.control import World

pytestmark = pytest.mark.usefixtures("tdx_inside")


@pytest.fixture
def user(half: World, new_shell: Callable[..., Shell]) -> Shell:
    shell = new_shell(half)
    shell.write("rt.yaml", HALF)
    return shell


def test_plan_shows_what_why_and_how_much(user: Shell, half: World) -> None:
    done = user.run("plan", "rt.yaml")

    assert done.code == 0
    assert done.err == ""
    assert (
        done.out
        == """\
Customer 360 (394649) · account main · profile default · us01 · RT status ok

7a  Event tables and key events
    = event table   web_events.pageviews
    + event table   web_events.carts
    · event table   legacy.app_events      live only, left alone
    ~ key event     page_view
        description   Any page view  →  Every page view
    + key event     add_to_cart     web_events.carts
    · key event     legacy_screen   live only, left alone
7b  ID stitching
    = key           td_client_id
    ~ key           email
        invalid_texts   ["unknown", "null"]  →  ["unknown"]
    · key           device_id      live only, left alone
    = lookup key    customer_id
7c  Attributes
    ~ single        last_product_viewed
        duration   1 day  →  2 days
    · single        legacy_last_screen    live only, left alone

create 2, update 3, 3 unchanged, 4 not managed
· live only, left alone: --prune would delete 4 of these
Fingerprint: 7b502f44a2dc
"""
    )
    assert half.writes() == []


def test_plan_json(user: Shell, half: World) -> None:
    plan = user.run("plan", "rt.yaml", "--json").file["plan"]
    assert plan["pending"] is True
    assert plan["segment"] == {"id": "394649", "name": "Customer 360", "status": "ok"}
    assert plan["counts"] == {
        "create": 2,
        "update": 3,
        "replace": 0,
        "delete": 0,
        "unchanged": 3,
        "not_managed": 4,
    }
    updated = [change for change in plan["changes"] if change["action"] == "update"]
    assert updated[0]["fields"] == [
        {"name": "description", "old": "Any page view", "new": "Every page view"}
    ]
    assert half.writes() == []


def test_plan_markdown(user: Shell, half: World) -> None:
    done = user.run("plan", "rt.yaml", "--markdown")

    assert done.out.startswith("### Realtime plan: Customer 360 (394649)\n")
    assert "**create 2, update 3, 3 unchanged, 4 not managed**" in done.out
    assert done.out.count("<details") == done.out.count("</details>") == 4
    assert "- `7a` key event **add\\_to\\_cart** – web\\_events.carts" in done.out
    assert half.writes() == []


def test_a_name_cannot_format_or_open_a_tag_in_markdown(shell: Shell, world: World) -> None:
    with world.edit_segment("394649") as segment:
        segment["name"] = "<img src=x> `a` *b* | [c](d)"
    out = shell.run("plan", WEB, "--markdown").out

    heading = out.splitlines()[0]
    assert "&lt;img src=x&gt; \\`a\\` \\*b\\* \\| \\[c\\](d)" in heading
    assert "<img" not in out


def test_apply_carries_out_exactly_the_plan(user: Shell, half: World) -> None:
    before = exact(half)["realtime"]
    done = user.run("apply", "rt.yaml", "--yes")

    assert done.code == 0, done.text
    methods = [(call.method, (call.path or "").split("/")[-1]) for call in half.writes()]
    assert methods == [
        ("PATCH", "realtime_setting"),
        ("PATCH", "7101"),
        ("POST", "realtime_key_events"),
        ("PATCH", "realtime_setting"),
        ("PATCH", "7201"),
    ]
    assert half.writes()[1].body == {"description": "Every page view"}
    assert half.writes()[4].body == {"duration": {"value": 2, "unit": "day"}}
    after = exact(half)["realtime"]
    assert after["eventTables"][: len(before["eventTables"])] == before["eventTables"]
    assert after["keyColumns"][1]["validRegexp"] == "^[^@]+@[^@]+$"
    assert {e["name"] for e in before["keyEvents"]} <= {e["name"] for e in after["keyEvents"]}
    assert user.run("plan", "rt.yaml", "--exit-code").code == 0


def test_prune_asks_for_force_where_much_goes_and_deletes_in_order(
    user: Shell, half: World
) -> None:
    small = user.write("small.yaml", 'parent_segment: "394649"\nevent_tables: []\n')
    refused = user.run("apply", small, "--yes", "--prune")
    assert refused.code == 4
    said = "2 of 2 attributes would be deleted: last_product_viewed, legacy_last_screen"
    assert said in refused.err
    assert "--force" in refused.err
    assert half.writes() == []

    done = user.run("apply", "rt.yaml", "--yes", "--prune", "--force")

    assert done.code == 0, done.text
    deletes = [call.path for call in half.writes() if call.method == "DELETE"]
    assert deletes == [
        "/audiences/394649/realtime_attributes/7202",
        "/audiences/394649/realtime_key_events/7102",
    ]
    realtime = configuration(half)
    assert [table["table"] for table in realtime["eventTables"]] == ["pageviews", "carts"]
    assert [key["name"] for key in realtime["keyColumns"]] == ["td_client_id", "email"]
    last = half.writes()[-1]
    assert set(last.body) == {"keyColumns", "eventTables"}


def test_replace_is_refused_and_then_done(user: Shell, half: World) -> None:
    text = HALF.replace("value_column: product_id", "value_column: category")
    config = user.write("replace.yaml", text)
    refused = user.run("apply", config, "--yes")

    assert refused.code == 4
    assert "± single        last_product_viewed" in refused.err
    assert "what it has collected is lost" in refused.err
    assert "add --replace" in refused.err
    assert half.writes() == []

    assert user.run("apply", config, "--yes", "--replace").code == 0
    methods = [call.method for call in half.writes()][-2:]
    assert methods == ["DELETE", "POST"]


def test_a_key_event_is_replaced_with_the_attributes_that_hang_on_it(
    user: Shell, half: World
) -> None:
    text = HALF.replace("table: web_events.pageviews,", "table: web_events.carts,")
    config = user.write("replace.yaml", text)
    refused = user.run("plan", config)
    assert "with it what these attributes have collected: last_product_viewed" in refused.out

    assert user.run("apply", config, "--yes", "--replace").code == 0
    event = next(e for e in exact(half)["realtime"]["keyEvents"] if e["name"] == "page_view")
    assert event["tableName"] == "carts"
    names = [a["name"] for a in exact(half)["realtime"]["attributes"]]
    assert sorted(names) == ["last_product_viewed", "legacy_last_screen"]


def test_another_lookup_key_needs_its_own_consent(user: Shell, half: World) -> None:
    text = HALF.replace("ext_lookup_key: customer_id", "ext_lookup_key: loyalty_tier")
    config = user.write("lookup.yaml", text)
    refused = user.run("apply", config, "--yes")
    assert refused.code == 2
    assert "the lookup key would change to loyalty_tier" in refused.err
    assert half.writes() == []

    assert user.run("apply", config, "--yes", "--force").code == 0
    assert exact(half)["realtime"]["extLookupKey"] == "loyalty_tier"


def test_a_lookup_key_cannot_be_taken_away(user: Shell, half: World) -> None:
    text = HALF.replace("ext_lookup_key: customer_id", "ext_lookup_key: null")
    done = user.run("apply", user.write("null.yaml", text), "--yes")
    assert done.code == 2
    assert "id_stitching.ext_lookup_key" in done.err
    assert half.calls() == []


# On a terminal


def plain(text: str) -> str:
    """What a terminal shows, without colours and movements of the cursor."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)


def test_on_a_terminal_apply_asks(shell: Shell, world: World) -> None:
    done = shell.terminal("apply", WEB, answers=[("[y/N]", lambda: "y\n")])

    shown = plain(done.out)
    assert done.code == 0, shown
    question = "Write these 15 changes to Customer 360 (394649), "
    assert question in shown
    assert "✓ Validated   RT configuration complete and validated" in shown


def test_the_time_of_an_answer_is_not_that_of_the_run(shell: Shell, world: World) -> None:
    def slowly() -> str:
        time.sleep(4)
        return "y\n"

    began = time.monotonic()
    done = shell.terminal("apply", MINIMAL, answers=[("[y/N]", slowly)])
    whole = time.monotonic() - began
    seconds = re.search(r"Done in ([\d.]+) s", plain(done.out))
    assert seconds is not None
    assert float(seconds[1]) < whole - 4 + 0.05  # it is rounded to a tenth


@pytest.mark.parametrize("answer", ["\n", "\x04"])
def test_any_other_answer_writes_nothing(shell: Shell, world: World, answer: str) -> None:
    done = shell.terminal("apply", WEB, answers=[("[y/N]", lambda: answer)])

    assert done.code == 130
    assert "✗ not confirmed" in plain(done.out)
    assert world.writes() == []


def test_ctrl_c_at_the_question_writes_nothing(shell: Shell, world: World) -> None:
    done = shell.terminal("apply", WEB, answers=[("[y/N]", lambda: "\x03")])

    assert done.code == 130, done.out
    assert "nothing was written" in plain(done.out)
    assert world.writes() == []


def test_when_live_moves_before_the_answer_it_plans_again(shell: Shell, world: World) -> None:
    def somebody_else_adds_a_table() -> str:
        with world.edit_segment("394649") as segment:
            segment["realtime"] = {
                **(
                    segment["realtime"]
                    or {"id": "1", "status": "ok", "updatingFrom": 0, "updatingUntil": 0}
                ),
                "eventTables": [{"database": "web_events", "table": "pageviews"}],
                "keyColumns": [],
                "batchAttributes": [],
                "extLookupKey": None,
                "keyEvents": [],
                "attributes": [],
            }
        return "y\n"

    done = shell.terminal(
        "apply",
        WEB,
        answers=[("[y/N]", somebody_else_adds_a_table), ("[y/N]", lambda: "y\n")],
    )

    shown = plain(done.out)
    assert done.code == 0, shown
    assert "the live configuration has changed: here is the new plan" in shown
    assert "Write these 15 changes" in shown
    assert "Write these 14 changes" in shown


def test_a_dangerous_change_is_asked_for_on_its_own(user: Shell, half: World) -> None:
    text = HALF.replace("ext_lookup_key: customer_id", "ext_lookup_key: loyalty_tier")
    config = user.write("lookup.yaml", text)
    done = user.terminal(
        "apply", config, answers=[("[y/N]", lambda: "y\n"), ("[y/N]", lambda: "n\n")]
    )
    assert done.code == 130
    assert "Dangerous: change the lookup key to loyalty_tier anyway?" in plain(done.out)
    assert half.writes() == []


# verify and export


def test_verify_names_every_difference(user: Shell) -> None:
    done = user.run("verify", "rt.yaml")

    assert done.code == 7
    assert "✗ every field   differs from rt.yaml:" in done.out
    assert "description   Any page view  →  Every page view" in done.out
    assert "5 items differ from rt.yaml" in done.err


def test_verify_of_a_segment_is_the_recipes_validation(user: Shell) -> None:
    for ps in ("394649", "Customer 360"):
        done = user.run("verify", ps)
        assert done.code == 0, done.text
        assert done.out == "✓ RT status     ok\n✓ key events    2\n✓ RT attributes 2\n"


def test_an_export_is_a_valid_file_without_a_plan(user: Shell, half: World) -> None:
    done = user.run("export", "Customer 360", "-f", "exported.yaml")
    assert done.code == 0, done.text
    assert user.run("check", "exported.yaml").code == 0
    assert user.run("plan", "exported.yaml", "--exit-code").code == 0
    assert half.writes() == []
    text = (user.cwd / "exported.yaml").read_text()
    assert text.startswith('# The realtime configuration of the parent segment "Customer 360"')
    assert "7101" not in text


def test_an_export_keeps_an_earlier_file(user: Shell) -> None:
    user.write("exported.yaml", "precious")
    done = user.run("export", "394649", "-f", "exported.yaml")
    assert (user.cwd / "exported.yaml.1").read_text() == "precious"
    assert "the earlier file is now exported.yaml.1" in done.err


def test_an_export_applies_to_another_account(
    user: Shell, half: World, new_world: Callable[..., World], new_shell: Callable[..., Shell]
) -> None:
    text = user.run("export", "394649").out
    scenario = {
        "updating_seconds": 0,
        "databases": next(iter(half.state()["accounts"].values()))["databases"],
        "segments": [
            {
                "id": "5",
                "name": "Elsewhere",
                "master_table": {"columns": {"customer_id": "string"}},
            }
        ],
    }
    other = new_world(scenario, name="other")
    there = new_shell(other, "other-user")
    config = there.write("rt.yaml", text)

    done = there.run("apply", config, "--yes", "--parent-segment", "5")

    assert done.code == 0, done.text
    assert configuration(other, "5") == configuration(half)


def test_what_this_version_cannot_manage_is_named_and_left_alone(
    new_world: Callable[..., World], new_shell: Callable[..., Shell]
) -> None:
    world = new_world("configured")
    with world.edit_segment("394649") as segment:
        segment["realtime"]["attributes"][-1]["lookupCatalogColumns"][1]["dataType"] = "novel"
    shell = new_shell(world)
    exported = shell.run("export", "394649").out
    reason = "this version cannot read its lookup_catalog_columns"
    assert f'# left out: attribute "product_lookup": "{reason}"' in exported

    config = shell.write("rt.yaml", exported)
    plan = shell.run("plan", config, "--prune", "--exit-code")

    assert plan.code == 0, plan.text
    assert "· lookup_catalog product_lookup" in plan.out
    assert f"left alone: {reason}" in plan.out


def test_a_name_that_is_live_in_another_spelling_is_a_blocker(
    half: World, new_shell: Callable[..., Shell]
) -> None:
    user = new_shell(half)
    user.write(
        "rt.yaml",
        'parent_segment: "394649"\nkey_events:\n'
        "  - {name: Page_View, table: web_events.pageviews}\n",
    )
    done = user.run("apply", "rt.yaml", "--yes")
    assert done.code == 4, done.text
    assert "live has 'page_view'; it differs only in case" in " ".join(done.text.split())
    assert "--force" in done.text
    assert half.writes() == []

    assert user.run("apply", "rt.yaml", "--yes", "--force").code == 0
    assert user.run("plan", "rt.yaml", "--exit-code").code == 0
