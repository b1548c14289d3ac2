"""Where state is kept, and who may enter there."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

import pytest

from tdxwrap.system.paths import make_private, private_folder, state_folder


@pytest.mark.parametrize(
    ("environ", "folder"),
    [
        ({"HOME": "/home/me"}, "/home/me/.local/state/tdxwrap"),
        ({"HOME": "/home/me", "XDG_STATE_HOME": "/state"}, "/state/tdxwrap"),
        # The XDG rules: a path that is not absolute is ignored.
        ({"HOME": "/home/me", "XDG_STATE_HOME": "state"}, "/home/me/.local/state/tdxwrap"),
        ({"HOME": "/home/me", "XDG_STATE_HOME": ""}, "/home/me/.local/state/tdxwrap"),
        ({"XDG_STATE_HOME": "/state"}, "/state/tdxwrap"),
        ({"HOME": ""}, None),
        ({}, None),
    ],
)
def test_the_state_folder(environ: dict[str, str], folder: str | None) -> None:
    assert state_folder(environ) == folder


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_locks_lie_in_the_state_folder(tmp_path: Path, temporary: Path) -> None:
    assert (
        private_folder({"HOME": str(tmp_path)}, "locks") == tmp_path / ".local/state/tdxwrap/locks"
    )
    assert list(temporary.iterdir()) == []


def test_without_a_home_locks_lie_in_a_temporary_folder_of_the_user(temporary: Path) -> None:
    for environ in ({}, {"HOME": "/dev/null"}):
        assert private_folder(environ, "locks") == temporary / f"tdxwrap-{os.getuid()}" / "locks"


def test_a_private_folder_of_somebody_else_is_not_used(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    private_folder({}, "locks")
    mine = os.getuid()
    (temporary / f"tdxwrap-{mine + 1}" / "locks").mkdir(parents=True)
    monkeypatch.setattr(os, "getuid", lambda: mine + 1)
    with pytest.raises(PermissionError):
        private_folder({}, "locks")


def test_what_is_made_is_private_whatever_the_umask(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    earlier = os.umask(0)
    try:
        make_private(tmp_path / "a" / "b")
    finally:
        os.umask(earlier)
    modes = [stat.S_IMODE(p.stat().st_mode) for p in (tmp_path, tmp_path / "a", tmp_path / "a/b")]
    assert modes == [0o755, 0o700, 0o700]
