"""`tdxwrap import` of tdx's own rt_config.yaml: field by field, and nothing lost without a word."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from support.inprocess import account
from support.shells import FIXTURES, Shell
from support.worlds import scenario_for

from tdxwrap.config.load import is_tdx_form, load, parse
from tdxwrap.config.yaml_source import read_source
from tdxwrap.errors import ConfigError
from tdxwrap.generate.tdx_form import convert

FORMS = FIXTURES / "tdx-form"
SHOP, MEDIA, SAAS = (FORMS / f"{name}.yaml" for name in ("shop", "media", "saas"))
ALL = [{"name": "e", "database": "d", "table": "t"}]


@dataclass
class Converted:
    text: str
    left_out: list[str]


def converted(document: Any) -> Converted:
    source = read_source("rt_config.yaml", yaml.safe_dump(document).encode(), {})
    text, problems = convert(source)
    return Converted(text, [f"left out: {p.path} in line {p.line}: {p.message}" for p in problems])


def one(document: Any, kind: str = "attributes") -> Any:
    """What a single item becomes; None if it is left out."""
    keys = {"id_stitching": {"stitching_keys": [document]}} if kind == "keys" else {}
    items = {kind: [document]} if kind != "keys" else {}
    data = yaml.safe_load(converted({"events": ALL, **items, **keys}).text)
    found = data.get("id_stitching", data).get(kind, [])
    return found[0] if found else None


@pytest.mark.parametrize("file", [SHOP, MEDIA, SAAS], ids=lambda file: file.stem)
def test_a_whole_file_is_checked_applied_and_live(file: Path) -> None:
    made = converted(yaml.safe_load(file.read_text()))
    config = parse("rt.yaml", made.text.encode(), environ={}).config
    assert all(f"# {line}" in made.text.splitlines() for line in made.left_out)
    scenario = scenario_for(config)
    scenario["segments"][0]["master_table"]["columns"]["customer_id"] = "string"
    with account(scenario) as run:
        plan = run.plan(config)
        assert len(plan.pending) > 5
        run.carry_out(plan)
        assert run.plan(config).pending == ()


def test_what_the_files_become() -> None:
    shop, media, saas = (converted(yaml.safe_load(f.read_text())) for f in (SHOP, MEDIA, SAAS))
    assert [line.split(" in line")[0] for line in shop.left_out] == [
        "left out: id_stitching.stitching_keys[2]",
        "left out: attributes[1]",
    ]
    assert "the nearest is {name: phone, valid_regexp: '^(?!.*(?:^\\+0+))'}" in shop.left_out[0]
    nearest = "type: counter, key_event: purchase, counter_type: total, increment: {type: field"
    assert nearest in shop.left_out[1]
    assert [line.split(" in line")[0].split()[-1] for line in media.left_out] == [
        "attributes[0]",
        "attributes[3]",
        "personalization_service",
    ]
    assert saas.left_out == []
    document = yaml.safe_load(shop.text)
    assert document["parent_segment"] == "394649"
    assert document["key_events"][1]["filter"] == {"td_path": {"regexp": "^/products/"}}
    assert document["id_stitching"]["keys"][1]["invalid_texts"] == ["unknown", "null"]
    assert document["id_stitching"]["ext_lookup_key"] == "customer_id"


@pytest.mark.parametrize(
    ("fields", "made"),
    [
        ({"expiry_days": 3}, {"duration": "3 days"}),
        ({"expiry_days": 3, "aggregation": "last"}, {"data_type": "string"}),
        ({"window_duration": "12h", "sensitivity": "sensitive"}, {"sensitive": True}),
        ({"expiry_days": 3, "description": "d"}, {"description": "d"}),
        ({"type": "counter", "window_duration": "7d"}, {"duration": "7 days"}),
        (
            {"type": "counter", "expiry_days": 1, "aggregation": "sum"},
            {"increment": {"type": "field", "value": "c"}},
        ),
        ({"type": "list", "expiry_days": 1, "max_items": 9}, {"max_items": 9, "id_column": "c"}),
        ({"type": "imported_batch", "source": "tier"}, {"type": "imported", "column": "tier"}),
        # What has no exact counterpart
        ({}, None),
        ({"expiry_days": 1, "window_duration": "1d"}, None),
        ({"window_duration": "a while"}, None),
        ({"expiry_days": 1, "aggregation": "max"}, None),
        ({"expiry_days": 1, "sensitivity": "rather"}, None),
        ({"expiry_days": 1, "source_event": "another"}, None),
        ({"expiry_days": 1, "type": "list", "aggregation": "median"}, None),
        ({"expiry_days": 1, "type": "counter", "aggregation": "max"}, None),
        ({"expiry_days": 1, "type": "gauge"}, None),
    ],
)
def test_an_attribute(fields: dict[str, Any], made: dict[str, Any] | None) -> None:
    whole = {"name": "a", "type": "single", "source_event": "e", "source_field": "c", **fields}
    found = one(whole)
    assert found is None if made is None else made.items() <= found.items()


@pytest.mark.parametrize(
    ("excluded", "texts"),
    [
        ("^null$", ["null"]),
        ("^(n/a|not set)$", ["n/a", "not set"]),
        # ^a|b$ is anything that begins with a, and what is no text at all is no text.
        ("^a|b$", None),
        ("^x.$", None),
        ("unknown", None),
    ],
)
def test_what_is_excluded_is_never_stitched(excluded: str, texts: list[str] | None) -> None:
    found = one({"name": "k", "exclude_regex": excluded}, "keys")
    assert (found and found["invalid_texts"]) == texts


def test_an_unknown_field_is_kept_as_a_comment_and_the_item_stays() -> None:
    made = converted({"events": [{**ALL[0], "colour": "red"}], "theme": {"a": 1}})
    assert "# left out: events[0].colour in line 2: red; there is nothing like it" in made.text
    assert "theme" in made.text
    assert len(yaml.safe_load(made.text)["key_events"]) == 1


def test_what_is_wrong_with_the_file_is_wrong_with_the_result() -> None:
    with pytest.raises(ConfigError) as raised:
        converted({"events": [*ALL, *ALL, {"name": "f"}]})
    assert {problem.line for problem in raised.value.problems} == {0}
    assert "key_events[2].table" in {problem.path for problem in raised.value.problems}


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text("ab^$(|)é: #\n", max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner),
)
NAMES = ["name", "database", "table", "filter", "type", "source_event", "source_field"]
NAMES += ["aggregation", "expiry_days", "window_duration", "exclude_regex", "stitching_keys"]
ITEMS = st.dictionaries(st.sampled_from(NAMES), VALUES | st.sampled_from(["single", "e", "list"]))
TOP = st.sampled_from(["attributes", "id_stitching", "events", "parent_segment_id"])


@given(document=st.dictionaries(TOP, VALUES | ITEMS | st.lists(ITEMS, max_size=3)))
def test_whatever_the_file_holds_the_result_is_valid_or_refused(document: dict[str, Any]) -> None:
    document |= {"events": document.get("events", ALL)}
    assert is_tdx_form(document)
    try:
        made = converted(document)
    except ConfigError:
        return
    parse("rt.yaml", made.text.encode(), environ={})


def test_the_command(shell: Shell) -> None:
    done = shell.run("import", SHOP, "-f", "rt.yaml")
    assert (done.code, done.out) == (0, ""), done.text
    assert "2 things without an exact counterpart: see the comments of the file" in done.err
    assert load(shell.cwd / "rt.yaml", environ={}).config.parent_segment == "394649"
    by_pipe = shell.run("import", "-", "--json", stdin=SHOP.read_text()).json
    assert len(by_pipe["left_out"]) == 2
    strict = shell.run("import", SHOP, "--strict")
    assert (strict.code, strict.out) == (2, "")
    assert "shop.yaml:26:5  attributes[1]: {name: revenue" in strict.err
    assert shell.run("import", SAAS, "--strict").code == 0


@pytest.mark.parametrize("command", ["check", "plan", "apply", "rehearse"])
def test_a_command_that_gets_one_names_the_way(shell: Shell, command: str) -> None:
    done = shell.run(command, SHOP)
    assert done.code == 2
    assert "this is tdx's own form, not a configuration" in done.err
    assert f"`tdxwrap import {SHOP}` converts it" in " ".join(done.err.split())
    assert "1 error" in done.err
