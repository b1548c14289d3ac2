"""tdxwrap as a library, and what is imported when."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from support.shells import FAKE_TDX, WEB

import tdxwrap
from tdxwrap.fake.control import World


def test_a_plan_from_python(world: World) -> None:
    environ = {**world.environ(), "FAKE_TDX_PYTHON": sys.executable}
    with tdxwrap.Tdx(str(FAKE_TDX), environ=environ) as tdx:
        session = tdxwrap.Session(tdxwrap.Realtime(tdx), environ)
        loaded = tdxwrap.load(WEB, environ=environ)
        plan = tdxwrap.make_plan(session, loaded, "394649")
    assert len(plan.pending) == 15
    assert world.writes() == []


def test_every_public_name_is_there() -> None:
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
