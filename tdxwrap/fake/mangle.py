"""Faults that spoil what a call says while the call itself goes on."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from tdxwrap.fake.answer import Answer
    from tdxwrap.fake.jsontypes import Json

HTML = """<!DOCTYPE html>
<html><head><title>{status} Bad Gateway</title></head>
<body><h1>{status} Bad Gateway</h1></body></html>
"""
RED, PLAIN = b"\x1b[32m", b"\x1b[39m"


def add_banner(answer: Answer, text: str) -> None:
    """Print an update notice before the JSON (tdx-facts F3)."""
    answer.out = text.encode() + b"\n\n" + answer.out


def add_colours(answer: Answer) -> None:
    """Colour every string as an npm tool does on a terminal (tdx-facts F3)."""
    lines = answer.out.split(b"\n")
    answer.out = b"\n".join(RED + line + PLAIN if line else line for line in lines)


def add_bom(answer: Answer) -> None:
    """Begin with a byte order mark."""
    answer.out = b"\xef\xbb\xbf" + answer.out


def _garbage(answer: Answer, rule: Json) -> None:
    answer.out = rule["text"].encode() + b"\n"


def _truncated(answer: Answer, rule: Json) -> None:
    answer.out = answer.out[: len(answer.out) // 2]


def _empty(answer: Answer, rule: Json) -> None:
    answer.out = b""


def _html(answer: Answer, rule: Json) -> None:
    answer.out = HTML.format(status=rule["status"]).encode()


def _invalid_utf8(answer: Answer, rule: Json) -> None:
    answer.out = b"notice: \xff\xfe\xc3(\n" + answer.out


def _padded(answer: Answer, size: int, filler: bytes) -> None:
    """Grow the JSON by white space within its first bracket: the value stays the same."""
    at = min((i for i in (answer.out.find(b"{"), answer.out.find(b"[")) if i >= 0), default=-1)
    missing = max(0, size - len(answer.out))
    answer.out = answer.out[: at + 1] + filler * (missing // len(filler)) + answer.out[at + 1 :]


def _big_output(answer: Answer, rule: Json) -> None:
    _padded(answer, rule["bytes"], b" " * 99 + b"\n")


def _one_line(answer: Answer, rule: Json) -> None:
    answer.out = answer.out.replace(b"\n", b" ")
    _padded(answer, rule["bytes"], b" ")


def _stderr_flood(answer: Answer, rule: Json) -> None:
    answer.err += "".join(f"debug: line {n} of the flood\n" for n in range(rule["lines"]))


def _echo_secrets(answer: Answer, rule: Json) -> None:
    secrets = {k: v for k, v in os.environ.items() if "KEY" in k or "TOKEN" in k}
    lines = "".join(f"debug: {name}={value}\n" for name, value in secrets.items())
    if rule["to"] in ("all", "json") and answer.is_json:
        _add_to_json(answer, secrets)
    if rule["to"] in ("all", "stderr"):
        answer.err += lines
    if rule["to"] in ("all", "stdout"):
        answer.out = lines.encode("utf-8", "surrogateescape") + answer.out


def _add_to_json(answer: Answer, secrets: dict[str, str]) -> None:
    import json

    value = json.loads(answer.out)
    target = value[0] if isinstance(value, list) and value else value
    if isinstance(target, dict):
        target["debug"] = secrets
    answer.out = json.dumps(value, ensure_ascii=True).encode() + b"\n"


def _wrong_exit(answer: Answer, rule: Json) -> None:
    answer.exit_code = rule["exit"]


MANGLERS: dict[str, Callable[[Answer, Json], None]] = {
    "garbage": _garbage,
    "truncated": _truncated,
    "empty": _empty,
    "html": _html,
    "banner": lambda answer, rule: add_banner(answer, rule["text"]),
    "ansi": lambda answer, rule: add_colours(answer),
    "bom": lambda answer, rule: add_bom(answer),
    "invalid-utf8": _invalid_utf8,
    "big-output": _big_output,
    "one-line": _one_line,
    "stderr-flood": _stderr_flood,
    "echo-secrets": _echo_secrets,
    "wrong-exit": _wrong_exit,
}


def decorate(answer: Answer, tdx: Json) -> None:
    """Spoil a JSON answer as the scenario says for every call."""
    if not answer.out.startswith((b"{", b"[")):
        return
    if tdx["ansi"]:
        add_colours(answer)
    if tdx["banner"]:
        add_banner(answer, tdx["banner"])
    if tdx["bom"]:
        add_bom(answer)


def spoil(answer: Answer, rule: Json) -> None:
    """Spoil the answer as the fault says."""
    mangler = MANGLERS.get(rule["fault"])
    if mangler is not None:
        mangler(answer, rule)


def replaces(rule: Json) -> bool:
    """Whether the fault's answer comes instead of carrying out the call."""
    return rule["fault"] in MANGLERS and rule.get("when") == "before"
