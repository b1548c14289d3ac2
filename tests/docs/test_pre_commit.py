"""The pre-commit hook, as pre-commit itself installs and runs it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from support.shells import MINIMAL, ROOT

pytestmark = pytest.mark.extra


@pytest.fixture(scope="module")
def pre_commit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pre-commit of its own; from the package index."""
    venv = tmp_path_factory.mktemp("venv")
    subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    subprocess.run([venv / "bin" / "pip", "install", "--quiet", "pre-commit"], check=True)
    return venv / "bin" / "pre-commit"


def tried(pre_commit: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """What the hook says of all files of a repository."""
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    subprocess.run(["git", "add", "."], cwd=folder, check=True)
    hook = [pre_commit, "try-repo", ROOT, "tdxwrap-check", "--all-files", "--verbose"]
    return subprocess.run(hook, cwd=folder, capture_output=True, text=True, check=False)


def test_right_files_pass_and_others_are_not_looked_at(pre_commit: Path, tmp_path: Path) -> None:
    (tmp_path / "rt.yaml").write_bytes(MINIMAL.read_bytes())
    (tmp_path / "compose.yaml").write_text("services: {}\n")
    done = tried(pre_commit, tmp_path)
    assert done.returncode == 0, done.stdout
    assert "rt.yaml is valid" in done.stdout
    assert "compose" not in done.stdout


def test_a_wrong_file_is_named_with_its_line_and_the_others_are_checked(
    pre_commit: Path, tmp_path: Path
) -> None:
    (tmp_path / "a.rt.yaml").write_text("key_events: 5\n")
    (tmp_path / "rt.yaml").write_bytes(MINIMAL.read_bytes())
    done = tried(pre_commit, tmp_path)
    assert done.returncode == 1, done.stdout
    assert "a.rt.yaml:1:13" in done.stdout
    assert "rt.yaml is valid" in done.stdout
