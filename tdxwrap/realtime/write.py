"""Single writes, each exactly once as far as tdx lets us know: look before repeating (F22)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from tdxwrap.config.models import ImportedAttribute, attribute_from_api
from tdxwrap.errors import NotFound
from tdxwrap.realtime.api import Realtime
from tdxwrap.realtime.retry import Retry


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes to one parent segment. Errors are those of `Retry.write`."""

    api: Realtime
    retry: Retry
    segment_id: str

    def patch_setting(self, body: Mapping[str, Any]) -> None:
        """PATCH realtime_setting; whole lists are replaced, so `body` holds the union (F11)."""

        def is_applied() -> bool:
            return _holds(self.api.setting(self.segment_id), body)

        self._write(partial(self.api.patch_setting, self.segment_id, body), is_applied)

    def import_columns(self, columns: Sequence[str]) -> None:
        """Choose the columns to import; the whole list is replaced, as in the setting (F14)."""

        def is_applied() -> bool:
            items = self.api.items(self.segment_id, "realtime_attributes")
            found = [attribute_from_api(i) for i in items if i.get("type") == "imported"]
            there = {each.column for each in found if isinstance(each, ImportedAttribute)}
            return there == set(columns)

        self._write(partial(self.api.import_columns, self.segment_id, columns), is_applied)

    def create(
        self,
        collection: str,
        body: Mapping[str, Any],
        is_it: Callable[[Mapping[str, Any]], bool],
    ) -> str:
        """POST one item.

        Args:
            is_it: recognizes the item in its collection, when the answer was lost.
        Returns:
            The id that the API gave it.
        """

        def find_applied() -> str | None:
            items = self.api.items(self.segment_id, collection)
            return next((str(item["id"]) for item in items if is_it(item)), None)

        send = partial(self.api.create, self.segment_id, collection, body)
        return self.retry.write(send, find_applied)

    def update(self, collection: str, item_id: str, body: Mapping[str, Any]) -> None:
        """PATCH one item."""

        def is_applied() -> bool:
            item = self._item(collection, item_id)
            return item is not None and _holds(item, body)

        self._write(
            partial(self.api.update, self.segment_id, collection, item_id, body), is_applied
        )

    def delete(self, collection: str, item_id: str) -> None:
        """DELETE one item; one that is gone already is fine."""

        def is_gone() -> bool:
            return self._item(collection, item_id) is None

        def send() -> None:
            try:
                self.api.delete(self.segment_id, collection, item_id)
            except NotFound:
                if not is_gone():
                    raise

        self._write(send, is_gone)

    def _write(self, send: Callable[[], None], is_applied: Callable[[], bool]) -> None:
        """Send a write whose answer holds nothing of use."""

        def sent() -> bool:
            send()
            return True

        self.retry.write(sent, lambda: is_applied() or None)

    def _item(self, collection: str, item_id: str) -> dict[str, Any] | None:
        items = self.api.items(self.segment_id, collection)
        return next((item for item in items if str(item.get("id")) == item_id), None)


def _holds(document: Mapping[str, Any], body: Mapping[str, Any]) -> bool:
    return all(document.get(name) == value for name, value in body.items())
