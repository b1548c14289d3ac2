"""The handle for tests, the scenarios, the small command line, and many calls at once."""

from __future__ import annotations

import contextlib
import json
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from support.fakedriver import KEY_EVENT, PS, SCENARIOS, Fake, NewFake
from support.shells import Shell

from tdxwrap.fake import manage
from tdxwrap.fake.control import World
from tdxwrap.fake.scenario import ScenarioError


def test_forty_parallel_posts_all_arrive(fake: Fake) -> None:
    fake.configure()
    words = ("api", f"{PS}/realtime_key_events", "--type", "cdp", "-X", "POST", "--data")
    processes = [
        fake.start(*words, json.dumps({**KEY_EVENT, "name": f"e{n}"}), stdout=-3, stderr=-3)
        for n in range(40)
    ]
    assert [process.wait(30) for process in processes] == [0] * 40
    events = fake.world.segment("394649")["realtime"]["keyEvents"]
    assert {event["name"] for event in events} == {"page_view", *(f"e{n}" for n in range(40))}
    assert len({event["id"] for event in events}) == 41
    assert [call.n for call in fake.world.calls()] == list(range(1, 43))
    assert len(fake.world.writes()) == 42


def test_slow_calls_run_side_by_side(new_fake: NewFake) -> None:
    fake = new_fake(tdx__latency_ms=400)
    started = time.monotonic()
    with ThreadPoolExecutor(6) as pool:
        codes = list(pool.map(lambda _: fake.run("auth").code, range(6)))
    assert codes == [0] * 6
    assert time.monotonic() - started < 2.0


def test_first_calls_build_one_world_between_them(fake: Fake) -> None:
    env = {"FAKE_TDX_STATE": str(fake.cwd / "fresh")}
    processes = [fake.start("auth", env=env, stdout=subprocess.DEVNULL) for _ in range(6)]
    assert [process.wait(30) for process in processes] == [0] * 6
    assert len(World(fake.cwd / "fresh").calls()) == 6


@pytest.mark.parametrize("name", sorted(path.stem for path in SCENARIOS.glob("*.yaml")))
def test_shipped_scenarios_build(tmp_path: Path, name: str) -> None:
    world = World.create(tmp_path / "s", SCENARIOS / f"{name}.yaml")
    for segment in world.state()["accounts"]["main"]["segments"]:
        realtime = segment["realtime"] or {"attributes": []}
        assert all("keyEvent" not in attribute for attribute in realtime["attributes"])


def test_state_and_segment_are_copies_of_the_world(fake: Fake) -> None:
    fake.configure()
    state = fake.world.state()
    assert state["tdx"]["error_style"] == "stderr"
    assert state["accounts"]["main"]["databases"]["web_events"]["orders"]["price"] == "double"
    segment = fake.world.segment("Customer 360", account="main")
    segment["name"] = "changed here only"
    assert fake.world.segment("394649")["name"] == "Customer 360"
    assert fake.world.environ() == {"FAKE_TDX_STATE": str(fake.world.state_dir)}


def test_settings_and_segments_can_be_changed_between_calls(fake: Fake) -> None:
    fake.configure()
    fake.world.set("tdx.api_enabled", False)
    assert fake.api(PS).code == 1
    fake.world.set("tdx.api_enabled", True)
    assert fake.world.status("394649") == "updating"
    fake.world.set_status("394649", "error")
    assert fake.world.status("394649") == "error"
    with fake.world.edit_segment("394649") as segment:
        segment["realtime"]["keyEvents"][0]["description"] = "by hand"
    assert fake.ok(f"{PS}/realtime_key_events")["data"][0]["description"] == "by hand"


def test_status_of_a_blank_segment_can_be_set(fake: Fake) -> None:
    fake.world.set_status("394649", "initialized")
    assert fake.ok(f"{PS}/realtime_setting")["status"] == "initialized"


def test_a_launcher_of_its_own_needs_no_environment(fake: Fake, tmp_path: Path) -> None:
    state = tmp_path / "it's a state"
    world = World.create(state, {"segments": [{"id": 7, "name": "seven"}]})
    said = subprocess.run([world.launcher(), "ps", "list"], env={}, capture_output=True, text=True)
    assert said.stdout == "7\tseven\n"
    assert [call.exit for call in world.calls()] == [0]


def test_failed_edit_changes_nothing(fake: Fake) -> None:
    with contextlib.suppress(RuntimeError), fake.world.edit_segment("394649") as segment:
        segment["name"] = "half"
        raise RuntimeError
    assert fake.world.segment("394649")["name"] == "Customer 360"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("tdx.nope", 1),
        ("tdx.error_style", "loud"),
        ("tdx.latency_ms", "x"),
        ("tdx.latency_ms", -1),
        ("tdx.normalizes", ["shouts"]),
        ("tdx.normalizes", "trims"),
        ("final_status", "updating"),
        ("segments", []),
    ],
)
def test_unknown_settings_are_refused(fake: Fake, path: str, value: Any) -> None:
    with pytest.raises(ValueError, match=path):
        fake.world.set(path, value)


