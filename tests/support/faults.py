"""The faults that a run must survive, as the crash sweep and the soak arm them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.shells import FIXTURES
from support.worlds import shipped
from tdxwrap.fake.control import World

CONFIG = FIXTURES / "recipe" / "step7.yaml"
# With a key in the environment no `tdx auth` is needed, so every call is one of the recipe.
KEY = "1/" + "b" * 40
# A hung call is ended after this; everything else is far quicker.
TIMEOUT = "3"


@dataclass(frozen=True)
class Fault:
    """A fault of the fake, and how the first run may end."""

    label: str
    name: str
    codes: tuple[int, ...]
    params: tuple[tuple[str, Any], ...] = ()


def fault(label: str, name: str, codes: tuple[int, ...], **params: Any) -> Fault:
    return Fault(label, name, codes, tuple(params.items()))


# 0: tdxwrap dealt with it; 5: it gave up on the call; 4: the API's plain no; -9, 130: killed.
FAULTS = (
    fault("500, not applied", "http", (0,), status=500, when="before"),
    fault("500, applied", "http", (0,), status=500, when="after"),
    fault("503 as JSON, exit 0", "http", (0,), status=503, when="before", style="ok-body"),
    fault("429 with retry-after", "http", (0,), status=429, when="before", retry_after=0),
    # 0: a table that may not be described is a warning.
    fault("422, not applied", "http", (0, 4), status=422, when="before"),
    fault("connection reset", "connection-reset", (0,), when="before"),
    fault("DNS", "dns", (0,)),
    fault("delay", "delay", (0,), seconds=0.2),
    # 0: it was a read beside a look at the status that did not count yet.
    fault("tdx api disabled", "disabled-api", (0, 3)),
    fault("not authenticated", "unauthenticated", (0, 3)),
    fault("asks a question", "prompt", (0, 4, 5)),
    fault("good answer, exit 3", "wrong-exit", (0, 5), exit=3),
    fault("HTML", "html", (0, 5), when="after"),
    fault("banner", "banner", (0,)),
    fault("ANSI", "ansi", (0,)),
    fault("BOM", "bom", (0,)),
    fault("invalid UTF-8", "invalid-utf8", (0,)),
    fault("1 MB of output", "big-output", (0,), bytes=1_000_000),
    fault("1 MB on a line", "one-line", (0,), bytes=1_000_000),
    fault("a flood on stderr", "stderr-flood", (0,), lines=5_000),
    fault("echoes secrets", "echo-secrets", (0,)),
    fault("answer lost", "lost-answer", (0,)),
    fault("tdx killed, not applied", "killed", (0,), when="before"),
    fault("tdx killed, applied", "killed", (0,), when="after"),
    fault("garbage", "garbage", (0, 5), when="after"),
    fault("truncated", "truncated", (0, 5)),
    fault("empty", "empty", (0, 5), when="after"),
    # What is no whole answer, though tdx ends well; 4: what is to be written is not there.
    fault("404", "http", (0, 4, 5), status=404, when="before"),
    fault("an empty object", "garbage", (0, 5), text="{}", when="after"),
    fault("a message", "garbage", (0, 5), text='{"message": "upstream"}', when="after"),
    fault("no data", "garbage", (0, 5), text='{"data": null}', when="after"),
    fault("an older page", "older", (0,)),
    fault("hangs, not applied", "hang", (0,), when="before", seconds=60),
    fault("hangs, applied", "hang", (0,), when="after", seconds=60, ignore_sigterm=True),
    fault("tdxwrap SIGKILLed before", "signal-caller", (-9,), signal="SIGKILL", when="before"),
    fault("tdxwrap SIGKILLed after", "signal-caller", (-9,), signal="SIGKILL", when="after"),
    fault("tdxwrap SIGINTed before", "signal-caller", (130,), signal="SIGINT", when="before"),
    fault("tdxwrap SIGINTed after", "signal-caller", (130,), signal="SIGINT", when="after"),
)


def make_world(folder: Path, scenario: str) -> World:
    world = World.create(folder, shipped(scenario, updating_seconds=0))
    world.set_credentials(keychain={}, keys={KEY: next(iter(world.state()["accounts"]))})
    return world
