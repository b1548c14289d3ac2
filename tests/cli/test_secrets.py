"""No key or token appears anywhere, whatever tdx echoes and wherever a user puts it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support.shells import MINIMAL, WEB, Shell

from tdxwrap.fake.control import World

KEY = "4321/" + "0123456789abcdef0123456789abcdef01234567"
OTHER = "9876/" + "fedcba9876543210fedcba9876543210fedcba98"
TOKEN = "tok-5f2e8a7b9c1d4e6f"
SECRETS = (KEY, OTHER, TOKEN, KEY.split("/")[1], OTHER.split("/")[1])
ENVIRON = {"TD_API_KEY": KEY, "TDX_API_KEY_PRODUCTION": OTHER, "TDX_ACCESS_TOKEN": TOKEN}

COMMANDS: tuple[tuple[str | Path, ...], ...] = (
    ("plan", MINIMAL, "--json"),
    ("plan", MINIMAL, "--markdown"),
    ("apply", MINIMAL, "--yes", "-v"),
    ("apply", MINIMAL, "--yes", "--json"),
    ("verify", MINIMAL),
    ("export", "394649", "--json"),
    ("status", "394649"),
    ("wait", "394649", "--wait-timeout", "0.5"),
    ("doctor", MINIMAL),
    ("doctor", MINIMAL, "--json"),
)


@pytest.fixture
def user(new_world: Callable[..., World], new_shell: Callable[..., Shell]) -> Shell:
    world = new_world()
    world.set_credentials(keychain={}, keys={TOKEN: next(iter(world.state()["accounts"]))})
    # Every call says every key that it finds, on every channel.
    world.add_fault("echo-secrets", times=0)
    return new_shell(world)


def written(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    "args", COMMANDS, ids=lambda args: " ".join(map(str, (args[0], *args[2:])))
)
def test_no_secret_is_printed_or_written(user: Shell, args: tuple[str | Path, ...]) -> None:
    done = user.run(*args, "--journal", "run.jsonl", **ENVIRON)

    assert done.code in (0, 4, 5, 6, 7), done.text
    files = [*written(user.home), *written(user.cwd)]
    assert any(path.suffix == ".jsonl" for path in files)
    for secret in SECRETS:
        assert secret not in done.text
        for path in files:
            assert secret not in path.read_text(encoding="utf-8", errors="replace"), path


@pytest.mark.parametrize("command", ["check", "plan"])
def test_a_secret_that_a_file_takes_from_the_environment_is_not_shown(
    shell: Shell, command: str
) -> None:
    text = WEB.read_text().replace("description: Any page view", "description: key ${NOTE}")
    right = shell.write("right.yaml", text)
    wrong = shell.write("wrong.yaml", text.replace("duration: 1 day", "duration: ${NOTE}"))
    for path in (right, wrong):
        done = shell.run(command, path, TD_API_KEY=KEY, NOTE=KEY)
        assert KEY not in done.text
        assert KEY.split("/")[1] not in done.text
    assert "[redacted]" in done.text


@pytest.mark.parametrize("reference", ["${DEPLOY_SECRET}", "a ${DEPLOY_SECRET:-b} c"])
def test_a_variable_with_the_name_of_a_credential_is_not_substituted(
    shell: Shell, world: World, reference: str
) -> None:
    text = WEB.read_text().replace("Any page view", f'"{reference}"')
    config = shell.write("rt.yaml", text)
    line = next(n for n, row in enumerate(text.splitlines(), 1) if reference in row)
    for command in ("check", "plan", "apply", "recipe"):
        done = shell.run(command, config, DEPLOY_SECRET="hunter2-hunter2")
        assert done.code == 2
        assert f"rt.yaml:{line}:" in done.err
        assert "the environment variable DEPLOY_SECRET is a credential by its name" in done.err
        assert "hunter2" not in done.text
    assert world.calls() == []


def test_values_of_credentials_are_redacted_and_change_no_data(
    new_world: Callable[..., World], new_shell: Callable[..., Shell]
) -> None:
    shell = new_shell(new_world("half-configured"))
    weak = {"POSTGRES_PASSWORD": "web_events"}  # an ordinary word, and the name of a database
    assert shell.run("export", "394649", "-f", "clear.yaml").code == 0

    plan = shell.run("plan", "clear.yaml", **weak)
    assert (plan.code, plan.out.splitlines()[0][:12]) == (0, "Customer 360")
    assert "nothing to change" in plan.out
    to_file = ("export", "394649", "-f", "hidden.yaml")
    for args in (("export", "394649"), to_file, ("runs", "show", "last")):
        assert "web_events" not in shell.run(*args, **weak).text
    hidden = (shell.cwd / "hidden.yaml").read_text()
    assert "[redacted].pageviews" in hidden
    # What is hidden in a file must not be written to a segment.
    for text in (hidden, MINIMAL.read_text() + "id_stitching: {keys: ['[redacted]_id']}\n"):
        assert shell.run("check", shell.write("rt.yaml", text)).code == 2


@pytest.mark.parametrize("columns", [40, 80])
def test_a_fold_takes_no_secret_apart(shell: Shell, columns: int) -> None:
    token = "eyJ" + "hbGciOiJIUzI1NiJ9" * 10
    config = shell.write("rt.yaml", f"{MINIMAL.read_text()}{token}: 1\n{KEY}: 2\n")

    done = shell.terminal("check", config, columns=columns, TD_API_KEY=KEY, TDX_ACCESS_TOKEN=token)

    shown = "".join(done.text.split())
    assert "[redacted]" in shown
    for secret in (token, KEY, KEY.split("/")[1]):
        assert secret not in shown
