"""What a team shares: the pre-commit hook, the GitHub Actions example, the schema for editors."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from support.commandlines import parse
from support.shells import FIXTURES, MINIMAL, ROOT, WEB, Shell, tdxwrap_command

from tdxwrap.fake.control import World

pytestmark = pytest.mark.usefixtures("tdx_inside")

WORKFLOW = ROOT / "docs" / "github-actions.yml"
INVALID = sorted((FIXTURES / "configs" / "invalid").glob("*.yaml"))
SCHEMA_LINE = re.compile(r"# yaml-language-server: \$schema=(\S+)")


# pre-commit


def hook() -> dict[str, Any]:
    (only,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    return dict(only)


def test_the_hook_is_one_that_pre_commit_takes() -> None:
    known = {"id", "name", "description", "entry", "language", "types", "files"}
    assert set(hook()) == known
    assert hook()["language"] == "python"  # pre-commit installs this repository with pip
    assert (ROOT / "pyproject.toml").is_file()
    assert parse(f"{hook()['entry']} rt.yaml") == "check"


@pytest.mark.parametrize(
    ("path", "checked"),
    [
        ("rt.yaml", True),
        ("brands/rt.yml", True),
        ("shop.rt.yaml", True),
        ("config/rt.production.yaml", True),
        ("brand-rt.yaml", True),
        ("rt_config.yaml", False),  # what tdx ps pull writes
        ("start.yaml", False),
        ("compose.yaml", False),
        ("rt.yaml.txt", False),
        ("rt/values.yaml", False),
    ],
)
def test_the_hook_takes_what_is_called_like_a_configuration(path: str, checked: bool) -> None:
    assert bool(re.search(hook()["files"], path)) is checked


def test_the_hook_lets_pass_what_is_valid_and_stops_what_is_not(shell: Shell, world: World) -> None:
    _, *args = shlex.split(hook()["entry"])
    assert shell.run(*args, WEB).code == 0
    assert shell.run(*args, WEB, MINIMAL).code == 0
    both = shell.run(*args, INVALID[0], INVALID[1], MINIMAL)
    assert both.code == 2
    for config in (INVALID[0], INVALID[1], MINIMAL):
        assert str(config) in both.text
    for config in INVALID:
        assert shell.run(*args, config).code == 2, config
    assert world.calls() == []


# GitHub Actions


def workflow() -> dict[str, Any]:
    return dict(yaml.safe_load(WORKFLOW.read_text(encoding="utf-8")))


def step(job: str, name: str) -> dict[str, Any]:
    (found,) = (step for step in workflow()["jobs"][job]["steps"] if step.get("name") == name)
    return dict(found)


@pytest.fixture
def runner(shell: Shell, tmp_path: Path) -> Shell:
    """A shell with tdxwrap and a gh that keeps what it is asked, in a repository with rt.yaml."""
    tools = tmp_path / "tools"
    tools.mkdir()
    tdxwrap_command(tools)
    (tools / "gh").write_text('#!/bin/sh\nprintf "%s\\n" "$@" > gh.txt\n')
    (tools / "gh").chmod(0o755)
    shutil.copy(MINIMAL, shell.cwd / "rt.yaml")
    github = {"PULL_REQUEST": "12", "GITHUB_REPOSITORY": "a/b", "GITHUB_OUTPUT": "output.txt"}
    environ = {**shell.environ, **github, "PATH": f"{tools}:{shell.environ['PATH']}"}
    return Shell(shell.home, shell.cwd, environ)


def play(runner: Shell, job: str, name: str) -> int:
    """Run a step as GitHub does where the shell is bash."""
    script = step(job, name)["run"]
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        cwd=runner.cwd,
        env=runner.environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
    ).returncode


def test_the_plan_is_commented_whether_or_not_something_is_pending(runner: Shell) -> None:
    for pending in (True, False):
        assert play(runner, "plan", "Plan") == 0
        text = (runner.cwd / "plan.md").read_text(encoding="utf-8")
        assert text.startswith("### Realtime plan: Customer 360 (394649)")
        assert ("create 4" in text) is pending
        assert play(runner, "plan", "Comment") == 0
        asked = (runner.cwd / "gh.txt").read_text().split()
        assert asked[:3] == ["pr", "comment", "12"]
        assert asked[asked.index("--body-file") + 1] == "plan.md"
        if pending:
            output = (runner.cwd / "output.txt").read_text().splitlines()
            seen = dict(line.split("=") for line in output)["fingerprint"]
            assert step("apply", "Apply")["env"]["FINGERPRINT"].split(".")[-1] == "fingerprint }}"
            for fingerprint, code in (("0" * 12, 4), (seen, 0)):
                (runner.cwd / "run.jsonl").unlink(missing_ok=True)
                environ = {**runner.environ, "FINGERPRINT": fingerprint}
                assert play(Shell(runner.home, runner.cwd, environ), "apply", "Apply") == code
            lines = (runner.cwd / "run.jsonl").read_text().splitlines()
            assert json.loads(lines[-1])["exit"] == 0


def test_a_plan_that_fails_fails_the_check(runner: Shell, world: World) -> None:
    world.add_fault("http", {"path": "realtime_setting"}, status=403)
    assert play(runner, "plan", "Plan") == 4
    shutil.copy(INVALID[0], runner.cwd / "rt.yaml")
    assert play(runner, "plan", "Plan") == 2


def test_a_plan_that_apply_would_refuse_is_commented_and_fails_the_check(runner: Shell) -> None:
    text = (runner.cwd / "rt.yaml").read_text(encoding="utf-8")
    (runner.cwd / "rt.yaml").write_text(text.replace("pageviews", "page_visits"), encoding="utf-8")
    assert play(runner, "plan", "Plan") == 0
    assert "apply would refuse this: " in (runner.cwd / "plan.md").read_text(encoding="utf-8")
    assert play(runner, "plan", "Comment") == 0
    assert (runner.cwd / "output.txt").read_text().startswith("code=4\n")
    assert step("plan", "Refused")["if"] == "steps.plan.outputs.code == '4'"
    assert play(runner, "plan", "Refused") == 4


def test_what_the_workflow_installs_is_pinned_and_its_name_nobody_can_take() -> None:
    settings = workflow()["env"]
    assert re.fullmatch(r"git\+https://\S+@\S+", settings["TDXWRAP_SOURCE"])
    assert re.fullmatch(r"[\d.]+", settings["TDX_VERSION"])
    for job in ("plan", "apply"):
        npm, pip = step(job, "Install")["run"].strip().splitlines()
        assert npm == 'npm install --global "@treasuredata/tdx@$TDX_VERSION"'
        assert pip == 'python -m pip install "tdxwrap @ $TDXWRAP_SOURCE"'


def test_every_command_of_the_workflow_is_one_of_tdxwrap() -> None:
    text = WORKFLOW.read_text(encoding="utf-8")
    lines = re.findall(r"(?:run: |^ +)(tdxwrap .*?)(?: > .*)?$", text, re.MULTILINE)
    assert [parse(line) for line in lines] == ["check", "plan", "apply"]


def test_the_workflow_may_do_no_more_than_it_must() -> None:
    jobs = workflow()["jobs"]
    assert workflow()["permissions"] == {}
    assert jobs["plan"]["permissions"] == {"contents": "read", "pull-requests": "write"}
    assert jobs["apply"]["permissions"] == {"contents": "read"}
    for job in jobs.values():
        for one in job["steps"]:
            # What is put into a script could be code; a variable cannot. No key but where used.
            script = one.get("run", "")
            assert "${{" not in script
            assert ("TDX_API_KEY" in one.get("env", {})) is bool(re.search(r"^ *tdxwrap", script))


# Editors


@pytest.mark.parametrize(
    "config",
    [file for file in (FIXTURES / "configs").glob("*.yaml") if "$schema=" in file.read_text()],
    ids=lambda file: file.stem,
)
def test_the_schema_line_leads_to_a_schema_that_fits(shell: Shell, config: Path) -> None:
    text = config.read_text(encoding="utf-8")
    line = SCHEMA_LINE.match(text)
    assert line, "the first line is where editors look"
    target = line[1]
    assert os.path.dirname(target) == "", "beside the file, wherever the team puts both"
    # What the help and the README say: tdxwrap schema > rt-config.schema.json
    (shell.cwd / target).write_text(shell.run("schema").out, encoding="utf-8")
    schema = json.loads((shell.cwd / target).read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    assert [e.message for e in Draft202012Validator(schema).iter_errors(yaml.safe_load(text))] == []
    assert target in shell.run("schema", "--help").out
