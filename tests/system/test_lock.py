"""One run at a time on a parent segment, whatever becomes of the one before."""

from __future__ import annotations

import os
import signal
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tdxwrap.errors import EnvironmentProblem, Locked
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


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"HOME": str(tmp_path)}


def test_a_second_one_is_told_who_holds_it(environ: dict[str, str]) -> None:
    with another_process(environ, "394649") as pid:
        with pytest.raises(Locked, match=f"394649: process {pid}, since 20"):
            segment_lock(environ, "394649").__enter__()
        with segment_lock(environ, "394650"):
            pass
    # Killed, it holds it no more.
    with segment_lock(environ, "394649"):
        pass


def test_who_has_only_just_begun_has_no_name_yet(environ: dict[str, str]) -> None:
    with segment_lock(environ, "1"):
        (path,) = Path(environ["HOME"]).rglob("*.lock")
        for text in ("", "{", "[]", '{"pid": 1}'):
            path.write_text(text)
            with pytest.raises(Locked, match="a process that has only just begun"):
                segment_lock(environ, "1").__enter__()


def test_it_is_let_go_after_an_error(environ: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="inside"), segment_lock(environ, "1"):
        raise ValueError("inside")
    with segment_lock(environ, "1"):
        pass


def test_it_is_private_and_its_name_is_a_file_name(environ: dict[str, str]) -> None:
    with segment_lock(environ, "../a b"):
        (path,) = Path(environ["HOME"]).rglob("*.lock")
    assert path.name == "___a_b.lock"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_link_in_its_place_is_not_followed(environ: dict[str, str], tmp_path: Path) -> None:
    with segment_lock(environ, "1"):
        (path,) = Path(environ["HOME"]).rglob("*.lock")
    path.unlink()
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(EnvironmentProblem, match="cannot be made"):
        segment_lock(environ, "1").__enter__()
    assert not (tmp_path / "elsewhere").exists()
