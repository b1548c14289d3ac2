"""It ends: every number of seconds is finite, and no pause is longer than asked for."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import click
import pytest
from support.commandlines import commands
from support.shells import MINIMAL, WEB, Shell

from tdxwrap.cli.main import main
from tdxwrap.cli.options import SECONDS
from tdxwrap.fake.control import World

pytestmark = pytest.mark.usefixtures("tdx_inside")

NO_TIME = ("inf", "-inf", "nan", "1e300", "1e6", "0", "-1", "abc", "9" * 400, "1_000_000")
OF_COMMANDS = {
    "apply": ["apply", str(MINIMAL)],
    "wait": ["wait", "394649"],
    "runs": ["runs"],
}


def number_options() -> Iterator[tuple[str, str]]:
    """Every option that takes a number, with its command."""
    for command, declared in (("", main), *commands()):
        for param in declared.params:
            if isinstance(param.type, type(SECONDS) | click.IntRange | click.FloatRange):
                yield command, max(param.opts, key=len)


OPTIONS = list(number_options())


def test_no_number_is_of_a_type_that_takes_infinity() -> None:
    """A FloatRange would let `nan` through, and without a maximum `inf`."""
    assert len(OPTIONS) >= 11
    for _, declared in (("", main), *commands()):
        for param in declared.params:
            assert not isinstance(param.type, click.FloatRange | type(click.FLOAT)), param.name


def line(command: str, *options: str) -> list[str]:
    return [*OF_COMMANDS[command or "wait"], *options]


@pytest.mark.parametrize(("command", "option"), OPTIONS)
def test_a_number_that_is_none_is_a_usage_error(
    shell: Shell, world: World, command: str, option: str
) -> None:
    for value in NO_TIME if option != "--retries" else ("nan", "1e3", "21", "abc", "-1"):
        done = shell.run(*line(command, f"{option}={value}"))
        assert done.code == 2, (value, done.text)
        assert re.search(f"Invalid value for '[^:]*{option}'", done.err), value
    assert world.calls() == []


@pytest.mark.parametrize(("command", "option"), OPTIONS)
@pytest.mark.parametrize("json", ["option", "variable"])
def test_a_variable_that_is_none_gives_the_one_document(
    shell: Shell, world: World, command: str, option: str, json: str
) -> None:
    name = f"TDXWRAP_{command} {option[2:]}".upper().replace("_ ", "_")
    variable = name.replace(" ", "_").replace("-", "_")
    asked = {"TDXWRAP_JSON": "1"} if json == "variable" else {}
    options = ["--json"] if json == "option" else []
    done = shell.run(*line(command, *options), **{variable: "abc", **asked})

    assert done.code == 2, done.text
    assert done.err == ""
    error = done.json["error"]
    assert error["exit_code"] == 2
    assert re.search(f"Invalid value for '[^:]*{option}'", error["what"])
    assert f"the value is that of {variable}" in error["hint"]
    assert world.calls() == []


@pytest.mark.parametrize("read", [True, False], ids=["read", "write"])
@pytest.mark.parametrize("status", [429, 503])
def test_a_pause_beyond_the_limit_ends_the_call(
    shell: Shell, world: World, read: bool, status: int
) -> None:
    match = {"command": "rt list"} if read else {"method": "POST"}
    world.add_fault("http", match, status=status, retry_after=100_000)
    start = time.monotonic()
    done = shell.run("apply", MINIMAL, "--yes", "--json")

    assert time.monotonic() - start < 20
    assert done.code == 5, done.text
    error = done.json["error"]
    assert error["kind"] == "rate-limited"
    assert "the API asks for a pause of 100000 s; 60 s are allowed" in error["what"]
    assert "--retry-limit" in error["hint"]
    assert str(status) in error["said"]
    assert error["command"][0] == "tdx"
    assert shell.run("apply", MINIMAL, "--yes").code == 0


def test_a_pause_within_the_limit_is_kept(shell: Shell, world: World) -> None:
    world.add_fault("http", {"command": "rt list"}, status=429, retry_after=2)
    assert shell.run("status", "394649", "--retry-limit", "1").code == 5
    world.add_fault("http", {"command": "rt list"}, status=429, retry_after=1)
    start = time.monotonic()
    done = shell.run("status", "394649", TDXWRAP_RETRY_LIMIT="1")
    assert done.code == 0, done.text
    assert time.monotonic() - start >= 1


def test_a_pause_beyond_the_deadline_ends_the_call_at_once(shell: Shell, world: World) -> None:
    world.add_fault("http", {"method": "PATCH"}, status=429, retry_after=50)
    start = time.monotonic()
    done = shell.run("apply", WEB, "--yes", "--deadline", "30")
    assert time.monotonic() - start < 20
    assert done.code == 5, done.text
    assert re.search(r"the API asks for a pause of 50 s; [123]\d s are allowed", done.err)
    assert "0 of 15 changes are written" in done.err


def test_a_pause_beyond_the_wait_ends_the_wait(shell: Shell, world: World) -> None:
    world.set("updating_seconds", 600)
    assert shell.run("apply", MINIMAL, "--yes", "--no-wait").code == 0
    world.add_fault("http", {"command": "rt list"}, skip=2, status=429, retry_after=30)
    start = time.monotonic()
    done = shell.run("wait", "394649", "--wait-timeout", "10")
    assert time.monotonic() - start < 10
    assert done.code == 5, done.text
    assert re.search(r"the API asks for a pause of 30 s; (\d|10) s are allowed", done.err)
