"""Each jq filter and its JMESPath counterpart give the same, for every document."""

from __future__ import annotations

from typing import Any

import jmespath
import jq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tdxwrap.realtime import queries
from tdxwrap.realtime.queries import Query, literal

# Each query in jq, as the recipe has it; `$ps` stands for the parent segment.
IN_JQ = {
    "has rt config": ".realtime_config != null",
    "status by id": "[.[] | select((.id|tostring)==$ps) | .status]",
    "segments by id or name": "[.[] | select((.id|tostring)==$ps or .name==$ps) | "
    "{id: (.id|tostring), name, status}]",
    "next page": "[(., (.pagination, .meta, .meta.pagination?, .links)?) | objects | (.nextPage, "
    ".next.href?, .next) | select(. != null)][0]",
    "has more": "[(., .pagination, .meta, .meta.pagination?) | objects | select(.hasMore == true "
    "or .hasNextPage == true or (.currentPage != null and .totalPages != null and "
    ".totalPages > .currentPage))] != []",
    "total": "[(., .pagination, .meta, .meta.pagination?) | objects | (.total, .totalCount) | "
    "select(. != null)] | max",
    "created id": ".data.id // .id",
}
QUERIES = {
    name.lower().replace("_", " "): query
    for name, query in vars(queries).items()
    if isinstance(query, Query)
}

# What the recipe itself says, to the letter; the queries mend the comparison of ids (F23).
RECIPE_STATUS_BY_ID = ".[] | select(.id==$ps) | .status"
RECIPE_STATUS_BY_ID_OR_NAME = ".[] | select(.id==$ps or .name==$ps) | .status"

ODD_NAMES = (
    "Customer 360",
    "it's",
    'say "hi"',
    "back`tick",
    "``",
    "back\\slash",
    "\\`",
    "\\\\`\\",
    "`\"'\\u0060",
    "$ps",
    "顧客 360 ✓",
    "العملاء",
    "🛒",
    "a' || name == 'b",
    "`true`",
    "line\nbreak\ttab\x01",
    "",
)


def by_jq(program: str, document: Any, ps: str | None) -> Any:
    args = {} if ps is None else {"ps": ps}
    return jq.compile(program, args=args).input_value(document).all()


def assert_same(name: str, document: Any, ps: str | None = None) -> None:
    wrapped = by_jq(IN_JQ[name], document, ps)
    assert len(wrapped) == 1
    assert QUERIES[name].search(document, ps) == wrapped[0]


def statuses_of(document: Any, ps: str) -> list[Any]:
    return [each["status"] for each in queries.SEGMENTS_BY_ID_OR_NAME.search(document, ps)]


names = st.one_of(st.sampled_from(ODD_NAMES), st.text())
ids = st.one_of(st.integers(0, 2**53), st.integers(0, 9).map(str), st.none(), names)
statuses = st.sampled_from(["ok", "updating", "inconsistent", None])
segment = st.one_of(
    st.fixed_dictionaries({"id": ids}, optional={"name": names, "status": statuses}),
    st.fixed_dictionaries({}, optional={"name": st.none(), "status": statuses}),
)
segments = st.lists(segment, max_size=6)
BY_PS = ("status by id", "segments by id or name")


@pytest.mark.parametrize("name", BY_PS)
@given(document=segments, ps=names)
def test_selecting_segments_is_the_same(name: str, document: list[Any], ps: str) -> None:
    assert_same(name, document, ps)


@pytest.mark.parametrize("name", BY_PS)
@given(document=segments.filter(bool), data=st.data())
def test_selecting_a_segment_that_is_there_is_the_same(
    name: str, document: list[Any], data: st.DataObject
) -> None:
    entry = data.draw(st.sampled_from(document))
    assert_same(name, document, str(entry.get("name") or entry.get("id")))


@pytest.mark.parametrize("ps", ODD_NAMES)
def test_odd_names_find_exactly_themselves(ps: str) -> None:
    document = [{"id": n, "name": name, "status": name} for n, name in enumerate(ODD_NAMES)]
    assert statuses_of(document, ps) == [ps]


@given(
    document=st.lists(
        st.fixed_dictionaries({"id": names}, optional={"name": names, "status": statuses})
    ),
    ps=names,
)
def test_with_textual_ids_the_recipes_own_filters_agree_too(document: list[Any], ps: str) -> None:
    assert queries.STATUS_BY_ID.search(document, ps) == by_jq(RECIPE_STATUS_BY_ID, document, ps)
    assert statuses_of(document, ps) == by_jq(RECIPE_STATUS_BY_ID_OR_NAME, document, ps)


def test_a_numeric_id_is_found_where_the_recipe_would_wait_for_ever() -> None:
    document = [{"id": 394649, "name": "Customer 360", "status": "ok"}]
    assert by_jq(RECIPE_STATUS_BY_ID, document, "394649") == []
    assert queries.STATUS_BY_ID.search(document, "394649") == ["ok"]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
objects = st.dictionaries(st.sampled_from(["id", "name", "data", "x"]), json_values)


@given(st.fixed_dictionaries({}, optional={"realtime_config": json_values, "id": ids}))
def test_realtime_config_exists_is_the_same(document: Any) -> None:
    assert_same("has rt config", document)


LISTS = ("next page", "has more", "total")
said = {
    "nextPage": st.none() | st.text(),
    "next": st.none() | st.text() | st.fixed_dictionaries({}, optional={"href": st.text()}),
    "hasMore": st.none() | st.booleans(),
    "hasNextPage": st.none() | st.booleans(),
    "currentPage": st.none() | st.integers(1, 3),
    "totalPages": st.none() | st.integers(1, 3),
    "total": st.none() | st.integers(0, 9),
    "totalCount": st.none() | st.integers(0, 9),
}
pagination = st.none() | st.fixed_dictionaries({}, optional=said)
pages = st.fixed_dictionaries(
    {},
    optional={
        "data": st.none() | st.lists(objects, max_size=5),
        "pagination": pagination,
        "meta": st.none() | st.fixed_dictionaries({}, optional={**said, "pagination": pagination}),
        "links": pagination,
        **said,
    },
)


@pytest.mark.parametrize("name", LISTS)
@given(document=pages)
def test_list_answers_are_read_the_same(name: str, document: Any) -> None:
    assert_same(name, document)


created = st.fixed_dictionaries(
    {},
    optional={
        "id": st.none() | st.integers(0, 2**53) | st.text(),
        "data": st.none()
        | st.fixed_dictionaries({}, optional={"id": st.none() | st.integers(0, 9) | st.text()}),
    },
)


@given(created)
def test_the_id_of_a_created_item_is_read_the_same(document: Any) -> None:
    assert_same("created id", document)


@given(names)
def test_a_literal_is_the_text_whatever_it_holds(text: str) -> None:
    assert jmespath.search(literal(text), None) == text


def test_every_pair_is_held_together_by_a_test() -> None:
    assert set(QUERIES) == set(IN_JQ) == {*BY_PS, *LISTS, "has rt config", "created id"}
