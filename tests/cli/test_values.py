"""A value is the one that was typed: numbers, texts and variables, from the file to the API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from support.shells import Shell

from tdxwrap.fake.control import World

pytestmark = pytest.mark.usefixtures("tdx_inside")

EVENT = """parent_segment: "394649"
key_events:
  - name: page_view
    table: web_events.pageviews
"""
RULE = "filter_rule: {conditions: [{conditions: [{type: Column, column: c, operator: OPERATOR}]}]}"
# Fields that take a text as well as a number, and the end of the path to the value.
FILTERS = (
    ("filter: {c: VALUE}", "filter.c"),
    ("filter: {any: [{greater: VALUE}]}", "filter.any[0].greater"),
    ("filter: {c: {in: [a, VALUE]}}", "filter.c.in[1]"),
    ("filter: {c: [{contain: VALUE}]}", "filter.c[0].contain"),
)
OTHERS = (
    (RULE.replace("OPERATOR", "{type: Equal, rightValue: VALUE}"), "operator.rightValue"),
    (RULE.replace("OPERATOR", "{type: Regexp, rightValue: VALUE}"), "operator.rightValue"),
    (RULE.replace("OPERATOR", "{type: EndWith, rightValues: [VALUE]}"), "operator.rightValues[0]"),
    (RULE.replace("OPERATOR", "{type: Soundex, rightValue: VALUE}"), "operator.rightValue"),
    ("extra: {a: [{b: VALUE}]}", "extra.a[0].b"),
)


def with_fields(fields: tuple[tuple[str, str], ...], value: str) -> str:
    """A file with a key event for each field."""
    head = "  - {table: web_events.pageviews, name: "
    lines = (f"{head}e{i}, {field}}}" for i, (field, _) in enumerate(fields))
    return "\n".join(["parent_segment: '394649'", "key_events:", *lines, ""]).replace(
        "VALUE", value
    )


def problems(shell: Shell, text: str, **env: str) -> list[dict[str, Any]]:
    done = shell.run("check", shell.write("rt.yaml", text), "--json", **env)
    assert done.code == 2, done.text
    found: list[dict[str, Any]] = done.json["error"]["problems"]
    return found


def sent(world: World) -> list[Any]:
    """The operators of the filter of the one key event."""
    [event] = world.segment("394649")["realtime"]["keyEvents"]
    return [each["operator"] for each in event["filterRule"]["conditions"]]


def applied(shell: Shell, world: World, text: str, **env: str) -> list[Any]:
    path = shell.write("rt.yaml", text)
    done = shell.run("apply", path, "--yes", "--no-check-columns", **env)
    assert done.code == 0, done.text
    assert shell.run("plan", path, "--exit-code", **env).code == 0
    return sent(world)


# The form in which a value is written


@pytest.mark.parametrize(
    ("value", "kind", "read"),
    [
        ("1.10", "number", "1.1"),
        ("1_000", "number", "1000"),
        ("0x1F", "number", "31"),
        ("010", "number", "8"),
        ("+81901234567", "number", "81901234567"),
        ("10.", "number", "10.0"),
        ("NO", "boolean", "false"),
        ("True", "boolean", "true"),
    ],
)
def test_what_may_be_meant_as_a_text_is_an_error(
    shell: Shell, value: str, kind: str, read: str
) -> None:
    # In a filter in short, true and false are refused in any form.
    fields = FILTERS + OTHERS if kind == "number" else OTHERS
    text = with_fields(fields, value)
    found = problems(shell, text)
    assert [problem["path"][14:] for problem in found] == [
        each.replace("operator", "filter_rule.conditions[0].conditions[0].operator")
        for _, each in fields
    ]
    for number, problem in enumerate(found, 3):
        assert problem["line"] == number
        assert text.splitlines()[number - 1][problem["column"] - 1 :].startswith(value)
        assert problem["message"] == f"{value} is read as the {kind} {read}"
        assert problem["hint"] == f"write '{value}' for the text, {read} for the {kind}"
    for either in (f"'{value}'", read):
        shown = shell.run("check", shell.write("rt.yaml", with_fields(OTHERS, either)))
        assert shown.code == 0, shown.text


def test_an_odd_form_is_found_behind_anchors_and_in_a_file_that_is_extended(shell: Shell) -> None:
    shell.write("base.yaml", with_fields((("filter: &f {a: &v 1.10, b: *v}", ""),), ""))
    text = "extends: base.yaml\nkey_events:\n- {name: e1, table: a.b, filter: {a: {in: [1.10]}}}\n"
    found = problems(shell, text)
    assert [(p["file"].rsplit("/")[-1], p["line"], p["path"]) for p in found] == [
        ("base.yaml", 3, "key_events[0].filter.a"),
        ("rt.yaml", 3, "key_events[0].filter.a.in[0]"),
    ]
    replaced = "key_events:\n  - {<<: {filter: {a: 1.10}}, filter: {b: c}, name: e, table: a.b}\n"
    assert shell.run("check", shell.write("rt.yaml", replaced)).code == 0


def test_an_id_takes_a_text_as_well(shell: Shell) -> None:
    text = EVENT.replace('"394649"', "394_649") + (
        "attributes:\n  - {name: a, type: lookup_catalog, lookup_catalog_table_name: t,\n"
        "     lookup_catalog_columns: [{name: n, data_type: string}],\n"
        "     lookup_keys: [{id: 010, type: x}]}\n"
    )
    assert [problem["path"] for problem in problems(shell, text)] == [
        "parent_segment",
        "attributes[0].lookup_keys[0].id",
    ]


def test_a_number_by_order_is_one_in_any_form(shell: Shell, world: World) -> None:
    text = EVENT + (
        "    filter: {price: [{greater: 19.90}, {less: 1_000}, {between: [+1, 2.50]}]}\n"
        "attributes:\n"
        "  - {name: n, type: counter, key_event: page_view, increment: 1_0, duration: 007 days}\n"
    )
    first, second, third = applied(shell, world, text)
    assert (first["rightValue"], second["rightValue"]) == (19.9, 1000)
    assert (third["minValue"], third["maxValue"]) == (1, 2.5)
    rule = "filter_rule: {conditions: [{type: Column, column: price, operator: OPERATOR}]}"
    text = EVENT + "    " + rule.replace("OPERATOR", "{type: Less, not: no, rightValue: 1.10}")
    assert shell.run("check", shell.write("rt.yaml", text)).code == 0
    assert problems(shell, text.replace("1.10", "NO"))


@pytest.mark.parametrize(
    "value", ["2024-01-31", "2024-01-31 12:00:00", "12:30:45", "1e3", "08", "0o17", ".inf"]
)
def test_a_text_that_looks_like_something_else_is_one_with_a_warning(
    shell: Shell, world: World, value: str
) -> None:
    field = "    filter: {c: %s, d: {greater: %s}}\n"
    assert [
        each["rightValue"] for each in applied(shell, world, EVENT + field % (value, value))
    ] == [
        value,
        value,
    ]
    path = shell.cwd / "rt.yaml"
    line = f": {value} is read as a text – write '{value}': quotes make it plain"
    assert [each for each in shell.run("check", path).err.splitlines() if each[0] == "!"] == [
        f"! {path}:5:17  key_events[0].filter.c{line}",
        f"! {path}:5:{32 + len(value)}  key_events[0].filter.d.greater{line}",
    ]
    # What is exported has the quotes.
    assert shell.run("export", "394649", "-f", "exported.yaml").code == 0
    assert f"c: '{value}'" in (shell.cwd / "exported.yaml").read_text(encoding="utf-8")
    assert shell.run("check", "exported.yaml").err == ""


# Whole numbers that tdx rounds


@pytest.mark.parametrize("value", ["9007199254740992", "-9007199254740992", "9_" * 3000 + "9"])
def test_a_whole_number_that_tdx_rounds_is_an_error(shell: Shell, value: str) -> None:
    text = EVENT + f"    filter: {{c: {value}, d: {{less: {value}}}}}\n"
    found = problems(shell, text)
    assert [problem["path"][14:] for problem in found] == ["filter.c", "filter.d.less"]
    assert found[0]["message"].startswith(f"{value} is beyond ±9007199254740991, where"[:300])
    assert found[0]["hint"].startswith(f"write '{value}' for the text"[:300])
    text = text.replace(value, "9007199254740991")
    assert shell.run("check", shell.write("rt.yaml", text)).code == 0


def test_a_live_number_that_is_too_great_is_left_out_of_an_export(
    new_world: Callable[..., World], new_shell: Callable[..., Shell]
) -> None:
    world = new_world("configured")
    with world.edit_segment("394649") as segment:
        event = segment["realtime"]["keyEvents"][0]
        operator = {"type": "Equal", "not": False, "rightValue": 2**53 + 2}
        condition = {"type": "Column", "column": "price", "operator": operator}
        event["filterRule"] = {"type": "And", "conditions": [condition]}
    done = new_shell(world).run("export", "394649")
    assert done.code == 0, done.text
    # The attributes on it follow.
    line = next(line for line in done.out.splitlines() if "left out" in line)
    assert line.startswith(f'# left out: key event "{event["name"]}": "{2**53 + 2} is beyond ')


# Variables


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("5", 5),
        ("19.5", 19.5),
        ("1:30", "1:30"),
        ("x # y", "x # y"),
        ("a: b", "a: b"),
        ("[1, 2]", "[1, 2]"),
        ("${V}", "${V}"),
        ("'5'", "'5'"),
    ],
)
def test_a_variable_without_quotes_makes_one_scalar(
    shell: Shell, world: World, value: str, expected: object
) -> None:
    text = EVENT + "    filter:\n      c:\n        greater: ${V}\n      d: '${V}'\n"
    first, second = applied(shell, world, text, V=value)
    assert (first["rightValue"], second["rightValue"]) == (expected, value)
    assert type(first["rightValue"]) is type(expected)


def test_the_value_of_a_variable_is_checked_as_what_is_typed(shell: Shell) -> None:
    text = EVENT + "    filter:\n      c: ${V}\n"
    for value, message in {
        "1.10": "${V} is read as the number 1.1",
        "NO": "${V} without quotes is read as true or false",
        "": "an empty value where a text is expected",
        "9" * 20: "${V} is beyond ±9007199254740991, where tdx rounds",
    }.items():
        [problem] = problems(shell, text, V=value)
        assert (problem["line"], problem["message"]) == (6, message)
    quoted = text.replace("${V}", "'${V}'")
    assert shell.run("check", shell.write("rt.yaml", quoted), V="1.10").code == 0
    [problem] = problems(shell, EVENT.replace("page_view", "${V}"), V="12")
    assert problem["hint"] == 'write "${V}"'


def test_what_takes_only_numbers_reads_a_quoted_variable_as_one(shell: Shell, world: World) -> None:
    text = EVENT + (
        "attributes:\n"
        '  - {name: n, type: counter, key_event: page_view, increment: "${N}",\n'
        '     duration: {value: "${N}", unit: day}}\n'
        "  - {name: l, type: list, key_event: page_view, max_items: '${N}',\n"
        "     id_column: product_id, duration: '${N} days'}\n"
    )
    applied(shell, world, text, N="7")
    counter, items = world.segment("394649")["realtime"]["attributes"]
    assert counter["increment"] == {"type": "const", "value": 7}
    assert counter["duration"] == items["duration"] == {"value": 7, "unit": "day"}
    assert items["maxItems"] == 7
    found = problems(shell, text, N="seven")
    assert "'seven' is not a whole number" in [problem["message"] for problem in found]


# The types of columns


def test_plan_and_doctor_name_what_is_compared_with_a_column_of_another_type(shell: Shell) -> None:
    text = EVENT + (
        "    filter: {price: {greater: 19.90}, country: JP}\n"
        "attributes:\n"
        "  - {name: n, type: counter, key_event: page_view, duration: 1 day,\n"
        "     filter: {price: {between: ['1', 5]}, country: 81}}\n"
    )
    path = shell.write("rt.yaml", text)
    for command in ("plan", "doctor"):
        done = shell.run(command, path)
        assert done.code == 0, done.text
        lines = [line for line in done.out.splitlines() if "compared with" in line]
        what = "attribute n: filter"
        table = "in web_events.pageviews, and compared with"
        for line, wrong in zip(
            lines, (f"price is double {table} '1'", f"country is string {table} 81"), strict=True
        ):
            assert line.startswith("! ")
            assert f"{what} {wrong}" in line
            assert f"{path}:8" in line
