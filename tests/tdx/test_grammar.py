"""What tdxwrap knows of the command line of tdx agrees with the fake tdx."""

from __future__ import annotations

from tdxwrap.fake import args
from tdxwrap.tdx import grammar


def test_the_commands_are_those_of_the_fake() -> None:
    assert set(args.COMMANDS) == grammar.COMMANDS


def test_the_options_with_a_value_are_those_of_the_fake() -> None:
    assert {*args.VALUES, *args.API_VALUES} == grammar.VALUE_OPTIONS


def test_the_longest_command_is_found() -> None:
    assert grammar.command_of(["ps", "rt", "list"]) == ("ps", "rt", "list")
    assert grammar.command_of(["ps", "view", "list"]) == ("ps", "view")
    assert grammar.command_of(["what", "ever"]) == ()
