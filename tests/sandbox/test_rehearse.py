"""`tdxwrap rehearse` from the outside: a whole apply with no tdx, no account and no trace."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from support.examples import examples
from support.generated import configs
from support.inprocess import NO_RETRY, InProcess
from support.shells import FIXTURES, MINIMAL, ROOT, WEB, Ran, Shell

from tdxwrap.config.models import RtConfig
from tdxwrap.fake.control import World
from tdxwrap.plan.changes import Level
from tdxwrap.plan.columns import check
from tdxwrap.realtime.read import Reads
from tdxwrap.realtime.tables import SchemaReads
from tdxwrap.sandbox import rehearsal

pytestmark = pytest.mark.usefixtures("tdx_inside")

KEY = "nobody-may-see-this"
CONFIGS = sorted((FIXTURES / "configs").glob("*.yaml"))


@pytest.fixture
def bare(new_shell: Callable[..., Shell], tmp_path: Path) -> Shell:
    """A newcomer's shell: credentials, and a tdx that must not be called; temporary files apart."""
    shell = new_shell()
    tdx = shell.home / "bin" / "tdx"
    tdx.parent.mkdir()
    tdx.write_text("#!/bin/sh\ntouch $HOME/called\nexit 1\n")
    tdx.chmod(0o755)
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    environ = {n: v for n, v in shell.environ.items() if not n.startswith(("FAKE_", "TDXWRAP_"))}
    path = f"{tdx.parent}:{environ['PATH']}"
    extra = {"PATH": path, "TMPDIR": str(temporary), "TD_API_KEY": KEY, "TDX_PROFILE": "production"}
    return Shell(shell.home, shell.cwd, {**environ, **extra})


def untouched(shell: Shell) -> bool:
    """Whether nothing has been left anywhere, and the user's tdx was not called."""
    left = [*shell.home.iterdir(), *shell.cwd.iterdir(), *Path(shell.environ["TMPDIR"]).iterdir()]
    return left == [shell.home / "bin"]


def actions(done: Ran) -> list[tuple[str, str, str]]:
    return [(c["action"], c["kind"], c["name"]) for c in done.file["plan"]["changes"]]


def test_a_newcomer_sees_a_whole_apply(bare: Shell) -> None:
    done = bare.run("rehearse", WEB)

    assert done.code == 0, done.text
    first, *_, summary, last = done.out.splitlines()
    assert first == f"Rehearsal on a built-in stand-in for tdx, in a made-up account for {WEB}."
    assert last.endswith(f"For real: tdxwrap doctor {WEB}, then tdxwrap plan {WEB}")
    assert ": 15 changes, " in summary
    assert "Journal" not in summary
    assert f"every field as in {WEB}" in done.out
    assert "Next" not in done.text  # it was no real apply
    for shown in (
        "Rehearsal (394649) · account main · profile rehearsal · us01 · RT status not_initialized",
        "    + single        last_product_viewed   page_view.product_id, kept 1 day",
        "Write these 15 changes to Rehearsal (394649), account main, profile rehearsal, us01?",
        "tdx ps pz init → rt_config.yaml",
        "status updating",
        "RT configuration complete and validated",
    ):
        assert shown in done.err
    assert "! " not in done.err  # every column that the file needs is there
    assert untouched(bare)


def test_it_needs_the_installed_package_only(bare: Shell, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "tdxwrap", tmp_path / "site" / "tdxwrap")
    done = subprocess.run(
        [sys.executable, "-m", "tdxwrap", "rehearse", WEB, "--quiet"],
        env={**bare.environ, "PYTHONPATH": str(tmp_path / "site")},
        cwd=bare.cwd,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout + done.stderr == ""
    assert untouched(bare)


def test_on_a_terminal_it_does_not_wait_for_an_answer(bare: Shell) -> None:
    done = bare.terminal("rehearse", MINIMAL)
    assert done.code == 0
    assert "[y/N] y" in done.out
    assert "Nothing real was touched" in done.out
    assert untouched(bare)


@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.stem)
def test_every_example_can_be_rehearsed(bare: Shell, config: Path) -> None:
    done = bare.run("rehearse", config, "--json")
    assert done.code == 0, done.text
    assert done.err == ""
    assert done.json["tdxwrap"] == "rehearse"
    assert done.file["report"]["ok"]
    assert done.file["plan"]["findings"] == []
    assert done.file["journal"] is None
    assert untouched(bare)


