"""What cannot be seen is shown: characters that names hold by mistake."""

from __future__ import annotations

import json
import subprocess
import unicodedata
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support.shells import FIXTURES, Shell

from tdxwrap.config.load import parse
from tdxwrap.config.odd_characters import odd_character
from tdxwrap.config.yaml_text import as_stated, yaml_text
from tdxwrap.fake.control import World
from tdxwrap.output.plan_text import value_texts
from tdxwrap.plan.changes import FieldChange
from tdxwrap.system import text
from tdxwrap.system.text import visible

pytestmark = pytest.mark.usefixtures("tdx_inside")

IDENTIFIERS = {
    "event_tables": 'event_tables: ["d.VALUE"]',
    "table": 'key_events: [{name: e, table: "d.VALUE"}]',
    "database": 'key_events: [{name: e, database: "VALUE", table: t}]',
    "key": 'id_stitching: {keys: ["VALUE"]}',
    "key.name": 'id_stitching: {keys: [{name: "VALUE"}]}',
    "lookup": 'id_stitching: {ext_lookup_key: "VALUE"}',
    "batch": 'batch_attributes: ["VALUE"]',
    "filter": 'key_events: [{name: e, table: d.t, filter: {any: [{"VALUE": 1}]}}]',
    "rule": "key_events: [{name: e, table: d.t, filter_rule: {conditions: [{type: Column,"
    ' column: "VALUE", operator: {type: IsNull}}]}}]',
    "imported": 'attributes: [{type: imported, column: "VALUE"}]',
    **{
        field: "key_events: [{name: e, table: d.t}]\nattributes: [{name: a, type: list, "
        f"key_event: e, duration: 1 day, {field}}}]"
        for field in (
            'id_column: c, identifier: "VALUE"',
            'id_column: c, value_column: "VALUE"',
            'fields: ["VALUE"]',
            'aggregations: [{name: n, identifier: "VALUE", column: c, aggregation_type: sum}]',
        )
    },
    "increment": "key_events: [{name: e, table: d.t}]\nattributes: [{name: a, type: counter, "
    'key_event: e, duration: 1 day, increment: {type: field, value: "VALUE"}}]',
}
NAME = 'parent_segment: "394649"\nkey_events: [{table: d.t, name: VALUE}]\n'


def checked(shell: Shell, text: str, **env: str) -> tuple[int, list[dict[str, Any]]]:
    """The exit code of `check`, and its errors or else its warnings."""
    done = shell.run("check", shell.write("rt.yaml", text), "--json", **env)
    found = done.json["error"]["problems"] if done.code else done.file["warnings"]
    return done.code, found


