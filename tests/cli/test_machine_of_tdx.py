"""A failure of tdx's own machine has one cause and one advice, whatever command meets it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support.shells import MINIMAL, Shell

from tdxwrap.fake.control import World

pytestmark = pytest.mark.usefixtures("tdx_inside")

KEY = "1/" + "d" * 40
COMMANDS = (
    ("plan", MINIMAL),
    ("apply", MINIMAL, "--yes"),
    ("status", "394649"),
    ("wait", "394649"),
    ("doctor", MINIMAL),
)
OWN = {
    "Error: User interaction is not allowed.": (
        "the keychain: it is locked, or there is none",
        "export TDX_API_KEY=your_master_api_key",
    ),
    "Error: EACCES: permission denied, open '/home/me/.config/tdx/tdx.json'": (
        "tdx cannot use a file of its own",
        "look with: ls -l",
    ),
    "Error: tunneling socket could not be established, statusCode=407": (
        "the proxy between tdx and the API refuses",
        "HTTPS_PROXY",
    ),
}


def said_by(shell: Shell, *args: object, **env: str) -> str:
    done = shell.run(*map(str, args), **env)
    assert done.code == 3, done.text
    text = " ".join(done.text.split())
    for word in ("whether a write", "before it writes", "administrator", "fix the configuration"):
        assert word not in text
    return text


@pytest.mark.parametrize("text", OWN)
def test_every_command_tells_the_same_cause_and_advice(
    text: str, world: World, shell: Shell
) -> None:
    for args in COMMANDS:
        world.add_fault("own-failure", times=0, text=text)
        said = said_by(shell, *args)
        for each in OWN[text]:
            assert each in said, args
        world.clear_faults()
    assert world.writes() == []


@pytest.mark.parametrize(
    ("options", "env", "cause", "advice"),
    [
        ((), {}, "TD_API_KEY environment variable not set", "export TD_API_KEY="),
        ((), {"TDX_API_KEY": KEY}, "the credentials from TDX_API_KEY", "a valid key"),
        (
            ("--profile", "my-prod"),
            {},
            "not logged in with profile my-prod",
            "tdx --profile my-prod auth setup",
        ),
        (
            ("--profile", "my-prod"),
            {"TDX_API_KEY_MY_PROD": KEY},
            "the credentials from TDX_API_KEY_MY_PROD",
            "a valid key of profile my-prod",
        ),
    ],
)
def test_an_expired_session_is_told_as_the_person_is_logged_in(
    options: tuple[str, ...],
    env: dict[str, str],
    cause: str,
    advice: str,
    new_world: Callable[..., World],
    new_shell: Callable[..., Shell],
) -> None:
    world = new_world()
    shell = new_shell(world)
    for args in COMMANDS:
        world.add_fault("own-failure", times=0, text="Error: Your session has expired.")
        said = said_by(shell, *options, *args, **env)
        assert cause in said, args
        assert advice in said, args
        world.clear_faults()


def test_the_key_of_a_profile_is_the_one_that_tdx_would_take(world: World, shell: Shell) -> None:
    world.add_fault("own-failure", times=0, text="Error: the keychain is locked")
    said = said_by(shell, "--profile", "my-prod", "plan", MINIMAL)
    assert "export TDX_API_KEY_MY_PROD=your_master_api_key" in said
    world.clear_faults()


def test_a_read_that_failed_says_nothing_of_writes(world: World, shell: Shell) -> None:
    world.add_fault("own-failure", {"path": "realtime_setting"}, times=0, text="Error: what?")
    done = shell.run("plan", str(MINIMAL), TDXWRAP_RETRIES="0")
    assert done.code == 5
    assert "run the tdx command by itself to see more" in done.err
    assert "write" not in done.err
    world.clear_faults()
