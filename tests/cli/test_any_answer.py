"""No answer of tdx, whatever JSON it is, is a bug, and none takes away what is configured.

Each command line runs in this process: undisturbed once, to see which calls it makes, and then
with another answer to one of them.
"""

from __future__ import annotations

import copy
import functools
import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import forked_tdx, inside
from support.answers import ANYTHING, HOW, mutated, places
from support.examples import examples
from support.shells import Shell
from support.worlds import exact, shipped

from tdxwrap.fake.control import World

SCENARIO = shipped("half-configured")
CONFIG = """
parent_segment: "394649"
event_tables: [web_events.pageviews, web_events.carts]
key_events:
  - {name: page_view, table: web_events.pageviews, description: Any page view}
  - {name: add_to_cart, table: web_events.carts}
id_stitching:
  keys: [td_client_id, cart_id]
  ext_lookup_key: customer_id
attributes:
  - {name: carts_24h, type: counter, key_event: add_to_cart, duration: 24 hours}
  - {name: loyalty_tier, type: imported, column: loyalty_tier}
"""
COMMANDS = {
    "plan": ("plan", "rt.yaml", "--prune", "--force"),
    "plan in Markdown": ("plan", "rt.yaml", "--markdown"),
    "apply": ("apply", "rt.yaml", "--yes", "--wait-timeout", "0.3"),
    "verify a file": ("verify", "rt.yaml"),
    "verify a file as JSON": ("verify", "rt.yaml", "--json"),
    "verify a segment": ("verify", "Customer 360"),
    "export": ("export", "394649", "-f", "live.yaml"),
    "status": ("status", "394649"),
    "wait": ("wait", "394649", "--wait-timeout", "0.1"),
    "doctor of a file": ("doctor", "rt.yaml"),
    "doctor of a segment": ("doctor", "394649", "--json"),
    "new": ("new", "-f", "new.yaml"),
    "new of tables": ("new", "394649", "--table", "web_events.carts"),
    "recipe": ("recipe", "rt.yaml", "--plan"),
    "graph": ("graph", "rt.yaml", "--live", "394649"),
}
# Neither a bug (1) nor the fault of who typed the command line (2).
CODES = {0, 3, 4, 5, 6, 7}


class Lines:
    """Command lines on a half-configured segment with a file that says more.

    Attributes:
        change: gets the arguments and the answer of every call that exits with 0 and prints JSON,
            and returns the answer to give instead.
    """

    def __init__(self, folder: Path) -> None:
        self.world = World.create(folder / "world", SCENARIO)
        self.world.set("updating_seconds", 0.02)
        self.shell = Shell.create(folder, self.world)
        self.shell.write("rt.yaml", CONFIG)
        self.change: Callable[[tuple[str, ...], Any], Any] = lambda args, answer: answer

    def run(self, *args: str) -> tuple[int, str, str]:
        console = "tdxwrap.output.console.Console"
        with (
            patch(f"{console}.can_ask", True),
            patch(f"{console}.choose", lambda self, lines, ask, default: default),
        ):
            return inside.run(
                [*args, "--no-journal"],
                self.shell.cwd,
                self.shell.environ,
                answer=lambda tdx, args, limit: self._changed(
                    args, forked_tdx.answered(tdx, args, limit)
                ),
                settled=0.01,
            )

    def _changed(self, args: Sequence[str], answer: Any) -> tuple[Any, bytes, bytes]:
        code, out, err = answer
        if code != 0 or not out.strip().startswith((b"{", b"[")):
            return code, out, err
        return code, json.dumps(self.change(tuple(args), json.loads(out))).encode(), err


@contextmanager
def command_lines() -> Iterator[Lines]:
    with tempfile.TemporaryDirectory() as folder:
        yield Lines(Path(folder))


@functools.cache
def right_answers(name: str) -> dict[tuple[str, ...], Any]:
    """The calls that a command makes, with their answers; of repeated ones the last."""
    found: dict[tuple[str, ...], Any] = {}
    with command_lines() as lines:
        lines.change = lambda args, answer: found.update({args: answer}) or answer
        code, _, err = lines.run(*COMMANDS[name], "--retries", "0")
        assert code in (0, 7), err
    return found


def kept(segment: dict[str, Any]) -> dict[str, list[Any]]:
    """What a run without --prune may not take away."""
    realtime = segment["realtime"]
    ids = [item["id"] for item in (*realtime["keyEvents"], *realtime["attributes"])]
    return {"ids": ids, **{name: realtime[name] for name in ("eventTables", "keyColumns")}}


def check(name: str, wrong: dict[tuple[str, ...], Any], times: int) -> None:
    """Run a command with wrong answers, each so many times."""
    with command_lines() as lines:
        before = exact(lines.world)
        left = dict.fromkeys(wrong, times)

        def change(args: tuple[str, ...], answer: Any) -> Any:
            left[args] = left.get(args, 0) - 1
            return copy.deepcopy(wrong[args]) if left[args] >= 0 else answer

        lines.change = change
        code, out, err = lines.run(*COMMANDS[name], "--retries", "1")

        assert code in CODES, err
        assert "Traceback" not in out + err
        if name != "apply":
            assert exact(lines.world) == before
            return
        after = kept(exact(lines.world))
        for kind, items in kept(before).items():
            assert [item for item in items if item not in after[kind]] == []
        lines.change = lambda args, answer: answer
        code, _, err = lines.run(*COMMANDS[name], "--retries", "0")
        assert code == 0, err


@pytest.mark.parametrize("name", COMMANDS)
@given(data=st.data())
@settings(max_examples=examples(12))
def test_whatever_is_answered(name: str, data: st.DataObject) -> None:
    answers = right_answers(name)
    call = data.draw(st.sampled_from(sorted(answers)), label="call")
    if data.draw(st.integers(0, 3)):
        place = data.draw(st.sampled_from(places(answers[call])), label="place")
        wrong = mutated(answers[call], place, data.draw(HOW, label="how"))
    else:
        wrong = data.draw(ANYTHING, label="answer")
    check(name, {call: wrong}, data.draw(st.sampled_from((1, 9)), label="times"))


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("wrong", [{}, [None], {"data": None}], ids=repr)
def test_whatever_all_answer(name: str, wrong: Any) -> None:
    check(name, dict.fromkeys(right_answers(name), wrong), 1)