@pytest.mark.parametrize("config", IDENTIFIERS.values(), ids=IDENTIFIERS)
def test_every_column_table_and_identifier_is_looked_at(shell: Shell, config: str) -> None:
    code, (found,) = checked(shell, config.replace("VALUE", "“abc"))
    assert code == 2
    assert "U+201C LEFT DOUBLE QUOTATION MARK" in found["message"]

    code, (found,) = checked(shell, config.replace("VALUE", "abc\\u200b"))
    assert code == 0
    assert "abc ends with U+200B ZERO WIDTH SPACE" in found["message"]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("pageviews\u200b", "d.pageviews ends with U+200B ZERO WIDTH SPACE"),
        ("pageviews\xa0", "d.pageviews ends with U+00A0 NO-BREAK SPACE"),
        ("pageviews\u3000", "d.pageviews ends with U+3000 IDEOGRAPHIC SPACE"),
        ("page views", "d.page views holds U+0020 SPACE"),
        ("page\u202eviews", "d.page\\u202eviews holds U+202E RIGHT-TO-LEFT OVERRIDE"),
        ("page\ufe0fviews", "d.page️views holds U+FE0F VARIATION SELECTOR-16"),
        ("page'views", "d.page'views holds U+0027 APOSTROPHE"),
    ],
)
def test_an_identifier_holds_nothing_that_hides(shell: Shell, value: str, said: str) -> None:
    code, (found,) = checked(shell, IDENTIFIERS["table"].replace("VALUE", value))
    assert (code, found["message"]) == (2, said)
    assert found["path"] == "key_events[0].table"
    assert "in double quotes if it is meant" in found["hint"]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("Views\u200b", "Views ends with U+200B ZERO WIDTH SPACE"),
        ("\u3000Views", "Views begins with U+3000 IDEOGRAPHIC SPACE"),
        ('"Views "', "Views ends with U+0020 SPACE"),
        ("|\n    Views\n", "Views ends with U+000A LINE FEED"),
        ("Vi\u202eews", "Vi\\u202eews holds U+202E RIGHT-TO-LEFT OVERRIDE"),
        ("Vi\u200dews", "Vi\\u200dews holds U+200D ZERO WIDTH JOINER"),
        ("\u3164", "the text ends with U+3164 HANGUL FILLER"),
    ],
)
def test_a_name_holds_nothing_that_hides(shell: Shell, value: str, said: str) -> None:
    config = "key_events:\n- table: d.t\n  name: VALUE\n".replace("VALUE", value)
    code, (found,) = checked(shell, config)
    assert (code, found["message"], found["path"]) == (2, said, "key_events[0].name")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("会員　ランク", "holds U+3000 IDEOGRAPHIC SPACE"),
        ("10\xa0%", "holds U+00A0 NO-BREAK SPACE"),
        ("“Views”", "begins with U+201C LEFT DOUBLE QUOTATION MARK"),
        ('"Views\\u0020"', "Views ends with U+0020 SPACE"),
        ('"My views\\u0020"', "My views ends with U+0020 SPACE"),
        ('"Views\\t1"', "holds U+0009 TAB"),
    ],
)
def test_what_may_be_meant_in_a_name_is_a_warning(shell: Shell, value: str, said: str) -> None:
    code, (found,) = checked(shell, NAME.replace("VALUE", value))
    assert code == 0
    assert said in found["message"]


