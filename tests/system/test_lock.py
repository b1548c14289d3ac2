"""One run at a time on a parent segment, whatever becomes of the one before."""

from __future__ import annotations

import os
import signal
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tdxwrap.errors import EnvironmentProblem, Locked
from tdxwrap.system import lock, paths
from tdxwrap.system.lock import segment_lock


@contextmanager
def another_process(environ: dict[str, str], segment: str) -> Iterator[int]:
    """Another process that holds the lock."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        with segment_lock(environ, segment):
            os.write(writer, b"!")
            signal.pause()
        os._exit(1)
    assert os.read(reader, 1) == b"!"
    try:
        yield pid
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(reader)
        os.close(writer)


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "TEMPORARY", str(tmp_path / "tmp"))
    monkeypatch.setattr(lock, "GRACE", 0.05)


def here() -> Path:
    """The one lock of this machine."""
    (found,) = Path(paths.TEMPORARY, f"tdxwrap-{os.getuid()}", "locks").iterdir()
    return found


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"HOME": str(tmp_path / "home")}


def test_a_second_one_is_told_who_holds_it(environ: dict[str, str]) -> None:
    with another_process(environ, "394649") as pid:
        with pytest.raises(Locked, match=f"394649: process {pid}, since 20"):
            segment_lock(environ, "394649").__enter__()
        with segment_lock(environ, "394650"):
            pass
    # Killed, it holds it no more.
    with segment_lock(environ, "394649"):
        pass


def test_what_a_killed_run_leaves_for_a_moment_is_waited_for(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "GRACE", 60)
    with another_process(environ, "394649") as pid:
        end = threading.Timer(0.1, os.kill, (pid, signal.SIGKILL))
        end.start()
        with segment_lock(environ, "394649"):
            end.join()


def test_who_held_it_before_is_not_told_of(environ: dict[str, str]) -> None:
    with segment_lock(environ, "394649"):
        path = here()
    path.write_text("one who had much more to say of itself" * 9)
    with (
        another_process(environ, "394649") as pid,
        pytest.raises(Locked, match=f"process {pid}, since 20"),
    ):
        segment_lock(environ, "394649").__enter__()


def test_who_has_only_just_begun_has_no_name_yet(environ: dict[str, str]) -> None:
    with segment_lock(environ, "1"):
        for text in ("", "{", "[]", '{"pid": 1}'):
            here().write_text(text)
            with pytest.raises(Locked, match="a process that has only just begun"):
                segment_lock(environ, "1").__enter__()


def test_it_is_let_go_after_an_error(environ: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="inside"), segment_lock(environ, "1"):
        raise ValueError("inside")
    with segment_lock(environ, "1"):
        pass


def test_it_is_private_and_its_name_is_a_file_name(environ: dict[str, str]) -> None:
    with segment_lock(environ, "../a b"):
        (shared,) = Path(environ["HOME"]).rglob("*.lock")
    for path in (shared, here()):
        assert path.name == "___a_b.lock"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_link_in_its_place_is_not_followed(environ: dict[str, str], tmp_path: Path) -> None:
    with segment_lock(environ, "1"):
        path = here()
    path.unlink()
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(EnvironmentProblem, match="cannot be taken"):
        segment_lock(environ, "1").__enter__()
    assert not (tmp_path / "elsewhere").exists()


def test_another_home_is_no_other_lock(environ: dict[str, str], tmp_path: Path) -> None:
    with (
        segment_lock(environ, "1") as missing,
        pytest.raises(Locked),
        segment_lock({"HOME": str(tmp_path / "another")}, "1"),
    ):
        pass
    assert missing == ""


def test_another_machine_with_the_same_home_is_held_off(
    environ: dict[str, str], tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    with segment_lock(environ, "1"), pytest.raises(Locked):
        segment_lock(environ, "1", elsewhere).__enter__()


def test_without_a_home_only_this_machine_is_locked() -> None:
    with segment_lock({}, "1") as missing:
        assert missing == "neither HOME nor XDG_STATE_HOME says where the state folder is"
        with pytest.raises(Locked):
            segment_lock({}, "1").__enter__()


@pytest.mark.parametrize("way", ["open to others", "a link", "somebody else's"])
def test_a_place_that_others_may_enter_is_not_used(
    environ: dict[str, str], tmp_path: Path, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(paths.TEMPORARY, f"tdxwrap-{os.getuid()}")
    folder.mkdir(mode=0o700, parents=True)
    if way == "open to others":
        folder.chmod(0o770)
    elif way == "a link":
        folder.rename(tmp_path / "target")
        folder.symlink_to(tmp_path / "target")
    else:
        mine = os.getuid()
        folder.rename(folder.with_name(f"tdxwrap-{mine + 1}"))
        monkeypatch.setattr(os, "getuid", lambda: mine + 1)
    with pytest.raises(EnvironmentProblem, match="cannot be taken") as raised:
        segment_lock(environ, "1").__enter__()
    assert f"cannot be taken: {paths.TEMPORARY}" in raised.value.what
