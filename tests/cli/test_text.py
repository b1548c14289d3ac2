"""Text from outside stays text: names that look like options, placeholders, other scripts."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable

import pytest
import yaml
from support.shells import FAKE_TDX, Shell
from support.worlds import exact

from tdxwrap.fake.control import World

pytestmark = pytest.mark.usefixtures("tdx_inside")

# The names in angle brackets of the recipe.
PLACEHOLDERS = [
    *("ps_id", "ps_id_or_name", "db", "table", "table1", "table2", "event_name", "description"),
    *("primary_key", "attr_name", "attr_identifier", "key_event_id", "column_name"),
    *("list_attr_name", "counter_attr_name"),
]
EVENT = "key_events: [{name: page_view, table: web_events.pageviews}]\n"


# Names that become arguments of tdx


@pytest.mark.parametrize("name", ["--help", "-o", "--output=x", '"a\\0b"', '"a\\nb"', '"\\x9b2J"'])
@pytest.mark.parametrize(
    ("config", "path"),
    [
        (EVENT + "parent_segment: NAME\n", "parent_segment"),
        ("key_events:\n  - {name: e, table: t, database: NAME}\n", "key_events[0].database"),
        ("key_events:\n  - {name: e, database: d, table: NAME}\n", "key_events[0].table"),
        ("event_tables:\n  - {table: t, database: NAME}\n", "event_tables[0].database"),
    ],
)
def test_a_name_that_tdx_would_misread_is_an_error_of_check(
    shell: Shell, name: str, config: str, path: str
) -> None:
    (problem,) = problems(shell, config.replace("NAME", name))

    assert (problem["path"], problem["line"]) == (path, 2)
    reason = "begins with -, so tdx" if name.startswith("-") else "holds a control character"
    assert reason in problem["message"]


def problems(shell: Shell, config: str) -> list[dict[str, object]]:
    """What `check` finds in a file."""
    done = shell.run("check", shell.write("rt.yaml", config), "--json")
    assert done.code == 2, done.text
    found: list[dict[str, object]] = done.json["error"]["problems"]
    return found


def test_a_table_in_short_and_a_negative_number_are_names_too(shell: Shell) -> None:
    found = problems(shell, "parent_segment: -394649\nevent_tables: [--output=x.y]\n")
    assert [problem["path"] for problem in found] == ["parent_segment", "event_tables[0]"]


@pytest.mark.parametrize(
    "args",
    [
        ("status", "--", "--help"),
        ("export", "--", "-x"),
        ("new", "--table", "web_events.pageviews", "--", "-x"),
        ("plan", "rt.yaml", "--parent-segment=--help"),
        ("apply", "rt.yaml", "--yes", "--parent-segment", "-o"),
        ("graph", "rt.yaml", "--live", "-x"),
        ("status", "394649", "--profile=--help"),
    ],
)
def test_an_argument_that_tdx_would_misread_is_wrong_usage(
    shell: Shell, world: World, args: tuple[str, ...]
) -> None:
    shell.write("rt.yaml", EVENT)
    done = shell.run(*args)
    assert done.code == 2, done.text
    assert re.search("so tdx would take it for an option|holds a control character", done.err)
    assert world.calls() == []


def test_a_name_with_a_line_break_is_looked_for_and_not_passed_on(
    shell: Shell, world: World
) -> None:
    with world.edit_segment("394649") as segment:
        segment["name"] = "Customer\n360"
    assert shell.run("export", "Customer\n360").code == 0
    assert shell.run("export", "Customer\n361").code == 4
    assert shell.run("new", "394649", "--table", "web_events.x\ny").code == 4
    assert not [call for call in world.calls() if any("\n" in word for word in call.argv)]


def test_a_live_name_that_looks_like_an_option_is_passed_by_id(
    new_world: Callable[..., World], new_shell: Callable[..., Shell]
) -> None:
    world = new_world("half-configured")
    odd = {"database": "--output=x", "table": "y"}
    with world.edit_segment("394649") as segment:
        segment["name"] = "--help"
        segment["realtime"]["eventTables"].append(odd)
    shell = new_shell(world)
    # A column of no table in the file is looked for in the live ones.
    config = "parent_segment: 394649\nid_stitching: {keys: [no_such_column]}\n"
    shell.write("rt.yaml", config + EVENT)

    plan = shell.run("plan", "rt.yaml")
    assert "--output=x.y" in plan.out
    done = shell.run("apply", "rt.yaml", "--yes", "--no-check-columns")
    assert done.code == 0, done.text
    assert odd in world.segment("394649")["realtime"]["eventTables"]
    words = [word for call in world.calls() for word in call.argv]
    assert not [word for word in words if word.startswith(("--help", "--output"))]


def test_a_baseline_whose_name_begins_with_a_dash(shell: Shell, world: World) -> None:
    shell.write("rt.yaml", f"parent_segment: 394649\n{EVENT}")
    done = shell.run("apply", "rt.yaml", "--yes", "--rt-config=-x.yaml")
    assert done.code == 0, done.text
    assert (shell.cwd / "-x.yaml").exists()
    assert any("./-x.yaml" in call.argv for call in world.calls())


# Placeholders


@pytest.mark.parametrize("name", PLACEHOLDERS)
def test_a_placeholder_of_the_recipe_is_an_error_of_check(shell: Shell, name: str) -> None:
    config = f"{EVENT}attributes:\n  - {{name: a, type: counter, key_event: page_view,\n"
    config += f"     duration: 1 day, description: 'of <{name}>.'}}\n"
    (problem,) = problems(shell, config)
    assert (problem["line"], problem["path"]) == (4, "attributes[0].description")
    assert problem["message"] == f"the placeholder <{name}> is left in the value"


def test_every_value_is_looked_at(shell: Shell) -> None:
    found = problems(
        shell,
        """
