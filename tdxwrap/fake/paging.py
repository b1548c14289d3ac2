"""Lists in pages (tdx-facts F16)."""

from __future__ import annotations

from tdxwrap.fake.errors import HttpError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tdxwrap.fake.jsontypes import Json

MOST = 1000


def parse_query(text: str) -> dict[str, str]:
    """The parameters of a query, percent-encoded or not."""
    pairs = [pair.partition("=") for pair in text.split("&") if pair]
    return {_decoded(name): _decoded(value) for name, _, value in pairs}


def _decoded(text: str) -> str:
    """Undo percent-encoding (importing `urllib` would take longer than the whole call)."""
    first, *rest = text.split("%")
    raw = first.encode()
    for part in rest:
        try:
            raw += bytes([int(part[:2], 16)]) + part[2:].encode()
        except ValueError:
            raise HttpError(400, f"bad percent-encoding in {text}", "bad-parameter-error") from None
    return raw.decode("utf-8", "replace")


def page(items: list[Json], path: str, query: dict[str, str], tdx: Json) -> Json:
    """One page of `items` and the path that asks for the next one."""
    unknown = set(query) - {"page[size]", "page[after]"}
    if unknown:
        raise HttpError(400, f"unknown parameter {min(unknown)}", "bad-parameter-error")
    size = _size(query.get("page[size]"), tdx)
    start = _start(query.get("page[after]"), items)
    shown = items[start : start + size]
    more = start + size < len(items)
    after = _cursor(shown[-1]["id"]) if more else ""
    path_of_next = f"{path}?page[size]={size}&page[after]={after}" if more else None
    return {"data": shown, "pagination": {"nextPage": path_of_next}}


def _size(text: str | None, tdx: Json) -> int:
    if text is None:
        return min(int(tdx["page_size_default"]), int(tdx["page_size_max"]))
    if not text.isdigit() or not 1 <= int(text) <= MOST:
        raise HttpError(400, f"page[size] must be 1 to {MOST}", "bad-parameter-error")
    return min(int(text), int(tdx["page_size_max"]))


def _start(cursor: str | None, items: list[Json]) -> int:
    if cursor is None:
        return 0
    for index, item in enumerate(items):
        if _cursor(item["id"]) == cursor:
            return index + 1
    raise HttpError(400, "page[after] is not valid", "bad-parameter-error")


def _cursor(item_id: str) -> str:
    return str(item_id).encode().hex()
