"""The values of the options that every command takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Globals:
    """The options that every command takes."""

    tdx: str = "tdx"
    profile: str | None = None
    site: str | None = None
    timeout: float = 120.0
    retries: int = 3
    retry_delay: float = 0.5
    retry_limit: float = 60.0
    json: bool = False
    verbose: bool = False
    quiet: bool = False
    color: bool | None = None
    journal: Path | None = None
    no_journal: bool = False