@pytest.mark.parametrize(
    "value",
    ["Women’s shoes", "👩‍👩‍👧 ❤️", "می‌خواهم", "ක්‍රම", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", '"会員\\u3000ランク"', "プレビュー"],
)
def test_a_name_in_any_script_is_a_name(shell: Shell, value: str) -> None:
    assert checked(shell, NAME.replace("VALUE", value)) == (0, [])


def test_a_variable_and_a_file_that_is_extended_are_named(shell: Shell) -> None:
    shell.write("base.yaml", "key_events: [{name: e, table: 'd.${TABLE}'}]\n")
    code, (found,) = checked(shell, "extends: base.yaml\n", TABLE="orders\r")

    said = "d.orders ends with U+000D CARRIAGE RETURN, from the environment variable TABLE"
    assert (code, found["message"], found["hint"]) == (
        2,
        said,
        "remove it from the value of the variable",
    )
    assert found["file"].endswith("base.yaml")


def test_an_export_of_odd_names_is_accepted_and_changes_nothing(
    new_world: Callable[..., World], new_shell: Callable[..., Shell]
) -> None:
    world = new_world("configured")
    with world.edit_segment("394649") as segment:
        realtime = segment["realtime"]
        realtime["keyColumns"].append({**realtime["keyColumns"][0], "name": "“my\u200b key'"})
        realtime["keyEvents"][0]["description"] = "“a”\u202e"
        realtime["keyEvents"][0]["name"] = " Page\u202e view "
        realtime["keyEvents"][0]["filterRule"] = json.loads(
            '{"type": "And", "conditions": [{"type": "Column", "column": "a b", '
            '"operator": {"type": "Equal", "rightValue": "“x”"}}]}'
        )
    shell = new_shell(world)
    exported = shell.run("export", "394649").out
    assert "left out" not in exported
    assert '"\\u201cmy\\u200b\\u0020key\\u0027"' in exported

    path = shell.write("rt.yaml", exported)
    assert shell.run("check", path).code == 0
    assert shell.run("plan", path, "--exit-code").code == 0


texts = st.text(st.characters(codec="utf-8"), min_size=1) | st.text("a .“'\u200b\n\u3000𝒳\u202e")


@given(texts)
@example("a b'“\u200b\U000e0001")
def test_whatever_is_written_as_stated_is_read_back_and_no_error(text: str) -> None:
    data = {
        "key_events": [{"name": text or "x", "database": "d", "table": "t"}],
        "batch_attributes": [text or "x"],
        "attributes": [],
    }
    written = yaml_text(as_stated(data))
    config = parse("rt.yaml", written.encode(), environ={}).config
    assert (config.key_events[0].name, config.batch_attributes[0].column) == (text or "x",) * 2


@given(texts, st.sampled_from((("batch_attributes", 0), ("key_events", 0, "name"))))
def test_a_character_is_odd_only_if_it_is_there(text: str, loc: tuple[str | int, ...]) -> None:
    odd, refused = odd_character(text, loc)
    assert odd in text
    assert odd or not refused
    assert odd or text.strip(" ") == text or not text.strip()


# The same thing twice

NFC = "プレビュー"
NFD = unicodedata.normalize("NFD", NFC)
CONFIG = """parent_segment: "394649"
key_events:
  - {name: NAME, table: web_events.pageviews}
id_stitching: {keys: [NAME]}
attributes:
  - {name: NAME, identifier: NAME, type: list, key_event: REF, duration: 1 day, id_column: price,
     aggregations: [{name: NAME, identifier: NAME, column: price, aggregation_type: sum}],
     actions: [{action: clear, key_event: REF}]}
"""


@pytest.mark.parametrize("live", [NFC, NFD])
@pytest.mark.parametrize("stated", [NFC, NFD])
@pytest.mark.parametrize("reference", [NFC, NFD])
def test_a_name_in_another_normal_form_is_the_same_item(
    world: World, shell: Shell, live: str, stated: str, reference: str
) -> None:
    config = shell.write("rt.yaml", CONFIG.replace("NAME", stated).replace("REF", reference))
    done = shell.run("apply", config, "--yes", "--no-check-columns")
    assert done.code == 0, done.text
    realtime = world.segment("394649")["realtime"]
    text = json.dumps(realtime, ensure_ascii=False)
    assert (NFD in text, text.count(NFC)) == (False, 6)

    with world.edit_segment("394649") as segment:
        segment["realtime"] = json.loads(text.replace(NFC, live))
    done = shell.run("plan", config, "--exit-code", "--prune", "--json")
    assert (done.code, done.file["plan"]["counts"]["unchanged"]) == (0, 4), done.text
    assert shell.run("verify", config).code == 0


def test_the_exact_name_goes_before_the_same_in_another_form(
    half: World, new_shell: Callable[..., Shell]
) -> None:
    with half.edit_segment("394649") as segment:
        events = segment["realtime"]["keyEvents"]
        events[:] = [{**events[0], "id": i, "name": name} for i, name in (("1", NFC), ("2", NFD))]
        segment["realtime"]["attributes"] = []
    shell = new_shell(half)
    event = "key_events:\n  - {name: NAME, table: web_events.pageviews, description: new}\n"
    for name, expected in ((NFD, "2"), (NFC, "1")):
        config = shell.write("rt.yaml", 'parent_segment: "394649"\n' + event.replace("NAME", name))
        done = shell.run("plan", config, "--json")
        assert done.code == 0, done.text
        changes = done.file["plan"]["changes"]
        [found] = [each for each in changes if each["action"] == "update"]
        assert found["id"] == expected


def test_two_names_that_differ_in_what_is_hardly_seen_are_a_warning(shell: Shell) -> None:
    items = "".join(
        f"  - {{name: {name}, table: d.t}}\n" for name in ("Page view", "page  View", NFC, NFD, "x")
    )
    code, found = checked(shell, f"key_events:\n{items}id_stitching: {{keys: [Email, email]}}\n")
    assert code == 0
    said = "{} differs from the {} in line {} only in case, white space or Unicode form"
    assert [each["message"] for each in found] == [
        said.format("page  View", "key event", 2),
        said.format(NFD, "key event", 4),
        said.format("email", "stitching key", 7),
    ]


# Texts that look the same


def test_a_description_is_sent_without_white_space_at_its_end(world: World, shell: Shell) -> None:
    event = (
        "key_events:\n- name: e\n  table: web_events.pageviews\n  description: |\n    Any one  \n"
    )
    config = shell.write("rt.yaml", f'parent_segment: "394649"\n{event}')
    done = shell.run("apply", config, "--yes", "--no-check-columns")
    assert done.code == 0, done.text
    assert world.segment("394649")["realtime"]["keyEvents"][0]["description"] == "Any one"
    assert shell.run("plan", config, "--exit-code").code == 0


@pytest.mark.parametrize(
    ("old", "new", "shown"),
    [
        ("会員　ランク", "会員 ランク", ('"会員\\u3000ランク"', '"会員 ランク"')),
        ("a\u202eb", "ab", ('"a\\u202eb"', '"ab"')),
        ("a\nb", "a b", ('"a\\nb"', '"a b"')),
        ("a", "b", ("a", "b")),
    ],
)
def test_two_texts_that_look_the_same_are_shown_escaped(
    half: World, new_shell: Callable[..., Shell], old: str, new: str, shown: tuple[str, str]
) -> None:
    with half.edit_segment("394649") as segment:
        segment["realtime"]["keyEvents"][0] |= {"name": "e", "description": old}
    shell = new_shell(half)
    event = {"name": "e", "table": "web_events.pageviews", "description": new}
    config = shell.write("rt.yaml", json.dumps({"parent_segment": "394649", "key_events": [event]}))
    assert "  →  ".join(shown) in shell.run("plan", config).out
    if shown[0] != old:
        assert "→" in shell.run("plan", config, "--markdown").out
        assert "\u202e" not in shell.run("plan", config, "--markdown").out


def test_values_that_differ_in_their_normal_form_are_shown_escaped() -> None:
    shown = value_texts(FieldChange("filter", {"c": NFD}, {"c": NFC}))
    assert shown == (json.dumps({"c": NFD}), json.dumps({"c": NFC}))


@given(st.text(), st.text())
def test_two_values_are_never_shown_the_same(old: str, new: str) -> None:
    first, second = value_texts(FieldChange("f", old, new))
    assert (visible(first) == visible(second)) == (old == new)


# Nothing that turns a text around

OVERRIDES = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


@given(st.text(st.sampled_from(OVERRIDES + 'ab\n<&"')))
def test_no_target_carries_an_override(value: str) -> None:
    for target in (text.terminal, text.one_line, text.comment, text.json_text, text.shell_json):
        assert not set(OVERRIDES) & set(target(value))
    for target in (text.shell_word, text.markdown, text.mermaid, text.dot):
        assert not set(OVERRIDES) & set(target(value))


@pytest.mark.long
def test_a_script_prints_no_override(shell: Shell) -> None:
    event = '{table: web_events.pageviews, name: "a\\u202eb"}'
    config = shell.write("rt.yaml", f'parent_segment: "394649"\nkey_events: [{event}]\n')
    script = shell.write("s.sh", shell.run("recipe", config).out)
    path = f"{FIXTURES / 'bin'}:{shell.environ['PATH']}"
    env = {**shell.environ, "PATH": path, "WAIT_PAUSE": "0.1"}
    for _ in range(2):
        done = subprocess.run(
            ["bash", script], cwd=shell.cwd, env=env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert "a\ufffdb" in done.stdout
        assert not set(OVERRIDES) & set(done.stdout + done.stderr)
