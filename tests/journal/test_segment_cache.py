"""The last listed parent segments, kept for shell completion: private, and never a failure."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from tdxwrap.journal.segment_cache import recall, remember

LISTED = [{"id": 394649, "name": "Customer 360"}, {"id": "2", "name": "顧客"}, "no segment"]
FOUND = [("394649", "Customer 360"), ("2", "顧客")]


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"HOME": str(tmp_path)}


def test_what_was_listed_last_is_found_again(environ: dict[str, str]) -> None:
    assert recall(environ, None, None) == []
    remember(environ, None, None, [{"id": "1", "name": "earlier"}])
    remember(environ, None, None, LISTED)
    assert recall(environ, None, None) == FOUND


def test_each_profile_and_site_has_its_own(environ: dict[str, str]) -> None:
    remember(environ, "production", "us01", LISTED)
    for profile, site in ((None, None), ("production", None), (None, "us01"), ("other", "us01")):
        assert recall(environ, profile, site) == []
    remember(environ, "../../x", None, LISTED)
    assert recall(environ, "../../x", None) == FOUND
    assert recall({**environ, "TDX_PROFILE": "../../x"}, None, None) == FOUND


def test_it_is_private_and_holds_no_secret(environ: dict[str, str]) -> None:
    key = "1/" + "a" * 40
    remember({**environ, "TD_API_KEY": key}, None, None, [{"id": "1", "name": f"a {key} b"}])
    (path,) = Path(environ["HOME"]).rglob("*.json")
    assert key not in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("text", ["", "{", "7", '["1"]', '[["1"]]', "[" * 100_000, "\xff"])
def test_a_file_that_cannot_be_read_is_no_file(environ: dict[str, str], text: str) -> None:
    remember(environ, None, None, LISTED)
    (path,) = Path(environ["HOME"]).rglob("*.json")
    path.write_bytes(text.encode("latin-1"))
    assert recall(environ, None, None) == []


def test_without_a_place_nothing_is_kept(tmp_path: Path) -> None:
    for environ in ({}, {"HOME": "/dev/null"}):
        remember(environ, None, None, LISTED)
        assert recall(environ, None, None) == []
