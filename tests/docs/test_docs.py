"""Every command in README and docs runs and prints what the page shows.

`make pages` records the real output in the pages.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from support.screens import recorded
from support.shells import FAKE_TDX, FIXTURES, ROOT, Shell, tdxwrap_command

from tdxwrap.config.load import parse
from tdxwrap.fake.control import World

pytestmark = pytest.mark.usefixtures("tdx_inside")

README = ROOT / "README.md"
CONFIGURATION = ROOT / "docs" / "configuration.md"
DEVELOPMENT = ROOT / "docs" / "development.md"
FACTS = ROOT / "docs" / "tdx-facts.md"
# In this order their commands run, one after another in one world.
SHOWING = [
    CONFIGURATION,
    *(ROOT / "docs" / name for name in ("teams.md", "when-things-go-wrong.md")),
]
PAGES = [README, *sorted((ROOT / "docs").glob("*.md"))]
EXAMPLE = FIXTURES / "recipe" / "step7.yaml"
PICTURE = re.compile(r"^```mermaid\n(.*?)^```\n", re.MULTILINE | re.DOTALL)
BLOCK = re.compile(r"^```console\n(.*?)^```\n", re.MULTILINE | re.DOTALL)
# Run by whoever runs this suite; they would run themselves.
BY_HAND = ("make run", "make test")
VOLATILE = (
    (re.compile(r"\d+(\.\d+)? s\b"), "0.0 s"),
    (re.compile(r"\d{8}T\d{6}-394649(-\d)?"), "20261122T091455-394649"),
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d [+-]\d{4}"), "2026-11-22 09:14 +0000"),
    (re.compile(r"0:\d\d of"), "0:00 of"),
    (re.compile(r"\d+( tdx)? calls"), "30 calls"),
    (re.compile(r"(?m)^  Wait .*\n"), ""),
)


def text_of(*pages: Path) -> str:
    return "\n".join(page.read_text(encoding="utf-8") for page in pages)


def commands(block: str) -> list[str]:
    return [line[2:] for line in block.splitlines() if line.startswith("$ ")]


@pytest.fixture
def reader(
    new_world: Callable[..., World], new_shell: Callable[..., Shell], tmp_path: Path
) -> tuple[Path, dict[str, str]]:
    """Where a reader works, and the environment: tdxwrap on the PATH, the fake as tdx."""
    shell = new_shell(new_world(updating_seconds=1))
    work = shell.cwd
    (shell.home / ".config" / "fish" / "completions").mkdir(parents=True)
    shutil.copytree(FIXTURES / "configs", work, dirs_exist_ok=True)
    shutil.copy(EXAMPLE, work / "rt.yaml")
    shutil.copy(EXAMPLE.with_suffix(".sh"), work)
    tools = tmp_path / "bin"
    tools.mkdir()
    tdxwrap_command(tools)
    # What a reader sees is counted and timed at the rhythm of a real wait.
    rhythm = {"TDXWRAP_APPLY_POLL_FIRST": "0.6"}
    return work, {**shell.environ, **rhythm, "PATH": f"{tools}:{shell.environ['PATH']}"}


def played(work: Path, environ: dict[str, str]) -> Iterator[tuple[Path, str, str]]:
    """Each console block of the pages, and the same with real output."""
    by_hand, *tour = BLOCK.findall(text_of(README))
    assert all(line.startswith(BY_HAND) for line in commands(by_hand))
    real = iter(_toured([line for block in tour for line in commands(block)], work, environ))
    for block in tour:
        yield README, block, "".join(next(real) for _ in commands(block))
    # The other pages are about what the tour leaves.
    _played("tdxwrap apply rt.yaml --yes", work, environ)
    for page in SHOWING:
        for block in BLOCK.findall(text_of(page)):
            yield page, block, "".join(_played(line, work, environ) for line in commands(block))


def _toured(lines: list[str], work: Path, environ: dict[str, str]) -> list[str]:
    """The lines of a tour with real output; the first one opens a shell that the others run in."""
    opening, *others = lines
    # Of the user's environment the shell keeps only PATH, so it needs the installed tdxwrap.
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    typed = "".join(f"echo '$ {line}'; {line}\n" for line in others)
    done = subprocess.run(
        opening.split(),
        cwd=work,
        env={**environ, "PATH": path},
        input=f"exec 2>&1\n{typed}",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return re.split(r"(?m)^(?=\$ )", f"$ {opening}\n{done.stdout}")[1:]


def _played(command: str, work: Path, environ: dict[str, str]) -> str:
    done = subprocess.run(
        ["bash", "-c", f"{command} 2>&1"],
        cwd=work,
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stdout
    # A reader has tdx where npm puts it.
    shown = done.stdout.replace(str(FAKE_TDX), "/usr/local/bin/tdx")
    return f"$ {command}\n{shown}"


def steady(text: str) -> str:
    """The text without what differs from run to run."""
    for pattern, instead in VOLATILE:
        text = pattern.sub(instead, text)
    return "\n".join(line.rstrip() for line in text.splitlines())


def test_the_pages_show_what_happens(reader: tuple[Path, dict[str, str]]) -> None:
    blocks = list(played(*reader))
    assert sum(len(commands(shown)) for _, shown, _ in blocks) >= 10
    for page, shown, real in blocks:
        text = text_of(page).replace(f"```console\n{shown}```", f"```console\n{real}```", 1)
        assert steady(recorded(page, text)) == steady(text), page


def test_no_other_page_shows_output() -> None:
    others = set(PAGES) - {README, *SHOWING}
    assert [page for page in others if BLOCK.search(text_of(page))] == []


def test_the_commands_in_the_text_run(reader: tuple[Path, dict[str, str]]) -> None:
    # The first is a name in a sentence; the second asks on a terminal (test_new.py); PS is no name.
    named = {"tdxwrap apply", "tdxwrap new -f rt.yaml", "tdxwrap wait PS"}
    spans = re.findall(r"`(tdxwrap [^`]+)`", text_of(*PAGES))
    found = dict.fromkeys(" ".join(span.split()) for span in spans)
    assert named < found.keys()
    work, environ = reader
    _played("tdxwrap apply rt.yaml --yes", work, environ)
    # What is about the last run comes next, while that is the apply.
    for command in sorted(found.keys() - named, key=lambda line: (" last" not in line, line)):
        _played(command, work, environ)


def test_the_configuration_page_draws_what_graph_prints(shell: Shell) -> None:
    drawn = shell.run("graph", EXAMPLE)
    assert drawn.code == 0
    text = PICTURE.sub(f"```mermaid\n{drawn.out}```\n", text_of(CONFIGURATION))
    assert PICTURE.findall(recorded(CONFIGURATION, text)) == [drawn.out]


def test_the_example_configuration_is_valid() -> None:
    text = text_of(CONFIGURATION).split("```yaml\n")[1].split("```")[0]
    loaded = parse("rt.yaml", text.encode(), environ={})
    assert yaml.safe_load(text)["parent_segment"] == loaded.config.parent_segment
    assert loaded.warnings == ()


def test_every_make_target_that_is_named_is_there() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = re.findall(r"[`$ ]make (run|[a-z]{4,10})\b`?", text_of(*PAGES))
    assert {"run", "test", "bench"} <= set(targets)
    for target in targets:
        assert f"\n{target}:" in makefile, target


def test_every_link_leads_somewhere() -> None:
    for page in PAGES:
        for link in re.findall(r"\]\((?!https?:)([^)#]+)", text_of(page)):
            assert (page.parent / link).exists(), f"{page.name}: {link}"


def test_every_place_that_development_names_is_there() -> None:
    places = re.findall(r"`((?:tdxwrap|tests|fixtures|docs)/[^`]*)`", text_of(DEVELOPMENT))
    assert len(places) > 40
    for place in places:
        if "NAME" not in place:
            assert (ROOT / place).exists(), place
    named = names_in_files(text_of(DEVELOPMENT))
    assert len(named) > 25
    for name, place in named:
        assert re.search(rf"\b{name}\b", text_of(ROOT / place)), f"{name} in {place}"


def names_in_files(page: str) -> list[tuple[str, str]]:
    """Each name that the page gives with the file it is in, as (name, file)."""
    steps, table = page.split("## How to add", 1)[1].split("## Where is")
    file = r"`(tdxwrap/[\w/]+\.py)`"
    # In the steps the file comes first, in the table the names.
    found = [
        (names, place) for place, names in re.findall(rf"{file}([^.;]*?`[A-Z_]+`[^.;]*)", steps)
    ]
    found += re.findall(rf"((?:`[\w.]+` (?:and|or) )?`[\w.]+`) in {file}", table)
    return [
        (name, place)
        for names, place in found
        for span in re.findall(r"`([\w.]+)`", names)
        for name in span.split(".")
    ]


def test_every_fact_that_is_referred_to_is_on_its_page() -> None:
    facts = set(re.findall(r"\*\*(F\d+)\*\*", text_of(FACTS)))
    assert len(facts) == 34
    for file in (ROOT / "tdxwrap").rglob("*.py"):
        assert set(re.findall(r"\bF\d{1,2}\b", text_of(file))) <= facts, file
