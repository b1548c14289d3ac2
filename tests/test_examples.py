"""The example configurations, from check to verify and back, each in an account of its own."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from shells import FIXTURES, Shell
from worlds import configuration, scenario_for

from tdxwrap.config import load
from tdxwrap.fake.control import World

EXAMPLES = [
    FIXTURES / "configs" / f"{name}.yaml"
    for name in ("e-commerce", "media", "b2b-saas", "web-personalization", "every-field")
]


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_an_example_is_applied_verified_and_exported(
    file: object, new_world: Callable[..., World], new_shell: Callable[..., Shell]
) -> None:
    world = new_world(scenario_for(load(str(file), environ={}).config))
    shell = new_shell(world)
    to_it = ("--parent-segment", "394649")
    assert shell.run("check", str(file)).out.count("is valid") == 1

    done = shell.run("apply", str(file), "--yes", *to_it)
    assert done.code == 0, done.text
    verified = shell.run("verify", str(file), *to_it)
    assert verified.code == 0, verified.text
    assert shell.run("plan", str(file), "--exit-code", *to_it).code == 0

    exported = shell.run("export", "394649").out
    assert "left out" not in exported
    assert "filter_rule" not in exported
    before = configuration(world)
    again = shell.run("apply", shell.write("exported.yaml", exported), "--yes", "--prune")
    assert again.code == 0, again.text
    assert configuration(world) == before
