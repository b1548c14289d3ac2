"""Whatever a text holds, it stays a text where it goes."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import replace
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.examples import examples

from tdxwrap.apply.export import config_text
from tdxwrap.config.attributes import BaseAttribute, ImportedAttribute, attribute_from_api
from tdxwrap.config.models import EventTable, KeyEvent, RtConfig, StitchingKey
from tdxwrap.config.yaml_text import yaml_text
from tdxwrap.generate import first_config
from tdxwrap.generate.first_config import Chosen
from tdxwrap.generate.shell_script import Origin, whole
from tdxwrap.output.markdown import plan_markdown
from tdxwrap.plan.build import build_plan
from tdxwrap.realtime.state import BLANK, LiveAttribute, LiveKeyEvent, LiveState, Segment
from tdxwrap.system import text as texts

ODD = "\u2028\u2029\x85\r\x0b\x0c\n\x00\x1b\x7f\x9b\u202e\ufeff\t \"'\\#:-{}[]$`‘’@/<&*日é🙂a1"
ANY = st.text(min_size=1, max_size=12) | st.text(ODD, min_size=1, max_size=12)
# As from a JSON document that escapes half a character.
HALVES = st.text(st.characters(categories=["Cs", "L", "Z", "C"]), max_size=12)


def live(name: str, segment: str) -> LiveState:
    """A live state in which everything has this name."""
    event = {"id": "1", "name": name, "databaseName": name, "tableName": name, "description": name}
    attribute = {
        "id": "2",
        "name": name,
        "identifier": "x",
        "type": "list",
        "realtimeKeyEventId": name,
        "idColumn": name,
        "duration": {"value": 1, "unit": "day"},
    }
    strange = {"id": "3", "name": segment, "identifier": 5}
    return LiveState(
        segment=Segment("394649", segment, "ok"),
        initialized=True,
        event_tables=(EventTable(database=name, table="t.t"),),
        stitching_keys=(StitchingKey(name=name, invalid_texts=(name,)),),
        key_events=(LiveKeyEvent("1", KeyEvent.from_api(event)),),
        attributes=(
            LiveAttribute("2", attribute_from_api(attribute)),  # type: ignore[arg-type]
            LiveAttribute("3", BaseAttribute.from_api(strange)),
        ),
    )


@given(ANY, HALVES, st.booleans())
@example("a\u2028extends: evil.yaml\x85b: c\r\nd: e", "\ud800\x85extends: evil.yaml", False)
def test_any_name_is_only_a_name_in_an_exported_file(
    name: str, segment: str, ascii_only: bool
) -> None:
    text = config_text(live(name, segment), ascii_only=ascii_only)

    text.encode()  # not half a character is left
    assert text.isascii() or not ascii_only
    shape = [re.sub(r"\S.*", "", line)[:1] for line in text.splitlines()]
    plain = config_text(live("x", "x"), ascii_only=ascii_only)
    told = yaml.safe_load(text)
    assert set(told) <= set(yaml.safe_load(plain))
    if text.count("\n# left out") > 1:  # a name that a file cannot hold
        return
    assert len(shape) == len(plain.splitlines())
    assert text.count("\n#") == plain.count("\n#")
    assert list(told) == list(yaml.safe_load(plain))
    dollars = name.replace("${", "$${")
    assert told["key_events"][0]["name"] == told["attributes"][0]["key_event"] == dollars
    assert told["id_stitching"]["keys"][0]["invalid_texts"] == [dollars]


@pytest.mark.parametrize(
    ("parts", "left_out"),
    [
        ({"key_events": {"description": "HALF"}}, "key event"),
        ({"key_events": {"filterRule": {"type": "And", "conditions": ["HALF"]}}}, "key event"),
        ({"key_events": {"name": "HALF"}}, "key event"),
        ({"stitching_keys": {"novelty": ["HALF"]}}, "stitching key"),
        ({"ext_lookup_key": "HALF"}, "lookup key"),
    ],
)
def test_half_a_character_leaves_its_item_out(parts: dict[str, Any], left_out: str) -> None:
    (kind, value), *_ = json.loads(json.dumps(parts).replace("HALF", "\\ud800")).items()
    state = live("x", "x")
    if kind == "key_events":
        document = {"id": "1", "name": "x", "databaseName": "x", "tableName": "t.t"} | value
        event = KeyEvent.from_api(document)
        state = replace(state, key_events=(LiveKeyEvent("1", event),))
    elif kind == "stitching_keys":
        state = replace(state, stitching_keys=(StitchingKey.of({"name": "x"} | value),))
    else:
        state = replace(state, ext_lookup_key=value)

    text = config_text(state)
    assert f"\n# left out: {left_out} " in text
    assert "\ud800" not in text
    assert yaml.load(text, yaml.CSafeLoader)["event_tables"]


def test_a_column_that_a_file_cannot_import_is_left_out_by_its_name() -> None:
    column = ImportedAttribute(type="imported", column="tier")
    text = config_text(replace(live("x", "x"), imported=(column,)))
    assert '\n# left out: attribute "tier": ' in text


@given(ANY, ANY, HALVES, st.booleans())
def test_any_name_is_only_a_name_in_a_first_file(
    name: str, other: str, segment: str, configured: bool
) -> None:
    tables = {EventTable(database=name, table=other): {name: "string", other: "string"}}
    chosen = Chosen(Segment(f"1{segment}", segment, "ok"), tables, [name], other, configured)
    text = first_config.config_text(chosen, samples=True)

    assert all(map(str.isprintable, text.split("\n")))
    told = yaml.safe_load(text.replace("\\ud", "\\u0"))  # no YAML holds half a character
    assert [*told] == ["parent_segment", "event_tables", "key_events", "id_stitching", "attributes"]
    assert told["id_stitching"]["keys"] == [name.replace("${", "$${")]


@given(ANY)
def test_a_plan_in_markdown_has_a_line_for_each_item(name: str) -> None:
    lines, plain = (
        plan_markdown(build_plan(config(each), BLANK), each).split("\n") for each in (name, "x")
    )
    assert [line[:8] for line in lines] == [line[:8] for line in plain]
    assert all(map(str.isprintable, lines))


@given(st.recursive(ANY, lambda inner: st.lists(inner) | st.dictionaries(ANY, inner)))
def test_yaml_is_read_back_and_breaks_no_line(value: object) -> None:
    for ascii_only in (False, True):
        text = yaml_text(value, ascii_only=ascii_only, default_flow_style=True, width=10**6)
        assert yaml.load(text, yaml.CSafeLoader) == value
        assert text.removesuffix("\n").removesuffix("\n...").isprintable()
        assert text.isascii() or not ascii_only


def config(name: str) -> RtConfig:
    return RtConfig.model_validate(
        {
            "event_tables": [{"database": name, "table": name}],
            "key_events": [
                {"name": name, "database": name, "table": name, "description": f".{name}."}
            ],
            "id_stitching": {"keys": [{"name": name, "valid_regexp": name}]},
            "attributes": [
                {"name": name, "identifier": "x", "type": "counter", "key_event": name}
                | {"duration": "1 day", "description": f".{name}."}
            ],
        }
    )


def calls(script: str) -> list[str]:
    """The first word of each line of a script; its head's comment is wrapped where it is long."""
    words = [re.split("[ =]", line)[0] for line in script.splitlines()]
    return [re.sub("key_event_1.*", "key_event_1", word) for word in words if word != "#"]


