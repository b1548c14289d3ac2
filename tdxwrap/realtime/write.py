"""Single writes, each exactly once as far as tdx lets us know: look before repeating (F22)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from tdxwrap.config.equality import same
from tdxwrap.errors import NotFound, Refused
from tdxwrap.realtime.api import Realtime
from tdxwrap.realtime.read import ATTRIBUTES, imported_columns
from tdxwrap.realtime.retry import Retry, says_taken

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes to one parent segment. Errors are those of `Retry.write`."""

    api: Realtime
    retry: Retry
    segment_id: str

    def patch_setting(self, body: Callable[[], Mapping[str, Any]]) -> None:
        """PATCH realtime_setting.

        Args:
            body: makes the body from what is live, anew for each try: a list in it replaces the
                whole list (F11).
        """

        def holds(latest: Mapping[str, Any]) -> bool:
            return _holds(self.api.setting(self.segment_id), latest)

        self._replace(body, self.api.patch_setting, holds)

    def import_columns(self, columns: Callable[[], Sequence[str]]) -> None:
        """Choose the columns to import; the whole list is replaced, as in the setting (F14).

        Args:
            columns: as `body` of `patch_setting`.
        """

        def holds(latest: Sequence[str]) -> bool:
            items = self.api.items(self.segment_id, ATTRIBUTES)
            return {each.column for each in imported_columns(items)} == set(latest)

        self._replace(columns, self.api.import_columns, holds)

    def create(
        self,
        collection: str,
        body: Mapping[str, Any],
        is_it: Callable[[Mapping[str, Any]], bool],
        is_equal: Callable[[Mapping[str, Any]], bool],
    ) -> str:
        """POST one item.

        Args:
            is_it: recognizes the item in its collection, when the answer was lost.
            is_equal: recognizes an item that is as this one is to be. One that somebody else has
                created meanwhile is adopted (F33).
        Returns:
            The id that the API gave it.
        """

        def find(wanted: Callable[[Mapping[str, Any]], bool]) -> str | None:
            items = self.api.items(self.segment_id, collection)
            return next((str(item["id"]) for item in items if wanted(item)), None)

        def send() -> str:
            try:
                return self.api.create(self.segment_id, collection, body)
            except Refused as refusal:
                equal = find(is_equal) if says_taken(refusal) else None
                if equal is None:
                    raise
                return equal

        return self.retry.write(send, lambda: find(is_it))

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
        tries = 0

        def is_gone() -> bool:
            return self._item(collection, item_id) is None

        def send() -> None:
            nonlocal tries
            tries += 1
            try:
                self.api.delete(self.segment_id, collection, item_id)
            except NotFound:
                # After a lost answer it is ours that was applied, though a list may lag behind.
                if tries == 1 and not is_gone():
                    raise

        self._write(send, is_gone)

    def _replace(
        self, make: Callable[[], T], send: Callable[[str, T], None], holds: Callable[[T], bool]
    ) -> None:
        """Send a write that replaces a list; what is live may have changed before another try."""
        latest = make()

        def is_applied() -> bool:
            nonlocal latest
            if holds(latest):
                return True
            latest = make()
            return False

        self._write(lambda: send(self.segment_id, latest), is_applied)

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
    return all(same(document.get(name), value, name) for name, value in body.items())
