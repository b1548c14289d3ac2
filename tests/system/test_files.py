"""Writing a file without losing an earlier one of that name."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path

import pytest

from tdxwrap.errors import CallFailed, EnvironmentProblem, UsageProblem
from tdxwrap.system.files import write_with_backup


def holding(text: str) -> Callable[[Path], None]:
    return lambda file: file.write_text(text) and None


def contents(folder: Path) -> dict[str, str]:
    return {file.name: file.read_text() for file in folder.iterdir()}


def test_without_an_earlier_file_there_is_one_file(tmp_path: Path) -> None:
    written = write_with_backup(tmp_path / "rt.yaml", holding("new"), "-o")
    assert (written.file, written.earlier) == (tmp_path / "rt.yaml", None)
    assert contents(tmp_path) == {"rt.yaml": "new"}


def test_earlier_files_are_kept_under_the_next_free_name(tmp_path: Path) -> None:
    for text in ("first", "second", "third"):
        written = write_with_backup(tmp_path / "rt.yaml", holding(text), "-o")
    assert written.earlier == tmp_path / "rt.yaml.2"
    assert contents(tmp_path) == {"rt.yaml": "third", "rt.yaml.1": "first", "rt.yaml.2": "second"}


def test_the_same_content_is_not_kept_twice(tmp_path: Path) -> None:
    for _ in range(3):
        written = write_with_backup(tmp_path / "rt.yaml", holding("same"), "-o")
    assert written.earlier is None
    assert contents(tmp_path) == {"rt.yaml": "same"}


def test_the_earlier_file_is_out_of_the_way_while_the_new_one_is_written(tmp_path: Path) -> None:
    def write(file: Path) -> None:
        assert not file.exists()
        file.write_text("new")

    (tmp_path / "rt.yaml").write_text("old")
    write_with_backup(tmp_path / "rt.yaml", write, "-o")


@pytest.mark.parametrize("error", [CallFailed("tdx failed"), KeyboardInterrupt()])
def test_what_fails_before_it_writes_leaves_the_earlier_file(
    tmp_path: Path, error: BaseException
) -> None:
    def fail(file: Path) -> None:
        raise error

    (tmp_path / "rt.yaml").write_text("old")
    with pytest.raises(type(error)):
        write_with_backup(tmp_path / "rt.yaml", fail, "-o")
    assert contents(tmp_path) == {"rt.yaml": "old"}


def test_what_fails_while_it_writes_keeps_the_earlier_file(tmp_path: Path) -> None:
    def half(file: Path) -> None:
        file.write_text("ha")
        raise OSError(errno.ENOSPC, "No space left on device")

    (tmp_path / "rt.yaml").write_text("old")
    with pytest.raises(EnvironmentProblem, match="No space left on device") as caught:
        write_with_backup(tmp_path / "rt.yaml", half, "--rt-config")
    assert "--rt-config" in str(caught.value.hint)
    assert contents(tmp_path) == {"rt.yaml": "ha", "rt.yaml.1": "old"}


def test_where_nothing_can_be_written_nothing_is_tried(tmp_path: Path) -> None:
    def never(file: Path) -> None:
        raise AssertionError("it was tried")

    (tmp_path / "folder").mkdir()
    for place in (tmp_path / "folder", tmp_path / "missing" / "rt.yaml"):
        with pytest.raises(UsageProblem, match="cannot be written") as caught:
            write_with_backup(place, never, "-o")
        assert "-o" in str(caught.value.hint)
    assert (tmp_path / "folder").is_dir()
