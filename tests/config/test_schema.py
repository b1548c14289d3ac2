"""The JSON Schema says what the loader says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from tdxwrap.config.schema import schema

CONFIGS = Path(__file__).parents[2] / "fixtures" / "configs"
VALIDATOR = Draft202012Validator(schema())
INVALID = [
    file
    for file in sorted((CONFIGS / "invalid").glob("*.yaml"))
    if "#! schema\n" in file.read_text()
]


def document(file: Path) -> Any:
    # As a file is read: dates stay texts. BaseLoader alone would lose numbers.
    return json.loads(json.dumps(yaml.safe_load(file.read_text()), default=str))


def test_schema_is_one_of_its_draft_and_plain_json() -> None:
    Draft202012Validator.check_schema(schema())
    assert json.loads(json.dumps(schema())) == schema()
    assert list(schema())[:3] == ["$schema", "$id", "title"]


VALID = sorted((*CONFIGS.glob("*.yaml"), *CONFIGS.glob("three-brands/*.yaml")))


@pytest.mark.parametrize("file", VALID, ids=lambda file: file.stem)
def test_valid_example_fits_the_schema(file: Path) -> None:
    assert [error.message for error in VALIDATOR.iter_errors(document(file))] == []


@pytest.mark.parametrize("file", INVALID, ids=lambda file: file.stem)
def test_wrong_fields_do_not_fit_the_schema(file: Path) -> None:
    assert not VALIDATOR.is_valid(document(file))


def test_fields_of_the_users_own_fit_the_schema_at_the_top_only() -> None:
    for more in ({}, {"extends": "_base.yaml"}):
        assert VALIDATOR.is_valid({"x-anchors": [1], **more})
        assert not VALIDATOR.is_valid({"key_events": [EVENT | {"x-anchors": 1}], **more})


EVENT = {"name": "e", "table": "a.b"}
COUNTER = {"name": "n", "type": "counter", "key_event": "e", "duration": "1 day"}


@pytest.mark.parametrize(
    "part",
    [
        pytest.param({"nonsense": 1}, id="unknown field"),
        pytest.param({"event_tables": ["pageviews"]}, id="table without database"),
        pytest.param({"key_events": [{"name": "e", "table": "b"}]}, id="event without database"),
        pytest.param({"key_events": [EVENT | {"filterRule": {}}]}, id="camelCase"),
        pytest.param(
            {"key_events": [EVENT | {"filter_rule": {"conditions": [{"type": "Column"}]}}]},
            id="condition without operator",
        ),
        pytest.param({"id_stitching": {"ext_lookup_key": None}}, id="lookup key null (F18)"),
        pytest.param({"attributes": [COUNTER | {"duration": "24 hour s"}]}, id="duration"),
        pytest.param({"attributes": [COUNTER | {"increment": 0}]}, id="increment"),
        pytest.param({"attributes": [COUNTER | {"increment": {"type": "x"}}]}, id="increment type"),
        pytest.param({"attributes": [COUNTER | {"max_items": 5}]}, id="field of another kind"),
        pytest.param({"attributes": [COUNTER | {"type": "countr"}]}, id="type"),
    ],
)
def test_part_does_not_fit(part: dict[str, Any]) -> None:
    assert VALIDATOR.is_valid({"key_events": [EVENT], "attributes": [COUNTER]})
    assert not VALIDATOR.is_valid(part)


@pytest.mark.parametrize(
    "duration", ["1 day", "24 Hours", " 30minutes ", {"value": 1, "unit": "day"}]
)
def test_every_way_to_write_a_duration_fits(duration: object) -> None:
    assert VALIDATOR.is_valid({"attributes": [COUNTER | {"duration": duration}]})


def properties(part: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every property of every object, with its path."""
    if isinstance(part, list):
        for each in part:
            yield from properties(each, path)
    elif isinstance(part, dict):
        named = part.get("properties", {}) if part.get("type") == "object" else {}
        yield from ((f"{path}.{name}", field) for name, field in named.items())
        for name, each in part.items():
            yield from properties(each, f"{path}.{name}")


def test_every_field_is_described_for_an_editor() -> None:
    found = list(properties(schema()))
    assert len(found) > 200
    assert [path for path, field in found if not field.get("description")] == []


def test_every_field_has_an_example_that_fits() -> None:
    document = schema()
    for path, field in properties({"else": document["else"], "$defs": document["$defs"]}):
        if field.keys() & {"const", "enum"}:
            continue
        [example] = field["examples"]
        fits = Draft202012Validator({"$defs": document["$defs"], **field})
        assert [error.message for error in fits.iter_errors(example)] == [], path


def test_a_default_is_a_value_that_an_editor_may_write() -> None:
    found = dict(properties(schema()))
    defaults = {path: field["default"] for path, field in found.items() if "default" in field}
    assert {False, "sliding", "And", 1} == set(defaults.values())


def test_filter_operands_are_written_as_in_the_api() -> None:
    properties = schema()["$defs"]["Operator"]["properties"]
    assert set(properties) == {"type", "not", "rightValue", "rightValues", "minValue", "maxValue"}


def test_descriptions_are_for_readers_of_the_schema() -> None:
    text = json.dumps(schema())
    assert "How long a value is kept" in text
    assert not re.search(r"F\d|discriminator", text)
