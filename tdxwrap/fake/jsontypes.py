"""Names for JSON values, imported by type checkers only."""

from typing import Any

Json = dict[str, Any]
JsonList = list[Any]