parent_segment: <ps_id>
event_tables: [<db>.<table1>]
key_events:
  - name: e
    table: <db>.<table1>
    filter: {<column_name>: 1, b: {in: [<table>]}}
id_stitching:
  keys: [td_client_id, {name: email, invalid_texts: [<db>]}]
  ext_lookup_key: <primary_key>
""",
    )
    assert [problem["path"] for problem in found] == [
        "parent_segment",
        "event_tables[0]",
        "key_events[0].table",
        "key_events[0].filter.<column_name>",
        "key_events[0].filter.b.in[0]",
        "id_stitching.keys[1].invalid_texts[0]",
        "id_stitching.ext_lookup_key",
    ]


def test_a_group_of_a_regular_expression_is_no_placeholder(shell: Shell) -> None:
    config = f"""{EVENT}
id_stitching:
  keys: [{{name: email, valid_regexp: "(?<table>a)"}}]
attributes:
  - {{name: <b>, type: counter, key_event: page_view, duration: 1 day,
     filter: {{path: {{regexp: "(?P<db>x)"}}}}}}
"""
    assert shell.run("check", shell.write("rt.yaml", config)).code == 0


# Text that is live, or in a file, and goes elsewhere

EVIL = "a\u2028extends: evil.yaml\x85extends: evil.yaml\nextends: evil.yaml"


def test_a_name_adds_no_line_to_an_exported_file(shell: Shell, world: World) -> None:
    shell.write("evil.yaml", "event_tables: [evil.table]\n")
    with world.edit_segment("394649") as segment:
        segment["name"] = EVIL
    for args in (("export", "394649"), ("new", "394649", "--table", "web_events.pageviews")):
        done = shell.run(*args, "-f", f"{args[0]}.yaml")
        assert done.code == 0, done.text
        text = (shell.cwd / f"{args[0]}.yaml").read_text()
        assert [line for line in text.splitlines() if line.startswith("extends")] == []
        assert "evil" not in str(yaml.safe_load(text))


def test_half_a_character_does_not_end_an_export(shell: Shell, world: World) -> None:
    tdx = shell.write(
        "tdx", f"#!/bin/sh\n'{FAKE_TDX}' \"$@\" | sed 's/Customer 360/a\\\\ud800b/'\n"
    )
    tdx.chmod(0o700)
    done = shell.run("export", "394649", "-f", "rt.yaml", "--tdx", tdx)
    assert done.code == 0, done.text
    assert '"a\\ud800b"' in (shell.cwd / "rt.yaml").read_text()
    done = shell.run("status", "394649", "--json", "--tdx", tdx)
    assert done.json["segment"]["name"] == "a\ud800b"


def test_nothing_steers_the_terminal_in_a_json_document(shell: Shell, world: World) -> None:
    with world.edit_segment("394649") as segment:
        segment["name"] = "a\x9b2J\u202eb"
    done = shell.run("status", "394649", "--json")
    assert done.json["segment"]["name"] == "a\x9b2J\u202eb"
    assert all(line.isprintable() for line in done.out.split("\n"))


# An output that does not take every character

JAPANESE = """parent_segment: 顧客🙂
event_tables: [web_events.pageviews]
key_events:
  - name: カートに “追加” é
    table: web_events.pageviews
    description: 説明
id_stitching: {keys: [td_client_id], ext_lookup_key: customer_id}
attributes:
  - {name: 最後, identifier: x, type: counter, key_event: カートに “追加” é, duration: 1 day}
