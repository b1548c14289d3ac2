"""Applies of several files side by side: what each segment is promised, and what they share."""

from __future__ import annotations

import copy
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from support.shells import MINIMAL, Shell
from support.worlds import configuration, shipped

from tdxwrap.fake.control import Call, World

pytestmark = pytest.mark.usefixtures("tdx_inside")

IDS = ("394701", "394702", "394703", "394704", "394705")
LISTING = ("ps", "rt", "list", "--json")


@pytest.fixture
def world(new_world: Callable[..., World]) -> World:
    """An account with five parent segments, nothing configured."""
    scenario = shipped("blank")
    (blank,) = scenario["segments"]
    scenario["segments"] = [
        copy.deepcopy(blank) | {"id": number, "name": f"Brand {number}"} for number in IDS
    ]
    return new_world(scenario)


@pytest.fixture
def five(shell: Shell) -> Shell:
    """A shell with the folder `b` of a file for each."""
    (shell.cwd / "b").mkdir()
    for number in IDS:
        shell.write(f"b/{number}.yaml", MINIMAL.read_text().replace("394649", number))
    return shell


def two(shell: Shell) -> list[str]:
    return [f"b/{number}.yaml" for number in IDS[:2]]


def writes_of(world: World, number: str) -> list[Call]:
    return [call for call in world.writes() if f"/{number}/" in str(call.path)]


def windows(world: World) -> list[tuple[float, float]]:
    """When the writes of each segment began and ended, in seconds."""
    of_each = [writes_of(world, number) for number in IDS]
    return [(calls[0].started, calls[-1].started + calls[-1].seconds) for calls in of_each if calls]


def listings(world: World) -> list[Call]:
    return [call for call in world.calls() if call.argv[:4] == LISTING]


# What each segment is promised


def test_each_segment_is_written_once_and_in_the_order_of_the_recipe(
    five: Shell, world: World
) -> None:
    done = five.run("apply", "b/394701.yaml", "--yes")
    assert done.code == 0, done.text
    recipe = [(call.method, call.path) for call in world.writes()]
    world.clear_calls()
    done = five.run("apply", "b", "--yes")
    assert done.code == 0, done.text
    assert writes_of(world, "394701") == []
    for number in IDS[1:]:
        mine = writes_of(world, number)
        paths = [(call.method, call.path.replace(number, "394701")) for call in mine]
        assert paths == recipe
        assert configuration(world, number) == configuration(world, "394701")
    world.clear_calls()
    assert five.run("apply", "b", "--yes").code == 0
    assert world.writes() == []


def test_a_fault_in_one_segment_never_touches_the_others(five: Shell, world: World) -> None:
    world.add_fault("http", {"method": "POST", "path": "394703/realtime_key_events"}, status=422)
    done = five.run("apply", "b", "--yes")
    assert done.code == 4
    assert "5 files: 4 ok, 1 refused" in done.out
    again = five.run("apply", "b", "--yes")
    assert (again.code, "5 files: 5 ok" in again.out) == (0, True)
    for number in IDS:
        assert configuration(world, number) == configuration(world, "394701")
        posts = [call for call in writes_of(world, number) if call.method == "POST"]
        assert len([call for call in posts if call.applied]) == 2


def test_after_a_failure_no_new_segment_is_begun(five: Shell, world: World) -> None:
    world.add_fault("http", {"method": "POST", "path": "394702/realtime_key_events"}, status=422)
    done = five.run("apply", "b", "--yes", "--segments-at-once", "1")
    assert done.code == 4
    assert "5 files: 1 ok, 1 refused, 3 not begun" in done.out
    assert {number for number in IDS if writes_of(world, number)} == set(IDS[:2])
    world.add_fault("http", {"method": "POST", "path": "394702/realtime_key_events"}, status=422)
    done = five.run("apply", "b", "--yes", "--segments-at-once", "1", "--keep-going")
    assert (done.code, "5 files: 4 ok, 1 refused" in done.out) == (4, True)


@pytest.mark.parametrize("at_once", [1, 2])
def test_so_many_segments_are_written_at_once(five: Shell, world: World, at_once: int) -> None:
    assert five.run("apply", "b", "--yes", "--segments-at-once", str(at_once)).code == 0
    found = windows(world)
    assert len(found) == len(IDS)
    beside = [sum(begin <= start < end for begin, end in found) for start, _ in found]
    assert max(beside) == at_once


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_all_and_the_next_run_goes_on(
    five: Shell, world: World, number: signal.Signals
) -> None:
    for segment in IDS[:2]:
        path = {"method": "POST", "path": f"{segment}/realtime_attributes"}
        world.add_fault("hang", path, seconds=120)
    running = five.start("apply", "b", "--yes")
    for _ in range(600):
        if len([c for c in world.calls() if c.fault == "hang" and c.exit is None]) == 2:
            break
        time.sleep(0.05)
    running.send_signal(number)
    done = running.end(60)
    assert (done.code, "5 files: 5 interrupted" in done.out) == (130, True), done.text
    assert done.err.count(f"interrupted by {number.name}") == 5
    assert (
        done.err.count("so far     3 of 4 changes are written; 1 was in flight (attribute page")
        >= 2
    )
    assert not [call for call in world.calls() if call.exit is None and call.fault != "hang"]
    runs = five.run("runs", "--json").json["runs"]
    assert {(run["outcome"], run["exit"]) for run in runs} == {("interrupted", 130)}

    world.clear_calls()
    again = five.run("apply", "b", "--yes")
    assert (again.code, "5 files: 5 ok" in again.out) == (0, True)
    for segment in IDS:
        assert configuration(world, segment) == configuration(world, "394701")
        assert len(configuration(world, segment)["attributes"]) == 1


