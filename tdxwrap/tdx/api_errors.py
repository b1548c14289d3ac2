"""Read the errors in the body of an API answer, in all forms of F17. Pure, no I/O."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tdxwrap.tdx.answer import SAID_CHARACTERS, plain, without_escapes

MAX_BRACES = 20  # where a body may begin in the text of an error
STATUS_OF_CODE = {
    "validation-error": 400,
    "bad-parameter-error": 400,
    "permission-error": 403,
    "record-not-found-error": 404,
    "conflict-error": 409,
    "unprocessable-entity-error": 422,
}


@dataclass(frozen=True, slots=True)
class Complaint:
    """One error out of a body (F17). `status` is 0 where it was not given."""

    status: int
    detail: str
    pointer: str = ""


def complaints_in_text(text: str) -> tuple[Complaint, ...]:
    """Return the errors of a body somewhere in this text: `Error: 422 {"errors": […]}` (F8)."""
    decoder = json.JSONDecoder()
    text = without_escapes(text)
    position = -1
    for _ in range(MAX_BRACES):
        position = text.find("{", position + 1)
        if position < 0:
            break
        try:
            body, end = decoder.raw_decode(text, position)
        except (ValueError, RecursionError):
            continue
        complaints = tuple(complaints_of(body, failed=True))
        if complaints:
            return complaints
        # What stands inside a document without complaints is its content, not a complaint.
        position = end - 1
    return ()


def complaints_of(body: Any, failed: bool = False) -> Iterator[Complaint]:
    """Yield the errors of a body, in all forms of F17; nothing for a good document.

    Args:
        failed: the exit code says already that the call failed. Otherwise only `errors` counts
            in a document that also has `id` or `data`: that one may well have an `error` field.
    """
    if not isinstance(body, dict):
        return
    outer = _status_of(body)
    for error in _as_list(body.get("errors")):
        yield _complaint(error, outer)
    if body.get("errors") or (not failed and (body.get("id") or body.get("data"))):
        return
    for error in _as_list(body.get("error")):
        whole = {"detail": _detail_of(body) or error} if isinstance(error, str) else error
        yield _complaint(whole, outer)
    if not body.get("error") and isinstance(body.get("message"), str) and (outer or "code" in body):
        yield _complaint(body, outer)


def _as_list(value: Any) -> list[Any]:
    if isinstance(value, list):
        return value
    return [value] if value else []


def _complaint(error: Any, outer: int) -> Complaint:
    if not isinstance(error, dict):
        return Complaint(outer, plain(error if isinstance(error, str) else _compact(error)))
    source = error.get("source")
    pointer = source.get("pointer") if isinstance(source, dict) else error.get("pointer")
    return Complaint(
        _status_of(error) or outer,
        plain(_detail_of(error) or _compact(error))[:SAID_CHARACTERS],
        pointer if isinstance(pointer, str) else "",
    )


def _detail_of(error: dict[str, Any]) -> str:
    texts = (error.get(key) for key in ("detail", "message", "text", "title", "error"))
    return next((text for text in texts if isinstance(text, str) and text), "")


def _status_of(error: dict[str, Any]) -> int:
    for key in ("status", "statusCode", "status_code", "code"):
        value = error.get(key)
        if isinstance(value, str) and value in STATUS_OF_CODE:
            return STATUS_OF_CODE[value]
        if str(value).isdecimal() and 400 <= int(str(value)[:4]) < 600:
            return int(str(value)[:4])
    return 0


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)[:SAID_CHARACTERS]