"""
ASCII = {"PYTHONIOENCODING": "ascii"}


@pytest.fixture
def japanese(shell: Shell, world: World) -> Shell:
    """A user of a segment in which everything has a Japanese name."""
    with world.edit_segment("394649") as segment:
        segment["name"] = "顧客🙂"
    shell.write("rt.yaml", JAPANESE)
    assert shell.run("apply", "rt.yaml", "--yes").code == 0
    return shell


def both(shell: Shell, *args: str) -> tuple[str, str]:
    """What a command prints, as usual and in ASCII."""
    usual, plain = shell.run(*args), shell.run(*args, **ASCII)
    assert (usual.code, plain.code) == (0, 0), plain.text
    assert not usual.out.isascii()
    assert plain.out.isascii()
    return usual.out, plain.out


def test_yaml_in_ascii_says_the_same(japanese: Shell) -> None:
    usual, plain = both(japanese, "export", "394649")
    assert yaml.safe_load(plain) == yaml.safe_load(usual)
    assert "# The realtime configuration of the parent segment " in plain


def test_json_in_ascii_says_the_same(japanese: Shell) -> None:
    for args in (("export", "394649", "--json"), ("runs", "export", "last")):
        usual, plain = both(japanese, *args)
        lines = [
            list(map(json.loads, text.splitlines())) for text in (usual, plain) if "runs" in args
        ]
        assert lines[:1] == lines[1:]
        if "--json" in args:
            assert json.loads(plain)["config"] == json.loads(usual)["config"]


@pytest.mark.parametrize("option", [(), ("--dot",), ("--live", "394649")])
def test_a_picture_in_ascii_says_the_same(japanese: Shell, option: tuple[str, ...]) -> None:
    usual, plain = both(japanese, "graph", "rt.yaml", *option)
    entity = "&#(\\d+);" if "--dot" in option else "#(\\d{3,});"
    assert re.sub(entity, lambda code: chr(int(code[1])), plain) == usual


def test_markdown_in_ascii_says_the_same(japanese: Shell) -> None:
    usual, plain = both(japanese, "plan", "rt.yaml", "--markdown")
    assert re.sub("&#(\\d+);", lambda code: chr(int(code[1])), plain) == usual


@pytest.mark.skipif(shutil.which("jq") is None, reason="the script needs jq")
@pytest.mark.long
def test_a_script_in_ascii_does_the_same(
    japanese: Shell, new_world: Callable[..., World], new_shell: Callable[..., Shell]
) -> None:
    usual, plain = both(japanese, "recipe", "rt.yaml")
    assert plain.count("\n") == usual.count("\n")
    states = []
    for number, text in enumerate((usual, plain)):
        world = new_world(name=f"world-{number}")
        with world.edit_segment("394649") as segment:
            segment["name"] = "顧客🙂"
        shell = new_shell(world, f"user-{number}")
        script = shell.write("step7.sh", text)
        done = subprocess.run(
            ["bash", script],
            cwd=shell.cwd,
            env={**shell.environ, "TDX": str(FAKE_TDX), "WAIT_PAUSE": "0.1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        states.append(exact(world))
    assert states[0] == states[1]


def test_what_cannot_be_written_is_refused(japanese: Shell, world: World) -> None:
    args = ("new", "394649", "--table", "web_events.pageviews")
    with world.edit_segment("394649") as segment:
        segment["master_table"]["columns"]["会員ID"] = "string"
    done = japanese.run(*args, **ASCII)
    assert (done.code, done.out) == (3, "")
    assert "the encoding ascii of the output lacks characters of the result" in done.err
    assert japanese.run(*args, "-f", "new.yaml", **ASCII).code == 0


def test_lines_show_an_escape(japanese: Shell) -> None:
    done = japanese.run("status", "394649", **ASCII)
    assert done.code == 0
    assert "\\u9867\\u5ba2\\U0001f642 (394649)" in done.out
    assert "?" not in done.text


@pytest.mark.parametrize("env", [{"LC_ALL": "C"}, {"LC_ALL": "C", "PYTHONUTF8": "0"}])
@pytest.mark.long
def test_tdx_gets_utf_8_whatever_the_locale_is(
    shell: Shell, world: World, env: dict[str, str]
) -> None:
    shell.write("rt.yaml", JAPANESE.replace("顧客🙂", "'394649'"))
    more = {**env, "PYTHONCOERCECLOCALE": "0", "TDXWRAP_TDX": str(FAKE_TDX)}
    done = subprocess.run(
        shell.command("apply", "rt.yaml", "--yes"),
        cwd=shell.cwd,
        env={**shell.environ, **more},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (event,) = world.segment("394649")["realtime"]["keyEvents"]
    assert (event["name"], event["description"]) == ("カートに “追加” é", "説明")


def test_a_name_that_is_no_text_is_not_passed_on(shell: Shell, world: World) -> None:
    done = subprocess.run(
        [*shell.command("status"), b"caf\xe9"],
        cwd=shell.cwd,
        env=dict(shell.environ),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 4, done.stderr
    assert [call.argv for call in world.calls() if "view" in call.argv] == []
