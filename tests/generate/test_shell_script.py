"""`tdxwrap recipe`: under bash its script leaves what `apply` leaves, whatever the names are."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from support.generated import attribute, key_event, realtime, scenarios
from support.inprocess import InProcess
from support.shells import FIXTURES, MINIMAL, ROOT, WEB, Shell, clean_environ, wait_for
from support.worlds import configuration, exact, shipped

from tdxwrap.config.models import RtConfig
from tdxwrap.fake.control import World
from tdxwrap.generate.shell_script import Draft, Origin, whole
from tdxwrap.tdx.client import Tdx

pytestmark = [
    pytest.mark.skipif(shutil.which("jq") is None, reason="the script needs jq"),
    pytest.mark.usefixtures("tdx_inside"),
]

CONFIGS = FIXTURES / "configs"
TEMPLATE = ROOT / "tdxwrap" / "generate" / "step7.sh"
STEP_7 = FIXTURES / "recipe" / "step7.yaml"
PS = ("--parent-segment", "394649")
# Somebody began (half-configured.yaml): to create, to update, and something that stays.
HALF = """
parent_segment: Customer 360
event_tables: [web_events.pageviews, web_events.carts]
key_events:
  - name: page_view
    table: web_events.pageviews
    description: Every page view
  - name: add_to_cart
    table: web_events.carts
id_stitching:
  keys:
    - td_client_id
    - name: email
      invalid_texts: [unknown]
    - country
  ext_lookup_key: customer_id
attributes:
  - name: last_product_viewed
    type: single
    key_event: page_view
    value_column: product_id
    data_type: string
    duration: 2 days
  - name: carts
    type: counter
    key_event: add_to_cart
    duration: 1 day
