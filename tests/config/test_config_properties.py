"""Whatever a file holds, `parse` gives a configuration or a ConfigError, and nothing else."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.examples import examples

from tdxwrap.config import yaml_source
from tdxwrap.config.load import LoadedConfig, parse
from tdxwrap.config.yaml_source import read_source
from tdxwrap.config.yaml_text import escape, yaml_text
from tdxwrap.errors import ConfigError, Problem

CONFIGS = Path(__file__).parents[2] / "fixtures" / "configs"
SEEDS = [file.read_bytes() for file in sorted(CONFIGS.rglob("*.yaml"))]
VALID = [yaml.safe_load(file.read_bytes()) for file in sorted(CONFIGS.glob("*.yaml"))]
ENVIRON = {"A": "one", "EMPTY": "", "ODD": "\ud800\n\x1b"}

# Many small searches: each example is cheap, and a shared machine must not make them fail.
quick = settings(max_examples=examples(120), deadline=None, suppress_health_check=list(HealthCheck))


def check(content: bytes) -> LoadedConfig | None:
    """Parse, and demand what holds for every outcome."""
    try:
        loaded = parse("rt.yaml", content, environ=ENVIRON)
    except ConfigError as error:
        check_problems(content, error.problems)
        return None
    items = (*loaded.config.key_events, *loaded.config.attributes, *loaded.config.tables())
    json.dumps([item.to_api() for item in items], allow_nan=False, ensure_ascii=False).encode()
    return loaded


def check_problems(content: bytes, problems: tuple[Problem, ...]) -> None:
    lines = len(re.findall(b"\r\n|\n|\r|\xc2\x85|\xe2\x80[\xa8\xa9]", content)) + 1
    for problem in problems:
        assert problem.message
        assert "Input should" not in problem.message
        assert f"{problem.path}{problem.message}{problem.hint}".isprintable()
        assert 1 <= problem.line <= lines, problem
        assert problem.column >= 1
    positions = [(problem.line, problem.column) for problem in problems]
    assert positions
    assert positions == sorted(positions)


FIELDS = sorted(
    {match for seed in SEEDS for match in re.findall(r"(\w+):", seed.decode())} | {"nonsense", "<<"}
)
KINDS = ["single", "list", "counter", "const", "field", "And", "Column", "Equal", "In", "day"]
TEXTS = st.sampled_from(
    [*FIELDS, *KINDS, "1 day", "a.b", "page_view", "${A}", "${NOPE}", "${ODD}", "$${A}", "${", ""]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | TEXTS | st.text(max_size=5)
DOCUMENTS = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(FIELDS) | SCALARS, inner, max_size=5)
    ),
    max_leaves=25,
)


@quick
@given(st.binary(max_size=200))
def test_any_bytes(content: bytes) -> None:
    check(content)


@quick
@given(st.text(alphabet="ab:-[]{}&*!|>'\"%@`#,?~ \n\r\t0.<=$\\u\x85\u2028", max_size=40))
def test_any_yaml_punctuation(text: str) -> None:
    check(text.encode())
    check(b"attributes:\n" + text.encode())


@quick
@given(DOCUMENTS)
def test_any_document(document: Any) -> None:
    check(yaml.safe_dump(document, allow_unicode=True).encode("utf-8", "replace"))


@quick
@given(st.sampled_from(FIELDS), DOCUMENTS)
def test_any_section(section: str, document: Any) -> None:
    check(yaml.safe_dump({section: [document]}).encode())


@quick
@given(st.sampled_from(SEEDS), st.data())
def test_any_damaged_file(seed: bytes, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(seed)))
    end = data.draw(st.integers(start, min(len(seed), start + 30)))
    insert = data.draw(st.binary(max_size=4) | TEXTS.map(lambda text: text.encode()))
    check(seed[:start] + insert + seed[end:])


def places(data: Any, loc: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    pairs: list[tuple[Any, Any]] = []
    if isinstance(data, dict):
        pairs = list(data.items())
    elif isinstance(data, list):
        pairs = list(enumerate(data))
    return [loc, *(place for key, value in pairs for place in places(value, (*loc, key)))]


def changed(data: Any, loc: tuple[Any, ...], value: Any) -> Any:
    if not loc:
        return value
    copy = data.copy()
    copy[loc[0]] = changed(data[loc[0]], loc[1:], value)
    return copy


@quick
@given(st.sampled_from(VALID), DOCUMENTS, st.data())
def test_any_value_in_any_place(config: Any, value: Any, data: st.DataObject) -> None:
    place = data.draw(st.sampled_from(places(config)))
    check(yaml.safe_dump(changed(config, place, value)).encode())


@quick
@given(st.sampled_from(SEEDS), st.data())
def test_lines_in_another_order(seed: bytes, data: st.DataObject) -> None:
    lines = seed.splitlines(keepends=True)
    where, to = (data.draw(st.integers(0, len(lines) - 1)) for _ in range(2))
    lines.insert(to, lines.pop(where))
    check(b"".join(lines))


@pytest.fixture
def _pure_python(monkeypatch: pytest.MonkeyPatch) -> None:
    pure = type("PurePython", (yaml_source._DepthLimit, yaml.SafeLoader), {})
    monkeypatch.setattr(yaml_source, "_Loader", pure)


@pytest.mark.usefixtures("_pure_python")
@settings(quick, max_examples=examples(60))
@given(st.sampled_from(SEEDS), st.data())
def test_any_damaged_file_without_the_c_parser(seed: bytes, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(seed)))
    check(seed[:start] + data.draw(st.binary(max_size=4)) + seed[start + 2 :])


@quick
@given(st.text(alphabet="$}{A:- x", max_size=20) | st.text(max_size=20))
def test_escaped_text_is_read_back(text: str) -> None:
    document = yaml.safe_dump({"a": escape(text)}, allow_unicode=False)
    source = read_source("rt.yaml", document.encode(), ENVIRON)
    assert source.data == {"a": text}
    assert not source.problems


@quick
@given(
    st.text(alphabet="0123456789+-.:_eExXob", max_size=9)
    | st.sampled_from(("NO", "true", "2024-01-31", "~", "=", ".inf", "9" * 20))
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.booleans()
)
def test_a_written_scalar_is_read_back_and_stands_in_its_only_form(value: object) -> None:
    source = read_source("rt.yaml", yaml_text({"a": [value]}).encode(), ENVIRON)
    assert source.data == {"a": [value]}
    assert type(source.data["a"][0]) is type(value)
    assert source.values["a", 0].form == ""


@pytest.mark.parametrize("number", range(len(VALID)))
def test_dumped_configuration_is_read_back(number: int) -> None:
    loaded = check(yaml.safe_dump(VALID[number]).encode())
    assert loaded
    dumped = yaml.safe_dump(loaded.config.to_config(), sort_keys=False).replace("${", "$${")
    again = check(dumped.encode())
    assert again
    assert again.config == loaded.config


def test_a_variable_that_is_no_text_is_a_problem_at_its_place() -> None:
    content = b"key_events:\n  - {name: a, table: b.c}\nattributes:\n  - duration: ${ODD}24 hours\n"
    with pytest.raises(ConfigError) as caught:
        parse("rt.yaml", content, environ=ENVIRON)
    told = [(p.line, p.path, p.message) for p in caught.value.problems]
    message = "the environment variable ODD holds bytes that are not UTF-8"
    assert (4, "attributes[0].duration", message) in told
