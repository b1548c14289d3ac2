"""The commands of the recipe as typed calls; `tdx/client.py` runs them.

Every call raises what `Tdx` raises (errors.py); an answer of an unexpected form raises
`MalformedOutput`.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tdxwrap.errors import (
    CallFailed,
    CallTimeout,
    MalformedOutput,
    NotAuthenticated,
    Refused,
    Transient,
)
from tdxwrap.realtime import queries, shapes
from tdxwrap.realtime.shapes import Shape
from tdxwrap.realtime.state import Segment
from tdxwrap.system.text import argument_fault
from tdxwrap.tdx.answer import CompletedCall, said
from tdxwrap.tdx.client import Tdx

VERSION = ("--version",)
# The largest page, for the fewest calls (F16).
PAGE_SIZE = 1000


def not_enabled(segment: str) -> Refused:
    """Return the error for a parent segment missing from `tdx ps rt list` (F24).

    Args:
        segment: its id or name, for the message.
    """
    return Refused(
        f"the parent segment {segment} is not RT-enabled: it is not in `tdx ps rt list`",
        hint="ask your customer success manager to enable RT for it; waiting does not help",
    )


def version_in(printed: str) -> str:
    """Return the version that `tdx --version` printed, without any notice around it."""
    number = re.search(r"\d+\.\d+[\w.+-]*", printed)
    return number[0] if number else printed.strip()[:80]


@dataclass
class Realtime:
    """The realtime part of one account, through tdx.

    Args:
        listed: called with every list of parent segments that tdx returns.
        on_answer: called with every answer that is read, usable or not, and its shape.
        ask: runs the reads whose answer is the same for every parent segment; default: `tdx.json`.
        on_segment: called with the parent segment that a run is about, once it is known.
    """

    tdx: Tdx
    listed: Callable[[list[Any]], None] | None = None
    on_answer: Callable[[Shape, Any], None] | None = None
    ask: Callable[..., CompletedCall] | None = None
    on_segment: Callable[[Segment], None] | None = None

    def _same_for_all(self, *args: str) -> CompletedCall:
        return (self.ask or self.tdx.json)(*args)

    # Who and where

    def version(self) -> str:
        """`tdx --version`."""
        return version_in(self.tdx.run(*VERSION).stdout)

    def check_auth(self) -> str:
        """`tdx auth`: check that there is a login (F4).

        Returns:
            What tdx says about it, in one line.
        Raises:
            NotAuthenticated: tdx says no.
        """
        try:
            return said(self.tdx.run("auth").stdout).replace("\n", "; ")
        except (Refused, CallFailed) as error:
            if isinstance(error, Transient | CallTimeout):
                raise
            what, hint = self.tdx.missing_login
            raise NotAuthenticated(
                what, said=error.said, command=error.command, hint=hint
            ) from None

    def segments(self, ps: str | None = None) -> tuple[Segment, ...]:
        """`tdx ps rt list --json`: the RT-enabled segments, all or those whose id or name is `ps`
        (F10, F24)."""
        entries, found = self._search_listing(queries.SEGMENTS_BY_ID_OR_NAME, ps)
        if self.listed is not None:
            self.listed(entries)
        named = ((str(each["id"]), str(each.get("name")), each.get("status")) for each in found)
        return tuple(Segment(each, name, _status(status)) for each, name, status in named)

    def status(self, segment_id: str) -> str | None:
        """The RT status of a segment (recipe, wait); None when it is not in the list (F24)."""
        _, found = self._search_listing(queries.STATUS_BY_ID, segment_id)
        return (_status(found[0]) or "unknown") if found else None

    def _search_listing(
        self, query: queries.Query, ps: str | None
    ) -> tuple[list[dict[str, Any]], list[Any]]:
        """Call `tdx ps rt list`; return its entries that can be read, and what a query finds."""
        result = self._same_for_all("ps", "rt", "list", "--json")
        listed = self._read(shapes.RT_LIST, result)
        entries = [entry for entry in listed if shapes.RT_LIST_ENTRY.fits(entry)]
        found = entries if ps is None else query.search(entries, ps)
        # One that is missing may be the one that cannot be read.
        _expect(bool(found) or len(entries) == len(listed), result, "ids of parent segments")
        return entries, found

    def view(self, ps: str) -> bool:
        """`tdx ps view`: whether a realtime configuration exists (recipe, 7a).

        Only null says that there is none.
        """
        document = self._read(shapes.PS_VIEW, self.tdx.json("ps", "view", _argument(ps), "--json"))
        return "realtime_config" not in document or bool(queries.HAS_RT_CONFIG.search(document))

    def write_baseline(self, segment_id: str, initialized: bool, file: Path) -> None:
        """`tdx ps pull` what is configured, or `tdx ps pz init` where nothing is (recipe, 7a).

        Raises:
            Transient: tdx exited with 0 but wrote no file, as it may after a server error (F8).
        """
        command = ("ps", "pull") if initialized else ("ps", "pz", "init")
        # A relative path may begin with a dash.
        path = f"./{file}" if str(file).startswith("-") else str(file)
        result = self.tdx.run(*command, segment_id, "-o", path)
        if not file.exists():
            raise Transient(
                f"tdx wrote no {file}",
                said=said(result.stdout),
                command=result.argv,
                hint="run the command by hand to see what it prints",
            )

    def personalizations(self, segment_id: str) -> Any:
        """`tdx ps pz list`: the personalizations, in a form that is not documented (F26)."""
        result = self.tdx.json("ps", "pz", "list", segment_id, "--json")
        more = queries.NEXT_PAGE.search(result.data) or queries.HAS_MORE.search(result.data)
        _expect(not more, result, "all personalizations")
        return result.data

    # The setting: event tables, stitching keys, lookup key (F11)

    def setting(self, segment_id: str) -> dict[str, Any]:
        """GET realtime_setting."""
        result = self.tdx.get(_path(segment_id, "realtime_setting"))
        return dict(self._read(shapes.REALTIME_SETTING, result))

    def patch_setting(self, segment_id: str, body: Mapping[str, Any]) -> None:
        """PATCH realtime_setting. A list in the body replaces the whole list (F11)."""
        self.tdx.send("PATCH", _path(segment_id, "realtime_setting"), dict(body))

    # Key events and attributes (F13, F14)

    def items(self, segment_id: str, collection: str) -> tuple[dict[str, Any], ...]:
        """Every item of a collection, over all pages (recipe, validation 2 and 3; F16).

        Raises:
            MalformedOutput: the list is not one, or not whole: what is missing would be created
                twice.
        """
        path: str | None = _path(segment_id, f"{collection}?page[size]={PAGE_SIZE}")
        found: list[dict[str, Any]] = []
        asked: set[str] = set()
        while path:
            asked.add(path)
            result = self.tdx.get(path)
            page = self._read(shapes.LISTS[collection], result)
            found.extend(page["data"])
            path = _next_page(page, result, len(found))
            _expect(path not in asked, result, "a page that has not been read yet")
        return tuple(found)

    def create(self, segment_id: str, collection: str, body: Mapping[str, Any]) -> str:
        """POST one item; returns its id, from either form of answer (F14)."""
        result = self.tdx.send("POST", _path(segment_id, collection), dict(body))
        return str(queries.CREATED_ID.search(self._read(shapes.POST, result)))

    def update(
        self, segment_id: str, collection: str, item_id: str, body: Mapping[str, Any]
    ) -> None:
        """PATCH one item (F13, F15)."""
        self.tdx.send("PATCH", _path(segment_id, f"{collection}/{quote(item_id)}"), dict(body))

    def delete(self, segment_id: str, collection: str, item_id: str) -> None:
        """DELETE one item."""
        self.tdx.send("DELETE", _path(segment_id, f"{collection}/{quote(item_id)}"), None)

    def import_columns(self, segment_id: str, columns: Sequence[str]) -> None:
        """POST the columns that realtime imports; the list replaces the earlier one (F14)."""
        path = _path(segment_id, "realtime_imported_attributes/bulk_update")
        self.tdx.send("POST", path, {"columns": list(columns)})

    # Tables and columns (F10)

    def databases(self) -> tuple[str, ...]:
        """`tdx databases`: their names."""
        found = self._read(shapes.DATABASES, self._same_for_all("databases", "--json"))
        return tuple(each["name"] for each in found)

    def tables(self, database: str) -> tuple[str, ...]:
        """`tdx tables "db.*"`: the names of the tables of a database."""
        result = self._same_for_all("tables", _argument(f"{database}.*"), "--json")
        return tuple(each["name"] for each in self._read(shapes.TABLES, result))

    def columns(self, table: str) -> dict[str, str]:
        """`tdx describe db.table`: column names with their types."""
        result = self._same_for_all("describe", _argument(table), "--json")
        return _columns(result, self._read(shapes.DESCRIBE, result))

    def master_columns(self, segment_id: str) -> dict[str, str]:
        """`tdx ps desc`: the columns of the master table with their types."""
        result = self.tdx.json("ps", "desc", segment_id, "--json")
        return _columns(result, self._read(shapes.PS_DESC, result)["master"])

    def _read(self, shape: Shape, result: CompletedCall) -> Any:
        """Return an answer that holds what is needed of its shape."""
        answer = result.data
        # The contract says which objects come inside `data`; accept both for all of them (F14).
        if isinstance(answer, dict) and isinstance(answer.get("data"), dict):
            answer = answer["data"]
        if self.on_answer is not None:
            self.on_answer(shape, answer)
        _expect(shape.fits(answer), result, shape.what)
        return answer


def _argument(name: str) -> str:
    fault = argument_fault(name)
    if fault:
        hint = "tdx was not asked; a parent segment can be given by its id"
        raise Refused(f"'{name}' {fault}", hint=hint)
    return name


def _status(value: Any) -> str | None:
    """Return a status in lower case; None where there is none (F12)."""
    return str(value).lower() if value else None


def _next_page(page: Any, result: CompletedCall, count: int) -> str | None:
    """Return the path of the next page, if the answer says that there is one (F16).

    Args:
        count: how many items there are up to this page.
    """
    path = queries.NEXT_PAGE.search(page) or None
    more = queries.HAS_MORE.search(page) or (queries.TOTAL.search(page) or 0) > count
    is_path = isinstance(path, str) and path.startswith("/")
    _expect(is_path or (path is None and not more), result, "the path of the next page")
    return path


def _path(segment_id: str, rest: str) -> str:
    return f"/audiences/{segment_id}/{rest}"


def _columns(result: CompletedCall, table: Mapping[str, Any]) -> dict[str, str]:
    """Return names with types, empty where tdx gives none. Every table has a column."""
    _expect(bool(table["columns"]), result, "the columns of a table")
    return {column["name"]: str(column.get("type") or "") for column in table["columns"]}


def _expect(holds: bool, result: CompletedCall, what: str) -> None:
    if holds:
        return
    raise MalformedOutput(
        f"tdx did not answer {what}",
        said=result.stdout[:200],
        command=result.argv,
        hint="run the command by hand to see what it prints",
    )
