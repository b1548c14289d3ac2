"""`tdxwrap apply` from the outside: a real process, on the fake tdx."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from support.shells import FAKE_TDX, MINIMAL, WEB, Shell

from tdxwrap.fake.control import Call, World

CHECKPOINTS = (
    "✓ Key         credentials from",
    "✓ 7a          event tables added, key events created",
    "✓ 7b          ID stitching keys configured, lookup key set",
    "✓ 7c          RT attributes created",
    '✓ Wait        RT status is "ok", infrastructure fully deployed and ready',
    "✓ Validated   RT configuration complete and validated",
)


def test_apply_goes_through_all_of_step_7(shell: Shell, world: World) -> None:
    done = shell.run("apply", WEB, "--yes")

    assert done.code == 0, done.text
    for checkpoint in CHECKPOINTS:
        assert checkpoint in done.err
    assert "✓ Live now    status ok, 3 key events, 6 attributes, every field as in" in done.out
    realtime = world.segment("394649")["realtime"]
    assert [table["table"] for table in realtime["eventTables"]] == ["pageviews", "carts", "orders"]
    assert [event["name"] for event in realtime["keyEvents"]] == [
        "page_view",
        "add_to_cart",
        "purchase",
    ]
    assert len(realtime["attributes"]) == 6
    assert realtime["extLookupKey"] == "customer_id"


def test_apply_twice_writes_nothing_the_second_time(shell: Shell, world: World) -> None:
    assert shell.run("apply", MINIMAL, "--yes").code == 0
    before = world.segment("394649")
    world.clear_calls()

    again = shell.run("apply", MINIMAL)

    assert again.code == 0, again.text
    assert world.writes() == []
    assert world.segment("394649") == before
    assert "nothing to change" in again.out


@pytest.mark.parametrize("count", [1, 100])
def test_no_op_apply_makes_as_many_calls_for_100_attributes_as_for_one(
    shell: Shell, world: World, count: int
) -> None:
    config = shell.write("many.yaml", many_attributes(count))
    already_there(world, count)

    assert shell.run("apply", config).code == 0
    assert len(world.calls()) == 6 + 1 + 2  # what is live, the one table, and the context
    assert world.writes() == []


def test_apply_writes_in_the_recipes_order_with_the_recipes_argv(
    shell: Shell, world: World
) -> None:
    shell.run("apply", WEB, "--yes")

    argvs = [call.argv for call in world.writes()]
    paths = [argv[1].rsplit("/", 1)[1] for argv in argvs]
    assert paths == [
        "realtime_setting",
        *["realtime_key_events"] * 3,
        "realtime_setting",
        *["realtime_attributes"] * 6,
    ]
    for argv in argvs:
        method = "PATCH" if argv[1].endswith("realtime_setting") else "POST"
        assert argv[0] == "api"
        assert argv[1].startswith("/audiences/394649/")
        assert argv[2:7] == ("--type", "cdp", "-X", method, "--data")
        assert isinstance(json.loads(argv[7]), dict)
        assert len(argv) == 8


def test_apply_without_a_terminal_needs_yes_and_writes_nothing(shell: Shell, world: World) -> None:
    done = shell.run("apply", WEB)

    assert done.code == 2
    assert "✗ 15 changes to write, but no terminal to confirm on" in done.err
    assert "add --yes" in done.err
    assert world.writes() == []


def test_apply_json_is_one_document(shell: Shell) -> None:
    done = shell.run("apply", MINIMAL, "--yes", "--json")

    assert done.code == 0
    assert done.err == ""
    assert done.json["tdxwrap"] == "apply"
    assert done.json["ok"] is True
    assert done.file["report"]["ok"] is True
    assert done.file["plan"]["counts"]["create"] == 4


def test_apply_finds_the_segment_by_name(shell: Shell, world: World) -> None:
    done = shell.run("apply", MINIMAL, "--yes", "--parent-segment", "Customer 360")

    assert done.code == 0, done.text
    assert {call.path.split("/")[2] for call in world.writes() if call.path} == {"394649"}


def test_apply_with_jobs_keeps_the_steps_apart(shell: Shell, world: World) -> None:
    assert shell.run("apply", WEB, "--yes", "--jobs", "4").code == 0

    steps = [call.path.rsplit("/", 1)[1] for call in world.writes() if call.path]
    assert steps == [
        "realtime_setting",
        *["realtime_key_events"] * 3,
        "realtime_setting",
        *["realtime_attributes"] * 6,
    ]


def test_no_wait_writes_and_leaves(
    new_world: Callable[..., World], new_shell: Callable[..., Shell]
) -> None:
    world = new_world(updating_seconds=60)
    done = new_shell(world).run("apply", MINIMAL, "--yes", "--no-wait")

    assert done.code == 0, done.text
    assert "see `tdxwrap wait 394649`" in done.err
    assert len(world.writes()) == 4


def test_the_baseline_of_a_blank_segment_is_initialized_and_of_another_pulled(
    shell: Shell, world: World
) -> None:
    config = shell.write("a.yaml", many_attributes(1))
    shell.run("apply", config, "--yes")
    first = (shell.cwd / "rt_config.yaml").read_text()
    shell.run("apply", MINIMAL, "--yes")

    baselines = [call.argv[:-1] for call in world.calls() if "-o" in call.argv]
    assert baselines == [("ps", "pz", "init", "394649", "-o"), ("ps", "pull", "394649", "-o")]
    assert (shell.cwd / "rt_config.yaml").read_text() == first
    assert "page_view" in beside_the_journal(shell)


def test_a_template_is_written_beside_the_first_write(
    new_world: Callable[..., World], new_shell: Callable[..., Shell]
) -> None:
    world = new_world(tdx__latency_ms=300)
    done = new_shell(world).run("apply", MINIMAL, "--yes")

    assert done.code == 0, done.text
    (init,) = (call for call in world.calls() if "-o" in call.argv)
    first, second = world.writes()[:2]
    assert init.started < ended(first)
    assert first.started < ended(init) < second.started
    assert done.err.index("✓ Baseline ") < done.err.index("+ event table web_events.pageviews  ")


def test_what_is_configured_is_kept_before_the_first_write(shell: Shell, world: World) -> None:
    shell.run("apply", shell.write("a.yaml", many_attributes(1)), "--yes")
    world.clear_calls()
    world.set("tdx.latency_ms", 100)
    done = shell.run("apply", shell.write("a.yaml", many_attributes(2)), "--yes")

    assert done.code == 0, done.text
    (pull,) = (call for call in world.calls() if "-o" in call.argv)
    assert ended(pull) <= world.writes()[0].started


@pytest.mark.parametrize("times", [1, 4])  # the fourth try is the last
def test_a_baseline_that_is_not_written_is_no_baseline(
    shell: Shell, world: World, times: int
) -> None:
    shell.run("apply", shell.write("a.yaml", many_attributes(1)), "--yes")
    earlier = (shell.cwd / "rt_config.yaml").read_text()
    world.clear_calls()
    world.add_fault("http", {"command": "ps pull"}, times=times, status=503, style="ok-body")
    done = shell.run("apply", shell.write("a.yaml", many_attributes(2)), "--yes")

    if times == 1:
        assert done.code == 0, done.text
        assert "page_view" in beside_the_journal(shell)
    else:
        assert done.code == 5, done.text
        assert "tdx wrote no " in done.err
        assert "503" in done.err
        assert world.writes() == []
    assert (shell.cwd / "rt_config.yaml").read_text() == earlier


def test_a_template_that_fails_loses_nothing_and_the_next_run_goes_on(
    shell: Shell, world: World
) -> None:
    (shell.cwd / "rt_config.yaml").write_text("an earlier one")
    world.add_fault("http", {"command": "ps pz init"}, status=403, detail="not for you")
    done = shell.run("apply", WEB, "--yes")

    assert done.code == 4, done.text
    assert "not for you" in done.err
    assert "tdx ps pz init" in done.err
    assert "3 of 15 changes are written" in done.err
    assert len(world.writes()) == 1
    assert (shell.cwd / "rt_config.yaml").read_text() == "an earlier one"
    again = shell.run("apply", WEB, "--yes")
    assert again.code == 0, again.text
    assert len(world.writes()) == 11
    assert (shell.cwd / "rt_config.yaml").read_text() == "an earlier one"
    assert "394649" in beside_the_journal(shell)


def test_a_first_write_that_is_refused_leaves_the_template(shell: Shell, world: World) -> None:
    world.add_fault("http", {"method": "PATCH"}, status=422, detail="no such table")
    done = shell.run("apply", WEB, "--yes")

    assert done.code == 4, done.text
    assert "could not set the event tables" in done.err
    assert "no such table" in done.err
    assert "0 of 15 changes are written" in done.err
    assert (shell.cwd / "rt_config.yaml").exists()
    assert len(world.writes()) == 1


def test_the_login_is_looked_for_while_tdx_reads(shell: Shell, world: World) -> None:
    # Long enough to overlap on a machine that has other work, too.
    world.add_fault("delay", {"command": "ps rt list"}, seconds=1.5)
    world.add_fault("delay", {"command": "auth"}, seconds=1.5)
    done = shell.run("apply", MINIMAL, "--yes")

    assert done.code == 0, done.text
    calls = world.calls()
    (auth,) = (call for call in calls if call.argv == ("auth",))
    listing = next(call for call in calls if call.argv[:3] == ("ps", "rt", "list"))
    assert listing.started < ended(auth)
    assert auth.started < ended(listing)


def ended(call: Call) -> float:
    assert call.seconds is not None
    return call.started + call.seconds


def test_a_conflict_while_realtime_updates_is_waited_for(
    new_world: Callable[..., World], new_shell: Callable[..., Shell]
) -> None:
    world = new_world(tdx__conflict_while_updating=True, updating_seconds=0.2)
    done = new_shell(world).run("apply", MINIMAL, "--yes")

    assert done.code == 0, done.text
    assert "! Retry" in done.err
    refused = [call for call in world.writes() if not call.applied]
    assert refused
    assert len(world.writes()) - len(refused) == 4


def test_the_first_command_of_a_newcomer(shell: Shell) -> None:
    """No state, no scenario, no key: the fake starts with its default account."""
    environ = {k: v for k, v in shell.environ.items() if k not in ("FAKE_TDX_STATE", "TDXWRAP_TDX")}
    newcomer = Shell(shell.home, shell.cwd, environ)
    done = newcomer.run("--tdx", FAKE_TDX, "apply", WEB, "--yes")

    assert done.code == 0, done.text
    for checkpoint in CHECKPOINTS:
        assert checkpoint in done.err
    assert done.out.count("✓") == 1
    assert "nothing to change" in newcomer.run("--tdx", FAKE_TDX, "apply", WEB).out


def already_there(world: World, count: int) -> None:
    """Configure what `many_attributes` says."""
    event = {"id": "1", "name": "page_view", "databaseName": "web_events", "tableName": "pageviews"}
    with world.edit_segment("394649") as segment:
        segment["realtime"] = {
            "id": "2",
            "status": "ok",
            "updatingFrom": 0,
            "updatingUntil": 0,
            "eventTables": [{"database": "web_events", "table": "pageviews"}],
            "keyColumns": [],
            "batchAttributes": [],
            "extLookupKey": None,
            "keyEvents": [event],
            "attributes": [
                {
                    "id": str(1000 + n),
                    "name": f"counter_{n}",
                    "identifier": f"counter_{n}",
                    "type": "counter",
                    "realtimeKeyEventId": "1",
                    "counterType": "total",
                    "increment": {"type": "const", "value": 1},
                    "duration": {"value": 1, "unit": "day"},
                }
                for n in range(count)
            ],
        }


def beside_the_journal(shell: Shell) -> str:
    (file,) = (shell.home / ".local/state/tdxwrap/runs").glob("*.rt_config.yaml")
    return file.read_text()


def many_attributes(count: int) -> str:
    attributes = "".join(
        f"""
  - name: counter_{n}
    type: counter
    key_event: page_view
    counter_type: total
    duration: 1 day"""
        for n in range(count)
    )
    return f"""
parent_segment: "394649"
key_events:
  - name: page_view
    table: web_events.pageviews
attributes:{attributes}
"""