"""


def bash(
    text: str, cwd: Path, environ: dict[str, str], *options: str
) -> subprocess.CompletedProcess[str]:
    """Run a script as a user does: with the fake as the `tdx` on the PATH."""
    file = cwd / "step7.sh"
    file.write_text(text, encoding="utf-8")
    return subprocess.run(
        ["bash", *options, file],
        cwd=cwd,
        env={**environ, "PATH": f"{FIXTURES / 'bin'}:{environ['PATH']}"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=300,
    )


def play(shell: Shell, text: str, *options: str, **env: str) -> subprocess.CompletedProcess[str]:
    return bash(text, shell.cwd, {**shell.environ, "WAIT_PAUSE": "0.1", **env}, *options)


def script_of(shell: Shell, *args: str | Path, **env: str) -> str:
    done = shell.run("recipe", *args, **env)
    assert done.code == 0, done.text
    return done.out


def shellcheck(text: str, *options: str) -> str:
    beside = Path(sys.executable).with_name("shellcheck")
    checker = str(beside) if beside.exists() else shutil.which("shellcheck")
    if checker is None:
        pytest.skip("there is no shellcheck")
    done = subprocess.run(
        [checker, *options, "-"], input=text, capture_output=True, text=True, check=False
    )
    return done.stdout


@pytest.fixture
def user(half: World, new_shell: Callable[..., Shell]) -> Shell:
    shell = new_shell(half)
    shell.write("rt.yaml", HALF)
    return shell


# What it leaves behind


@pytest.mark.parametrize(
    ("config", "numeric"),
    [
        (STEP_7, True),
        pytest.param(WEB, "some", marks=pytest.mark.long),
        (CONFIGS / "every-field.yaml", True),
    ],
)
def test_the_script_leaves_what_apply_leaves(
    config: Path, numeric: object, new_world: Callable[..., World], new_shell: Callable[..., Shell]
) -> None:
    by_script = new_world(
        name="by-script", tdx__numeric_ids=numeric, tdx__blank_setting="not-found"
    )
    by_apply = new_world(name="by-apply", tdx__numeric_ids=numeric)
    shell = new_shell(by_script, "user-of-script")

    text = script_of(shell, config)
    assert by_script.calls() == []
    done = play(shell, text)
    assert done.returncode == 0, done.stdout + done.stderr
    applied = new_shell(by_apply, "user-of-apply").run("apply", config, "--yes")

    assert applied.code == 0, applied.text
    assert exact(by_script) == exact(by_apply)
    assert (shell.cwd / "rt_config.yaml").exists()
    assert done.stdout.endswith("✅ RT configuration complete and validated\n")


AWKWARD = st.text(
    "'\"`$\\!#%&*;|<>(){}[]@-~:, \t\n\r\x1b\x7f\u202e\u2028\u00a0’“日本é🙂aé",
    min_size=1,
    max_size=9,
)


@st.composite
def awkward(draw: st.DrawFn) -> dict[str, Any]:
    """A configuration in which everything that a person may name has a name that is no word."""
    unique = st.lists(AWKWARD, min_size=1, max_size=2, unique=True)
    events, names = draw(unique), draw(unique)
    return {
        "event_tables": ["web.pageviews", "app.taps"],
        "key_events": [
            draw(key_event(name, ["web.pageviews", "app.taps"])) | {"description": draw(AWKWARD)}
            for name in events
        ],
        "id_stitching": {
            "keys": [
                {"name": name, "valid_regexp": draw(AWKWARD), "invalid_texts": draw(unique)}
                for name in draw(unique)
            ],
            "ext_lookup_key": draw(AWKWARD),
        },
        "attributes": [
            draw(attribute(name, number, events)) | {"description": draw(AWKWARD)}
            for number, name in enumerate(names)
        ],
    }


@given(awkward(), AWKWARD, AWKWARD, scenarios().map(lambda scenario: scenario["tdx"]))
@settings(max_examples=3)
@pytest.mark.long
def test_any_name_is_only_a_name(
    desired: dict[str, Any], segment: str, file: str, tdx: dict[str, Any]
) -> None:
    config = RtConfig.model_validate(desired)
    columns = {"td_client_id": "string"}
    scenario = {
        "tdx": tdx,
        "updating_seconds": 0,
        "databases": {"web": {"pageviews": columns}, "app": {"taps": columns}},
        "segments": [{"id": "394649", "name": segment, "realtime": None}],
    }
    text = whole(config, Origin(file, segment))
    assert shellcheck(text) == ""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        by_script = World.create(folder / "by-script", scenario)
        there = InProcess(World.create(folder / "by-apply", scenario))
        there.carry_out(there.plan(config))

        environ = {**clean_environ(folder), **by_script.environ(), "WAIT_PAUSE": "0.1"}
        done = bash(text, folder, environ)

        assert done.returncode == 0, done.stdout + done.stderr
        assert exact(by_script) == exact(there.world)
        assert {entry.name for entry in folder.iterdir()} == {
            "by-script",
            "by-apply",
            "rt_config.yaml",
            "step7.sh",
        }


def test_what_is_missing_is_added_and_what_is_there_is_left(user: Shell, half: World) -> None:
    before = configuration(half)

    done = play(user, script_of(user, "rt.yaml"))

    assert done.returncode == 0, done.stdout + done.stderr
    after = configuration(half)
    assert after["eventTables"][:2] == before["eventTables"]
    assert after["eventTables"][2:] == [{"database": "web_events", "table": "carts"}]
    assert after["keyColumns"][:3] == before["keyColumns"]
    assert [key["name"] for key in after["keyColumns"][3:]] == ["country"]
    for kind in ("keyEvents", "attributes"):
        assert all(item in after[kind] for item in before[kind])
        assert len(after[kind]) == len(before[kind]) + 1
    assert '= "page_view" is there already (7101)' in done.stdout
    assert "left as it is, although it differs in: description\n" in done.stdout
    assert "left as it is, although it differs in: duration\n" in done.stdout
    assert "  + eventTables web_events.carts\n" in done.stdout
    assert "  = keyColumns td_client_id is there already\n" in done.stdout
    assert "  + keyColumns country\n" in done.stdout
    assert "  = extLookupKey customer_id is there already\n" in done.stdout


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
@pytest.mark.long
def test_a_key_event_is_renamed_where_it_is_live_under_its_former_name_only(
    user: Shell, half: World, encoding: str
) -> None:
    former = "- name: 'ページ \"閲覧\"'\n    renamed_from: page_view"
    renamed = HALF.replace("- name: page_view", former)
    user.write("rt.yaml", renamed.replace("key_event: page_view", "key_event: 'ページ \"閲覧\"'"))
    before = configuration(half)
    text = script_of(user, "rt.yaml", PYTHONIOENCODING=encoding)
    assert text.isascii() is (encoding == "ascii")
    assert "leaves what is there as it is but for a former name" in re.sub(r"\n# ", " ", text)
    assert shellcheck(text) == ""

    done = play(user, text)

    assert done.returncode == 0, done.stdout + done.stderr
    assert '  ~ "ページ \\"閲覧\\"" (7101)\n' in done.stdout
    assert "although it differs in: realtimeKeyEventId" not in done.stdout
    after = configuration(half)
    assert len(after["keyEvents"]) == len(before["keyEvents"]) + 1
    names = [event["name"] for event in after["keyEvents"]]
    assert 'ページ "閲覧"' in names
    assert "page_view" not in names
    half.clear_calls()
    assert play(user, text).returncode == 0
    assert half.writes() == []


# Page by page, two items of each kind are as good as many.
@pytest.mark.parametrize(("page", "config"), [(1, HALF), (1000, WEB.read_text())])
@pytest.mark.long
def test_a_second_run_changes_nothing(
    page: int, config: str, new_world: Callable[..., World], new_shell: Callable[..., Shell]
) -> None:
    world = new_world(tdx__page_size_max=page, tdx__defaults="absent")
    shell = new_shell(world)
    text = script_of(shell, shell.write("rt.yaml", config))
    assert play(shell, text).returncode == 0
    first = exact(world)
    world.clear_calls()

    done = play(shell, text)

    assert done.returncode == 0, done.stderr
    assert "+" not in done.stdout
    assert "differs" not in done.stdout
    assert world.writes() == []
    assert exact(world) == first
    assert "  = keyColumns td_client_id is there already\n" in done.stdout
    assert [file.name for file in shell.cwd.glob("rt_config*")] == ["rt_config.yaml"]


@pytest.mark.long
def test_a_long_body_goes_through_a_file(shell: Shell, world: World) -> None:
    desired = yaml.safe_load(STEP_7.read_text())
    desired["key_events"][0]["description"] = "long " * 30_000 + "end"
    shell.write("rt.yaml", yaml.safe_dump(desired))

    done = play(shell, script_of(shell, "rt.yaml"))

    assert done.returncode == 0, done.stderr
    long, *others = [call for call in world.writes() if "-f" in call.argv]
    assert long.path == "/audiences/394649/realtime_key_events"
    assert others == []
    events = world.segment("394649")["realtime"]["keyEvents"]
    assert events[0]["description"] == "long " * 30_000 + "end"


@pytest.mark.long
def test_columns_to_import_are_added_to_those_that_are_imported(shell: Shell, world: World) -> None:
    imported = {"id": "9", "name": "city", "identifier": "city", "type": "imported"}
    assert play(shell, script_of(shell, MINIMAL, *PS)).returncode == 0
    with world.edit_segment("394649") as segment:
        segment["realtime"]["attributes"].append(imported)
    world.clear_calls()
    with Tdx() as tdx:
        draft = Draft(tdx, origin=Origin("rt.yaml", "394649"), merging=True)
        draft.import_columns("394649", ["loyalty_tier", "city"])
    function = re.search(r"# import_columns .*?\n}\n", TEMPLATE.read_text(), re.DOTALL)
    assert function is not None
    command = f"{function[0]}\n{draft.steps()}\n"
    text = script_of(shell, MINIMAL, *PS).replace("\n# Wait", f"\n{command}\n# Wait")
    assert shellcheck(text) == ""

    for _ in range(2):
        assert play(shell, text).returncode == 0
        attributes = world.segment("394649")["realtime"]["attributes"]
        assert [a["name"] for a in attributes if a["type"] == "imported"] == [
            "city",
            "loyalty_tier",
        ]
    assert len(world.writes()) == 1


# How it calls tdx


def test_tdx_is_called_as_it_has_to_be(shell: Shell, world: World) -> None:
    text = script_of(shell, STEP_7, "--site", "us01")
    assert play(shell, text, TDX=str(FIXTURES / "bin" / "tdx")).returncode == 0

    calls = world.calls()
    assert {call.stdout for call in calls} == {"file", "null"}
    assert {call.stdin for call in calls} == {"eof"}
    assert {call.site for call in calls} == {"us01"}
    # What the user chose with `tdx use` hangs on the shell that started the script.
    assert {call.session for call in calls} == {str(os.getpid())}


def test_a_profile_is_passed_on_whatever_its_name_is(shell: Shell) -> None:
    text = script_of(shell, STEP_7, "--profile", "it's $HOME")
    assert """command "$TDX" --profile $'it\\'s $HOME' "$@" </dev/null""" in text
    assert shellcheck(text) == ""