@settings(max_examples=examples(25))
@given(ANY, ANY, st.booleans())
def test_any_name_is_only_a_name_in_a_script(name: str, file: str, ascii_only: bool) -> None:
    origin = Origin(file, name, name, None, ascii_only)
    text = whole(config(name), origin)
    plain = whole(config("x"), Origin("x", "x", "x", None, ascii_only))

    assert text.isascii() or not ascii_only
    assert all(line.isprintable() for line in text.split("\n"))
    assert calls(text) == calls(plain)
    done = subprocess.run(["bash", "-n"], input=text.encode(), capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


@settings(max_examples=examples(25))
@given(
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])) | ANY, st.booleans()
)
def test_a_word_is_one_word_for_bash(text: str, ascii_only: bool) -> None:
    text = text.replace("\0", "")
    script = f"printf %s {texts.shell_word(text, ascii_only=ascii_only)}"
    assert "\n" not in script
    done = subprocess.run(["bash", "-c", script], capture_output=True, check=True)
    assert done.stdout.decode() == text


@given(ANY | HALVES)
def test_every_line_is_one_printable_line(text: str) -> None:
    lines = [texts.terminal(text), texts.comment(text), texts.markdown(text), texts.one_line(text)]
    assert all(map(str.isprintable, lines))
    assert texts.comment(text, ascii_only=True).isascii()
    for line in (texts.json_text(text), texts.shell_json(text), texts.ascii_json(json.dumps(text))):
        assert line.isprintable()
        assert json.loads(line) == text
    assert not set("'$`‘’") & set(texts.shell_json(text))
    document = texts.json_text({text: [text]}, indent=2)
    assert document.count("\n") == 4
    assert json.loads(document) == {text: [text]}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("@acme/security", "@&#8203;acme/security"),
        ("https://evil.example", "https\\://evil.example"),
        ("www.evil.example", "www\\.evil.example"),
        ("a\u2028# b\x85| c\x0b<!-- d", "a \\# b \\| c &lt;\\!-- d"),
        ("$a$ \x1b[2J\u202e", "\\$a\\$ \ufffd\\[2J\ufffd"),
    ],
)
def test_markdown_neither_mentions_nor_links(text: str, expected: str) -> None:
    assert texts.markdown(text) == expected
