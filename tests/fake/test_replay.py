"""The fake on a journal: each call answered as recorded, all others refused."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from support.fakedriver import Fake
from support.shells import WEB, Shell

from tdxwrap.fake.control import World
from tdxwrap.fake.replay import Replay

NewShell = Callable[..., Shell]
# How often a run polls depends on the machine, unless the first poll finds it ready.
ONE_POLL = {"TDXWRAP_APPLY_POLL_FIRST": "10"}
API = ("tdx", "api", "/audiences/1/realtime_setting", "--type", "cdp")


def call(*argv: str, out: str = "{}", err: str = "", code: int | None = 0, **more: Any) -> Any:
    return {"type": "call", "argv": argv, "stdout": out, "stderr": err, "exit": code, **more}


def start(folder: Path, *calls: Any, cut: str = "") -> Fake:
    folder.mkdir(exist_ok=True)
    lines = [{"type": "run", "journal": 1}, *calls]
    text = "".join(json.dumps(line) + "\n" for line in lines) + cut
    (folder / "run.jsonl").write_text(text, encoding="utf-8")
    replay: Any = Replay.create(folder / "state", folder / "run.jsonl")
    return Fake(replay, Shell.create(folder, replay))


def test_answers_are_as_recorded_and_in_order_among_equal_calls(tmp_path: Path) -> None:
    fake = start(
        tmp_path,
        call("tdx", "ps", "rt", "list", "--json", out='["日本"]', err="Loading…\n"),
        call("tdx", "auth", out="no\n", code=1),
        call("tdx", "ps", "rt", "list", "--json", out="[2]"),
        cut='{"type": "call", "arg',
    )
    first = fake.run("ps", "rt", "list", "--json")
    assert (first.out, first.err, first.code) == ('["日本"]', "Loading…\n", 0)
    assert fake.run("ps", "rt", "list", "--json").out == "[2]"
    assert fake.world.unused() == [["tdx", "auth"]]
    assert fake.run("auth").code == 1
    assert fake.world.unused() == []


def test_bodies_are_compared_as_values_however_they_are_given(tmp_path: Path) -> None:
    body = '{"a": [1, "ü"], "b": null}'
    fake = start(
        tmp_path,
        call(*API, "-X", "PATCH", "--data", body, out="1"),
        call(*API, "-X", "PATCH", "-f", "/gone/body.json", out="2", body=body),
    )
    (tmp_path / "mine.json").write_text('{"b":null,"a":[1,"\\u00fc"]}', encoding="utf-8")

    assert fake.run(*API[1:], "-X", "PATCH", "-f", str(tmp_path / "mine.json")).out == "1"
    assert fake.run(*API[1:], "-X", "PATCH", "--data", '{"b":null,"a":[1,"ü"]}').out == "2"
    assert fake.run(*API[1:], "-X", "PATCH", "--data", '{"a":[1,"ü"]}').code == 3


def test_after_an_unrecorded_call_every_call_says_which_it_was(tmp_path: Path) -> None:
    fake = start(tmp_path, call("tdx", "auth"))
    first = fake.run("describe", "a.b", "--json")
    again = fake.run("auth")
    assert (again.code, again.err) == (3, first.err)


def test_profile_and_site_do_not_matter_nor_where_the_output_goes(tmp_path: Path) -> None:
    fake = start(
        tmp_path,
        call("tdx", "--profile", "production", "ps", "pull", "1", "-o", "rt_config.yaml", out=""),
        call("tdx", "--site", "jp01", "auth", out="yes"),
    )
    assert fake.run("ps", "pull", "1", "-o", "other.yaml").code == 0
    assert (fake.cwd / "other.yaml").read_text().startswith("# written by tdx")
    assert fake.run("--profile=staging", "auth").out == "yes"


def test_an_unrecorded_call_shows_the_nearest(tmp_path: Path) -> None:
    fake = start(tmp_path, call("tdx", "auth"), call("tdx", "describe", "web.carts", "--json"))

    said = fake.run("describe", "web.cart", "--json")

    assert said.code == 3
    assert said.out == ""
    assert "this call was not recorded:\n  describe web.cart --json\n" in said.err
    assert "the nearest that was:\n  describe web.carts --json\n" in said.err


def test_a_call_beyond_the_recorded_ones_fails(tmp_path: Path) -> None:
    fake = start(tmp_path, call("tdx", "auth"))
    assert fake.run("auth").code == 0
    said = fake.run("auth")
    assert said.code == 3
    assert "was recorded only 1 time" in said.err


def test_a_replay_of_nothing_and_of_no_journal(tmp_path: Path) -> None:
    fake = start(tmp_path)
    assert "(none at all)" in fake.run("auth").err
    (tmp_path / "run.jsonl").write_text("no JSON\n")
    said = fake.run("auth")
    assert said.code == 3
    assert "cannot be replayed" in said.err


@pytest.mark.parametrize(("code", "number"), [(-9, 9), (None, 9), (-15, 15)])
def test_a_call_that_a_signal_ended_ends_so_again(
    tmp_path: Path, code: int | None, number: int
) -> None:
    fake = start(tmp_path, call("tdx", "auth", code=code))
    assert fake.run("auth").code == -signal.Signals(number)


def test_calls_side_by_side_get_one_answer_each(tmp_path: Path) -> None:
    fake = start(tmp_path, *(call("tdx", "auth", out=str(number)) for number in range(8)))
    with ThreadPoolExecutor(4) as pool:
        texts = list(pool.map(lambda _: fake.run("auth").out, range(8)))
    assert sorted(texts) == list("01234567")


def test_its_launcher_needs_no_environment(tmp_path: Path) -> None:
    fake = start(tmp_path, call("tdx", "auth", out="yes"))
    fake.env.pop("FAKE_TDX_JOURNAL")
    assert fake.run("auth", launcher=fake.world.launcher()).out == "yes"


@pytest.fixture
def recorded(shell: Shell, world: World) -> Path:
    world.set("updating_seconds", 0)
    assert shell.run("apply", WEB, "--yes", "--journal", "run.jsonl", **ONE_POLL).code == 0
    return shell.cwd / "run.jsonl"


@pytest.mark.parametrize("jobs", ["3"])
def test_a_recorded_apply_replays_with_exactly_its_calls(
    recorded: Path, world: World, new_shell: NewShell, tmp_path: Path, jobs: str
) -> None:
    world.clear_calls()
    replay = Replay.create(tmp_path / "replay", recorded)

    done = new_shell(replay, "another").run("apply", WEB, "--yes", "--jobs", jobs, **ONE_POLL)

    assert done.code == 0, done.text
    assert "every field as in" in done.out
    assert replay.unused() == []
    assert world.calls() == []


def test_another_configuration_is_told_what_was_recorded(
    recorded: Path, new_shell: NewShell, tmp_path: Path
) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(WEB.read_text("utf-8").replace("Any page view", "Any view of a page"))
    replay = Replay.create(tmp_path / "replay", recorded)

    done = new_shell(replay, "another").run("apply", other, "--yes")

    assert done.code == 5, done.text
    assert "this call was not recorded" in done.err
    assert "Any page view" in done.err


def test_faults_replay_too(shell: Shell, world: World, new_shell: NewShell, tmp_path: Path) -> None:
    world.set("updating_seconds", 0)
    world.add_fault("http", {"command": "ps rt list"}, status=503)
    world.add_fault("lost-answer", {"path": "realtime_key_events", "method": "POST"})
    world.add_fault("killed", {"path": "realtime_attributes", "method": "POST"}, when="after")
    assert shell.run("apply", WEB, "--yes", "--journal", "run.jsonl", **ONE_POLL).code == 0
    replay = Replay.create(tmp_path / "replay", shell.cwd / "run.jsonl")

    done = new_shell(replay, "another").run("apply", WEB, "--yes", **ONE_POLL)

    assert done.code == 0, done.text
    assert replay.unused() == []
