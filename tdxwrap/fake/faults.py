"""Rules that make a call go wrong: what they may say, and which of them fires."""

from __future__ import annotations

from tdxwrap.fake.store import FAULTS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tdxwrap.fake.args import Invocation
    from tdxwrap.fake.jsontypes import Json
    from tdxwrap.fake.store import Store

BEFORE_AFTER = ("before", "after")
_WHEN_BEFORE: Json = {"when": "before"}
_WHEN_AFTER: Json = {"when": "after"}
# Every fault with its parameters and their defaults.
PARAMETERS: dict[str, Json] = {
    "http": {
        **_WHEN_BEFORE,
        "status": 500,
        "style": None,
        "form": None,
        "code": None,
        "detail": None,
        "retry_after": None,
    },
    "connection-reset": _WHEN_BEFORE,
    "dns": {},
    "lost-answer": {},
    "killed": _WHEN_BEFORE,
    "hang": {**_WHEN_BEFORE, "seconds": 3600, "ignore_sigterm": False, "with_child": False},
    "garbage": {**_WHEN_AFTER, "text": "%% not JSON at all {]"},
    "truncated": {},
    "empty": _WHEN_AFTER,
    "html": {**_WHEN_AFTER, "status": 502},
    "banner": {"text": "Update available: run npm install -g @treasuredata/tdx"},
    "ansi": {},
    "bom": {},
    "invalid-utf8": {},
    "big-output": {"bytes": 200_000},
    "one-line": {"bytes": 1_000_000},
    "stderr-flood": {"lines": 20_000},
    "older": {},
    "actor": {**_WHEN_BEFORE, "does": "adds a table"},
    "prompt": {"text": "Continue? (y/N) "},
    "echo-secrets": {"to": "all"},
    "delay": {**_WHEN_BEFORE, "seconds": 1},
    "signal-caller": {**_WHEN_BEFORE, "signal": "SIGINT", "seconds": 0},
    "disabled-api": {},
    "unauthenticated": {},
    "own-failure": {"text": "Error: Cannot autolaunch D-Bus without X11 $DISPLAY"},
    "wrong-exit": {"exit": 1},
}
CHOICES = {
    "when": BEFORE_AFTER,
    "style": (None, "stderr", "body", "ok-body"),
    "form": (None, "jsonapi", "code", "text"),
    "to": ("all", "stdout", "stderr", "json"),
}
MATCHERS = ("call", "method", "path", "command")
OWN_FIELDS = ("match", "times", "skip", "fault")


class FaultError(ValueError):
    """A rule that says something unknown."""


def checked(rule: Json) -> Json:
    """The rule with its defaults filled in, or FaultError."""
    name = rule.get("fault")
    if name not in PARAMETERS:
        raise FaultError(f"unknown fault {name!r}; known: {', '.join(PARAMETERS)}")
    from tdxwrap.fake.actor import WAYS  # only where a fault is armed

    known, choices = PARAMETERS[name], {**CHOICES, "does": tuple(WAYS)}
    for field, value in rule.items():
        if field not in known and field not in OWN_FIELDS:
            raise FaultError(f"fault {name!r} has no parameter {field!r}")
        if field in choices and value not in choices[field]:
            raise FaultError(f"{field} of fault {name!r} must be one of {choices[field]}")
    match = rule.get("match", {})
    unknown = set(match) - set(MATCHERS)
    if unknown:
        raise FaultError(f"cannot match on {', '.join(sorted(unknown))}")
    _check_types(name, {**known, **rule})
    filled = {"times": 1, "skip": 0, **known, **rule, "match": match}
    return {**filled, "seen": 0, "fired": 0}


def _check_types(name: str, rule: Json) -> None:
    numbers = ("times", "skip", "status", "bytes", "lines", "exit", "seconds", "retry_after")
    for field in numbers:
        value = rule.get(field, 0)
        if field == "retry_after" and value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise FaultError(f"{field} of fault {name!r} must be a number")
    if name == "signal-caller":
        import signal

        if not hasattr(signal, signal_name(str(rule["signal"]))):
            raise FaultError(f"unknown signal {rule['signal']!r}")


def signal_name(text: str) -> str:
    """SIGINT for both `INT` and `SIGINT`."""
    return text if text.startswith("SIG") else f"SIG{text}"


def pick(store: Store, number: int, argv: list[str], invocation: Invocation) -> Json | None:
    """The rule that fires for this call; the first armed one wins. The caller holds the lock."""
    rules = store.load_or(FAULTS, [])
    matching = [rule for rule in rules if _matches(rule["match"], number, argv, invocation)]
    if not matching:
        return None
    chosen: Json | None = None
    for rule in matching:
        rule["seen"] += 1
        armed = rule["seen"] > rule["skip"] and (not rule["times"] or rule["fired"] < rule["times"])
        if armed and chosen is None:
            rule["fired"] += 1
            chosen = rule
    store.save(FAULTS, rules)
    return chosen


def _matches(match: Json, number: int, argv: list[str], invocation: Invocation) -> bool:
    if match.get("call", number) != number or match.get("command", "") not in " ".join(argv):
        return False
    if "method" not in match and "path" not in match:
        return True
    if invocation.command != "api":
        return False
    same_method = match.get("method", invocation.method).upper() == invocation.method
    return same_method and _in_path(match.get("path", ""), invocation.arguments[0])


def _in_path(wanted: str, path: str) -> bool:
    if wanted in path:
        return True
    import re

    try:
        return re.search(wanted, path) is not None
    except re.error:
        return False
