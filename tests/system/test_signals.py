"""What a signal does where it comes; the tests of the command line show the rest."""

from __future__ import annotations

import signal
from types import FrameType
from typing import Any

import pytest

from tdxwrap.system.signals import _Arrivals


def importing() -> FrameType:
    """A frame as it is while a module is imported."""
    found: dict[str, Any] = {}
    code = "import sys; frame = sys._getframe()"
    exec(compile(code, "<frozen importlib._bootstrap>", "exec"), found)
    frame = found["frame"]
    assert isinstance(frame, FrameType)
    return frame


def test_an_import_is_not_broken_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signal, "setitimer", lambda *args: None)
    arrivals = _Arrivals()
    arrivals.handle(signal.SIGTERM, None)
    arrivals.handle(signal.SIGALRM, importing())
    assert not arrivals.raised
    with pytest.raises(KeyboardInterrupt):
        arrivals.handle(signal.SIGALRM, None)
    assert arrivals.raised