# When something is wrong


@pytest.mark.parametrize(
    ("style", "form"),
    [
        ("stderr", "jsonapi"),
        pytest.param("body", "code", marks=pytest.mark.long),
        pytest.param("ok-body", "text", marks=pytest.mark.long),
    ],
)
def test_a_failing_call_stops_it_and_the_next_run_goes_on(
    style: str, form: str, shell: Shell, world: World
) -> None:
    text = script_of(shell, STEP_7)
    match = {"method": "POST", "path": "realtime_attributes"}
    world.add_fault(
        "http", match, status=422, style=style, form=form, skip=1, detail="no such thing"
    )

    done = play(shell, text)

    assert done.returncode == 5
    assert "no such thing" in done.stderr
    place = r"step7\.yaml:\d+ attribute browsed_products"
    failed = "failed: tdx api /audiences/394649/realtime_attributes"
    assert re.search(f"{place}: {failed}", done.stderr)
    assert world.writes()[-1].fault == "http"
    assert play(shell, text).returncode == 0
    assert len(configuration(world)["attributes"]) == 3
    assert len(configuration(world)["keyEvents"]) == 2


@pytest.mark.parametrize("fault", ["truncated", "lost-answer"])
@pytest.mark.long
def test_an_answer_that_cannot_be_read_stops_it(fault: str, shell: Shell, world: World) -> None:
    world.add_fault(fault, {"method": "POST", "path": "realtime_key_events"})
    text = script_of(shell, STEP_7)

    assert play(shell, text).returncode == 5
    assert len(world.writes()) == 2
    assert play(shell, text).returncode == 0
    assert len(configuration(world)["keyEvents"]) == 2


