"""Building blocks that check a JSON value and say where it is wrong (tdx-facts F17)."""

from __future__ import annotations

from tdxwrap.fake.errors import HttpError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    Check = Callable[[Any, str], None]


def invalid(detail: str, pointer: str, validation: str) -> HttpError:
    """A `validation-error` that points at the offending value."""
    return HttpError(400, detail, pointer=pointer or "/", validation=validation)


def string(value: Any, pointer: str) -> None:
    """A string that is not empty."""
    if not isinstance(value, str):
        raise invalid("must be string", pointer, "type")
    if not value:
        raise invalid("must not be empty", pointer, "minLength")


def text_or_null(value: Any, pointer: str) -> None:
    """Any string, or null."""
    if value is not None and not isinstance(value, str):
        raise invalid("must be string or null", pointer, "type")


def boolean(value: Any, pointer: str) -> None:
    """True or false."""
    if not isinstance(value, bool):
        raise invalid("must be boolean", pointer, "type")


def positive(value: Any, pointer: str) -> None:
    """A whole number of at least one."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise invalid("must be integer", pointer, "type")
    if value < 1:
        raise invalid("must be >= 1", pointer, "minimum")


def scalar(value: Any, pointer: str) -> None:
    """A string or a number."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise invalid("must be string or number", pointer, "type")


def null(value: Any, pointer: str) -> None:
    """Nothing but null."""
    if value is not None:
        raise invalid("must be null", pointer, "type")


def one_of(*allowed: str) -> Check:
    """One of these words."""

    def check(value: Any, pointer: str) -> None:
        if value not in allowed:
            raise invalid(f"must be one of {', '.join(allowed)}", pointer, "enum")

    return check


def list_of(item: Check, at_most: int | None = None, at_least: int = 0) -> Check:
    """A list whose items all pass `item`."""

    def check(value: Any, pointer: str) -> None:
        if not isinstance(value, list):
            raise invalid("must be array", pointer, "type")
        if at_most is not None and len(value) > at_most:
            raise invalid(f"must not have more than {at_most} items", pointer, "maxItems")
        if len(value) < at_least:
            raise invalid(f"must have at least {at_least} items", pointer, "minItems")
        for index, element in enumerate(value):
            item(element, f"{pointer}/{index}")

    return check


def mapping(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None) -> Check:
    """An object with these properties and no others."""
    known = {**required, **(optional or {})}

    def check(value: Any, pointer: str) -> None:
        if not isinstance(value, dict):
            raise invalid("must be object", pointer, "type")
        for name in value:
            if name not in known:
                detail = f"must NOT have additional property '{name}'"
                raise invalid(detail, f"{pointer}/{name}", "additionalProperties")
        for name in required:
            if name not in value:
                detail = f"must have required property '{name}'"
                raise invalid(detail, f"{pointer}/{name}", "required")
        for name, item in value.items():
            known[name](item, f"{pointer}/{name}")

    return check


def unique(items: list[Any], field: str, pointer: str) -> None:
    """Refuse two items that bear the same value in `field`."""
    seen: set[Any] = set()
    for index, item in enumerate(items):
        if item[field] in seen:
            detail = f"{field} '{item[field]}' is used twice"
            raise invalid(detail, f"{pointer}/{index}/{field}", "uniqueItems")
        seen.add(item[field])
