"""Each write exactly once: what a lost answer leaves, what is sent again, and what is not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tdxwrap.errors import CallTimeout, NotFound, Refused, TdxwrapError
from tdxwrap.realtime.retry import Retry
from tdxwrap.realtime.write import Writer

KEY_EVENTS = "realtime_key_events"
LOST = CallTimeout("the answer is lost")


class Account:
    """The calls that a Writer makes, on one segment in memory."""

    def __init__(self, **items: dict[str, Any]) -> None:
        # The API answers some ids as numbers (F23).
        self.held: dict[str, dict[str, Any]] = {
            "7": {"id": 7, "name": "page_view", "description": "old"},
            "8": {"id": "8", "name": "add_to_cart"},
            **items,
        }
        self.settings: dict[str, Any] = {"extLookupKey": None, "eventTables": []}
        self.sent: list[str] = []
        # What happens to the next writes: an error, and whether it was applied all the same.
        self.troubles: list[tuple[TdxwrapError, bool]] = []

    def setting(self, segment: str) -> dict[str, Any]:
        return self.settings

    def items(self, segment: str, collection: str) -> tuple[dict[str, Any], ...]:
        return tuple(self.held.values())

    def patch_setting(self, segment: str, body: Mapping[str, Any]) -> None:
        self._write("PATCH", lambda: self.settings.update(body))

    def import_columns(self, segment: str, columns: list[str]) -> None:
        def apply() -> None:
            self.held = {
                column: {"id": n, "type": "imported", "identifier": column, "name": column}
                for n, column in enumerate(columns, 1)
            }

        self._write("POST", apply)

    def create(self, segment: str, collection: str, body: Mapping[str, Any]) -> str:
        self._write("POST", lambda: self.held.update({"9": {"id": 9, **body}}))
        return "9"

    def update(self, segment: str, collection: str, item: str, body: Mapping[str, Any]) -> None:
        if item not in self.held:
            raise NotFound("404")
        self._write("PATCH", lambda: self.held[item].update(body))

    def delete(self, segment: str, collection: str, item: str) -> None:
        self.sent.append("DELETE")
        if item not in self.held:
            raise NotFound("404")
        self.sent.pop()
        self._write("DELETE", lambda: self.held.pop(item))

    def _write(self, method: str, apply: Callable[[], object]) -> None:
        self.sent.append(method)
        error, applied = self.troubles.pop(0) if self.troubles else (None, True)
        if applied:
            apply()
        if error is not None:
            raise error


def writer(account: Account, retries: int = 3) -> Writer:
    return Writer(account, Retry(retries=retries, sleep=lambda seconds: None), "394649")  # type: ignore[arg-type]


def is_a_sale(item: Mapping[str, Any]) -> bool:
    return bool(item["name"] == "sale")


WRITES: dict[str, tuple[str, Callable[[Writer], object]]] = {
    "setting": ("PATCH", lambda to: to.patch_setting(lambda: {"extLookupKey": "customer_id"})),
    "import": ("POST", lambda to: to.import_columns(lambda: ["tier", "city"])),
    "create": (
        "POST",
        lambda to: to.create(KEY_EVENTS, {"name": "sale"}, is_a_sale, is_a_sale),
    ),
    "update": ("PATCH", lambda to: to.update(KEY_EVENTS, "7", {"description": "new"})),
    "delete": ("DELETE", lambda to: to.delete(KEY_EVENTS, "7")),
}


def after(trouble: list[tuple[TdxwrapError, bool]], write: str) -> Account:
    account = Account()
    account.troubles = trouble
    WRITES[write][1](writer(account))
    return account


@pytest.mark.parametrize("write", WRITES)
def test_a_write_whose_answer_was_lost_is_not_sent_again_if_it_was_applied(write: str) -> None:
    account = after([(LOST, True)], write)
    assert account.sent == [WRITES[write][0]]
    assert (account.held, account.settings) == (after([], write).held, after([], write).settings)


@pytest.mark.parametrize("write", WRITES)
def test_a_write_that_was_not_applied_is_sent_once_more(write: str) -> None:
    account = after([(LOST, False)], write)
    assert account.sent == [WRITES[write][0]] * 2
    assert (account.held, account.settings) == (after([], write).held, after([], write).settings)


@pytest.mark.parametrize("write", WRITES)
def test_a_plain_no_is_final(write: str) -> None:
    account = Account()
    account.troubles = [(Refused("422"), False)]
    with pytest.raises(Refused):
        WRITES[write][1](writer(account))
    assert account.sent == [WRITES[write][0]]


def test_the_id_is_text_also_where_it_was_found_by_looking() -> None:
    for trouble in ([], [(LOST, True)]):
        account = Account()
        account.troubles = trouble
        body = {"name": "sale"}
        assert writer(account).create(KEY_EVENTS, body, is_a_sale, is_a_sale) == "9"


def test_an_update_of_what_is_gone_is_an_error() -> None:
    account = Account()
    with pytest.raises(NotFound):
        writer(account).update(KEY_EVENTS, "10", {"name": "x"})


def test_what_is_gone_already_need_not_be_deleted() -> None:
    account = Account()
    writer(account).delete(KEY_EVENTS, "10")
    assert account.sent == ["DELETE"]


def test_what_was_deleted_and_is_still_listed_is_deleted_once() -> None:
    """The answer is lost, the list lags behind, and the second DELETE finds nothing."""
    account = Account()
    account.troubles = [(LOST, True)]
    before = tuple(account.held.values())
    account.items = lambda segment, collection: before
    writer(account).delete(KEY_EVENTS, "7")
    assert account.sent == ["DELETE"] * 2
    assert "7" not in account.held


def test_what_cannot_be_found_but_is_listed_is_not_deleted() -> None:
    account = Account(ghost={"id": "10", "name": "listed under another id"})
    with pytest.raises(NotFound):
        writer(account).delete(KEY_EVENTS, "10")


@pytest.mark.parametrize("wanted", [["tier", "city"], ["tier", "city", "age"], ["tier"], []])
def test_an_import_that_lacks_a_column_or_has_one_too_many_is_sent_again(wanted: list[str]) -> None:
    account = Account()
    to = writer(account)
    to.import_columns(lambda: ["tier", "country"])
    account.troubles = [(LOST, False)]
    to.import_columns(lambda: wanted)
    assert account.sent == ["POST"] * 3
    assert set(account.held) == set(wanted)