SETTING = {"method": "GET", "path": "realtime_setting"}
EVENTS = {"method": "GET", "path": "realtime_key_events"}
NOT_WHOLE: list[tuple[dict[str, str], object]] = [
    ({"command": "rt list"}, {}),
    ({"command": "rt list"}, [{"name": "Customer 360"}]),
    ({"command": "ps view"}, {"message": "upstream"}),
    (SETTING, {"message": "upstream"}),
    (SETTING, {"eventTables": None, "keyColumns": []}),
    (SETTING, []),
    (EVENTS, {}),
    (EVENTS, {"data": [{"name": "no id"}]}),
    (EVENTS, {"data": [], "hasMore": True}),
    (EVENTS, {"data": [], "meta": {"total": 1}}),
    (EVENTS, {"data": [], "links": {"next": 2}}),
]


@pytest.mark.long
def test_what_was_not_read_whole_is_not_written_over(user: Shell, half: World) -> None:
    text = script_of(user, "rt.yaml")
    before = exact(half)["realtime"]
    for match, answer in NOT_WHOLE:
        half.add_fault("garbage", match, text=json.dumps(answer))
        done = play(user, text)
        assert (done.returncode, done.stderr.count("❌")) == (5, 1), (answer, done.stderr)
        after = exact(half)["realtime"]
        assert after["keyEvents"] == before["keyEvents"]
        for name in ("eventTables", "keyColumns", "attributes"):
            assert [item for item in before[name] if item not in after[name]] == []


@pytest.mark.long
def test_a_list_in_pages_is_read_to_its_end(user: Shell, half: World) -> None:
    text = script_of(user, "rt.yaml")
    half.set("tdx.page_size_max", 1)
    before = exact(half)["realtime"]["keyEvents"]
    assert play(user, text).returncode == 0
    after = exact(half)["realtime"]["keyEvents"]
    assert [event["name"] for event in after] == ["page_view", "legacy_screen", "add_to_cart"]
    assert after[: len(before)] == before


def test_a_lookup_key_that_would_change_stops_it(user: Shell, half: World) -> None:
    user.write("rt.yaml", HALF.replace("ext_lookup_key: customer_id", "ext_lookup_key: email"))

    done = play(user, script_of(user, "rt.yaml"))

    assert done.returncode == 4
    assert "extLookupKey is customer_id already, not email" in done.stderr
    assert "❌ rt.yaml:12 stitching key td_client_id: the realtime" in done.stderr
    assert configuration(half)["extLookupKey"] == "customer_id"


