"""The pytest plugin: the example of the docs as it stands there, and what the fixture promises."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.shells import FIXTURES, ROOT, Shell, clean_environ

from tdxwrap.fake.faults import FaultError
from tdxwrap.fake.scenario import ScenarioError
from tdxwrap.sandbox.testing import FakeTdx

PAGE = ROOT / "docs" / "testing.md"
STEP_7 = FIXTURES / "recipe" / "step7.sh"
SETTING = "/audiences/1/realtime_setting"
UNFIRED = """
def test_of_something_else(fake_tdx):
    fake_tdx.fail("realtime_attributes", "http", status=503)
"""


def tdx(*argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["tdx", *argv], capture_output=True, text=True)


@pytest.mark.skipif(shutil.which("jq") is None, reason="the recipe needs jq")
def test_the_example_of_the_page_and_a_fault_that_never_came(tmp_path: Path) -> None:
    (example,) = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    (tmp_path / "test_step7.py").write_text(example)
    (tmp_path / "test_unfired.py").write_text(UNFIRED)
    shutil.copy(STEP_7, tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=tmp_path,
        env={**clean_environ(tmp_path), "PYTHONPATH": "", "TD_API_KEY": "x", "TDX_PROFILE": "y"},
        capture_output=True,
        text=True,
    )
    assert done.stdout.splitlines()[-1].startswith("4 passed, 1 error in"), done.stdout
    assert "ERROR test_unfired.py::test_of_something_else - Failed: never came about" in done.stdout
    assert "so nothing was tested: http at 'realtime_attributes'" in done.stdout


def test_what_every_pytest_loads_is_next_to_nothing(shell: Shell) -> None:
    code = (
        "import sys, tdxwrap.sandbox.pytest_plugin\n"
        "print(sorted(name for name in sys.modules if name.startswith('tdxwrap')))"
    )
    loaded = ["tdxwrap", "tdxwrap.sandbox", "tdxwrap.sandbox.pytest_plugin", "tdxwrap.version"]
    assert shell.python(code).out == f"{loaded}\n"


def test_what_is_asked_and_live_is_seen_from_any_process(fake_tdx: FakeTdx) -> None:
    fake_tdx.segment("1", "One", rt_enabled=True)
    fake_tdx.table("web.views", "email", price="double")
    assert fake_tdx.live == {}
    body = '{"eventTables": [{"database": "web", "table": "views"}]}'
    script = f"""PATH=/usr/bin:/bin
        tdx api {SETTING} --type cdp -X PATCH \\
          --data '{body}'
        tdx no-such-command"""
    assert subprocess.run(["bash", "-c", script]).returncode != 0

    patched, unknown = fake_tdx.calls
    assert (patched.step, patched.exit, patched.argv[:2]) == ("7a", 0, ("api", SETTING))
    assert (unknown.step, unknown.exit, unknown.argv) == ("", 2, ("no-such-command",))
    assert unknown.line == "4"
    assert fake_tdx.live["1"]["eventTables"] == [{"database": "web", "table": "views"}]
    assert fake_tdx.live["1"]["status"] == "ok"
    assert '{"name": "price", "type": "double"}' in tdx("describe", "web.views", "--json").stdout


def test_the_nth_call_fails_as_it_is_said(fake_tdx: FakeTdx) -> None:
    fake_tdx.fail("tdx ps list", "http", nth=2, status=503)
    assert [tdx("ps", "list").returncode for _ in range(3)] == [0, 1, 0]
    with pytest.raises(FaultError, match="known: http, connection-reset"):
        fake_tdx.fail("ps list", "thunder")


def test_an_account_of_a_scenario(fake_tdx: FakeTdx) -> None:
    fake_tdx.scenario(FIXTURES / "scenarios" / "configured.yaml")
    assert "394649\tCustomer 360" in tdx("ps", "list").stdout
    assert len(fake_tdx.live["394649"]["keyEvents"]) > 1
    fake_tdx.scenario({"segments": [{"id": 7, "name": "Seven"}]})
    assert tdx("ps", "list").stdout == "7\tSeven\n"
    with pytest.raises(ScenarioError, match="colour: unknown key"):
        fake_tdx.segment("8", colour="red")


def test_a_journal_answers_as_it_was_recorded(fake_tdx: FakeTdx, tmp_path: Path) -> None:
    call: dict[str, Any] = {"type": "call", "argv": ["tdx", "auth"], "exit": 1, "seconds": 0}
    journal = tmp_path / "run.jsonl"
    journal.write_text(json.dumps({**call, "stdout": "", "stderr": "not logged in\n"}) + "\n")
    replay = fake_tdx.replay(journal)
    assert replay.unused() == [["tdx", "auth"]]
    assert (tdx("auth").stderr, replay.unused()) == ("not logged in\n", [])
    assert "was recorded only 1 times" in tdx("auth").stderr


def test_credentials_are_out_of_sight(fake_tdx: FakeTdx) -> None:
    named = {name for name in os.environ if name.startswith(("TD_", "TDX"))}
    assert named == {"TD_API_KEY"}
    assert os.environ["TD_API_KEY"] == fake_tdx.environ["TD_API_KEY"]


@pytest.mark.extra
def test_a_project_elsewhere_uses_it(tmp_path: Path) -> None:
    def run(*words: str | Path) -> str:
        done = subprocess.run(words, cwd=tmp_path, env=environ, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    environ = {**clean_environ(tmp_path), "PYTHONPATH": ""}
    (tmp_path / "mine.sh").write_text("tdx ps list --json | grep -q One && echo found\n")
    (tmp_path / "test_mine.py").write_text(
        "import subprocess\n\n\n"
        "def test_mine(fake_tdx):\n"
        "    fake_tdx.segment('1', 'One')\n"
        "    assert subprocess.check_output(['bash', 'mine.sh']) == b'found\\n'\n"
    )
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")
    run(*pip, "wheel", "-q", "--no-deps", "-w", "wheels", ROOT)
    (wheel,) = (tmp_path / "wheels").glob("tdxwrap-*.whl")
    run(sys.executable, "-m", "venv", "own")
    own = tmp_path / "own" / "bin"
    run(own / "python", "-m", "pip", "install", "-q", "pytest", wheel)
    assert "1 passed" in run(own / "python", "-m", "pytest", "-q")
    script = ("fake", "run", "--", "tdxwrap", "check", "rt.yaml")
    assert "rt.yaml is valid" in run(own / "tdxwrap", *script)
