"""The recipe itself, under bash and jq, beside `tdxwrap apply`: the same writes, the same end."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from support.shells import FIXTURES, Shell
from support.worlds import exact

from tdxwrap.fake.control import World

RECIPE = FIXTURES / "recipe"

KEY = "1/" + "a" * 40


def run_recipe(shell: Shell) -> None:
    path = f"{FIXTURES / 'bin'}:{shell.environ['PATH']}"
    environ = {**shell.environ, "PATH": path, "TD_API_KEY": KEY, "RECIPE_SLEEP": "0.1"}
    subprocess.run(
        ["bash", RECIPE / "step7.sh"],
        cwd=shell.cwd,
        env=environ,
        stdin=subprocess.DEVNULL,
        check=True,
        capture_output=True,
        timeout=60,
    )


def writes(world: World) -> list[tuple[Any, ...]]:
    """What was written: the argv without the body, and the body as a value.

    An identifier counts only where the recipe gives it, too (the one addition of tdxwrap).
    """
    found = []
    for call in world.writes():
        assert call.argv[-2] == "--data"
        found.append((call.argv[:-1], call.body))
    return found


def without_identifier(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name != "identifier"}


@pytest.mark.skipif(shutil.which("jq") is None, reason="the recipe needs jq on the PATH")
def test_apply_writes_what_the_recipe_writes(
    new_world: Callable[..., World], new_shell: Callable[..., Shell]
) -> None:
    # The recipe leaves identifiers out (F14), so the account has to let that pass.
    by_hand = new_world(name="by-hand", tdx__require_identifier=False)
    by_tool = new_world(name="by-tool", tdx__require_identifier=False)
    accounts = list(by_hand.state()["accounts"])
    for world in (by_hand, by_tool):
        world.set_credentials(keychain={}, keys={KEY: accounts[0]})

    run_recipe(new_shell(by_hand, "by-hand-user"))
    done = new_shell(by_tool, "by-tool-user").run(
        "apply", RECIPE / "step7.yaml", "--yes", TD_API_KEY=KEY
    )

    assert done.code == 0, done.text
    hand, tool = writes(by_hand), writes(by_tool)
    assert [argv for argv, _ in tool] == [argv for argv, _ in hand]
    for (_, tool_body), (_, hand_body) in zip(tool, hand, strict=True):
        if "identifier" in hand_body:
            assert tool_body == hand_body
        else:
            assert without_identifier(tool_body) == hand_body
    assert exact(by_tool) == exact(by_hand)
