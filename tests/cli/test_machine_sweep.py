"""The sweep over errno: every file operation of a run fails in turn, then the same command again.

Counted are the operations on the configuration, the state folder, the locks, the journal, the
baseline and the temporary folder. `make sweep` runs every case, `make test` a sample.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.faults import KEY, make_world
from support.shells import MINIMAL, Ran, Shell
from support.worlds import configuration

CODES = ("EACCES", "ENOSPC", "EROFS", "EMFILE", "ENOLCK", "ESTALE", "EIO")
# A few more than a run has: how often it polls differs, and the last ones hit nothing.
OPERATIONS = 300
CASES = [(number, code) for code in CODES for number in range(1, OPERATIONS + 1)]


def apply(shell: Shell, rule: str = "") -> Ran:
    config, folder = shell.cwd / "rt.yaml", shell.cwd / "tmp"
    folder.mkdir(exist_ok=True)
    config.write_text(MINIMAL.read_text("utf-8"), "utf-8")
    (shell.cwd / "rt_config.yaml").unlink(missing_ok=True)
    return shell.run("apply", config, "--yes", TEST_FAIL=rule, TMPDIR=str(folder), TD_API_KEY=KEY)


@pytest.fixture(scope="session")
def undisturbed() -> dict[str, Any]:
    """The configuration after a run in which nothing failed."""
    return {}


def check(
    number: int, code: str, known: dict[str, Any], folder: Path, new_shell: Callable[..., Shell]
) -> int:
    if not known:
        world = make_world(folder / "undisturbed", "blank")
        assert apply(new_shell(world, "undisturbed-user")).code == 0
        known.update(configuration(world))
    world = make_world(folder / "world", "blank")
    shell = new_shell(world)

    first = apply(shell, f"{number} {code} /")
    assert first.code in (0, 2, 3, 5), first.text
    assert "Traceback" not in first.text
    for advice in ("node", "npm"):
        assert advice not in first.err, first.text
    if first.code == 0:
        assert configuration(world) == known
    if "nothing was written" in first.err:
        assert world.writes() == []

    second = apply(shell)
    assert second.code == 0, second.text
    assert configuration(world) == known
    return first.code


# A step that shares no factor with the number of operations visits every part of a run.
@pytest.mark.parametrize(("number", "code"), CASES[16::227])
def test_a_file_operation_that_fails_loses_no_write(
    number: int,
    code: str,
    undisturbed: dict[str, Any],
    tmp_path: Path,
    new_shell: Callable[..., Shell],
) -> None:
    check(number, code, undisturbed, tmp_path, new_shell)


@pytest.mark.sweep
@pytest.mark.parametrize(("number", "code"), CASES)
def test_every_file_operation_with_every_errno(
    number: int,
    code: str,
    undisturbed: dict[str, Any],
    tmp_path: Path,
    new_shell: Callable[..., Shell],
    record_property: Callable[[str, object], None],
) -> None:
    ended = check(number, code, undisturbed, tmp_path, new_shell)
    record_property("sweep", ["apply, a file operation fails", code, number, ended, ""])
