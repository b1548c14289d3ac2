"""Every hint helps: whoever does what it says, and nothing else, has a valid file."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tdxwrap.config import messages
from tdxwrap.config.load import parse
from tdxwrap.errors import ConfigError, Problem

CONFIGS = Path(__file__).parents[2] / "fixtures" / "configs"
EVERY_FIELD = yaml.safe_load((CONFIGS / "every-field.yaml").read_text("utf-8"))
WRONG = (None, True, 0, -1.5, "", "x y", [], ["a"], {}, {"a": 1})
# What is wrong with a value only beside others: another event, another table, a name of its own.
BESIDE = re.compile(r"no key event is called|is already in line|is not among|is the identifier of")
Path_ = tuple[str | int, ...]


def places(value: Any, at: Path_ = ()) -> Iterator[Path_]:
    """Every field and every item in a document."""
    for name, part in value.items() if isinstance(value, dict) else ():
        yield (*at, name)
        yield from places(part, (*at, name))
    for index, part in enumerate(value if isinstance(value, list) else ()):
        yield (*at, index)
        yield from places(part, (*at, index))


def inside(document: Any, path: Path_) -> Any:
    for part in path:
        document = document[part]
    return document


def put(document: Any, path: Path_, value: Any) -> Any:
    document = copy.deepcopy(document)
    inside(document, path[:-1])[path[-1]] = copy.deepcopy(value)
    return document


def problems(document: Any) -> list[Problem]:
    try:
        parse("rt.yaml", json.dumps(document).encode(), environ={})
    except ConfigError as error:
        return [problem for problem in error.problems if not BESIDE.search(problem.message)]
    return []


def path_of(problem: Problem) -> Path_:
    found = re.findall(r"\[(\d+)\]|([^.\[\]]+)", problem.path)
    return tuple(int(index) if index else name for index, name in found)


def follow(document: Any, problem: Problem) -> None:
    """Do what a hint says."""
    hint, path = problem.hint, path_of(problem)
    holder, last = inside(document, path[:-1]), path[-1]
    if meant := re.fullmatch(r"did you mean (\S+)\?", hint):
        if problem.message.startswith("there is no field"):
            holder[meant[1]] = holder.pop(last)
        else:
            holder[last] = meant[1]
    elif hint.startswith(("the fields here are", "this one is of type", "remove", "keep one")):
        holder.pop(last)
    elif hint == "give its id instead":
        holder[last] = "394649"
    else:
        right = re.match(r"(?:or )?write (?:e\.g\. )?([^;]*)", hint)
        assert right, problem
        _write(holder, last, yaml.safe_load(right[1]))


def _write(holder: Any, last: Any, right: Any) -> None:
    there = holder.get(last) if isinstance(holder, dict) else holder[last]
    if isinstance(right, list):
        (holder[last],) = right
    elif isinstance(right, dict) and last in right:
        holder[last] = right[last]
    elif isinstance(right, dict) and isinstance(there, dict):
        there.update(right)
    elif isinstance(right, dict) and len(right) == 1 and there is None and isinstance(holder, dict):
        holder.update(right)
    else:
        holder[last] = right


def parts() -> Iterator[Any]:
    """Each place in the smallest document that has it: one section, one attribute."""
    events = {name: EVERY_FIELD[name] for name in ("event_tables", "key_events")}
    sections = ("parent_segment", "id_stitching", "batch_attributes")
    small = [events, {name: EVERY_FIELD[name] for name in sections}]
    small += [events | {"attributes": [each]} for each in EVERY_FIELD["attributes"]]
    for number, document in enumerate(small):
        for place in places(document):
            # A rule in another form than the API's own is carried as it is.
            if "filter_rule" not in place[:-1] and (number < 2 or place[0] == "attributes"):
                name = ".".join(map(str, place))
                yield pytest.param(document, place, id=f"{number}-{name}")


@pytest.mark.parametrize(("whole", "place"), [*parts()])
def test_a_hint_that_is_followed_gives_a_valid_file(whole: Any, place: Path_) -> None:
    refused = 0
    for value in WRONG:
        document = put(whole, place, value)
        found = problems(document)
        refused += bool(found)
        for _ in range(8):
            for problem in found[:1]:
                follow(document, problem)
                found = problems(document)
        assert found == [], (value, inside(document, place[:-1]))
    assert refused >= 3


def test_every_field_has_a_right_value() -> None:
    missing = [
        (owner, name)
        for owner in messages._OWNERS
        for name in {*messages._fields(owner).values()} - {"type", "extends"}
        if not messages.right_value((name,), (owner, name))
    ]
    assert missing == []