def test_names_of_all_kinds_and_no_secret(bare: Shell) -> None:
    config = {
        "parent_segment": '顧客 "360" `prod`',
        "key_events": [
            {"name": "見る", "table": "web.閲覧", "description": "${NOTE}"},
        ],
        "id_stitching": {"keys": ["会員番号"]},
    }
    bare.write("it's mine.yaml", yaml.safe_dump(config, allow_unicode=True))
    done = bare.run("rehearse", "it's mine.yaml", "-v", NOTE=KEY)
    assert done.code == 0, done.text
    assert '顧客 "360" `prod` (100001)' in done.err
    assert "web.閲覧" in done.err
    assert KEY not in done.text
    assert "tdxwrap doctor 'it'\"'\"'s mine.yaml'" in done.out
    by_pipe = bare.run("rehearse", "-", "-q", stdin="event_tables: [a.b]")
    assert by_pipe.code == 0, by_pipe.text


# What can go wrong


@pytest.mark.parametrize(
    ("fault", "code", "shown"),
    [
        ("slow", 0, "every field"),
        ("timeout", 0, "tdx did not answer within 3 s and was ended: again in"),
        ("lost-answer", 0, "ECONNRESET: again in"),
        ("truncated", 0, "again in"),
        ("unavailable", 5, "503 Service Unavailable"),
        ("refused", 4, "422 Unprocessable Entity: refused for this rehearsal"),
        ("interrupted", 130, "open: attribute page_views_24h"),
        ("inconsistent", 6, "the RT status is 'inconsistent'"),
        ("not-enabled", 4, "ask your customer success manager"),
        ("disabled-api", 3, "enable_api_command"),
        ("not-logged-in", 3, "auth setup"),
    ],
)
def test_a_fault_shows_what_happens(bare: Shell, fault: str, code: int, shown: str) -> None:
    done = bare.run("rehearse", MINIMAL, "--fault", fault, "--retry-delay", "0.01")
    assert (done.code, shown in done.text) == (code, True), done.text
    assert "too few writes" not in done.err
    assert done.out.splitlines()[-1].startswith("Nothing real was touched")
    assert untouched(bare)


def test_the_faults_can_be_listed(bare: Shell) -> None:
    done = bare.run("rehearse", "--fault", "list")
    assert done.code == 0
    assert [line.split()[0] for line in done.out.splitlines()] == list(rehearsal.FAULTS)
    assert bare.run("rehearse", MINIMAL, "--fault", "list", "--json").json["faults"] == {
        name: fault.help for name, fault in rehearsal.FAULTS.items()
    }


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["rehearse"], "which CONFIG is to be rehearsed?"),
        (["rehearse", MINIMAL, "--fault", "lostanswer"], "did you mean lost-answer?"),
        (["rehearse", MINIMAL, "--fault", "xyz"], "see `tdxwrap rehearse --fault list`"),
        (["rehearse", MINIMAL, "--journal", "run.jsonl"], "leave out --journal"),
        (["rehearse", "none.yaml"], "there is no such file"),
        (["rehearse", MINIMAL, "--from", "none.yaml"], "there is no such file"),
        (["rehearse", MINIMAL, "--from", "last"], "there is no run last"),
        (["rehearse", MINIMAL, "--from", MINIMAL.parent], "there is no run"),
    ],
)
def test_a_misuse_is_told(bare: Shell, args: list[str], told: str) -> None:
    done = bare.run(*args)
    assert (done.code, told in done.err) == (2, True), done.text
    assert done.out == ""
    assert untouched(bare)


