"""Shell completion: what is offered, and that real shells make one word of it."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import shlex
import shutil
import signal
import stat
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.shells import MINIMAL, Shell

from tdxwrap.fake.control import World

pytestmark = pytest.mark.usefixtures("tdx_inside")

ODD = "顧客 \"360\" `prod` \\ 'jp' ]"
SETUP = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], 'eval "$(tdxwrap completion bash)"'),
    "zsh": (["zsh", "-f", "-i"], 'autoload -U compinit; compinit -u; eval "$(tdxwrap completion)"'),
    "fish": (["fish", "--no-config", "-i"], "tdxwrap completion fish | source"),
}
SHELLS = [
    pytest.param(name, marks=pytest.mark.skipif(not shutil.which(name), reason=f"no {name} here"))
    for name in SETUP
]


@pytest.fixture
def user(new_world: Callable[..., World], new_shell: Callable[..., Shell]) -> Shell:
    """A user who has asked for a status, and so has had the segments listed."""
    shell = new_shell(new_world("troubles"))
    assert shell.run("status", "500004").code == 0
    return shell


def offered(shell: Shell, *words: str, **env: str) -> list[str]:
    """What is offered for the last word, as bash is told it."""
    asked = {"COMP_WORDS": "\n".join(("tdxwrap", *words)), "COMP_CWORD": str(len(words))}
    done = shell.run(**asked, _TDXWRAP_COMPLETE="bash_complete", **env)
    assert (done.code, done.err) == (0, "")
    values = (line.partition(",")[2] for line in done.out.splitlines() if line)
    # As the shell reads it again.
    return [shlex.split(value)[0] for value in values]


def files(shell: Shell) -> list[Path]:
    return list(shell.home.rglob("segments/*"))


def test_commands_and_options(shell: Shell) -> None:
    assert "status" in offered(shell, "st")
    assert offered(shell, "runs", "sh") == ["show"]
    assert offered(shell, "apply", "--pru") == ["--prune"]
    assert offered(shell, "plan", "--prof") == ["--profile"]
    assert offered(shell, "completion", "--js") == ["--json"]


def test_a_config_is_a_yaml_file_or_on_the_way_to_one(shell: Shell) -> None:
    for name in ("rt.yaml", "my config.yml", "notes.txt", ".hidden.yaml", "sub/客.yaml", "sub/x"):
        (shell.cwd / name).parent.mkdir(exist_ok=True)
        shell.write(name, "")
    assert offered(shell, "plan", "") == ["my config.yml", "rt.yaml", "sub/"]
    assert offered(shell, "apply", "--yes", "r") == ["rt.yaml"]
    assert offered(shell, "check", "sub/") == ["sub/客.yaml"]
    assert offered(shell, "check", ".") == [".hidden.yaml"]
    assert offered(shell, "check", "nowhere/") == []
    assert offered(shell, "apply", "--rt-config", "no") == ["notes.txt"]


def test_a_file_that_the_line_names_is_not_offered_again(shell: Shell) -> None:
    for name in ("a.yaml", "b.yaml"):
        shell.write(name, "")
    assert offered(shell, "apply", "a.yaml", "") == ["b.yaml"]
    assert offered(shell, "verify", "") == ["a.yaml", "b.yaml"]


def test_values_that_are_known_are_offered(shell: Shell) -> None:
    shell.write("a.yaml", "")
    assert offered(shell, "--site", "") == ["us01", "jp01", "eu01", "ap02"]
    assert offered(shell, "plan", "--site", "e") == ["eu01"]
    assert offered(shell, "completion", "") == ["bash", "zsh", "fish"]
    assert "lost-answer" in offered(shell, "rehearse", "--fault", "l")
    assert "apply" in offered(shell, "schema", "--output-of", "")
    assert offered(shell, "--tdx", "a") == ["a.yaml"]
    assert offered(shell, "runs", "show", "") == ["last", "a.yaml"]


def test_runs_are_offered_by_their_ids_newest_first(user: Shell) -> None:
    user.run("apply", MINIMAL, "--parent-segment", "500001", "--yes")
    user.run("apply", MINIMAL, "--parent-segment", "500001", "--yes")
    listed = [run["id"] for run in user.run("runs", "--json").json["runs"]]
    assert len(listed) == 2
    for words in (("runs", "show", "2"), ("export", "--before", "2"), ("rehearse", "--from", "2")):
        assert offered(user, *words) == listed


def test_segments_are_those_of_the_last_list(user: Shell) -> None:
    calls = World(user.environ["FAKE_TDX_STATE"]).calls()
    for words in (("status", ""), ("plan", "--parent-segment", ""), ("verify", "")):
        found = offered(user, *words)
        assert {"Customers", "Numbers", ODD, "500001", "500002", "500004"} <= set(found)
        assert found.count("Customers") == 1
        assert "Batch only" not in found
    assert offered(user, "export", "顧") == [ODD]
    assert offered(user, "wait", "50000") == ["500001", "500002", "500004", "500005"]
    # bash makes a word of the equals sign
    assert offered(user, "plan", "--parent-segment", "=", "Nu") == ["Numbers"]
    assert offered(user, "plan", "--parent-segment", "=")[0] == "Customers"
    assert World(user.environ["FAKE_TDX_STATE"]).calls() == calls


def test_segments_are_kept_for_each_profile_and_site_and_for_nobody_else(user: Shell) -> None:
    assert offered(user, "--profile", "other", "status", "") == []
    assert offered(user, "--site", "jp01", "status", "") == []
    assert offered(user, "status", "", TDX_PROFILE="other") == []
    assert offered(user, "status", "", TDXWRAP_PROFILE="other") == []
    (kept,) = files(user)
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    "text", ["", "{", "null", "3", '[["only one"]]', '["ab"]', "[" * 100_000, "\udcff\udcfe"]
)
def test_a_broken_memory_offers_nothing(user: Shell, text: str) -> None:
    (kept,) = files(user)
    kept.write_bytes(text.encode("utf-8", "surrogateescape"))
    assert offered(user, "status", "5") == []
    kept.unlink()
    kept.mkdir()
    assert offered(user, "status", "5") == []
    assert user.run("status", "500004").code == 0


def test_without_a_home_nothing_is_remembered(user: Shell) -> None:
    assert offered(user, "status", "", HOME="") == []
    assert user.run("status", "500004", HOME="").code == 0


def test_a_name_that_would_break_the_line_is_left_out(
    new_world: Callable[..., World], new_shell: Callable[..., Shell]
) -> None:
    segments = [{"id": "1", "name": "two\nlines"}, {"id": "2", "name": "bell\a"}]
    shell = new_shell(new_world({"segments": [*segments, {"id": "3", "name": "a, b"}]}))
    shell.run("status", "3")
    assert offered(shell, "status", "") == ["a, b", "3"]


# The scripts


def test_the_shell_is_the_users_own_unless_named(shell: Shell) -> None:
    for name in SETUP:
        done = shell.run("completion", name)
        assert (done.code, done.err) == (0, "")
        assert f"{name}_complete" in done.out
        assert shell.run("completion", SHELL=f"/usr/bin/{name}").out == done.out
        assert shell.run("completion", name, "--json").json["script"] == done.out
    for args, env in ((("tcsh",), {}), ((), {"SHELL": "/bin/sh"}), ((), {"SHELL": ""})):
        done = shell.run("completion", *args, **env)
        assert done.code == 2
        assert "name one of bash, zsh, fish" in done.err


class Typing:
    """An interactive shell on a pseudo-terminal that knows `tdxwrap`."""

    def __init__(self, name: str, user: Shell, folder: Path) -> None:
        tool = folder / "tdxwrap"
        tool.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m tdxwrap "$@"\n')
        tool.chmod(0o755)
        path = f"{folder}:{user.environ['PATH']}"
        shell = shutil.which(name) or name
        self.environ = {**user.environ, "PATH": path, "SHELL": shell, "LC_ALL": "C.UTF-8"}
        command, setup = SETUP[name]
        self.terminal, child = pty.openpty()
        self.process = subprocess.Popen(
            command,
            cwd=user.cwd,
            env={**self.environ, "TERM": "xterm", "PS1": "", "COLUMNS": "200"},
            stdin=child,
            stdout=child,
            stderr=child,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(child)
        self.seen = ""
        self.type(f"{setup}; echo read''y\n", "ready")

    def type(self, keys: str, awaited: str) -> str:
        """Type, and wait until a text appears; all that has appeared meanwhile."""
        before = len(self.seen)
        os.write(self.terminal, keys.encode())
        while awaited not in plain(self.seen[before:]):
            ready, _, _ = select.select([self.terminal], [], [], 30)
            assert ready, self.seen[before:]
            self.seen += os.read(self.terminal, 65_536).decode("utf-8", "replace")
        return plain(self.seen[before:])


def plain(text: str) -> str:
    return re.sub(r"\x1b(\[[0-9;?]*[a-zA-Z]|[()][A-Z0-9]|[=>]|\][^\a]*\a)", "", text)


@pytest.fixture
def typing(request: pytest.FixtureRequest, user: Shell, tmp_path: Path) -> Iterator[Typing]:
    typing = Typing(request.param, user, tmp_path)
    yield typing
    os.killpg(typing.process.pid, signal.SIGKILL)
    typing.process.wait()
    os.close(typing.terminal)


@pytest.mark.parametrize("typing", SHELLS, indirect=True)
def test_in_a_real_shell_a_name_is_one_word(typing: Typing, user: Shell) -> None:
    shutil.copy(MINIMAL, user.cwd / "my own.yaml")
    typing.type("tdxwrap stat\t顧\t", "jp")
    typing.type("\n", "(500004)")
    typing.type("tdxwrap check my\t", "own")
    typing.type("\n", "is valid")
    (user.cwd / "sub").mkdir()
    shutil.copy(MINIMAL, user.cwd / "sub" / "rt.yaml")
    typing.type("tdxwrap check sub\tr\t", "rt.yaml")
    typing.type("\n", "is valid")
