"""The account that the person chose: who tells it, and that it stays (F4, F5, F34)."""

from __future__ import annotations

import json
import os
import pty
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support.shells import FAKE_TDX, MINIMAL, STARTED, Ran, Shell, converse
from support.worlds import shipped

from tdxwrap.fake.control import World

pytestmark = pytest.mark.usefixtures("tdx_inside")

KEYS = {"key-main": "main", "key-acme": "acme"}
KEYCHAIN = {"default": "key-main", "staging": "key-acme"}
TDXWRAP = shlex.join([sys.executable, str(STARTED)])


@pytest.fixture
def world(new_world: Callable[..., World]) -> World:
    """Two accounts, each with the parent segment 394649; the profile staging opens acme."""
    blank = shipped("blank")
    account = {name: blank[name] for name in ("databases", "segments")}
    other = {**account, "segments": [{**blank["segments"][0], "name": "Main 360"}]}
    return new_world(
        {
            "accounts": {"main": other, "acme": {**account, "id": "1234"}},
            "tdx": {"credentials": {"keychain": KEYCHAIN, "keys": KEYS}},
        }
    )


def configured(world: World) -> list[str]:
    """The accounts in which something is configured."""
    return [name for name in KEYS.values() if world.segment("394649", name)["realtime"]]


def demanding(shell: Shell, account: str) -> Path:
    return shell.write("rt.yaml", f"account: {account}\n{MINIMAL.read_text()}")


# What tdx tells


FORMS = {
    "flat": "account acme · profile staging · us01",
    "nested": "account acme · profile staging · us01",
    "silent": "profile staging · us01 · account not told by tdx",
    "absent": "profile staging · account not told by tdx",
}


@pytest.mark.parametrize("form", FORMS)
def test_the_plan_says_in_which_account_it_is(shell: Shell, world: World, form: str) -> None:
    world.set("tdx.status", form)
    done = shell.run("plan", MINIMAL, "--profile", "staging")
    assert done.code == 0, done.text
    assert f"Customer 360 (394649) · {FORMS[form]} · RT status" in done.out


def test_a_plan_says_what_tdx_does_not_tell(shell: Shell, world: World) -> None:
    world.set("tdx.status", "silent")
    done = shell.run("plan", MINIMAL)
    assert "· current tdx profile · us01 · account and profile not told by tdx ·" in done.out


def test_json_and_journal_hold_account_profile_and_site(shell: Shell, world: World) -> None:
    world.set("tdx.status", "nested")
    done = shell.run("apply", MINIMAL, "--yes", "--json", "--profile", "staging")
    told = {"account": "acme", "account_id": "1234", "profile": "staging", "site": "us01"}
    assert told.items() <= done.file.items()
    assert done.file["console"] == "https://console-next.us01.treasuredata.com/app/ps/394649"
    lines = Path(done.file["journal"]).read_text().splitlines()
    (line,) = (line for line in map(json.loads, lines) if line["type"] == "context")
    assert told.items() <= line.items()
    shared = shell.run("runs", "export", "last", "--redact")
    assert "acme" not in shared.out
    assert configured(world) == ["acme"]


# The account that a file demands


@pytest.mark.parametrize("form", ["flat", "nested", "silent", "absent"])
@pytest.mark.parametrize("command", ["plan", "apply", "verify", "doctor"])
def test_another_account_ends_the_run(shell: Shell, world: World, form: str, command: str) -> None:
    world.set("tdx.status", form)
    done = shell.run(command, demanding(shell, "acme"))
    assert done.code == 3, done.text
    assert "this is the account main, and the file demands acme" in done.err
    assert "Customer 360" not in done.text
    assert world.writes() == []
    assert shell.run(command, "rt.yaml", "--profile", "staging").code in (0, 2, 7)


@pytest.mark.parametrize("name", ["acme", "'1234'", "1234"])
def test_the_account_is_known_by_name_or_id(shell: Shell, world: World, name: str) -> None:
    world.set("tdx.status", "nested")
    config = demanding(shell, name)
    assert shell.run("apply", config, "--profile", "staging", "--yes").code == 0
    assert configured(world) == ["acme"]


