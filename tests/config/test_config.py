"""Loading a configuration file: what is accepted, and what is said about the rest."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from tdxwrap.config import yaml_source
from tdxwrap.config.load import LoadedConfig, load, parse
from tdxwrap.config.yaml_text import escape
from tdxwrap.errors import ConfigError, Problem

CONFIGS = Path(__file__).parents[2] / "fixtures" / "configs"
VALID = sorted(CONFIGS.glob("*.yaml"))
INVALID = sorted((CONFIGS / "invalid").glob("*.yaml"))
EVENT = "key_events: [{name: page_view, table: web.pageviews}]\n"


def parsed(text: str | bytes, **environ: str) -> LoadedConfig:
    content = text.encode() if isinstance(text, str) else text
    return parse("rt.yaml", content, environ=environ)


def problems(text: str | bytes, **environ: str) -> tuple[Problem, ...]:
    with pytest.raises(ConfigError) as caught:
        parsed(text, **environ)
    return caught.value.problems


def only_problem(text: str | bytes, **environ: str) -> Problem:
    (problem,) = problems(text, **environ)
    return problem


def brief(problem: Problem) -> str:
    return f"{problem.line}:{problem.column} {problem.path}".strip()


@pytest.fixture(params=["C", "Python"])
def _either_loader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "Python":
        pure = type("PurePython", (yaml_source._DepthLimit, yaml.SafeLoader), {})
        monkeypatch.setattr(yaml_source, "_Loader", pure)


@pytest.mark.usefixtures("_either_loader")
@pytest.mark.parametrize("file", VALID, ids=lambda file: file.stem)
def test_valid_example_loads_without_warning(file: Path) -> None:
    loaded = load(file, environ={})
    assert loaded.warnings == ()
    assert loaded.path == str(file)
    assert loaded.digest == hashlib.sha256(file.read_bytes()).hexdigest()


@pytest.mark.usefixtures("_either_loader")
@pytest.mark.parametrize("file", INVALID, ids=lambda file: file.stem)
def test_invalid_example_has_the_problems_that_it_lists(file: Path) -> None:
    marks = (line[3:] for line in file.read_text().splitlines() if line.startswith("#! "))
    expected = [mark for mark in marks if mark != "schema"]
    with pytest.raises(ConfigError) as caught:
        load(file, environ={})
    assert [brief(problem) for problem in caught.value.problems] == expected


def test_shorthands_mean_their_long_forms() -> None:
    short = load(CONFIGS / "shorthands.yaml", environ={}).config
    assert short == load(CONFIGS / "long-forms.yaml", environ={}).config


def test_messages_name_place_reason_and_remedy() -> None:
    text = """\
event_tables: [web_events.pageviews, web_events.carts]
key_events:
  - {name: page_view, table: web_events.pageviews}
  - {name: cart, database: web_events, table: cart}
attributes:
  - {name: a, type: counter, key_event: page_veiw, duration: 24 hour s}