def test_a_lost_answer_in_one_is_looked_for_and_not_sent_again(five: Shell, world: World) -> None:
    world.add_fault("lost-answer", {"method": "POST", "path": "394702/realtime_attributes"})
    done = five.run("apply", *two(five), "--yes")
    assert done.code == 0, done.text
    posts = [call for call in writes_of(world, "394702") if "attributes" in call.path]
    assert len(posts) == 1
    assert configuration(world, "394702") == configuration(world, "394701")


# What they share


def test_what_is_the_same_for_all_is_read_once(five: Shell, world: World) -> None:
    assert five.run("plan", "b").code == 0
    assert len(listings(world)) == 1
    assert len([call for call in world.calls() if call.argv[0] == "describe"]) == 1


@pytest.mark.parametrize("command", ["plan", "doctor"])
def test_no_more_than_ten_reads_run_at_once(five: Shell, world: World, command: str) -> None:
    world.add_fault("delay", {}, seconds=0.3, times=200)
    five.run(command, "b")
    world.clear_faults()
    spans = [(c.started, c.started + (c.seconds or 0)) for c in world.calls()]
    assert 5 < max(sum(a <= start < b for a, b in spans) for start, _ in spans) <= 10


def test_there_is_one_poll_for_all_and_it_begins_after_the_last_write(
    five: Shell, world: World
) -> None:
    world.set("updating_seconds", 6)
    polls = []
    for files in (["b/394705.yaml"], ["b/394701.yaml", "b/394702.yaml", "b/394703.yaml"]):
        world.clear_calls()
        done = five.run("apply", *files, "--yes", TDXWRAP_APPLY_POLL_FIRST="0.6")
        assert done.code == 0, done.text
        end = max(call.started + call.seconds for call in world.writes())
        polls.append(len([call for call in listings(world) if call.started >= end]))
        before = len(listings(world)) - polls[-1]
        assert before <= 1 + 2 * (len(files) - 1)  # and what is looked at again after the question
    alone, together = polls
    assert 3 < together <= alone * 1.1 + 1


def test_a_rate_limit_of_one_slows_all_down(five: Shell, world: World) -> None:
    path = {"method": "POST", "path": "394701/realtime_key_events"}
    world.add_fault("http", path, status=429, retry_after=3)
    done = five.run("apply", *two(five), "--yes")
    assert done.code == 0, done.text
    (limited,) = [call for call in world.calls() if call.fault == "http"]
    end = limited.started + limited.seconds
    began = [call.started - end for call in world.calls()]
    # What had begun before tdxwrap knew.
    assert [seconds for seconds in began if 0.5 < seconds < 2.8] == []
    assert max(began) > 3


def test_the_output_of_plans_is_in_the_order_of_the_files(five: Shell, world: World) -> None:
    world.add_fault("delay", {"path": "394701/realtime_attributes"}, seconds=2)
    done = five.run("plan", "b")
    heads = [line for line in done.out.splitlines() if "RT status" in line]
    assert [head.split(" · ")[0] for head in heads] == [f"Brand {n} ({n})" for n in IDS]
    assert done.out.count("create 4") == 5
    for part in done.out.split("RT status")[1:]:
        assert part.count("7a  ") == part.count("7b  ") == part.count("7c  ") == 1


def test_elsewhere_than_on_a_terminal_the_segment_is_in_front_of_each_line(
    five: Shell, world: World
) -> None:
    done = five.run("apply", *two(five), "--yes")
    *_, course = done.err.split("create 4\n")
    lines = [line for line in course.splitlines() if line]
    assert len(lines) > 10
    assert all(line.startswith(("Brand 394701 (394701)  ", "Brand 394702 (")) for line in lines)


def test_one_document_for_all(five: Shell, world: World) -> None:
    world.add_fault("http", {"method": "POST", "path": "394702/realtime_attributes"}, status=422)
    done = five.run("apply", "b", "--yes", "--json")
    document = done.json
    assert done.err == ""
    assert (document["exit_code"], document["ok"]) == (4, False)
    assert [each["exit_code"] for each in document["files"]] == [0, 4, 0, 0, 0]
    assert [Path(each["config"]).stem for each in document["files"]] == list(IDS)


@pytest.mark.parametrize("first", [0, 1])
def test_a_file_for_another_account_fails_alone(five: Shell, world: World, first: int) -> None:
    path = five.cwd / two(five)[first]
    path.write_text("account: elsewhere\n" + path.read_text())
    done = five.run("apply", *two(five), "--yes", "--keep-going")
    assert done.code == 3
    assert "2 files: " in done.out
    assert "1 environment" in done.out
    assert writes_of(world, IDS[first]) == []
    assert len(configuration(world, IDS[1 - first])["attributes"]) == 1


def test_a_read_for_all_that_fails_is_tried_again_by_each(five: Shell, world: World) -> None:
    world.add_fault("http", {"command": "ps rt list"}, status=503)
    done = five.run("plan", "b")
    assert done.code == 0, done.text
    assert len(listings(world)) == 2
