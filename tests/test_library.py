"""tdxwrap as a library, and what is imported when."""

from __future__ import annotations

import os
import pydoc
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.inprocess import InProcessTdx
from support.shells import FAKE_TDX, ROOT, WEB

import tdxwrap
from tdxwrap.fake.control import World
from tdxwrap.tdx.context import Asking, Context

PAGE = ROOT / "docs" / "library.md"
CODE = re.compile(r"^```python\n(.*?)^```\n", re.MULTILINE | re.DOTALL)


@pytest.fixture
def reader(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with rt.yaml in which this process works, on the fake tdx."""
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "tdx").symlink_to(FAKE_TDX)
    work = tmp_path / "work"
    work.mkdir()
    (work / "rt.yaml").write_bytes(WEB.read_bytes())
    home = {"HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path / "state")}
    chosen = {**world.environ(), **home, "FAKE_TDX_PYTHON": sys.executable}
    for name, value in {**chosen, "PATH": f"{tools}:{os.environ['PATH']}"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(work)
    return work


@pytest.mark.usefixtures("reader")
def test_the_page_runs_line_by_line(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    first, failing = CODE.findall(PAGE.read_text(encoding="utf-8"))
    names: dict[str, Any] = {}
    exec(compile(first, PAGE, "exec"), names)
    printed = capsys.readouterr().out
    assert "Customer 360 (394649)" in printed
    assert "create 15" in printed
    assert "\nTrue\n" in printed
    assert "as in rt.yaml" in printed
    assert len(names["applied"].plan.pending) == 15
    assert os.listdir() == ["rt.yaml"]
    world.set("tdx.api_enabled", False)
    capsys.readouterr()
    exec(compile(failing, PAGE, "exec"), names)
    assert capsys.readouterr().out.startswith("3\n")


@pytest.fixture
def quick(reader: Path, world: World, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of `reader`, with a tdx that starts no process."""
    monkeypatch.setattr("tdxwrap.library.Tdx", lambda *_, **__: InProcessTdx(world))
    return reader


@pytest.mark.usefixtures("quick")
def test_only_the_plan_that_was_seen_is_applied(world: World) -> None:
    config = tdxwrap.load("rt.yaml")
    seen = tdxwrap.plan(config)
    tdxwrap.apply(config, wait=None)
    assert tdxwrap.apply(config, plan=seen).ok  # nothing is left to write
    other = Path("rt.yaml").read_text().replace("name: units_bought", "name: units_sold")
    Path("rt.yaml").write_text(other)
    before = world.writes()
    with pytest.raises(tdxwrap.UnsafePlan, match="the plan is another one"):
        tdxwrap.apply(tdxwrap.load("rt.yaml"), plan=seen)
    assert world.writes() == before


@pytest.mark.usefixtures("quick")
def test_a_plan_brings_its_segment_and_its_options(world: World) -> None:
    tdxwrap.apply(tdxwrap.load("rt.yaml"), wait=None)
    text = Path("rt.yaml").read_text()
    without = text[: text.index("  - name: units_bought")].replace("${PARENT_SEGMENT:-394649}", "1")
    Path("rt.yaml").write_text(without)
    config = tdxwrap.load("rt.yaml")
    seen = tdxwrap.plan(config, "394649", options=tdxwrap.PlanOptions(prune=True))
    assert [change.action for change in seen.plan.pending] == ["delete"]
    assert tdxwrap.apply(config, plan=seen).ok
    assert "units_bought" not in str(world.segment("394649"))


@pytest.mark.usefixtures("quick")
def test_a_notebook_sees_a_plan_and_a_report_as_markdown() -> None:
    config = tdxwrap.load("rt.yaml")
    seen = tdxwrap.plan(config)
    assert repr(seen) == "<Preview Customer 360 (394649): create 15>"
    assert seen._repr_markdown_().startswith("### Realtime plan: Customer 360 (394649)")
    applied = tdxwrap.apply(config)
    assert repr(applied) == "<Applied Customer 360 (394649): create 15, ok=True>"
    assert "| RT status | ok | ok |" in applied._repr_markdown_()
    unseen = tdxwrap.apply(config, wait=None)
    assert str(unseen) == "nothing to change, 15 unchanged; not waited for"


@pytest.mark.usefixtures("quick")
def test_the_account_that_the_file_demands_holds_for_a_call(world: World) -> None:
    text = Path("rt.yaml").read_text()
    Path("rt.yaml").write_text(f"account: somebody-else\n{text}")
    with pytest.raises(tdxwrap.TdxwrapError, match="somebody-else"):
        tdxwrap.apply(tdxwrap.load("rt.yaml"))
    assert world.writes() == []


@pytest.mark.usefixtures("quick")
def test_a_profile_chosen_by_a_process_above_is_no_consent(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    above = Context(account="acme", profile="staging", chosen_in="4711")
    monkeypatch.setattr("tdxwrap.library.Context", lambda **_: above)
    monkeypatch.setattr(Asking, "begin", lambda *_: None)
    with pytest.raises(tdxwrap.TdxwrapError, match=r"account acme.* process 4711"):
        tdxwrap.apply(tdxwrap.load("rt.yaml"))
    assert world.writes() == []


def test_a_file_error_shows_every_error(tmp_path: Path) -> None:
    file = tmp_path / "rt.yaml"
    file.write_text("key_events: 5\nattributs: []\n")
    with pytest.raises(tdxwrap.ConfigError) as caught:
        tdxwrap.load(file)
    assert f"{file}:1: " in str(caught.value)
    assert f"{file}:2: " in str(caught.value)


def test_help_shows_what_there_is() -> None:
    text = pydoc.plain(pydoc.render_doc(tdxwrap))
    for name in tdxwrap.__all__:
        assert re.search(rf"\b{name}\b", text), name
    assert "config = tw.load" in text


def test_every_public_name_is_there_and_typed() -> None:
    typed = Path(tdxwrap.__file__).with_suffix(".pyi").read_text(encoding="utf-8")
    assert sorted(re.findall(r" as (\w+)$", typed, re.MULTILINE)) == tdxwrap.__all__
    for name in tdxwrap.__all__:
        assert getattr(tdxwrap, name).__doc__, name
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        tdxwrap.nothing  # noqa: B018


@pytest.mark.parametrize("args", [("--version",), ("--help",), ("apply", "--help")])
def test_what_needs_no_work_imports_nothing_heavy(args: tuple[str, ...]) -> None:
    code = (
        "import sys; from tdxwrap.cli.command_line import run; run(sys.argv[1:]);"
        "print(sorted({'sh', 'jmespath', 'pydantic', 'rich', 'yaml'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *args], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("module", ["sh", "jmespath"])
def test_one_module_only_imports(module: str) -> None:
    root = WEB.parent.parent.parent / "tdxwrap"
    homes = [
        path.name
        for path in root.rglob("*.py")
        if any(
            line.split()[:2] in (["import", module], ["from", module])
            for line in path.read_text().splitlines()
        )
    ]
    assert homes == [{"sh": "process.py", "jmespath": "queries.py"}[module]]


def test_nothing_prints_but_the_console() -> None:
    root = WEB.parent.parent.parent / "tdxwrap"
    printing = [
        path.name
        for path in root.rglob("*.py")
        if "fake" not in path.parts and re.search(r"\bprint\(", path.read_text())
    ]
    assert printing == ["console.py"]
