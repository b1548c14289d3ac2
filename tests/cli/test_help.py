"""The help: a screen for each command, grouped, with examples; and hints for what was mistyped."""

from __future__ import annotations

import re

import click
import pytest
from support.commandlines import commands, parse
from support.shells import WEB, Shell

from tdxwrap.cli.main import SECTIONS
from tdxwrap.cli.options import GLOBAL_OPTIONS

pytestmark = pytest.mark.usefixtures("tdx_inside")

COMMANDS = dict(commands())


def help_of(shell: Shell, name: str) -> str:
    done = shell.run(*name.split(), "--help", COLUMNS="80")
    assert (done.code, done.err) == (0, "")
    assert done.out == shell.run(*name.split(), "-h", COLUMNS="80").out
    return done.out


def assert_fits_a_screen(text: str) -> None:
    lines = text.splitlines()
    assert len(lines) <= 24, text
    assert max(map(len, lines)) <= 80, text
    # No explanation was cut; the usage line may end so.
    assert not any(line.endswith("...") for line in lines[1:]), text


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_a_command(shell: Shell, name: str) -> None:
    text = help_of(shell, name)
    assert_fits_a_screen(text)
    assert re.search(r"--profile, --site, --json, -q, -v, --tdx\W.*--help-options", text)
    for param in COMMANDS[name].params:
        if isinstance(param, click.Option):
            assert any(option in text for option in (*param.opts, *param.secondary_opts)), param


@pytest.mark.parametrize("name", COMMANDS)
def test_examples_are_command_lines(shell: Shell, name: str) -> None:
    text = help_of(shell, name)
    examples = re.findall(r"^  (tdxwrap .*?)(?:   .*| [>|] .*)?$", text, re.MULTILINE)
    if name == "completion":
        examples += re.findall(r"tdxwrap completion \w+", text)
    assert examples, text
    assert {parse(example).split()[0] for example in examples} == {name.split()[0]}


def test_help_of_the_whole(shell: Shell) -> None:
    text = help_of(shell, "")
    assert_fits_a_screen(text)
    assert text.splitlines()[2:4] == [
        "  The realtime configuration of a parent segment, from a YAML file:",
        "  tdxwrap check rt.yaml; tdxwrap plan rt.yaml; tdxwrap apply rt.yaml",
    ]
    order = [text.index(section) for section in ("\nStart", "\nEveryday", "\nMore", "\nOptions")]
    assert order == sorted(order)
    for name in (name for names in SECTIONS.values() for name in names):
        assert re.search(rf"^.{{10}}{name}  ", text, re.MULTILINE), name
    assert text.index(" apply ") < text.index("\nMore") < text.index(" runs ")
    named = text[order[-1] :].split()
    explained = shell.run("--help-options", COLUMNS="80")
    assert explained.code == 0
    assert_fits_a_screen(explained.out)
    for option in GLOBAL_OPTIONS:
        assert max(option.opts, key=len) in named
        assert re.search(rf"^(-\w, )?{max(option.opts, key=len)}\b.*  \w", explained.out, re.M)


@pytest.mark.parametrize(
    ("args", "said", "meant"),
    [
        (("aply", "rt.yaml"), "'aply'", "apply"),
        (("runs", "shw"), "'shw'", "show"),
        (("plan", "rt.yaml", "--markdow"), "'--markdow'", "--markdown"),
        (("plan", "rt.yaml", "--tmieout", "3"), "'--tmieout'", "--timeout"),
        (("--verbos", "plan", "rt.yaml"), "'--verbos'", "--verbose"),
        (("schema", "--output-of", "plam"), "plam", "plan"),
    ],
)
def test_did_you_mean(shell: Shell, args: tuple[str, ...], said: str, meant: str) -> None:
    done = shell.run(*args)
    first, second = done.err.splitlines()
    assert (done.code, done.out) == (2, "")
    assert first.startswith("✗ ")
    assert said in first
    assert second.startswith(f"  next       did you mean {meant}?")


@pytest.mark.parametrize("command", ["plan", "apply", "recipe"])
@pytest.mark.parametrize("option", ["--prun", "--replac", "--forse", "--yess", "--plane", "--ye"])
def test_no_hint_proposes_what_takes_something_away(
    shell: Shell, command: str, option: str
) -> None:
    done = shell.run(command, WEB, option)
    assert done.code == 2
    assert not re.search("--(prune|replace|force|yes)\\b", done.err), done.err


@pytest.mark.parametrize(
    ("args", "see"),
    [
        (("plan",), "tdxwrap plan --help"),
        (("status", "a", "b"), "tdxwrap status --help"),
        (("--retries", "many", "plan", "a"), "tdxwrap --help"),
        (("apply", "a", "--jobs", "0"), "tdxwrap apply --help"),
        (("xyzzy",), "tdxwrap --help"),
    ],
)
def test_every_wrong_usage_says_what_and_what_next(
    shell: Shell, args: tuple[str, ...], see: str
) -> None:
    done = shell.run(*args)
    what, following = done.err.splitlines()
    assert done.code == 2
    assert what.startswith("✗ ")
    assert following == f"  next       see {see}"
