"""The typed calls: whatever tdx answers, a read is whole or ends in an error that says so."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.answers import ANYTHING, HOW, mutated, places
from support.inprocess import NO_RETRY, AnsweringTdx, account
from support.worlds import shipped

from tdxwrap.apply.session import Session, read_live
from tdxwrap.errors import MalformedOutput, TdxwrapError
from tdxwrap.realtime.api import Realtime

HALF = shipped("half-configured")
EVENTS = "realtime_key_events"


def pages(*answers: Any) -> Realtime:
    """An API that answers one page after another, and then the last one again."""
    left = list(answers)
    return Realtime(AnsweringTdx(lambda args: left.pop(0) if len(left) > 1 else left[0]))


READS: dict[str, Callable[[Realtime], object]] = {
    "segments": lambda api: api.segments("394649"),
    "all segments": lambda api: api.segments(),
    "status": lambda api: api.status("394649"),
    "view": lambda api: api.view("394649"),
    "setting": lambda api: api.setting("394649"),
    "items": lambda api: api.items("394649", EVENTS),
    "databases": lambda api: api.databases(),
    "tables": lambda api: api.tables("web"),
    "columns": lambda api: api.columns("web.pageviews"),
    "master columns": lambda api: api.master_columns("394649"),
    "create": lambda api: api.create("394649", EVENTS, {}),
}


@pytest.mark.parametrize("name", READS)
@given(answer=ANYTHING)
def test_no_answer_is_a_bug(name: str, answer: Any) -> None:
    with contextlib.suppress(TdxwrapError):
        READS[name](pages(answer))


@pytest.mark.parametrize("answer", [{}, {"data": None}, {"message": "upstream"}, [], {"data": {}}])
def test_what_is_no_list_is_not_an_empty_one(answer: Any) -> None:
    with pytest.raises(TdxwrapError):
        pages(answer).items("394649", EVENTS)


@pytest.mark.parametrize(
    "rest",
    [
        {"pagination": {"nextPage": 2}},
        {"pagination": {"nextPage": "https://elsewhere/page"}},
        {"pagination": {"nextPage": "/a"}},  # and again, for ever
        {"hasMore": True},
        {"meta": {"pagination": {"total": 7}}},
        {"pagination": {"total": 2, "nextPage": None}},
        {"meta": {"totalCount": 2}},
        {"pagination": {"hasNextPage": True}},
        {"meta": {"pagination": {"currentPage": 1, "totalPages": 2}}},
        {"links": {"next": {"href": 7}}},
        {"meta": {"nextPage": ["/b"]}},
    ],
)
def test_a_list_that_is_not_whole_is_no_list(rest: dict[str, Any]) -> None:
    with pytest.raises(MalformedOutput, match=r"next page|not been read"):
        pages({"data": [{"id": "1"}], **rest}).items("394649", EVENTS)


@pytest.mark.parametrize(
    "rest",
    [
        {"pagination": {"nextPage": "/b", "total": 2}},
        {"links": {"next": "/b"}, "hasMore": True},
        {"links": {"next": {"href": "/b"}}},
        {"meta": {"pagination": {"nextPage": "/b"}}},
        {"nextPage": "/b", "pagination": 7, "meta": "x", "links": []},
    ],
)
def test_pages_are_followed_however_they_are_given(rest: dict[str, Any]) -> None:
    for first in ({"data": [{"id": "1"}], **rest}, {"data": {"data": [{"id": "1"}], **rest}}):
        api = pages(first, {"data": [{"id": 2}], "total": 2})
        assert [item["id"] for item in api.items("394649", EVENTS)] == ["1", 2]


def test_an_entry_that_cannot_be_read_is_not_a_missing_segment() -> None:
    listed = [{"name": "no id"}, {"id": 2, "name": "other", "status": "OK"}]
    assert [each.id for each in pages(listed).segments("2")] == ["2"]
    assert pages(listed).status("2") == "ok"
    with pytest.raises(MalformedOutput, match="ids of parent segments"):
        pages(listed).segments("394649")
    with pytest.raises(MalformedOutput, match="ids of parent segments"):
        pages(listed).status("394649")
    assert pages(listed[1:]).status("394649") is None


@pytest.mark.parametrize(
    ("answer", "configured"),
    [
        ({"id": 1, "realtime_config": None}, False),
        ({"id": "1", "realtime_config": {}}, True),
        ({"id": "1", "realtime_config": "on"}, True),
        ({"id": "1", "name": "Customer 360"}, True),  # only null says that there is none
    ],
)
def test_what_is_configured_is_blank_only_where_tdx_says_so(answer: Any, configured: bool) -> None:
    assert pages(answer).view("1") is configured


@pytest.mark.parametrize(
    ("read", "answer"),
    [
        ("view", {}),
        ("view", {"message": "upstream"}),
        ("setting", []),
        ("databases", [{"name": ""}]),
        ("tables", [{"name": 7}]),
        ("columns", {"columns": []}),
        ("columns", {"columns": [{"name": None, "type": "string"}]}),
        ("master columns", {"master": None}),
        ("items", {"data": [{"id": True}]}),
        ("items", {"data": [{"id": ""}]}),
    ],
)
def test_what_lacks_what_is_needed_is_malformed(read: str, answer: Any) -> None:
    with pytest.raises(MalformedOutput, match="tdx did not answer"):
        READS[read](pages(answer))


@pytest.mark.parametrize("answer", [{"data": {"id": 7}}, {"id": "7", "data": "x"}])
def test_the_id_of_what_was_created_is_found_in_either_form(answer: Any) -> None:
    assert pages(answer).create("394649", EVENTS, {}) == "7"


def test_an_object_may_stand_inside_data() -> None:
    setting = {"eventTables": [], "keyColumns": [], "batchAttributes": [], "extLookupKey": None}
    assert pages({"data": setting}).setting("394649") == setting
    assert pages({"data": {"id": "1", "realtime_config": None}}).view("1") is False
    master = {"master": {"columns": [{"name": "city", "type": None}]}}
    assert pages({"data": master}).master_columns("1") == {"city": ""}


@given(data=st.data())
def test_no_mutation_of_a_right_answer_is_a_bug(data: st.DataObject) -> None:
    with account(HALF) as there:
        answers: dict[tuple[str, ...], Any] = {}

        def answer(args: Sequence[str]) -> Any:
            return answers.setdefault(tuple(args), there.tdx.json(*args).data)

        session = Session(Realtime(AnsweringTdx(answer)), retry=NO_RETRY)
        assert read_live(session, "394649").unread == frozenset()
        chosen = data.draw(st.sampled_from(sorted(answers)))
        place = data.draw(st.sampled_from(places(answers[chosen])))
        how = data.draw(HOW)
        answers[chosen] = mutated(answers[chosen], place, how)
        with contextlib.suppress(TdxwrapError):
            read_live(session, "394649")
