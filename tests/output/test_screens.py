"""What a terminal shows: every screen at both widths, with colour and without; what moves."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from support.screens import SNAPSHOTS, plain, shown, styled
from support.shells import FIXTURES, WEB, Ran, Shell

from tdxwrap.fake.control import World
from tdxwrap.output.wrapping import LEAST, hanging

pytestmark = pytest.mark.usefixtures("tdx_inside")

CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")
PROMPT = "[y/N]"


@given(
    prefix=st.text(" ab+✗長", max_size=30),
    body=st.text(" ab-é長", max_size=200),
    width=st.integers(1, 120),
)
def test_folding_loses_nothing_and_fits(prefix: str, body: str, width: int) -> None:
    rows = list(hanging(prefix, body, width))
    told = "".join(row for _, row in rows)
    assert told.replace(" ", "") == body.replace(" ", "")
    assert rows[0][0].strip() == prefix.strip()
    for front, row in rows[1:]:
        assert not front.strip()
        assert cell_len(f"{front}{row}".rstrip()) <= max(width, LEAST + len(front))


def test_folding_breaks_between_words() -> None:
    rows = list(hanging("    ~ single   ", "a name that is long, kept 60 days   1 min 7 s", 30))
    assert rows == [
        ("    ~ single   ", "a name that is"),
        ("        ", "long, kept 60 days"),
        ("        ", "1 min 7 s"),
    ]


# Without a terminal, or with little of one


def test_elsewhere_lines_are_whole_and_plain(shell: Shell) -> None:
    done = shell.run("apply", WEB, "--yes")
    assert done.code == 0
    assert not CONTROL.search(done.text)
    assert "asking tdx" not in done.text
    assert re.search(r"Wait        status (updating|ok) after 0:0\d of 10:00", done.err)
    narrow = shell.run("check", FIXTURES / "configs" / "invalid" / "names.yaml", COLUMNS="20")
    assert "attributes[1].counter_type: counter_type belongs to counter attributes\n" in narrow.err


@pytest.mark.parametrize("env", [{"FORCE_COLOR": "1"}, {"TTY_COMPATIBLE": "1"}, {}])
def test_nothing_moves_in_a_pipe_that_is_coloured(shell: Shell, env: dict[str, str]) -> None:
    done = shell.run("apply", WEB, "--yes", "--color", **env)
    assert done.code == 0
    assert "\x1b[32m" in done.out
    assert "\x1b[32m" in done.err
    assert set(re.findall(r"\x1b\[[0-9;?]*[A-Za-z]", done.text)) <= {
        *("\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[32m")
    }
    assert "asking tdx" not in done.text


@pytest.mark.parametrize(
    ("env", "options", "colour"),
    [
        ({}, (), True),
        ({"NO_COLOR": "1"}, (), False),
        ({"NO_COLOR": ""}, (), True),
        ({"NO_COLOR": "1"}, ("--color",), True),
        ({}, ("--no-color",), False),
        ({"TERM": "dumb"}, (), False),
    ],
)
def test_who_wants_no_colour_gets_none(
    shell: Shell, env: dict[str, str], options: tuple[str, ...], colour: bool
) -> None:
    sent = shell.terminal("plan", WEB, *options, **env).out
    assert ("{green:" in styled(shown(sent, 80))) == colour


def test_a_dumb_terminal_gets_lines_and_nothing_else(shell: Shell) -> None:
    sent = shell.terminal("apply", WEB, "--yes", TERM="dumb").out
    assert not CONTROL.search(sent.replace("\r\n", "\n"))
    assert "✓ Validated   RT configuration complete and validated" in sent


# Many items

MANY = """
parent_segment: "394649"
key_events: [{name: page_view, table: web_events.pageviews}]
attributes:
"""


def counters(count: int, hours: int = 24) -> str:
    kept = f"key_event: page_view, counter_type: total, increment: 1, duration: {hours} hours"
    items = (f"  - {{name: count_{n}, type: counter, {kept}}}\n" for n in range(count))
    return MANY + "".join(items)


def test_many_items_that_stay_as_they_are_are_a_number(shell: Shell) -> None:
    config = shell.write("rt.yaml", counters(20))
    sent = shell.terminal("apply", "rt.yaml", "--yes").out
    assert re.search(r"[⠁-⣿] 7c          ━{9}┄{11}  11 of 22   \+ counter count_8\b", sent)
    assert "    = 20 attributes unchanged\n" in shell.run("plan", config).out
    assert shell.run("plan", config, "-v").out.count("= counter ") == 20

    shell.write("rt.yaml", counters(8, hours=12))
    told = shell.run("plan", config).out
    assert told.count("~ counter ") == 8
    assert "    · 12 attributes live only, left alone\n" in told
    assert "update 8, 2 unchanged, 12 not managed" in told


def test_the_columns_of_a_plan_never_touch(
    new_world: Callable[..., World], new_shell: Callable[..., Shell]
) -> None:
    told = new_shell(new_world("configured")).run("plan", FIXTURES / "configs" / "e-commerce.yaml")
    assert re.search(r"(?m)^    \S lookup_catalog +Product in catalog", told.out)


# -q and -v


def test_quiet_says_nothing_when_all_is_well(shell: Shell) -> None:
    shell.write("rt.yaml", WEB.read_text())
    for command in (
        *("apply rt.yaml --yes", "apply rt.yaml --yes"),  # the second has nothing to do
        *("plan rt.yaml", "verify rt.yaml", "check rt.yaml", "doctor"),
    ):
        assert shell.run(*command.split(), "-q") == Ran(0, "", ""), command


def test_quiet_prints_what_a_command_exists_to_print(shell: Shell) -> None:
    assert "Customer 360 (394649)" in shell.run("status", "394649", "-q").out
    assert "parent_segment" in shell.run("export", "394649", "-q").out
    assert "no runs are recorded" in shell.run("runs", "-q").out
    assert shell.run("plan", WEB, "--json", "-q").file["plan"]["pending"]
    assert "### Realtime plan" in shell.run("plan", WEB, "--markdown", "-q").out


def test_quiet_prints_errors(shell: Shell) -> None:
    config = shell.write("rt.yaml", WEB.read_text().replace("product_id", "product"))
    done = shell.run("doctor", config, "-q")
    assert done.code == 4
    assert "✗ columns " in done.err
    assert "did you mean product_id?" in done.err
    assert "✓" not in done.text
    assert "did you mean" in shell.run("apply", config, "--yes", "-q").err


def test_verbose_prints_each_command_in_one_piece(shell: Shell, world: World) -> None:
    sent = shell.terminal("plan", WEB, "-v", columns=40).out
    plainly = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", sent)
    told = re.findall(r"\$ (tdx .*?)   # \d\.\d s\r\n", plainly)
    assert len(told) == len(world.calls())
    assert "tdx api '/audiences/394649/realtime_attributes?page[size]=1000' --type cdp" in told


# The question


def asked(shell: Shell, answer: str, *options: str) -> tuple[int, str]:
    done = shell.terminal("apply", WEB, *options, answers=[(PROMPT, lambda: answer)])
    return done.code, plain(shown(done.out, 80))


@pytest.mark.parametrize("answer", ["n\n", "\n", "\x04", "\x03"])
def test_after_any_other_answer_the_screen_says_that_nothing_is_written(
    shell: Shell, world: World, answer: str
) -> None:
    code, screen = asked(shell, answer)
    assert code == 130
    rows = screen.splitlines()
    place = next(number for number, row in enumerate(rows) if PROMPT in row)
    reason = "interrupted by SIGINT" if answer == "\x03" else "not confirmed"
    assert rows[place + 1 : place + 3] == [f"✗ {reason}", "  so far     nothing was written"]
    assert "asking tdx" not in screen
    assert world.writes() == []


def test_after_a_yes_the_screen_is_that_of_an_apply(shell: Shell) -> None:
    code, screen = asked(shell, "y\n")
    assert code == 0
    question = (
        "Write these 15 changes to Customer 360 (394649), account main, profile default,\n"
        "us01? [y/N] y\n"
    )
    assert question in screen
    asked_and_answered = "? Write these 15 changes to Customer 360 (394649), account main,"
    assert asked_and_answered in shell.run("runs", "show", "last").out
    assert "asking tdx" not in screen
    without = (SNAPSHOTS / "apply-80.txt").read_text(encoding="utf-8")
    kept = screen.replace(question, "").split("\n\n")
    assert [part for part in kept if "Baseline" not in part][:3] == without.split("\n\n")[:3]


def test_quiet_still_shows_what_it_asks_about(shell: Shell, world: World) -> None:
    code, screen = asked(shell, "n\n", "-q")
    assert code == 130
    assert "+ list          browsed_products" in screen
    assert world.writes() == []


def test_a_name_cannot_steer_the_question(shell: Shell, world: World) -> None:
    with world.edit_segment("394649") as segment:
        segment["name"] = "evil\x1b[2J\x07"
    done = shell.terminal("apply", WEB, answers=[(PROMPT, lambda: "n\n")])
    assert "\x1b[2J" not in done.out
    assert "\x07" not in done.out


# What moves


def rt_yaml(shell: Shell) -> Shell:
    shell.write("rt.yaml", WEB.read_text(encoding="utf-8"))
    return shell


def test_the_moving_line_comes_and_goes(
    new_world: Callable[..., World], new_shell: Callable[..., Shell]
) -> None:
    world = new_world(updating_seconds=1)
    sent = rt_yaml(new_shell(world)).terminal("apply", "rt.yaml", "--yes").out

    assert re.search(r"[⠁-⣿] asking tdx", sent)
    assert re.search(r"[⠁-⣿] 7[abc]  +[━┄]{20}  \d+ of 15   \+ ", sent)
    assert re.search(r"[⠁-⣿] Wait        updating · 0:00 of 10:00 \(usually 30–90 s\)", sent)
    assert sent.count("\x1b[?25l") == sent.count("\x1b[?25h") == 1
    assert plain(shown(sent, 80)) == (SNAPSHOTS / "apply-80.txt").read_text("utf-8")


def test_on_a_narrow_terminal_the_moving_line_is_cut(
    new_world: Callable[..., World], new_shell: Callable[..., Shell]
) -> None:
    world = new_world(updating_seconds=1)
    sent = new_shell(world).terminal("apply", WEB, "--yes", columns=40).out
    moving = re.findall(r"[⠁-⣿] [^\x1b\r\n]*", sent)
    assert moving
    assert max(map(len, moving)) <= 40
    assert any("Wait        updating · 0:00 of 10:00" in line for line in moving)


def test_ctrl_c_while_waiting_leaves_the_screen_in_order(
    new_world: Callable[..., World], new_shell: Callable[..., Shell]
) -> None:
    world = new_world(updating_seconds=120)
    shell = new_shell(world)
    args = ("apply", WEB, "--yes", "--no-journal")
    done = shell.terminal(*args, answers=[("updating ·", lambda: "\x03")])

    screen = shown(done.out, 80)
    assert done.code == 130
    assert not screen.cursor.hidden
    *above, last = plain(screen).split("✓ 7c          RT attributes created\n")
    assert len(above) == 1
    assert re.fullmatch(
        r"(\^C)?✗ wait: interrupted by SIGINT\n"
        r"  so far     all 15 changes are written; whether they are live is not known yet\n"
        r"  next       run the same command again: it goes on where it stopped\n",
        last,
    ), last
    assert shell.run("wait", "394649", "--wait-timeout", "1").code == 6