"""
    assert problems(text) == (
        Problem(
            "rt.yaml",
            4,
            47,
            "key_events[1].table",
            "web_events.cart is not among event_tables",
            "did you mean web_events.carts?",
        ),
        Problem(
            "rt.yaml",
            6,
            41,
            "attributes[0].key_event",
            "no key event is called 'page_veiw'",
            "did you mean page_view?",
        ),
        Problem(
            "rt.yaml",
            6,
            62,
            "attributes[0].duration",
            "'24 hour s' is not a duration",
            "write e.g. duration: 24 hours",
        ),
    )


ATTRIBUTE = EVENT + "attributes:\n  - {name: a, key_event: page_view, duration: 1 day, "
SINGLE = ATTRIBUTE + "type: single, value_column: c, data_type: string, "
CONDITION = "key_events: [{name: e, table: a.b, filter_rule: {conditions: [%s]}}]"
OPERATOR = CONDITION % "{type: Column, column: c, operator: %s}"


@pytest.mark.parametrize(
    ("text", "path", "message", "hint"),
    [
        pytest.param(
            SINGLE + "counter_type: total}",
            "attributes[0].counter_type",
            "counter_type belongs to counter attributes",
            "this one is of type single",
            id="field of another kind",
        ),
        pytest.param(
            ATTRIBUTE + "type: counter, counter: {}, increment: {type: field, value: c}}",
            "attributes[0].counter",
            "there is no field counter",
            "did you mean counter_type?",
            id="field called as its kind",
        ),
        pytest.param(
            ATTRIBUTE + "type: counter, increment: {type: field, value: c, field: d}}",
            "attributes[0].increment.field",
            "there is no field field",
            "the fields here are type, value",
            id="field called as the tag of an increment",
        ),
        pytest.param(
            "keyEvents: []",
            "keyEvents",
            "there is no field keyEvents",
            "did you mean key_events?",
            id="camelCase",
        ),
        pytest.param(
            SINGLE + "realtimeKeyEventId: x}",
            "attributes[0].realtimeKeyEventId",
            "there is no field realtimeKeyEventId",
            "did you mean key_event?",
            id="name in the API",
        ),
        pytest.param(
            ATTRIBUTE + "type: sinlge}",
            "attributes[0].type",
            "'sinlge' is not one of single, list, counter, lookup_catalog, imported",
            "did you mean single?",
            id="type of attribute",
        ),
        pytest.param(
            ATTRIBUTE + "type: lookupCatalog}",
            "attributes[0].type",
            "'lookupCatalog' is not one of single, list, counter, lookup_catalog, imported",
            "did you mean lookup_catalog?",
            id="type of attribute in the API",
        ),
        pytest.param(
            ATTRIBUTE + "type: counter, increment: {type: fild, value: q}}",
            "attributes[0].increment.type",
            "'fild' is not one of const, field",
            "did you mean field?",
            id="type of increment",
        ),
        pytest.param(
            "parent_segment: on\n" + EVENT,
            "parent_segment",
            "on without quotes is read as true or false",
            'write "on"',
            id="text read as a bool",
        ),
        pytest.param(
            EVENT + "attributes:",
            "attributes",
            "an empty value where a list is expected",
            "write e.g. attributes: [{type: imported, column: loyalty_tier}]",
            id="section without items",
        ),
        pytest.param(
            ATTRIBUTE + "type: counter, backfill: maybe}",
            "attributes[0].backfill",
            "'maybe' is not true or false",
            "write e.g. backfill: false",
            id="bool",
        ),
        pytest.param(
            EVENT + "attributes: [{name: ü, type: counter, key_event: page_view, duration: 1 day}]",
            "attributes[0]",
            "no identifier can be derived from the name 'ü'",
            "write e.g. identifier: some_name",
            id="identifier",
        ),
        pytest.param(
            "event_tables: [pageviews]",
            "event_tables[0]",
            "'pageviews' is not a table",
            "write database.table",
            id="table without database",
        ),
        pytest.param(
            "event_tables: [{database: a, table: ..}]\nkey_events: [{name: e, table: c}]",
            "key_events[0].database",
            "database is missing",
            "or write table: database.table",
            id="key event without database",
        ),
        pytest.param(
            "event_tables: []\n" + EVENT,
            "key_events[0].table",
            "web.pageviews is not among event_tables",
            "add web.pageviews to event_tables",
            id="no event table at all",
        ),
        pytest.param(
            "parent_segment: ''\n" + EVENT,
            "parent_segment",
            "'' is empty",
            "write e.g. parent_segment: '394649'",
            id="empty text",
        ),
        pytest.param(
            ATTRIBUTE + "type: list, id_column: c, max_items: 0}",
            "attributes[0].max_items",
            "0 is less than 1",
            "write e.g. max_items: 100",
            id="too small",
        ),
        pytest.param(
            SINGLE.replace("1 day", "0 days") + "}",
            "attributes[0].duration",
            "'0 days' is less than 1",
            "write e.g. duration: 24 hours",
            id="too short",
        ),
        pytest.param(
            ATTRIBUTE + "type: counter, increment: quantity}",
            "attributes[0].increment",
            "'quantity' is not a whole number",
            "write e.g. increment: 1",
            id="increment",
        ),
        pytest.param(
            ATTRIBUTE + "type: counter, sub_durations: [1 hour]}",
            "attributes[0].sub_durations[0]",
            "'1 hour' is not a sub duration",
            "write e.g. - {name: week, identifier: week, value: 7, unit: day}",
            id="sub duration",
        ),
        pytest.param(
            ATTRIBUTE + "type: counter, filter: {c: {gt: 5}}}",
            "attributes[0].filter.c.gt",
            "there is no field gt",
            "did you mean greater?",
            id="operator of another language",
        ),
        pytest.param(
            ATTRIBUTE + "type: counter, filter: {c: {'!=': 5}}}",
            "attributes[0].filter.c.!=",
            "there is no field !=",
            "did you mean equal, with not: true beside it?",
            id="the opposite of an operator",
        ),
        pytest.param(
            EVENT + "attributes: [{name: a, type: counter, key_event: page_view}]",
            "attributes[0]",
            "a counter needs duration or sub_durations",
            "write e.g. duration: 24 hours",
            id="counter without duration",
        ),
        pytest.param(
            ATTRIBUTE + "type: list, value_column: c, fields: []}",
            "attributes[0]",
            "a list needs id_column or fields or aggregations",
            "write e.g. id_column: product_id",
            id="list of nothing",
        ),
        pytest.param(
            "parent_segment: 1",
            "",
            "the file configures nothing",
            "it needs one or more of event_tables, key_events, id_stitching, batch_attributes, "
            "attributes",
            id="no section",
        ),
    ],
)
def test_field_problem_in_words(text: str, path: str, message: str, hint: str) -> None:
    problem = only_problem(text)
    assert (problem.path, problem.message, problem.hint) == (path, message, hint)


@pytest.mark.parametrize(
    ("text", "path", "message", "hint"),
    [
        pytest.param(
            OPERATOR % "{type: GreaterThan, rightValue: 1}",
            "key_events[0].filter_rule.conditions[0].operator.type",
            "'GreaterThan' is not one of Equal, Greater, GreaterEqual, Less, LessEqual, Regexp, "
            "IsNull, In, Contain, StartWith, EndWith, Between",
            "did you mean Greater?",
            id="operator",
        ),
        pytest.param(
            OPERATOR % "{type: Between, minValue: 1}",
            "key_events[0].filter_rule.conditions[0].operator",
            "Between needs maxValue",
            "",
            id="operand missing",
        ),
        pytest.param(
            OPERATOR % "{type: Equal, rightValue: 1, maxValue: 2}",
            "key_events[0].filter_rule.conditions[0].operator",
            "Equal takes no maxValue",
            "it takes rightValue",
            id="operand of another operator",
        ),
        pytest.param(
            OPERATOR % "{type: Equal, rightValue: [1]}",
            "key_events[0].filter_rule.conditions[0].operator.rightValue",
            "a list where a text or number is expected",
            "",
            id="operand of another type",
        ),
        pytest.param(
            CONDITION % "{type: Colum}",
            "key_events[0].filter_rule.conditions[0].type",
            "'Colum' is not one of And, Or, Column",
            "did you mean Column?",
            id="type of condition",
        ),
        pytest.param(
            CONDITION % "{type: Value, leftValue: {name: n}, operator: {type: Equal}}",
            "key_events[0].filter_rule.conditions[0].type",
            "'Value' is not one of And, Or, Column",
            "this version does not know it",
            id="condition of another type",
        ),
        pytest.param(
            SINGLE + "filter_rule: {type: Not, conditions: []}}",
            "attributes[0].filter_rule.type",
            "'Not' is not one of And, Or",
            "this version does not know it",
            id="in an attribute",
        ),
        pytest.param(
            ATTRIBUTE
            + "type: list, id_column: c, actions: "
            + "[{action: clear, key_event: page_view, filter_rule: {type: And, "
            + "conditions: null}}]}",
            "attributes[0].actions[0].filter_rule.conditions",
            "an empty value where a list is expected",
            "",
            id="in an action",
        ),
    ],
)
def test_a_filter_in_a_form_that_is_not_known_is_a_warning(
    text: str, path: str, message: str, hint: str
) -> None:
    (warning,) = parsed(text).warnings
    assert (warning.path, warning.message) == (path, f"{message}; the rule is passed on as it is")
    shown = hint or "this version does not know it"
    assert warning.hint == f"{shown}; a new one needs --force"


@pytest.mark.parametrize("kind", ["type: singel, ", "type: [], ", ""])
def test_a_wrong_type_does_not_hide_what_else_is_wrong(kind: str) -> None:
    fields = "data_type: sting, duration: soon, backfill: maybe, tpye_: 1, key_event: page_veiw"
    found = problems(EVENT + f"attributes: [{{name: 1, {kind}value_column: [], {fields}}}]")
    names = {problem.path.removeprefix("attributes[0].") for problem in found}
    wrong = {"name", "type", "value_column", "data_type", "duration", "backfill", "key_event"}
    assert names == wrong | {"tpye_"}


LINES = """\
key_events:
  - name: e
    table: a.b
    description: x
