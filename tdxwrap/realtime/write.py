"""Single writes, each exactly once as far as can be told: look before repeating (F22)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
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

        def landed() -> bool | None:
            return _holds(self.api.setting(self.segment_id), body)

        def send() -> bool:
            self.api.patch_setting(self.segment_id, body)
            return True

        self.retry.write(send, landed)

    def import_columns(self, columns: Sequence[str]) -> None:
        """Choose the columns to import; the whole list is replaced, as in the setting (F14)."""

        def landed() -> bool | None:
            items = self.api.items(self.segment_id, "realtime_attributes")
            found = [attribute_from_api(i) for i in items if i.get("type") == "imported"]
            there = {each.column for each in found if isinstance(each, ImportedAttribute)}
            return True if there == set(columns) else None

        def send() -> bool:
            self.api.import_columns(self.segment_id, columns)
            return True

        self.retry.write(send, landed)

    def create(
        self,
        collection: str,
        body: Mapping[str, Any],
        is_it: Callable[[Mapping[str, Any]], bool],
    ) -> str:
        """POST one item.

        Args:
            is_it: tells the item from others of the collection, when its answer was lost.
        Returns:
            The id that the API gave it.
        """

        def landed() -> str | None:
            items = self.api.items(self.segment_id, collection)
            return next((str(item["id"]) for item in items if is_it(item)), None)

        return self.retry.write(lambda: self.api.create(self.segment_id, collection, body), landed)

    def update(self, collection: str, item_id: str, body: Mapping[str, Any]) -> None:
        """PATCH one item."""

        def landed() -> bool | None:
            item = self._item(collection, item_id)
            return None if item is None else _holds(item, body)

        def send() -> bool:
            self.api.update(self.segment_id, collection, item_id, body)
            return True

        self.retry.write(send, landed)

    def delete(self, collection: str, item_id: str) -> None:
        """DELETE one item; one that is gone already is fine."""

        def landed() -> bool | None:
            return True if self._item(collection, item_id) is None else None

        def send() -> bool:
            try:
                self.api.delete(self.segment_id, collection, item_id)
            except NotFound:
                if self._item(collection, item_id) is not None:
                    raise
            return True

        self.retry.write(send, landed)

    def _item(self, collection: str, item_id: str) -> dict[str, Any] | None:
        items = self.api.items(self.segment_id, collection)
        return next((item for item in items if str(item.get("id")) == item_id), None)


def _holds(document: Mapping[str, Any], body: Mapping[str, Any]) -> bool | None:
    """True if the document has all that the body says; None if it may have to be sent again."""
    same = all(document.get(name) == value for name, value in body.items())
    return True if same else None
