"""Every exit code from the command line: what failed, what tdx said, what to do."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.shells import MINIMAL, WEB, Ran, Shell

from tdxwrap.fake.control import World

pytestmark = pytest.mark.usefixtures("tdx_inside")

KEY = "1/" + "c" * 40


def assert_error(done: Ran, code: int, *texts: str) -> None:
    assert done.code == code, done.text
    assert "Traceback" not in done.text
    for text in texts:
        assert text in done.err, done.err


def nothing_written(world: World) -> None:
    assert world.writes() == []
    assert world.segment("394649")["realtime"] is None


# 1: a bug


def test_a_bug_is_told_in_a_line_and_its_traceback_kept(shell: Shell) -> None:
    code = (
        "import sys; from tdxwrap.cli.check import check\n"
        "from tdxwrap.cli.command_line import run\n"
        "def broken(*args, **given): raise ZeroDivisionError('division of 1/" + "e" * 40 + "')\n"
        "check.callback = broken\n"
        "sys.exit(run(['check', 'rt.yaml']))"
    )
    done = shell.python(code)
    (kept,) = shell.cwd.glob("tdxwrap-bug-*.txt")
    assert done.code == 1
    assert "✗ a bug in tdxwrap: ZeroDivisionError: division of [redacted]" in done.err
    assert f"please report it with {kept}" in done.err
    assert "Traceback" not in done.err
    assert "in broken" in kept.read_text()
    assert "e" * 40 not in kept.read_text()


# 2: wrong usage or configuration


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (["diff", "rt.yaml"], "tdxwrap plan"),
        (["validate", "rt.yaml"], "tdxwrap check"),
        (["init"], "tdxwrap new"),
        (["aply", "rt.yaml"], "apply"),
        (["apply", "rt.yaml", "--dry-run"], "tdxwrap plan"),
        (["apply", "-n", "rt.yaml"], "tdxwrap plan"),
        (["apply", "rt.yaml", "--plan"], "tdxwrap plan"),
        (["apply", "rt.yaml", "-auto-approve"], "--yes"),
        (["apply", "rt.yaml", "--target", "1"], "--parent-segment"),
        (["apply", "rt.yaml", "--job", "2"], "--jobs"),
        (["runs", "--dryrun"], None),
        (["apply", "rt.yaml", "--prun"], None),
        (["apply", "rt.yaml", "--repalce"], None),
    ],
)
def test_words_of_other_tools_lead_here_and_no_hint_leads_into_danger(
    shell: Shell, world: World, typed: list[str], meant: str | None
) -> None:
    done = shell.run(*typed)
    assert_error(done, 2, "No such ", "--help")
    assert (f"did you mean {meant}? see " in done.err) is (meant is not None)
    assert ("did you mean" in done.err) is (meant is not None)
    assert world.calls() == []


def test_y_is_yes(shell: Shell) -> None:
    assert shell.run("apply", MINIMAL, "-y", "--no-wait").code == 0


def test_missing_file(shell: Shell, world: World) -> None:
    done = shell.run("apply", "nowhere.yaml", "--yes")
    assert_error(done, 2, "nowhere.yaml", "1 error")
    assert world.calls() == []


def test_wrong_field(shell: Shell, world: World) -> None:
    config = shell.write("rt.yaml", WEB.read_text().replace("value_column", "valueColumn", 1))
    done = shell.run("apply", config, "--yes")
    assert_error(done, 2, "valueColumn", "value_column")
    assert world.calls() == []


def test_unknown_key_event(shell: Shell, world: World) -> None:
    config = shell.write(
        "rt.yaml", WEB.read_text().replace("key_event: page_view", "key_event: page_veiw", 1)
    )
    done = shell.run("apply", config, "--yes")
    assert_error(done, 2, "no key event is called 'page_veiw'", "did you mean page_view?")
    assert world.calls() == []


def test_no_parent_segment(shell: Shell, world: World) -> None:
    config = shell.write("rt.yaml", "event_tables: [web_events.carts]\n")
    done = shell.run("plan", config)
    assert_error(done, 2, "✗", "names no parent segment", "--parent-segment")
    assert world.calls() == []


def test_unknown_command_suggests_the_one_that_was_meant(shell: Shell) -> None:
    assert_error(shell.run("aply", WEB), 2, "No such command 'aply'", "apply")


def test_no_command_shows_the_help(shell: Shell) -> None:
    done = shell.run()
    assert done.code == 0
    assert done.out.startswith("Usage: tdxwrap")


def test_unknown_option(shell: Shell) -> None:
    assert_error(shell.run("plan", WEB, "--prun"), 2, "--prun", "tdxwrap plan --help")


def test_baseline_that_cannot_be_written(shell: Shell, world: World) -> None:
    (shell.cwd / "folder").mkdir()
    done = shell.run("apply", WEB, "--yes", "--rt-config", "missing/rt_config.yaml")
    assert_error(done, 2, "cannot be written", "--rt-config")
    nothing_written(world)


# 3: environment


def test_no_credentials(new_world: Callable[..., World], new_shell: Callable[..., Shell]) -> None:
    world = new_world()
    world.set_credentials(keychain={}, keys={KEY: next(iter(world.state()["accounts"]))})
    done = new_shell(world).run("apply", WEB, "--yes")
    assert_error(
        done,
        3,
        "TD_API_KEY environment variable not set",
        "export TD_API_KEY=your_master_api_key",
        "tdx auth",
    )
    nothing_written(world)


def test_tdx_auth_is_not_asked_when_the_environment_has_a_key(
    new_world: Callable[..., World], new_shell: Callable[..., Shell]
) -> None:
    world = new_world()
    world.set_credentials(keychain={}, keys={KEY: next(iter(world.state()["accounts"]))})
    done = new_shell(world).run("apply", MINIMAL, "--yes", TD_API_KEY=KEY)
    assert done.code == 0, done.text
    assert "credentials from TD_API_KEY" in done.err
    assert ("auth",) not in [call.argv for call in world.calls()]


@pytest.mark.parametrize(
    ("args", "env"), [(("--profile", "eu-prod"), {}), ((), {"TDX_PROFILE": "eu-prod"})]
)
def test_the_key_of_a_profile_is_found_however_the_profile_is_named(
    new_world: Callable[..., World],
    new_shell: Callable[..., Shell],
    args: tuple[str, ...],
    env: dict[str, str],
) -> None:
    world = new_world()
    world.set_credentials(keychain={}, keys={KEY: next(iter(world.state()["accounts"]))})
    done = new_shell(world).run("apply", MINIMAL, "--yes", *args, TDX_API_KEY_EU_PROD=KEY, **env)
    assert done.code == 0, done.text
    assert "credentials from TDX_API_KEY_EU_PROD" in done.err
    assert "Customer 360 (394649) · account main · profile eu-prod" in done.err
    assert ("auth",) not in [call.argv[-1:] for call in world.calls()]


def test_a_key_that_is_not_valid(
    new_world: Callable[..., World], new_shell: Callable[..., Shell]
) -> None:
    world = new_world()
    done = new_shell(world).run("apply", WEB, "--yes", TDX_API_KEY="2/" + "d" * 40)
    assert_error(done, 3)
    assert "d" * 40 not in done.text
    nothing_written(world)


def test_tdx_missing(shell: Shell) -> None:
    done = shell.run("apply", WEB, "--yes", TDXWRAP_TDX="no-such-tdx")
    assert_error(done, 3, "no-such-tdx", "npm install -g @treasuredata/tdx", "--tdx")


def test_tdx_not_executable(shell: Shell) -> None:
    path = shell.write("tdx", "#!/bin/sh\nexit 0\n")
    assert_error(shell.run("plan", WEB, TDXWRAP_TDX=str(path), TD_API_KEY=KEY), 3, str(path))


def test_tdx_api_disabled(new_world: Callable[..., World], new_shell: Callable[..., Shell]) -> None:
    world = new_world(tdx__api_enabled=False)
    done = new_shell(world).run("apply", WEB, "--yes")
    assert_error(done, 3, '"enable_api_command": true', "~/.config/tdx/tdx.json")
    nothing_written(world)


# 4: refused


def test_unknown_parent_segment(shell: Shell, world: World) -> None:
    for ps in ("999", "Customer 361"):
        done = shell.run("apply", WEB, "--yes", "--parent-segment", ps)
        assert_error(done, 4, f"there is no parent segment '{ps}'", "tdx said", "--profile")
    nothing_written(world)


@pytest.mark.parametrize("command", [("plan", WEB, "--parent-segment"), ("status",), ("export",)])
def test_a_misspelt_parent_segment_gets_the_right_name(
    shell: Shell, command: tuple[Any, ...]
) -> None:
    done = shell.run(*command, "Custmer 360")
    assert_error(done, 4, "there is no parent segment", "did you mean Customer 360?", "--profile")


@pytest.fixture
def troubles(new_world: Callable[..., World]) -> World:
    return new_world("troubles")


def test_name_of_two_segments(troubles: World, new_shell: Callable[..., Shell]) -> None:
    names = [segment["name"] for segment in segments(troubles)]
    twice = next(name for name in names if names.count(name) > 1)
    done = new_shell(troubles).run("apply", WEB, "--yes", "--parent-segment", twice)
    assert_error(done, 4, "2 parent segments are called", "use the id")
    assert troubles.writes() == []


def test_rt_not_enabled(troubles: World, new_shell: Callable[..., Shell]) -> None:
    dark = next(segment["id"] for segment in segments(troubles) if not segment["rt_enabled"])
    done = new_shell(troubles).run("apply", WEB, "--yes", "--parent-segment", dark)
    assert_error(done, 4, "is not RT-enabled", "customer success manager")
    assert troubles.writes() == []


def segments(world: World) -> list[dict[str, object]]:
    return [s for account in world.state()["accounts"].values() for s in account["segments"]]


@pytest.mark.parametrize("style", ["stderr", "body", "ok-body"])
def test_the_api_refuses_an_item(shell: Shell, world: World, style: str) -> None:
    world.set("tdx.error_style", style)
    world.add_fault(
        "http",
        {"method": "POST", "path": "realtime_attributes"},
        status=422,
        style=style,
        code="unprocessable-entity-error",
        detail="valueColumn 'product' is not a column",
    )
    done = shell.run("apply", WEB, "--yes")
    line = 1 + WEB.read_text().splitlines().index("  - name: last_product_viewed")
    assert_error(
        done,
        4,
        f"✗ 7c: could not create the attribute last_product_viewed   {WEB}:{line}",
        "tdx said   ",
        "422 Unprocessable Entity: valueColumn 'product' is not a column",
        "command    tdx api /audiences/394649/realtime_attributes --type cdp -X POST --data",
        "so far     9 of 15 changes are written",
    )
    assert shell.run("apply", WEB, "--yes").code == 0


# 5: a call failed


def test_tdx_printing_html(shell: Shell, world: World) -> None:
    world.add_fault("html", {"command": "rt list"}, times=4)
    done = shell.run("apply", WEB, "--yes")
    assert_error(done, 5, "tdx said", "<", "command    tdx ps rt list --json")
    nothing_written(world)


def test_a_read_that_keeps_failing(shell: Shell, world: World) -> None:
    world.add_fault("http", {"command": "rt list"}, times=4, status=503)
    done = shell.run("apply", WEB, "--yes")
    assert_error(done, 5, "503", "! Retry", "command    tdx ps rt list --json")
    nothing_written(world)


def test_a_call_that_hangs(shell: Shell, world: World) -> None:
    world.add_fault("hang", {"command": "rt list"}, times=1, seconds=60)
    done = shell.run("plan", WEB, "--timeout", "0.5", "--retries", "0")
    assert_error(done, 5, "did not answer within 0.5 s", "--timeout")


def test_a_write_that_hangs_says_what_hung_and_for_how_long(shell: Shell, world: World) -> None:
    world.add_fault("hang", {"method": "POST"}, times=1, seconds=60)
    done = shell.run("apply", MINIMAL, "--yes", "--timeout", "1", "--retries", "0")
    assert_error(
        done,
        5,
        "✗ 7a: could not create the key event page_view: tdx did not answer within 1 s",
        "so far     1 of 4 changes are written; 1 was in flight (key event page_view)",
    )
    assert shell.run("apply", MINIMAL, "--yes").code == 0


# 6: not ready


@pytest.mark.parametrize("status", ["inconsistent", "error"])
def test_a_terminal_status_ends_the_wait(
    new_world: Callable[..., World], new_shell: Callable[..., Shell], status: str
) -> None:
    world = new_world(final_status=status)
    done = new_shell(world).run("apply", MINIMAL, "--yes")
    assert_error(
        done, 6, f"✗ wait: the RT status is '{status}'", "so far     all 4 changes are written"
    )


def test_the_wait_runs_out(
    new_world: Callable[..., World], new_shell: Callable[..., Shell]
) -> None:
    world = new_world(updating_seconds=60)
    done = new_shell(world).run("apply", MINIMAL, "--yes", "--wait-timeout", "0.3")
    assert_error(done, 6, "still 'updating'", "--wait-timeout")


def test_a_segment_that_nothing_is_configured_on_is_not_waited_for(shell: Shell) -> None:
    done = shell.run("wait", "394649", "--wait-timeout", "60")
    assert_error(done, 6, "'not_initialized': nothing is configured", "tdxwrap apply")


def test_a_segment_that_is_not_rt_enabled_is_not_waited_for(
    troubles: World, new_shell: Callable[..., Shell]
) -> None:
    dark = next(segment["id"] for segment in segments(troubles) if not segment["rt_enabled"])
    assert_error(new_shell(troubles).run("wait", dark), 4, "is not RT-enabled")


def test_the_validation_of_a_blank_segment_fails(shell: Shell) -> None:
    done = shell.run("verify", "394649")
    assert_error(done, 6, "the validation failed")
    assert "✗ key events    0, expected at least 1" in done.out


# 7: pending


def test_pending_changes(shell: Shell) -> None:
    assert shell.run("plan", MINIMAL).code == 0
    assert shell.run("plan", MINIMAL, "--exit-code").code == 7
    done = shell.run("verify", MINIMAL)
    assert done.code == 7
    shell.run("apply", MINIMAL, "--yes")
    assert shell.run("plan", MINIMAL, "--exit-code").code == 0
    assert shell.run("verify", MINIMAL).code == 0


# --json


@pytest.mark.parametrize(
    ("args", "code", "kind"),
    [
        (("apply", "nowhere.yaml"), 2, "config"),
        (("apply", WEB), 2, "usage"),
        (("aply",), 2, "usage"),
        (("plan", WEB, "--parent-segment", "999"), 4, "not-found"),
        (("verify", "394649"), 6, "not-ready"),
        (("verify", WEB), 7, "differs"),
    ],
)
def test_with_json_an_error_is_the_one_document(
    shell: Shell, args: tuple[str | Path, ...], code: int, kind: str
) -> None:
    done = shell.run(*args, "--json")
    assert done.code == code
    assert done.err == ""
    document = json.loads(done.out)
    assert document["ok"] is False
    assert document["error"]["kind"] == kind
    assert document["error"]["exit_code"] == code
    assert document["error"]["what"]
    assert document["error"]["hint"]


# 5: answers of an unknown form


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("realtime_setting", '{"eventTables": {"db": "x"}}'),
        ("realtime_setting", '{"eventTables": "x"}'),
        ("realtime_setting", '{"keyColumns": 7}'),
        ("realtime_setting", "[]"),
        ("realtime_key_events", '{"data": [7]}'),
        ("realtime_key_events", '{"data": [{"name": "no id"}]}'),
        ("realtime_attributes", '{"data": {"id": "1"}}'),
        ("realtime_attributes", "7"),
        ("rt list", '{"data": []}'),
        ("ps view", "[]"),
    ],
)
def test_an_answer_of_an_unknown_form_is_told_and_nothing_is_written(
    shell: Shell, world: World, path: str, text: str
) -> None:
    world.add_fault("garbage", {"command": path}, text=text, times=0)
    done = shell.run("apply", MINIMAL, "--yes")
    assert_error(done, 5, "✗", "tdx said", "next")
    nothing_written(world)
