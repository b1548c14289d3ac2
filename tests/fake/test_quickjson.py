"""The fake's own JSON reads and writes what the json package does."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tdxwrap.fake import quickjson

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(values)
def test_written_and_read_as_the_package_does(value: object) -> None:
    assert quickjson.dumps(value) == json.dumps(value, ensure_ascii=False)
    assert quickjson.compact(value) == json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    assert quickjson.loads(f" {json.dumps(value, indent=1)}\n") == value


@given(st.text())
def test_what_is_no_json_is_refused_alike(text: str) -> None:
    try:
        expected = json.loads(text)
    except ValueError:
        with pytest.raises(ValueError, match=r".*"):
            quickjson.loads(text)
    else:
        read = quickjson.loads(text)
        assert read == expected or (isinstance(read, float) and math.isnan(read))


@pytest.mark.parametrize("text", ["", "{", '{"a": 1} x', "[1,]", "{'a': 1}", "nul", '"\n"'])
def test_a_broken_document_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        quickjson.loads(text)


def test_what_has_no_json_is_a_type_error() -> None:
    with pytest.raises(TypeError):
        quickjson.dumps({"a": {1, 2}})