def test_a_fault_that_did_not_come_up_is_told(bare: Shell) -> None:
    bare.write("rt.yaml", "event_tables: [a.b]\n")
    done = bare.run("rehearse", "rt.yaml", "--fault", "refused")
    assert done.code == 0
    assert "too few writes for the fault refused" in done.err
    document = bare.run("rehearse", "rt.yaml", "--fault", "not-enabled", "--json").json
    assert (document["ok"], document["error"]["exit_code"]) == (False, 4)


# Starting from what is real


def test_from_an_exported_file(new_world: Callable[..., World], bare: Shell) -> None:
    world = new_world("half-configured")
    tdx = {**world.environ(), "TDXWRAP_TDX": str(FIXTURES / "bin" / "tdx"), "TD_API_KEY": ""}
    tdx |= {"FAKE_TDX_PYTHON": sys.executable, "TDX_PROFILE": ""}
    exported = bare.run("export", "394649", "-f", "live.yaml", "--no-journal", **tdx)
    assert exported.code == 0, exported.text

    same = bare.run("rehearse", "live.yaml", "--from", "live.yaml", "--json")
    assert same.code == 0, same.text
    assert not same.file["plan"]["pending"]
    assert {action for action, *_ in actions(same)} == {"unchanged"}

    other = ("rehearse", MINIMAL, "--json")
    for flags in ((), ("--prune", "--force")):
        real = bare.run("plan", *other[1:], *flags, "--no-journal", **tdx)
        rehearsed = bare.run(*other, "--from", "live.yaml", *flags)
        assert rehearsed.code == 0, rehearsed.text
        assert actions(rehearsed) == actions(real)
    assert world.writes() == []


def test_from_the_journal_of_a_run(new_world: Callable[..., World], bare: Shell) -> None:
    world = new_world("half-configured")
    tdx = {**world.environ(), "TDXWRAP_TDX": str(FIXTURES / "bin" / "tdx"), "TD_API_KEY": ""}
    tdx |= {"FAKE_TDX_PYTHON": sys.executable, "TDX_PROFILE": ""}
    first = bare.run("apply", WEB, "--yes", "--json", **tdx)
    assert first.code == 0, first.text
    before = len(world.calls())

    for source in ("last", first.file["journal"]):
        again = bare.run("rehearse", WEB, "--from", source, "--json")
        assert again.code == 0, again.text
        assert actions(again) == actions(first)
        assert again.file["plan"]["segment"] == first.file["plan"]["segment"]
    assert len(world.calls()) == before
    assert len(list((bare.home / ".local" / "state" / "tdxwrap" / "runs").iterdir())) == 1


def test_a_journal_that_holds_too_little(
    bare: Shell, world: World, new_shell: Callable[..., Shell]
) -> None:
    journal = bare.cwd / "run.jsonl"
    assert new_shell(world, "other").run("status", "394649", "--journal", journal).code == 0
    done = bare.run("rehearse", MINIMAL, "--from", journal)
    assert done.code == 2
    assert "does not hold everything that is live" in done.err
    assert "take the journal of an apply, a plan or a verify" in done.err


# The world


@settings(max_examples=examples(20))
@given(document=configs())
def test_a_world_fits_every_configuration(
    document: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    config = RtConfig.model_validate(document)
    folder = tmp_path_factory.mktemp("rehearsal")
    blank = rehearsal.start_from(None, config, os.environ, folder)
    for live in (None, config):
        start = rehearsal.Start(blank.id, blank.name, live)
        world = rehearsal.build(folder, config, start, rehearsal.Fault(""))
        world.set_credentials(keychain={"default": "key"}, keys={"key": "main"})
        run = InProcess(world, start.id)
        with Reads(run.api, NO_RETRY) as reads:
            found = check(config, SchemaReads(reads, config, start.id).finish(()))
        # That a file compares a column with a value of another type is its own affair.
        assert [each for each in found if each.level is Level.FAILED] == []
        plan = run.plan(config)
        if live is None:
            run.carry_out(plan)
            plan = run.plan(config)
        assert plan.pending == ()
