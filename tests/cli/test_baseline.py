"""The baseline takes nothing away: where something has its place, it goes beside the journal."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from support.shells import MINIMAL, Ran, Shell

from tdxwrap.fake.control import World

pytestmark = pytest.mark.usefixtures("tdx_inside")

RUNS = ".local/state/tdxwrap/runs"


def place(done: Ran) -> Path:
    """Where the baseline is, as the run says it."""
    (said,) = re.findall(r"✓ Baseline +tdx ps (?:pz init|pull) → (.*)", done.err)
    return Path(said)


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_beside_the_journal_where_there_is_such_a_file(shell: Shell) -> None:
    shell.write("rt_config.yaml", "mine")
    done = shell.run("apply", MINIMAL, "--yes")

    assert done.code == 0, done.text
    assert files(shell.cwd) == {"rt_config.yaml": b"mine"}
    assert "rt_config.yaml is there already, and stays as it is" in done.err
    (run,) = shell.run("runs", "--json").json["runs"]
    assert place(done) == Path(run["path"]).with_suffix(".rt_config.yaml")
    assert "394649" in place(done).read_text()
    assert str(place(done)) in shell.run("runs", "show", "last").out
    assert place(done).parent.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("way", ["itself", "extends", "--rt-config"])
def test_a_configuration_of_that_name_stays_the_configuration(shell: Shell, way: str) -> None:
    text = MINIMAL.read_text()
    shell.write("rt_config.yaml", text)
    command = ["apply", "rt_config.yaml", "--yes"]
    if way == "extends":
        shell.write("rt.yaml", "extends: rt_config.yaml\n")
        command[1] = "rt.yaml"
    elif way == "--rt-config":
        shell.write("rt.yaml", text)
        command = ["apply", "rt.yaml", "--yes", "--rt-config", "rt.yaml"]
    before = files(shell.cwd)

    for _ in range(2):
        done = shell.run(*command)
        assert done.code == 0, done.text
        assert files(shell.cwd) == before


def with_tables(number: int) -> str:
    tables = "".join(f"  - web_events.{table}\n" for table in ("pageviews", "carts")[:number])
    return f'parent_segment: "394649"\nevent_tables:\n{tables}'


def test_scheduled_runs_pile_up_nothing_where_they_run(shell: Shell) -> None:
    for number in (1, 2, 1):
        shell.write("rt.yaml", with_tables(number))
        done = shell.run("apply", "rt.yaml", "--yes", "--prune", "--force")
        assert done.code == 0, done.text
    assert sorted(files(shell.cwd)) == ["rt.yaml", "rt_config.yaml"]
    baselines = [name for name in files(shell.home / RUNS) if name.endswith(".rt_config.yaml")]
    assert len(baselines) == 2


@pytest.mark.parametrize("kind", ["pipe", "null", "link", "folder"])
def test_what_is_no_regular_file_is_left_alone(shell: Shell, kind: str) -> None:
    there = shell.cwd / "there"
    if kind == "pipe":
        os.mkfifo(there)
    elif kind == "folder":
        there.mkdir()
    else:
        shell.write("mine", "mine")
        there.symlink_to("/dev/null" if kind == "null" else "mine")
    before = there.lstat()
    done = shell.run("apply", MINIMAL, "--yes", "--rt-config", "there")

    assert done.code == (2 if kind == "folder" else 0), done.text
    after = there.lstat()
    assert (after.st_mode, after.st_ino) == (before.st_mode, before.st_ino)
    if kind == "link":
        assert there.read_text() == "mine"
    if kind != "folder":
        assert "394649" in place(done).read_text()


def test_without_a_journal_it_goes_to_the_same_folder(shell: Shell) -> None:
    shell.write("rt_config.yaml", "mine")
    done = shell.run("apply", MINIMAL, "--yes", "--no-journal")
    assert done.code == 0, done.text
    assert place(done).parent == shell.home / RUNS
    assert re.fullmatch(r"\d{8}T\d{6}-394649\.rt_config\.yaml", place(done).name)
    assert shell.run("runs").out == "no runs are recorded\n"


def test_without_a_home_it_goes_to_a_temporary_folder(shell: Shell, tmp_path: Path) -> None:
    shell.write("rt_config.yaml", "mine")
    environ = {name: value for name, value in shell.environ.items() if name != "HOME"}
    homeless = Shell(shell.home, shell.cwd, {**environ, "TMPDIR": str(tmp_path)})
    done = homeless.run("apply", MINIMAL, "--yes")
    assert done.code == 0, done.text
    assert place(done).parent == tmp_path / f"tdxwrap-{os.getuid()}" / "runs"
    assert files(shell.cwd) == {"rt_config.yaml": b"mine"}


@pytest.mark.parametrize("journal", [True, False])
def test_it_goes_when_its_journal_goes(shell: Shell, journal: bool) -> None:
    runs = shell.home / RUNS
    runs.mkdir(parents=True)
    for number in range(250):
        (runs / f"20200101T{number:06}-1.jsonl").touch()
        (runs / f"20200101T{number:06}-1.rt_config.yaml").touch()
    (runs / "notes.txt").touch()
    shell.write("rt_config.yaml", "mine")
    options = [] if journal else ["--no-journal"]
    done = shell.run("apply", MINIMAL, "--yes", *options)

    assert done.code == 0, done.text
    kept = {name.split(".")[0] for name in files(runs)}
    assert len(kept) == 200 + 1  # the runs, and the notes
    assert place(done).name in files(runs)
    assert "20200101T000050-1.rt_config.yaml" not in files(runs)
    assert {f"20200101T000051-1{end}" for end in (".jsonl", ".rt_config.yaml")} <= set(files(runs))


def test_a_failed_attempt_leaves_neither_a_half_nor_takes_a_link(
    shell: Shell, world: World
) -> None:
    (shell.cwd / "rt_config.yaml").symlink_to("elsewhere.yaml")
    world.add_fault("http", {"command": "ps pz init"}, status=503, when="after")
    done = shell.run("apply", MINIMAL, "--yes")
    assert done.code == 0, done.text
    assert (shell.cwd / "rt_config.yaml").is_symlink()
    assert "394649" in (shell.cwd / "elsewhere.yaml").read_text()