def test_create_starts_afresh(fake: Fake) -> None:
    fake.configure()
    fake.run("use", "profile", "x")
    fake.world.add_fault("killed")
    world = World.create(fake.world.state_dir, {})
    assert (world.calls(), world.faults()) == ([], [])
    assert fake.run("ps", "list", "--json").json == []
    assert [(call.n, call.profile) for call in world.calls()] == [(1, "default")]
    world.clear_calls()
    assert world.calls() == []


def test_opening_what_is_not_there_fails(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no fake world"):
        World(tmp_path)


def _segment(**keys: Any) -> dict[str, Any]:
    return {"segments": [{"id": 1, "name": "s", **keys}]}


def _attribute(**keys: Any) -> dict[str, Any]:
    return _segment(realtime={"attributes": [{"name": "a", **keys}]})


@pytest.mark.parametrize(
    ("scenario", "problem"),
    [
        ([], "a scenario is a mapping"),
        ({"tdx": []}, "tdx: must be a mapping"),
        ({"tdx": {"bom": "yes"}}, "tdx.bom: must be true or false"),
        ({"tdx": {"banner": 5}}, "tdx.banner: must be text or null"),
        ({"tdx": {"numeric_ids": "all"}}, "tdx.numeric_ids: must be one of True, False, some"),
        ({"updating_seconds": "1"}, "updating_seconds: must be a number from 0"),
        ({"segments": {}}, "segments: must be a list"),
        ({"segments": [{"id": 1}]}, r"segments\[0\].name: is required"),
        ({"segments": [{"id": 1, "name": "a"}] * 2}, "id 1 is used twice"),
        (_segment(colour=1), r"segments\[0\].colour: unknown key"),
        (_segment(master_table={"x": 1}), "master_table.x: unknown key"),
        (_segment(realtime={"status": "up"}), "realtime.status: must be one of"),
        (_segment(realtime={"keyEvents": [{"name": "k"}]}), "databaseName: is required"),
        (_attribute(), "needs a name and a type"),
        (_attribute(type="single", maxItems=1), "maxItems: unknown key"),
        (_attribute(type="single", keyEvent="k"), "no key event 'k'"),
        (_attribute(type="single", realtimeKeyEventId="7"), "no key event '7'"),
        ({"accounts": {"a": {}}, "segments": []}, "segments: belongs into one of the accounts"),
        ({"accounts": {"a": {"x": 1}}}, "accounts.a.x: unknown key"),
        ({"tdx": {"credentials": {"keys": {"K": "b"}}}}, "keys.K: unknown account 'b'"),
        ({"tdx": {"credentials": {"key": {}}}}, "tdx.credentials.key: unknown key"),
        ({"databases": {"d": {"t": ["a"]}}}, "databases.d.t: must be a mapping"),
    ],
    ids=lambda value: None if isinstance(value, (dict, list)) else str(value)[:40],
)
def test_wrong_scenarios_say_what_is_wrong(tmp_path: Path, scenario: Any, problem: str) -> None:
    path = tmp_path / "scenario.yaml"
    path.write_text(json.dumps(scenario))
    with pytest.raises(ScenarioError, match=problem):
        World.create(tmp_path / "state", path)


def test_assigned_ids_never_meet_given_ones(tmp_path: Path) -> None:
    events = [{**KEY_EVENT, "name": "a", "id": "1002"}, {**KEY_EVENT, "name": "b"}]
    world = World.create(tmp_path / "s", _segment(realtime={"id": "1001", "keyEvents": events}))
    ids = [event["id"] for event in world.segment("1")["realtime"]["keyEvents"]]
    assert len({*ids, "1001"}) == 3


def test_manage_new_fault_calls_and_show(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = str(tmp_path / "state")
    assert manage.main(["new", state, str(SCENARIOS / "blank.yaml")]) == 0
    assert capsys.readouterr().out == f"FAKE_TDX_STATE={state}\n"
    assert manage.main(["fault", state, '{"fault": "http", "match": {"call": 1}}']) == 0
    world = World(state)
    assert Fake(world, Shell.create(tmp_path, world)).call("auth").code == 1
    assert manage.main(["calls", state]) == 0
    assert json.loads(capsys.readouterr().out)["fault"] == "http"
    assert manage.main(["show", state]) == 0
    assert json.loads(capsys.readouterr().out)["final_status"] == "ok"


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        ([], 2),
        (["new", "x"], 2),
        (["calls", "/nowhere"], 1),
        (["new", "STATE", "/nowhere.yaml"], 1),
        (["fault", "STATE", "{"], 1),
        (["fault", "STATE", '{"fault": "no"}'], 1),
    ],
    ids=str,
)
def test_manage_refuses(fake: Fake, argv: list[str], code: int) -> None:
    words = [str(fake.world.state_dir) if word == "STATE" else word for word in argv]
    assert manage.main(words) == code
