"""What one call says: bytes for stdout, text for stderr, an exit code."""

from __future__ import annotations

from tdxwrap.fake import quickjson

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Answer:
    """The outcome of a call before it is written out."""

    __slots__ = ("applied", "err", "exit_code", "is_json", "out")

    def __init__(
        self,
        out: bytes = b"",
        err: str = "",
        exit_code: int = 0,
        applied: bool = False,
        is_json: bool = False,
    ) -> None:
        self.out = out
        self.err = err
        self.exit_code = exit_code
        self.applied = applied
        self.is_json = is_json


def text(message: str) -> Answer:
    """A plain line on stdout."""
    return Answer(out=f"{message}\n".encode())


def document(value: Any, err: str = "", exit_code: int = 0, applied: bool = False) -> Answer:
    """A JSON document on stdout."""
    out = quickjson.dumps(value) + "\n"
    return Answer(out.encode(), err, exit_code, applied, is_json=True)


def listing(value: Any, as_json: bool, err: str = "") -> Answer:
    """The answer of a reading command: JSON when asked for, else lines for people."""
    if as_json:
        return document(value, err)
    rows = value if isinstance(value, list) else [value]
    lines = ["\t".join(_cell(cell) for cell in row.values()) for row in rows]
    return Answer(out="".join(f"{line}\n" for line in lines).encode(), err=err)


def _cell(value: Any) -> str:
    return value if isinstance(value, str) else quickjson.dumps(value)
