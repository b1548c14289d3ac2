"""The example configurations, from check to verify and back, each in an account of its own."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from support.shells import FIXTURES, ROOT, Shell
from support.worlds import configuration, scenario_for

from tdxwrap.config.load import load
from tdxwrap.fake.control import World

pytestmark = pytest.mark.usefixtures("tdx_inside")

EXAMPLES = [
    FIXTURES / "configs" / f"{name}.yaml"
    for name in ("e-commerce", "media", "b2b-saas", "web-personalization", "every-field")
]


@pytest.mark.parametrize(
    "file",
    [
        pytest.param(file, marks=pytest.mark.long if file.stem in ("media", "b2b-saas") else ())
        for file in EXAMPLES
    ],
    ids=lambda file: file.stem,
)
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


SHOWN = [
    *(FIXTURES / "configs" / f"{name}.yaml" for name in ("e-commerce", "media", "b2b-saas")),
    *sorted((FIXTURES / "configs" / "three-brands").glob("[!_]*.yaml")),
]


@pytest.mark.parametrize("file", SHOWN, ids=lambda file: file.stem)
def test_an_example_is_checked_rehearsed_drawn_and_shown(
    file: Path, new_shell: Callable[..., Shell]
) -> None:
    shell = new_shell()
    assert shell.run("check", file).code == 0

    rehearsed = shell.run("rehearse", file, "--json")
    assert rehearsed.code == 0, rehearsed.text
    assert rehearsed.file["report"]["ok"]
    assert rehearsed.file["plan"]["findings"] == []

    drawn = shell.run("graph", file).out
    assert drawn.rpartition("---\n")[2].startswith("flowchart LR\n")
    for change in rehearsed.file["plan"]["changes"]:
        if change["kind"] == "key event":
            assert re.search(rf'\["{re.escape(change["name"])}( – filtered)?"\]', drawn)
    shown = file.parent.name if file.parent.name == "three-brands" else file.name
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    assert f"](../fixtures/configs/{shown})" in page