attributes:
  - name: a
    type: counter
    key_event: e
    duration: 1 day
"""


@pytest.mark.usefixtures("_either_loader")
@pytest.mark.parametrize("number", range(9))
@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda line: " " + line, "a line is not indented as its neighbours"),
        (lambda line: "  " + line, "a line is not indented as its neighbours"),
        (lambda line: line.removeprefix(" "), "a line is not indented as its neighbours"),
        (lambda line: line.removeprefix("  "), "a line is not indented as its neighbours"),
        (lambda line: "\t" + line.lstrip(), "a tab"),
        (lambda line: line.replace(":", "", 1), "a line without a colon"),
        (lambda line: line.replace(": ", ":", 1), "a line without a colon"),
    ],
)
def test_what_is_wrong_with_a_line_is_said_as_it_is(
    number: int, wrong: Callable[[str], str], said: str
) -> None:
    lines = LINES.splitlines(keepends=True)
    changed = wrong(lines[number])
    if changed == lines[number] or (number == 8 and said == "a line without a colon"):
        return
    problem = only_problem("".join([*lines[:number], changed, *lines[number + 1 :]]))
    assert problem.message.startswith(f"this is not YAML: {said}"), changed
    assert problem.hint


def test_misspelt_required_field_is_told_once() -> None:
    problem = only_problem("key_events: [{name: e, tabel: t, database: d}]")
    assert (problem.path, problem.hint) == ("key_events[0].tabel", "did you mean table?")


def test_action_with_unknown_key_event_is_found_in_an_item_that_does_not_validate() -> None:
    text = ATTRIBUTE + "type: list, id_column: c, max_items: x, "
    text += "actions: [{action: clear, key_event: page}]}"
    paths = {problem.path for problem in problems(text)}
    assert paths == {"attributes[0].max_items", "attributes[0].actions[0].key_event"}


def test_unquoted_name_is_not_also_told_as_dangling() -> None:
    text = "key_events: [{name: on, table: a.b}]\n"
    text += "attributes: [{name: a, type: counter, key_event: 'on', duration: 1 day}]"
    assert only_problem(text).path == "key_events[0].name"


def test_sub_durations_share_no_identifier() -> None:
    window = "{name: n, identifier: i, value: 1, unit: day}"
    problem = only_problem(ATTRIBUTE + f"type: counter, sub_durations: [{window}, {window}]}}")
    assert problem.path == "attributes[0].sub_durations[1].identifier"
    assert problem.message == "the identifier i is already in line 3"


def test_problems_come_in_file_order() -> None:
    text = (
        "attributes:\n - {}\nkey_events:\n - {}\nbatch_attributes:\n - {}\nevent_tables:\n - {}\n"
    )
    lines = [problem.line for problem in problems(text)]
    assert lines == sorted(lines)
    assert set(lines) == {2, 4, 6, 8}


def tables(count: int) -> str:
    return "[" + ", ".join(f"d.t{i}" for i in range(count)) + "]"


@pytest.mark.parametrize(
    ("text", "path", "message"),
    [
        pytest.param(
            "event_tables: " + tables(101),
            "event_tables",
            "101 event tables; a parent segment takes at most 100",
            id="event tables",
        ),
        pytest.param(
            "key_events:\n" + "\n".join(f" - {{name: e{i}, table: d.t{i}}}" for i in range(101)),
            "key_events",
            "101 event tables; a parent segment takes at most 100",
            id="tables of key events",
        ),
        pytest.param(
            "id_stitching: {keys: " + tables(101) + "}",
            "id_stitching.keys",
            "101 stitching keys; a parent segment takes at most 100",
            id="stitching keys",
        ),
    ],
)
def test_limit_of_f20_is_told(text: str, path: str, message: str) -> None:
    problem = only_problem(text)
    assert (problem.path, problem.message) == (path, message)


def test_limits_themselves_are_allowed() -> None:
    text = f"event_tables: {tables(100)}\nid_stitching: {{keys: {tables(100)}}}\n"
    assert len(parsed(text).config.tables()) == 100


@pytest.mark.parametrize(
    ("text", "path", "message"),
    [
        pytest.param(
            "id_stitching: {keys: [td_client_id, email], ext_lookup_key: email}",
            "id_stitching.ext_lookup_key",
            "email is also a stitching key; the lookup key is the segment's profile key",
            id="lookup key that stitches (F18)",
        ),
        pytest.param(
            "id_stitching: {keys: [{name: email, valid_regexp: '('}]}",
            "id_stitching.keys[0].valid_regexp",
            "'(' does not look like a regular expression: "
            "missing ), unterminated subpattern at position 0",
            id="regular expression",
        ),
        pytest.param(
            OPERATOR % ("{type: Equal, rightValue: " + "x" * 1000 + "}"),
            "key_events",
            "1,116 characters in the filters of all key events together; "
            "a parent segment takes at most 1,000",
            id="filters",
        ),
    ],
)
def test_doubtful_value_is_a_warning(text: str, path: str, message: str) -> None:
    (warning,) = parsed(text).warnings
    assert (warning.path, warning.message) == (path, message)


@pytest.mark.filterwarnings("error")
def test_odd_regular_expression_prints_no_python_warning() -> None:
    assert parsed("id_stitching: {keys: [{name: e, valid_regexp: '[[a]'}]}").warnings == ()


# What is not a configuration at all


UNUSABLE = {
    "empty": (b"", 1, "the file is empty"),
    "only a comment": (b"# nothing\n", 1, "the file is empty"),
    "only a document marker": (b"---", 1, "the file is empty"),
    "a list": (b"- a\n- b\n", 1, "the file holds a list, not the fields of a configuration"),
    "a scalar": (b"hello", 1, "the file holds a single value, not the fields of a configuration"),
    "UTF-16": ("a: ü".encode("utf-16"), 1, "the file is UTF-16 or UTF-32, not UTF-8"),
    "UTF-16 without mark": ("a: ü".encode("utf-16-be"), 1, "the file is UTF-16 or UTF-32"),
    "Latin-1": (b"a: 1\nb: \xfc\n", 2, "byte 0xfc is not UTF-8"),
    "NUL": (b"a: 1\r\nb: \0\r\n", 2, "the control character U+0000 cannot stand"),
    "escape": (b"a: \x1b[31m", 1, "the control character U+001B cannot stand"),
    "tab": (b"a:\n\tb: 1\n", 2, "this is not YAML: a tab or a reserved character"),
    "documents": (b"a: 1\n---\nb: 1\n", 2, "this is not YAML: several documents in one file"),
    "colon": (b"a: b: c\n", 1, "this is not YAML: a colon too many"),
    "no colon": (b"a: 1\nb\nc: 1\n", 3, "this is not YAML: a line without a colon"),
    "bracket": (b"a: [1, 2\n", 1, "this is not YAML: "),
    "quote": (b"a: 'b\n", 1, "this is not YAML: "),
    "alias": (b"a: *b\n", 1, "this is not YAML: found undefined alias"),
    "variable in braces": (b"{a: ${B}}", 1, "this is not YAML: inside brackets a comma"),
    "deep": (b"[" * 1_000_000, 1, "this is not YAML: nested too deeply"),
    "deep mappings": (b"{a: " * 1_000, 1, "this is not YAML: nested too deeply"),
    "alias to itself": (b"a: &a [*a]\n", 1, "too many values"),
    "merge of itself": (b"a: &a\n  <<: *a\n", 1, "too many values"),
    "a tag": (b"!!python/object:os.system {}", 1, "the tag !!python/object:os.system cannot"),
}


@pytest.mark.parametrize(("content", "line", "start"), UNUSABLE.values(), ids=UNUSABLE)
def test_unusable_content_is_one_problem(content: bytes, line: int, start: str) -> None:
    problem = only_problem(content)
    assert problem.message.startswith(start)
    assert problem.line == line


@pytest.mark.parametrize("link", ["[*{0}, *{0}, *{0}, *{0}]", "{{<<: [*{0}, *{0}, *{0}, *{0}]}}"])
def test_aliases_that_multiply_are_stopped(link: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_source, "MAX_VALUES", 10_000)
    lines = ["a0: &a0 {x: 1}"]
    lines += [f"a{i + 1}: &a{i + 1} {link.format(f'a{i}')}" for i in range(20)]
    assert only_problem("\n".join(lines)).message == "too many values; each use of an alias counts"


def test_byte_order_mark_and_crlf_are_accepted() -> None:
    content = b"\xef\xbb\xbf" + EVENT.replace("\n", "\r\n").encode() + b"batch_attributes: []\r\n"
    loaded = parsed(content)
    assert loaded.config.key_events[0].name == "page_view"
    assert loaded.source.place(("batch_attributes",))[1:3] == (2, 19)


def test_missing_file_is_a_config_error(tmp_path: Path) -> None:
    path = str(tmp_path / "rt.yaml")
    with pytest.raises(ConfigError) as caught:
        load(path, environ={})
    hint = "tdxwrap new writes a first one"
    assert caught.value.problems == (Problem(path, 0, 0, "", "there is no such file", hint),)


def test_directory_is_a_config_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, environ={})
    assert caught.value.problems[0].message == "this is a directory"


def test_unreadable_file_is_a_config_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(ConfigError) as caught:
        load("rt.yaml", environ={})
    message = "the file cannot be read: Permission denied"
    assert caught.value.problems[0].message == message


@pytest.mark.parametrize("path", ["rt\0.yaml", "x" * 5000, "tests/conftest.py/rt.yaml"])
def test_impossible_path_is_a_config_error(path: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(path, environ={})
    assert caught.value.problems[0].message.startswith("the file cannot be read: ")


def test_file_without_end_is_not_read_to_the_end() -> None:
    with pytest.raises(ConfigError) as caught:
        load("/dev/zero", environ={})
    assert caught.value.problems[0].message == "the file is larger than 16 MiB"


def test_dash_is_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(EVENT.encode())))
    loaded = load("-", environ={})
    assert loaded.path == "-"
    assert loaded.source.where(("key_events", 0)) == "-:1"


def test_closed_standard_input_is_a_config_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(ConfigError) as caught:
        load("-", environ={})
    assert caught.value.problems[0].message == "standard input is closed"


# Scalars, tags, keys


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-01-31", "2024-01-31"),
        ("012", "012"),
        ("0x1F", "0x1F"),
        ("1:30", "1:30"),
        (".inf", ".inf"),
        ("!!float nan", "nan"),
        ("1_000", 1000),
        ("-5", -5),
        ("1.5", 1.5),
        ("1.0e+400", "1.0e+400"),
        ("Yes", True),
        ("off", False),
        ("~", None),
        ("", None),
        ("!!str 5", "5"),
        ("'5'", "5"),
        ("=", "="),
    ],
)
def test_scalar_is_read_as_what_it_looks_like(text: str, expected: object) -> None:
    source = yaml_source.read_source("rt.yaml", f"a: {text}".encode(), {})
    assert source.data == {"a": expected}
    assert type(source.data["a"]) is type(expected)
    assert not source.problems


@pytest.mark.parametrize("tag", ["!!python/name:os.system", "!!binary", "!!set", "!own", "!!omap"])
def test_tag_is_a_problem_and_the_rest_is_still_checked(tag: str) -> None:
    text = f"key_events:\n  - {{name: {tag} x, table: t}}\nnonsense: 1\n"
    paths = [problem.path for problem in problems(text)]
    assert paths == ["key_events[0].database", "key_events[0].name", "nonsense"]


def test_field_name_must_be_a_text() -> None:
    first, second = problems(EVENT + "? [a]\n: 1\n12: x\n")
    assert first.message == "a list or mapping cannot be the name of a field"
    assert second.message == "there is no field 12"


def test_merge_of_what_is_no_mapping_is_a_problem() -> None:
    problem = only_problem(EVENT + "<<: [a]\n")
    assert (problem.line, problem.message) == (2, "<< can only merge mappings")


def test_merged_fields_keep_their_places() -> None:
    text = "batch_attributes:\n  - &base {column: a,\n     name: A}\n  - {<<: *base, column: b}\n"
    loaded = parsed(text)
    assert [attribute.name for attribute in loaded.config.batch_attributes] == ["A", "A"]
    assert loaded.source.place(("batch_attributes", 1))[1:3] == (4, 5)
    assert loaded.source.place(("batch_attributes", 1, "name"))[1:3] == (3, 12)
    assert loaded.source.place(("batch_attributes", 1, "column"))[1:3] == (4, 25)


def test_a_field_at_the_top_that_begins_with_x_is_the_users_own() -> None:
    anchors = "x-tables: {all: &tables [a.b]}\n"
    loaded = parsed(f"{anchors}x-1: 1.10\nevent_tables: *tables\n")
    assert [str(table) for table in loaded.config.tables()] == ["a.b"]
    problem = only_problem("event_tables: [a.b]\nkey_events: [{name: e, table: a.b, x-1: 1}]\n")
    assert problem.message == "there is no field x-1"


def test_earlier_merge_wins_over_later() -> None:
    text = "a: &a {x: 1, y: 1}\nb: &b {x: 2, z: 2}\nc: {<<: [*a, *b]}\nd: {z: 3, <<: *b}"
    data = yaml_source.read_source("rt.yaml", text.encode(), {}).data
    assert data["c"] == {"x": 1, "y": 1, "z": 2}
    assert data["d"] == {"x": 2, "z": 3}


def test_position_of_what_is_absent_is_that_of_the_nearest() -> None:
    source = parsed("# first\n" + EVENT).source
    assert source.place(("key_events", 0, "table"))[1:3] == (2, 39)
    assert source.place(("key_events", 0, "filter_rule", "conditions"))[1:3] == (2, 14)
    assert source.place(("attributes", 3))[1:3] == (2, 1)
    assert source.where(("key_events", 0)) == "rt.yaml:2"


def test_message_holds_no_control_characters_and_is_not_endless() -> None:
    problem = only_problem(EVENT + '"\\e[31m\\n%s": 1' % ("x" * 5000))
    assert problem.message.isprintable()
    assert problem.path.isprintable()
    assert len(problem.message) < 400


# The environment


def description(text: str, **environ: str) -> str | None:
    yaml_text = f"key_events: [{{name: e, table: a.b, description: '{text}'}}]"
    return parsed(yaml_text, **environ).config.key_events[0].description


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${A}", "one"),
        ("x-${A}-${A}", "x-one-one"),
        ("${B:-two}", "two"),
        ("${EMPTY:-two}", "two"),
        ("${EMPTY}.", "."),
        ("${A:-two}", "one"),
        ("${B:-}.", "."),
        ("$${A}", "${A}"),
        ("$$${A}", "$${A}"),
        ("$A $ {A} $$", "$A $ {A} $$"),
        ("${LATER}", "${A}"),
    ],
)
def test_variable_is_taken_from_the_environment(text: str, expected: str) -> None:
    assert description(text, A="one", EMPTY="", LATER="${A}") == expected


@pytest.mark.parametrize("text", ["${", "${}", "${A", "${1}", "${A-b}", "${ A}"])
def test_what_is_no_variable_is_a_problem(text: str) -> None:
    problem = only_problem(EVENT + f"parent_segment: '{text}'", A="one")
    assert (problem.line, problem.column, problem.path) == (2, 17, "parent_segment")
    assert problem.message == "${ is not followed by the name of a variable"


@pytest.mark.parametrize("text", ["${A:-${B}}", "${A:-${B}", "${A:-x", "${A:-{x}}", "${B:-$${A}}"])
def test_a_default_is_closed_and_holds_no_other_reference(text: str) -> None:
    problem = only_problem(EVENT + f"parent_segment: 'x ${{A}} {text} ${{C}}'", A="one")
    assert (problem.line, problem.column, problem.path) == (2, 17, "parent_segment")
    assert f"the default after {text[:5]} holds a brace" in problem.message
    assert "write ${NAME} or ${NAME:-default}" in problem.hint


@pytest.mark.parametrize(
    "name",
    [
        *("TDX_ACCESS_TOKEN", "TDX_API_KEY", "TD_API_KEY", "TDX_API_KEY_PRODUCTION"),
        *("DEPLOY_SECRET", "token", "DB_PASSWORD_OLD", "Credential", "AWS_ACCESS_KEY_ID"),
        "SSH_PRIVATE_KEY",
    ],
)
def test_a_credential_is_not_substituted(name: str) -> None:
    for reference in (f"${{{name}}}", f"${{{name}:-x}}"):
        problem = only_problem(EVENT + f"parent_segment: '{reference}'", **{name: "value"})
        assert (problem.line, problem.column, problem.path) == (2, 17, "parent_segment")
        assert problem.message == f"the environment variable {name} is a credential by its name"


@pytest.mark.parametrize("name", ["TOKENIZER", "SECRETARY", "KEY", "MONKEY_API", "PRIVATE_KEYNOTE"])
def test_other_names_are_substituted(name: str) -> None:
    assert description(f"${{{name}}}", **{name: "value"}) == "value"


def test_unset_variable_is_named_with_its_place() -> None:
    problem = only_problem(EVENT + "parent_segment: ${SEGMENT}")
    assert (problem.line, problem.column) == (2, 17)
    assert problem.message == "the environment variable SEGMENT is not set"
    assert problem.hint == "set it, or write ${SEGMENT:-default}"


def test_unset_variable_behind_an_anchor_is_told_once() -> None:
    text = "batch_attributes: [&a {column: x, name: '${N}'}, {<<: *a, column: y}]"
    assert only_problem(text).line == 1


def test_field_names_are_not_expanded() -> None:
    assert only_problem(EVENT + "'${A}': 1", A="attributes").message == "there is no field ${A}"


def test_number_from_the_environment_is_a_number() -> None:
    loaded = parsed(ATTRIBUTE + "type: list, id_column: c, max_items: '${MAX}'}", MAX="7")
    assert loaded.config.attributes[0].model_dump()["max_items"] == 7


@pytest.mark.parametrize("text", ["${A}", "$${A}", "$$${", "a $ b", "${${A}}", "$" * 9 + "{"])
def test_escaped_text_is_read_back(text: str) -> None:
    assert description(escape(text)) == text


def test_a_batch_attribute_without_a_usable_column_is_told() -> None:
    text = b"batch_attributes: [{column: []}, {column: {}}]\n"
    paths = {problem.path for problem in problems(text)}
    assert paths == {"batch_attributes[0].column", "batch_attributes[1].column"}