def test_where_tdx_tells_no_account_plan_warns_and_apply_ends(shell: Shell, world: World) -> None:
    world.set("tdx.status", "silent")
    world.set("tdx.auth", "bare")
    config = demanding(shell, "acme")
    what = "tdx does not tell whether this is the account acme"
    planned = shell.run("plan", config, "--profile", "staging")
    assert (planned.code, f"! {what}" in planned.err) == (0, True), planned.text
    done = shell.run("apply", config, "--profile", "staging", "--yes")
    assert (done.code, what in done.err) == (3, True), done.text
    assert "tdx said   Authenticated" in done.err
    assert world.writes() == []


def test_the_account_may_stand_in_a_base(shell: Shell, world: World) -> None:
    shell.write("base.yaml", "account: acme\n")
    config = shell.write("brand.yaml", f"extends: base.yaml\n{MINIMAL.read_text()}")
    assert shell.run("plan", config).code == 3
    assert shell.run("plan", config, "--profile", "staging").code == 0


@pytest.mark.skipif(shutil.which("jq") is None, reason="the script needs jq")
@pytest.mark.parametrize("form", ["flat", "nested", "silent", "absent"])
@pytest.mark.long
def test_a_script_demands_the_account_too(shell: Shell, world: World, form: str) -> None:
    world.set("tdx.status", form)
    text = shell.run("recipe", demanding(shell, "acme")).out
    shell.write("step7.sh", text)
    done = in_shell(shell, "bash step7.sh", TDX=str(FAKE_TDX))
    assert done.code == 3, done.text
    assert "this is the account main, and the file demands acme" in done.err
    assert world.writes() == []
    there = in_shell(shell, "bash step7.sh", TDX=str(FAKE_TDX), TDX_PROFILE="staging")
    assert there.code == 0, there.text
    assert configured(world) == ["acme"]


@pytest.mark.skipif(shutil.which("jq") is None, reason="the script needs jq")
def test_a_script_ends_where_tdx_tells_no_account(shell: Shell, world: World) -> None:
    world.set("tdx.status", "silent")
    world.set("tdx.auth", "bare")
    shell.write("step7.sh", shell.run("recipe", demanding(shell, "acme")).out)
    done = in_shell(shell, "bash step7.sh", TDX=str(FAKE_TDX), TDX_PROFILE="staging")
    assert done.code == 3, done.text
    assert "tdx does not tell whether this is the account acme" in done.err
    assert world.writes() == []


@pytest.mark.skipif(shutil.which("jq") is None, reason="the script needs jq")
@pytest.mark.long
def test_a_script_knows_the_account_by_its_id(shell: Shell, world: World) -> None:
    world.set("tdx.status", "nested")
    shell.write("step7.sh", shell.run("recipe", demanding(shell, "1234")).out)
    done = in_shell(shell, "bash step7.sh", TDX=str(FAKE_TDX), TDX_PROFILE="staging")
    assert done.code == 0, done.text


# Whose choice counts


