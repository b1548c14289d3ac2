"""Text from outside stays text: names that look like options, placeholders, other scripts."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from support.shells import Shell

from tdxwrap.fake.control import World

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
        ("new", "--table", "web.x\ny", "394649"),
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
