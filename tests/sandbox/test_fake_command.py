"""`tdxwrap fake` from the outside: a command or a shell on the fake tdx, and nothing real."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.shells import FIXTURES, Shell

from tdxwrap.config.load import load
from tdxwrap.config.models import RtConfig
from tdxwrap.fake.control import World
from tdxwrap.sandbox.environment import EXAMPLE
from tdxwrap.sandbox.rehearsal import example

STEP_7 = FIXTURES / "recipe" / "step7"
KEY = "nobody-may-see-this"


@pytest.fixture
def user(new_shell: Callable[..., Shell], tmp_path: Path) -> Shell:
    """A user with credentials, a profile and a tdx that must not be called."""
    shell = new_shell()
    real = shell.home / "tdx"
    real.write_text(f"#!/bin/sh\ntouch {shell.home}/called\n")
    real.chmod(0o755)
    (tmp_path / "temporary").mkdir()
    extra = {
        "PATH": f"{shell.home}:{shell.environ['PATH']}",
        "TMPDIR": str(tmp_path / "temporary"),
        "TD_API_KEY": KEY,
        "TDX_PROFILE": "production",
    }
    return Shell(shell.home, shell.cwd, {**shell.environ, **extra})


def untouched(shell: Shell) -> bool:
    """Whether the real tdx was not called and nothing was left."""
    left = [*shell.home.iterdir(), *Path(shell.environ["TMPDIR"]).iterdir()]
    return left == [shell.home / "tdx"]


@pytest.mark.skipif(shutil.which("jq") is None, reason="the recipe needs jq")
def test_the_recipe_is_run_and_its_calls_and_result_are_shown(user: Shell) -> None:
    shutil.copy(STEP_7.with_suffix(".sh"), user.cwd / "step7.sh")
    done = user.run("fake", "run", "--", "bash", "step7.sh", RECIPE_SLEEP="0.1")

    assert done.code == 0, done.text
    calls, config = done.out.split("# The realtime configuration")
    recipe, calls = calls.split("What tdx was asked:\n")
    assert "RT infrastructure ready" in recipe
    steps = [line[:2] for line in calls.splitlines() if line[0] != " "]
    assert steps == ["7a"] * 3 + ["7b"] + ["7c"] * 3
    assert "    tdx ps pz init 394649 -o rt_config.yaml\n" in calls
    made = RtConfig.model_validate(yaml.safe_load(config.split("\n\n", 1)[1]))
    wanted = load(STEP_7.with_suffix(".yaml"), environ={}).config
    assert made.key_events == wanted.key_events
    assert [each.to_api() for each in made.collected().values()] == [
        each.to_api() for each in wanted.collected().values()
    ]
    assert untouched(user)


def test_what_it_runs_finds_nothing_of_the_users_and_its_exit_code_is_passed_on(
    user: Shell,
) -> None:
    script = f"""
        env; test -e rt.yaml; echo here > $HOME/file
        PATH={user.home}:/usr/bin:/bin
        tdx ps view 394649 --json
        tdx api /audiences/394649/realtime_setting --type cdp -X PATCH --data '{{}}'
        tdx no such command || exit 3"""
    done = user.run("fake", "run", "--json", "--", "bash", "-ec", script)

    assert done.code == 3, done.text
    document: dict[str, Any] = done.json
    assert (document["ok"], document["exit"], document["live"]) == (True, 3, {})
    assert [call["exit"] for call in document["calls"]] == [0, 0, 2]
    assert KEY not in done.text
    assert "production" not in done.text
    assert str(user.home) not in done.err.split("PATH=")[0]
    assert untouched(user)


def test_a_shell_says_how_to_leave_and_works_on_the_example(user: Shell) -> None:
    typed = "cat rt.yaml\ntdx ps list\ntdxwrap check rt.yaml\nPATH=/bin; tdx auth; exit 4\n"
    done = user.run("fake", "shell", stdin=typed)
    assert done.code == 4, done.text
    assert "To leave: exit, or Ctrl-D." in done.err
    assert done.out.startswith(EXAMPLE.read_text())
    assert "394649\tCustomer 360\n" in done.out
    assert "rt.yaml is valid: 2 event tables" in done.out
    assert "account main" in done.out
    assert untouched(user)


def test_on_a_terminal_the_prompt_says_where_one_is(user: Shell) -> None:
    done = user.terminal("fake", "shell", answers=[("fake tdx $ ", lambda: "tdx auth; exit\n")])
    assert (done.code, "account main" in done.out) == (0, True), done.out


@pytest.mark.usefixtures("tdx_inside")
def test_the_readme_can_be_followed_with_the_example(
    new_world: Callable[..., World], new_shell: Callable[..., Shell]
) -> None:
    assert load(EXAMPLE, environ={}).config == load(STEP_7.with_suffix(".yaml"), environ={}).config
    world = new_world(dict(example()))
    shell = new_shell(world)
    shell.write("rt.yaml", EXAMPLE.read_text())
    assert shell.run("check", "rt.yaml").code == 0
    plan = shell.run("plan", "rt.yaml")
    assert (plan.code, "create 10" in plan.out) == (0, True)
    assert shell.run("apply", "rt.yaml", "--yes").code == 0
    second = shell.run("apply", "rt.yaml", "--yes")
    assert (second.code, "nothing to change, 10 unchanged" in second.text) == (0, True)
    assert len(world.live()["394649"]["attributes"]) == 3


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["run"], "tdxwrap fake run [--json] -- COMMAND"),
        (["shell", "ls"], "tdxwrap fake run [--json] -- COMMAND"),
        (["shell", "--json"], "tdxwrap fake run [--json] -- COMMAND"),
        (["run", "--", "no-such-program"], "no-such-program cannot be started: No such file"),
        (["start"], "'start' is not one of 'run', 'shell'"),
    ],
)
def test_a_misuse_is_told(user: Shell, args: list[str], told: str) -> None:
    done = user.run("fake", *args)
    assert (done.code, told in done.text) == (2, True), done.text
    assert untouched(user)