def test_a_setting_that_is_refused_is_named_with_its_place(shell: Shell, world: World) -> None:
    world.add_fault("http", {"method": "PATCH"}, status=422, detail="no such thing")

    done = play(shell, script_of(shell, STEP_7))

    assert done.returncode == 5
    place = r"step7\.yaml:\d+ event table web_events\.pageviews"
    assert "no such thing" in done.stderr
    assert re.search(f"❌ .*{place}: failed: tdx api ", done.stderr)


def test_a_trace_shows_no_key(shell: Shell, world: World) -> None:
    key = "1/" + "b" * 40
    world.set_credentials(keychain={}, keys={key: next(iter(world.state()["accounts"]))})
    world.add_fault("http", {"command": "ps view"}, status=403)

    done = play(shell, script_of(shell, STEP_7), "-x", TD_API_KEY=key)

    assert done.returncode == 5
    assert "+ tdx ps view" in done.stderr
    assert key not in done.stdout + done.stderr


def test_ctrl_c_ends_it(shell: Shell, world: World) -> None:
    world.add_fault("hang", {"command": "rt list"}, seconds=60)
    file = shell.write("step7.sh", script_of(shell, STEP_7))
    environ = {**shell.environ, "TDX": str(FIXTURES / "bin" / "tdx"), "TMPDIR": str(shell.cwd)}
    running = subprocess.Popen(
        ["bash", file],
        cwd=shell.cwd,
        env=environ,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    wait_for(lambda: any(call.argv[:3] == ("ps", "rt", "list") for call in world.calls()))

    os.killpg(running.pid, signal.SIGINT)
    _, err = running.communicate(timeout=60)

    assert running.returncode == 130, err
    assert "❌ interrupted; run it again to continue" in err
    assert "failed" not in err
    assert [entry.name for entry in shell.cwd.iterdir()] == ["step7.sh"]


@pytest.mark.parametrize("status", ["inconsistent", "error"])
def test_a_status_that_cannot_become_ok_ends_the_wait(
    status: str, shell: Shell, world: World
) -> None:
    world.set("final_status", status)

    done = play(shell, script_of(shell, MINIMAL, *PS))

    assert done.returncode == 6
    assert f"the RT status is {status}: waiting longer does not help" in done.stderr


@pytest.mark.long
def test_the_wait_ends_when_its_time_is_over(shell: Shell, world: World) -> None:
    world.set("updating_seconds", 3600)

    done = play(shell, script_of(shell, STEP_7), WAIT_TIMEOUT="1")

    assert done.returncode == 6
    assert "RT status: updating..." in done.stdout
    assert "still updating after 1 s" in done.stderr


def test_a_segment_that_is_not_listed_is_not_waited_for(shell: Shell, world: World) -> None:
    done = play(shell, script_of(shell, STEP_7, "--parent-segment", "nobody's --"))

    assert done.returncode == 4
    assert "nobody's -- is not RT-enabled (tdx ps rt list)" in done.stderr
    assert world.writes() == []


def test_a_name_that_two_segments_bear_stops_it(
    new_world: Callable[..., World], new_shell: Callable[..., Shell]
) -> None:
    scenario = shipped("blank")
    scenario["segments"].append({"id": "5", "name": "Customer 360", "realtime": None})
    world = new_world(scenario)
    shell = new_shell(world)

    done = play(shell, script_of(shell, STEP_7, "--parent-segment", "Customer 360"))

    assert done.returncode == 4
    assert "several parent segments are called Customer 360" in done.stderr
    assert world.writes() == []


def test_what_is_missing_on_this_machine_is_named(shell: Shell, world: World) -> None:
    text = script_of(shell, STEP_7)
    missing = play(shell, text, TDX="/nowhere/tdx")
    assert missing.returncode == 3
    assert "/nowhere/tdx is needed" in missing.stderr

    world.set_credentials(keychain={}, keys={})
    nobody = play(shell, text)
    assert nobody.returncode == 3
    assert "export TD_API_KEY=your_master_api_key" in nobody.stderr
    assert world.writes() == []


# With --plan


def test_with_plan_the_script_does_what_apply_would_still_do(
    user: Shell,
    half: World,
    new_world: Callable[..., World],
    new_shell: Callable[..., Shell],
) -> None:
    by_apply = new_world("half-configured", name="by-apply")
    other = new_shell(by_apply, "other")
    other.write("rt.yaml", HALF)

    text = script_of(user, "rt.yaml", "--plan")
    assert half.writes() == []
    assert "\nps=394649\n" in text
    assert '"realtimeKeyEventId": "7101"' not in text
    assert "send PATCH realtime_key_events/7101 '{" in text
    assert "_page_view" not in text  # the variable that would hold its id
    assert shellcheck(text) == ""

    done = play(user, text)
    assert done.returncode == 0, done.stdout + done.stderr
    assert other.run("apply", "rt.yaml", "--yes").code == 0
    assert exact(half) == exact(by_apply)
    assert user.run("plan", "rt.yaml", "--exit-code").code == 0


@pytest.mark.long
def test_with_plan_an_id_that_is_there_is_written_down(user: Shell, half: World) -> None:
    more = HALF.replace("key_event: add_to_cart", "key_event: page_view")
    user.write("rt.yaml", more)

    text = script_of(user, "rt.yaml", "--plan")

    assert '"realtimeKeyEventId": "7101",' in text
    assert play(user, text).returncode == 0
    (counter,) = [a for a in configuration(half)["attributes"] if a["type"] == "counter"]
    assert counter["realtimeKeyEventId"] == "page_view"


def test_with_plan_nothing_is_taken_away_unasked(
    user: Shell,
    half: World,
    new_world: Callable[..., World],
    new_shell: Callable[..., Shell],
) -> None:
    moved = HALF.replace("value_column: product_id", "value_column: product_name")
    moved = moved.replace("ext_lookup_key: customer_id", "ext_lookup_key: city")
    by_apply = new_world("half-configured", name="by-apply")
    other = new_shell(by_apply, "other")
    for shell in (user, other):
        shell.write("rt.yaml", moved)
    flags = ("--prune", "--replace", "--force")

    refused = user.run("recipe", "rt.yaml", "--plan", "--prune", "--replace")
    assert refused.code == 4
    assert "--force" in refused.err
    assert refused.out == ""
    assert "--replace" in user.run("recipe", "rt.yaml", "--plan", "--force").err
    assert user.run("recipe", "rt.yaml", "--prune").code == 2

    text = script_of(user, "rt.yaml", "--plan", *flags)
    assert shellcheck(text) == ""
    done = play(user, text)
    assert done.returncode == 0, done.stdout + done.stderr
    assert other.run("apply", "rt.yaml", "--yes", *flags).code == 0
    assert configuration(half) == configuration(by_apply)


def test_with_plan_there_may_be_nothing_to_do(
    new_world: Callable[..., World], new_shell: Callable[..., Shell]
) -> None:
    config = RtConfig.model_validate({**yaml.safe_load(STEP_7.read_text())})
    scenario = shipped("blank")
    scenario["segments"][0]["realtime"] = realtime(config)
    world = new_world(scenario)
    shell = new_shell(world)

    text = script_of(shell, STEP_7, "--plan")

    assert "PATCH" not in text
    assert "create" not in text
    assert shellcheck(text) == ""
    assert play(shell, text).returncode == 0
    assert world.writes() == []


def test_json_holds_the_script(shell: Shell) -> None:
    for more in ((), ("--plan",)):
        document = shell.run("recipe", STEP_7, "--json", *more).json
        assert document["tdxwrap"] == "recipe"
        assert document["ok"] is True
        assert document["script"] == script_of(shell, STEP_7, *more)


@pytest.mark.parametrize("config", sorted(CONFIGS.glob("*.yaml")), ids=lambda file: file.stem)
@pytest.mark.long
def test_the_script_of_every_example_passes_shellcheck(config: Path, shell: Shell) -> None:
    assert shellcheck(script_of(shell, config, "--parent-segment", "1")) == ""


def test_the_template_passes_shellcheck() -> None:
    # SC2329: the steps of a script call the functions.
    assert shellcheck(TEMPLATE.read_text(encoding="utf-8"), "--exclude=SC2329") == ""
