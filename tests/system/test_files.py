"""Writing a file without losing an earlier one of that name."""

from __future__ import annotations

import os
import resource
import socket
import threading
from pathlib import Path

import pytest

from tdxwrap.errors import EnvironmentProblem, UsageProblem
from tdxwrap.system.files import free_name, write_text


def contents(folder: Path) -> dict[str, str]:
    return {file.name: file.read_text() for file in folder.iterdir()}


def test_without_an_earlier_file_there_is_one_file(tmp_path: Path) -> None:
    assert write_text(tmp_path / "rt.yaml", "new", "-o") is None
    assert contents(tmp_path) == {"rt.yaml": "new"}


def test_earlier_files_are_kept_under_the_next_free_name(tmp_path: Path) -> None:
    for text in ("first", "second", "third"):
        earlier = write_text(tmp_path / "rt.yaml", text, "-o")
    assert earlier == tmp_path / "rt.yaml.2"
    assert contents(tmp_path) == {"rt.yaml": "third", "rt.yaml.1": "first", "rt.yaml.2": "second"}


def test_the_same_content_is_not_kept_twice(tmp_path: Path) -> None:
    for _ in range(3):
        assert write_text(tmp_path / "rt.yaml", "same", "-o") is None
    assert contents(tmp_path) == {"rt.yaml": "same"}


def test_a_link_that_leads_nowhere_takes_the_next_name_too(tmp_path: Path) -> None:
    (tmp_path / "rt.yaml.1").symlink_to("nowhere")
    assert free_name(tmp_path / "rt.yaml") == tmp_path / "rt.yaml.2"


def test_what_fails_while_it_writes_leaves_the_earlier_file_where_it_was(tmp_path: Path) -> None:
    (tmp_path / "rt.yaml").write_text("old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, hard))
    try:
        with pytest.raises(EnvironmentProblem, match="could not be written: File too large") as e:
            write_text(tmp_path / "rt.yaml", "new" * 1_000, "--file")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "--file" in e.value.hint
    assert contents(tmp_path) == {"rt.yaml": "old"}


def test_a_place_that_cannot_be_written_to(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
    for place in (tmp_path / "folder", tmp_path / "missing" / "rt.yaml", tmp_path / "socket"):
        with pytest.raises(UsageProblem, match="cannot be written") as caught:
            write_text(place, "text", "-o")
        assert "-o" in str(caught.value.hint)
    assert sorted(os.listdir(tmp_path)) == ["folder", "socket"]


def test_a_link_stays_and_what_it_leads_to_is_kept(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "real.yaml").write_text("old")
    link = tmp_path / "rt.yaml"
    link.symlink_to("there/real.yaml")
    assert write_text(link, "new", "-o") == tmp_path / "there" / "real.yaml.1"
    assert link.is_symlink()
    assert contents(tmp_path / "there") == {"real.yaml": "new", "real.yaml.1": "old"}


def test_a_link_that_leads_nowhere_is_written_through(tmp_path: Path) -> None:
    (tmp_path / "rt.yaml").symlink_to("real.yaml")
    assert write_text(tmp_path / "rt.yaml", "new", "-o") is None
    assert (tmp_path / "rt.yaml").is_symlink()
    assert (tmp_path / "real.yaml").read_text() == "new"


def test_a_pipe_gets_the_text_and_stays_a_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    os.set_blocking(reader, True)
    text = "x" * 200_000  # more than a pipe holds
    got = bytearray()
    writer = threading.Thread(target=write_text, args=(pipe, text, "-o"))
    writer.start()
    while len(got) < len(text):
        got.extend(os.read(reader, 65_536))
    writer.join()
    os.close(reader)
    assert got.decode() == text
    assert pipe.is_fifo()
    assert os.listdir(tmp_path) == ["pipe"]


def test_a_pipe_that_nobody_reads_does_not_wait_for_ever(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageProblem, match="cannot be written"):
        write_text(tmp_path / "pipe", "text", "-o")


def test_devices_stay(tmp_path: Path) -> None:
    (tmp_path / "null").symlink_to("/dev/null")
    assert write_text(tmp_path / "null", "text", "-o") is None
    assert (tmp_path / "null").is_char_device()
    with pytest.raises(EnvironmentProblem, match="No space left"):
        write_text(Path("/dev/full"), "text", "-o")
    assert Path("/dev/full").is_char_device()
