"""Every command in the README runs and prints what the README shows.

`python tests/test_readme.py` writes the real output into the README.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import yaml
from support.shells import FAKE_TDX, ROOT, WEB, clean_environ, tdxwrap_command

from tdxwrap.config.load import parse
from tdxwrap.fake.control import World

README = ROOT / "README.md"
EXAMPLES = ROOT / "fixtures" / "configs"
PICTURE = re.compile(r"^```mermaid\n(.*?)^```\n", re.MULTILINE | re.DOTALL)
BLOCK = re.compile(r"^```console\n(.*?)^```\n", re.MULTILINE | re.DOTALL)
# Run by whoever runs this suite; they would run themselves.
BY_HAND = ("make run", "make test")
VOLATILE = (
    (re.compile(r"\d+(\.\d+)? s\b"), "0.0 s"),
    (re.compile(r"\d{8}T\d{6}-394649(-\d)?"), "20261122T091455-394649"),
    (re.compile(r"\d\d-\d\d \d\d:\d\d"), "11-22 09:14"),
    (re.compile(r"0:\d\d of"), "0:00 of"),
    (re.compile(r"\d+( tdx)? calls"), "30 calls"),
    (re.compile(r"(?m)^  Wait .*\n"), ""),
)


def commands(block: str) -> list[str]:
    return [line[2:] for line in block.splitlines() if line.startswith("$ ")]


def reader(folder: Path) -> tuple[Path, dict[str, str]]:
    """Where a reader works, and the environment: tdxwrap on the PATH, the fake as tdx."""
    home, work = folder / "home", folder / "work"
    (home / ".config" / "fish" / "completions").mkdir(parents=True)
    work.mkdir()
    shutil.copytree(EXAMPLES, work, dirs_exist_ok=True)
    shutil.copy(WEB, work / "rt.yaml")
    world = World.create(folder / "world", ROOT / "fixtures" / "scenarios" / "blank.yaml")
    environ = {**clean_environ(home), **world.environ()}
    tools = folder / "bin"
    tools.mkdir()
    tdxwrap_command(tools)
    return work, {**environ, "PATH": f"{tools}:{environ['PATH']}"}


def played(folder: Path) -> Iterator[tuple[str, str]]:
    """Each console block of the README, and the same with real output."""
    work, environ = reader(folder)
    for block in BLOCK.findall(README.read_text(encoding="utf-8")):
        yield block, "".join(_played(command, work, environ) for command in commands(block))


def _played(command: str, work: Path, environ: dict[str, str]) -> str:
    if command.startswith(BY_HAND):
        return f"$ {command}\n"
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


def test_the_readme_shows_what_happens(tmp_path: Path) -> None:
    blocks = list(played(tmp_path))
    assert sum(len(commands(shown)) for shown, _ in blocks) >= 10
    for shown, real in blocks:
        assert steady(shown) == steady(real)


def test_the_commands_in_the_text_run(tmp_path: Path) -> None:
    # The first is a name in a sentence; the second asks on a terminal (test_new.py).
    told = {"tdxwrap apply", "tdxwrap new -f rt.yaml"}
    spans = re.findall(r"`(tdxwrap [^`]+)`", README.read_text(encoding="utf-8"))
    found = dict.fromkeys(" ".join(span.split()) for span in spans)
    assert told < found.keys()
    work, environ = reader(tmp_path)
    for command in found.keys() - told:
        _played(command, work, environ)


def picture() -> str:
    """The graph of the tour's configuration."""
    command = [sys.executable, "-m", "tdxwrap", "graph", str(WEB)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_the_readme_draws_what_graph_prints() -> None:
    assert PICTURE.findall(README.read_text(encoding="utf-8")) == [picture()]


def test_the_example_configuration_is_valid() -> None:
    text = README.read_text(encoding="utf-8").split("```yaml\n")[1].split("```")[0]
    loaded = parse("rt.yaml", text.encode(), environ={})
    assert yaml.safe_load(text)["parent_segment"] == loaded.config.parent_segment
    assert loaded.warnings == ()


def test_every_make_target_of_the_readme_is_there() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"[`$ ]make (run|[a-z]{4,5})\b`?", README.read_text(encoding="utf-8")):
        assert f"\n{target}:" in makefile, target


def write() -> None:
    """Put the real output into the README."""
    text = README.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        for shown, real in played(Path(folder)):
            text = text.replace(f"```console\n{shown}```", f"```console\n{real}```", 1)
    (drawn,) = PICTURE.findall(text)
    text = text.replace(f"```mermaid\n{drawn}```", f"```mermaid\n{picture()}```", 1)
    README.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write()