def in_shell(shell: Shell, script: str, **environ: str) -> Ran:
    """Run a script in a shell as a person has one: it leads a session, and lives to the end."""
    done = subprocess.run(
        ["/bin/sh", "-c", f"{script}\nexit $?"],
        cwd=shell.cwd,
        env={**shell.environ, **environ},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        start_new_session=True,
        timeout=100,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


USE = f"{FAKE_TDX} use profile staging >/dev/null"


def on_terminal(shell: Shell, script: str, answers: list[tuple[str, Callable[[], str]]]) -> Ran:
    """Run a script in a shell on a terminal."""
    parent, child = pty.openpty()
    with subprocess.Popen(
        ["/bin/sh", "-c", script],
        cwd=shell.cwd,
        env={**shell.environ, "TERM": "xterm-256color"},
        stdin=child,
        stdout=child,
        stderr=child,
        start_new_session=True,
    ) as process:
        os.close(child)
        seen = converse(parent, answers)
        code = process.wait(30)
    os.close(parent)
    return Ran(code, seen, "")


def launched(launcher: str, args: str) -> str:
    """The command line of a tdxwrap behind a launcher that has chosen nothing."""
    command = f"{TDXWRAP} {args}"
    if launcher == "sh":
        return f"/bin/sh -c {shlex.quote(f'{command}; exit $?')}"
    if launcher == "make":
        rule = f"all:\n\t@{command}; exit $$?\n"
        return f"printf %s {shlex.quote(rule)} > Makefile; make -s"
    code = f"import subprocess, sys; sys.exit(subprocess.call({command.split()!r}))"
    return f"{sys.executable} -c {shlex.quote(code)}"


LAUNCHERS = ("python", "make", "sh")


# Who stands between is one thing, how tdx tells what was chosen another.
@pytest.mark.parametrize(
    ("launcher", "form"), [("python", "flat"), ("make", "nested"), ("sh", "flat")]
)
def test_behind_a_launcher_the_choice_of_the_shell_counts(
    shell: Shell, world: World, launcher: str, form: str
) -> None:
    world.set("tdx.status", form)
    done = in_shell(shell, f"{USE}; {launched(launcher, f'plan {MINIMAL}')}")
    assert done.code == 0, done.text
    assert "Customer 360 (394649) · account acme · profile staging, chosen in process" in done.out
    # What was read in the other account is gone: shown, recorded and cached is this one.
    kept = [*(shell.home / ".local").rglob("*.json*")]
    assert kept
    assert "Main 360" not in done.text + "".join(file.read_text() for file in kept)


@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_a_farther_choice_is_no_reason_to_write_unasked(
    shell: Shell, world: World, launcher: str
) -> None:
    done = in_shell(shell, f"{USE}; {launched(launcher, f'apply {MINIMAL} --yes')}")
    assert done.code == (2 if launcher == "make" else 3), done.text
    assert "if that is the account you mean, add --profile staging" in done.err
    assert configured(world) == []


@pytest.mark.long
def test_a_farther_choice_is_written_to_where_it_is_named(shell: Shell, world: World) -> None:
    line = launched("python", f"apply {MINIMAL} --yes --profile staging")
    named = in_shell(shell, f"{USE}; {line}")
    assert named.code == 0, named.text
    assert configured(world) == ["acme"]


def test_on_a_terminal_a_farther_choice_stands_in_the_question(shell: Shell, world: World) -> None:
    script = f"{USE}; {launched('sh', f'apply {MINIMAL}')}\nexit $?"
    done = on_terminal(shell, script, [("[y/N]", lambda: "y\n")])
    assert done.code == 0, done.out
    shown = " ".join(re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", done.out).split())
    assert "account acme, profile staging, chosen in process" in shown
    assert configured(world) == ["acme"]


@pytest.mark.long
def test_what_the_nearest_process_chose_counts(shell: Shell, world: World) -> None:
    use = f"{FAKE_TDX} use profile default >/dev/null; {FAKE_TDX} use site us01 >/dev/null"
    inner = f"{FAKE_TDX} use profile staging > /dev/null; {TDXWRAP} apply {MINIMAL} --yes; exit $?"
    done = in_shell(shell, f"{use}; /bin/sh -c {shlex.quote(inner)}")
    assert done.code == 0, done.text
    assert configured(world) == ["acme"]


@pytest.mark.long
def test_behind_a_launcher_without_a_choice_all_is_as_ever(shell: Shell, world: World) -> None:
    done = in_shell(shell, launched("python", f"apply {MINIMAL} --yes"))
    assert done.code == 0, done.text
    assert configured(world) == ["main"]


@pytest.mark.parametrize("form", [pytest.param("silent", marks=pytest.mark.long), "absent"])
def test_a_tdx_that_tells_no_name(shell: Shell, world: World, form: str) -> None:
    world.set("tdx.status", form)
    done = in_shell(shell, f"{USE}; {launched('python', f'plan {MINIMAL}')}")
    assert done.code == 0, done.text
    assert "account and profile not told by tdx" in done.out
    # Without `tdx status` nobody can say what was chosen above.
    assert ("Customer 360 (394649)" in done.out) == (form == "silent")
    applied = in_shell(shell, f"{USE}; {launched('python', f'apply {MINIMAL} --yes')}")
    assert applied.code == (3 if form == "silent" else 0)
    assert ("set TDX_SESSION=" in applied.err) == (form == "silent")


@pytest.mark.parametrize(
    ("args", "environ"),
    [
        (("--profile", "staging"), {}),
        ((), {"TDX_PROFILE": "staging"}),
        ((), {"TDX_SESSION": "mine"}),
    ],
)
def test_where_a_context_is_given_no_other_session_is_asked(
    shell: Shell, world: World, args: tuple[str, ...], environ: dict[str, str]
) -> None:
    line = shlex.join(["plan", str(MINIMAL), *args])
    done = in_shell(shell, f"{USE}; {launched('python', line)}", **environ)
    assert done.code == 0, done.text
    assert len([call for call in world.calls() if "status" in call.argv]) == 1


def test_a_probe_that_fails_is_not_taken_for_an_answer(shell: Shell, world: World) -> None:
    world.add_fault("http", {"command": "status"}, times=6, status=503, when="before")
    line = launched("python", f"apply {MINIMAL} --yes --retries 1")
    done = in_shell(shell, f"{USE}; {line}")
    assert done.code == 3, done.text
    assert "whose choice of a profile counts could not be found out" in done.err
    assert configured(world) == []


def test_the_reads_do_not_wait_for_the_probes(shell: Shell, world: World) -> None:
    world.set("tdx.latency_ms", 700)
    in_shell(shell, launched("python", f"plan {MINIMAL}"))
    calls = world.calls()
    ends = [call.started + (call.seconds or 0) for call in calls if "status" in call.argv]
    assert len(ends) >= 3
    assert max(call.started for call in calls) < min(ends)


# It stays


def switch(world: World, profile: str = "", site: str = "") -> str:
    """Choose another profile or site in the session of a run that is under way."""
    # Once it is pinned, a run may ask in another one.
    session = next(str(call.session) for call in world.calls() if "rt" in call.argv)
    environ = {**world.environ(), "TDX_SESSION": session}
    words = ("profile", profile) if profile else ("site", site)
    subprocess.run([FAKE_TDX, "use", *words], env={**os.environ, **environ}, check=True)
    return "y\n"


@pytest.mark.parametrize("form", ["flat", "nested"])
@pytest.mark.parametrize(("first", "then"), [("staging", "default"), ("default", "staging")])
def test_what_is_chosen_during_a_run_does_not_count(
    shell: Shell, world: World, form: str, first: str, then: str
) -> None:
    world.set("tdx.status", form)
    assert shell.start("status", "394649").end().code == 0
    if first != "default":
        switch(world, first)
    done = shell.terminal("apply", MINIMAL, answers=[("[y/N]", lambda: switch(world, then))])
    assert done.code == 0, done.out
    assert configured(world) == [{"default": "main", "staging": "acme"}[first]]


@pytest.mark.parametrize(
    ("chosen", "args"), [("staging", ()), ("", ("--profile", "staging")), ("", ())]
)
@pytest.mark.parametrize("beside", ["", "us01"])
def test_a_site_that_is_chosen_during_a_run_does_not_count(
    shell: Shell, world: World, chosen: str, args: tuple[str, ...], beside: str
) -> None:
    assert shell.start("status", "394649").end().code == 0
    if chosen:
        switch(world, chosen)
    if beside:
        switch(world, site=beside)
    answers = [("[y/N]", lambda: switch(world, site="jp01"))]
    done = shell.terminal("apply", MINIMAL, *args, answers=answers)
    assert done.code == 0, done.out
    assert configured(world) == ["acme" if chosen or args else "main"]


def test_what_cannot_be_held_for_want_of_an_answer_ends_the_run(shell: Shell, world: World) -> None:
    assert shell.start("status", "394649").end().code == 0
    switch(world, "staging")
    world.add_fault("http", {"command": "status"}, skip=2, times=4, status=503, when="before")
    done = shell.start("apply", MINIMAL, "--yes", "--retries", "1").end()
    assert done.code == 3, done.text
    assert "whose choice of a profile counts could not be found out" in done.err
    assert configured(world) == []


@pytest.mark.parametrize(("profile", "site"), [("staging", ""), ("", "jp01")])
def test_a_change_that_cannot_be_held_off_ends_the_run(
    shell: Shell, world: World, profile: str, site: str
) -> None:
    world.set("tdx.status", "silent")
    answers = [("[y/N]", lambda: switch(world, profile, site=site))]
    done = shell.terminal("apply", MINIMAL, answers=answers)
    assert done.code == 3, done.out
    assert "what tdx works on has changed since the run began" in " ".join(done.out.split())
    assert configured(world) == []
