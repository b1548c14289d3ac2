"""What a shell script configures: it is run under bash on the fake tdx, and reaches no other one.

The account is one that holds whatever the script names.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from tdxwrap.apply.export import config_text
from tdxwrap.config.attributes import references, with_names
from tdxwrap.errors import ConfigError, Problem, Refused, UsageProblem
from tdxwrap.fake.control import World
from tdxwrap.realtime.state import LiveState
from tdxwrap.sandbox.environment import environment
from tdxwrap.sandbox.rehearsal import live_through
from tdxwrap.sandbox.world import Calls, Playground, as_tdx
from tdxwrap.tdx.tempfiles import throwaway

LIMIT = 60.0  # seconds
_PROGRAMS = """
bash jq base64 basename cat chmod cksum comm cp csplit cut date dd dirname echo expand expr false
fmt fold head id join ls md5sum mkdir mktemp mv nl od paste printf pwd readlink realpath rm rmdir
seq sha256sum shuf sleep sort split stat sum tac tail tee test timeout touch tr true truncate tsort
uname unexpand uniq wc whoami
"""
# Whatever the script does, bash calls these; PATH stays as it is.
_LOCKED = """\
sleep() { :; }
export -f sleep
readonly -f tdx sleep
readonly PATH
"""
_BEGIN = r"(?:^|[;&|({`!]|\b(?:then|do|else|if|while|until|time|exec|builtin)\s)\s*"
_REFUSED = {
    "sets PATH": r"(?<![\w$-])PATH\+?=",
    "calls npx": r"\bnpx\b",
    "may start with another environment": _BEGIN + r"(?:env|exec)\s+-",
    "calls command, which may start another tdx": _BEGIN + r"command\s+(?!-[vV]\s)",
    "names a program by its path": r"(?<![\w.~}/-])/(?:[\w.-]+/)*s?bin/\w",
    "names another tdx": r"/tdx(?![\w-])",
}
_HINT = "it is run on a stand-in for tdx and must not reach another one: take it out"
# What people leave to be filled in; `<` of a here-document, and of a comparison, is none.
_PLACEHOLDER = re.compile(
    r"(?<![<\w])<(?:ps|db|table\d*|description|[A-Z][A-Z0-9]*|[A-Za-z0-9]+(?:[_-][A-Za-z0-9]+)+)>"
)
_NAMES = re.compile(r"[\w.-]{1,99}(?:/[\w.-]{1,99})*")
_WRITTEN = re.compile(r"(?:-o|--output|>)[ =]*[\"']?([\w./-]+)")


def bash_of(content: bytes, *, markdown: bool) -> str:
    """Return the script in a file, with its lines where they are; of Markdown, its bash blocks.

    Raises:
        UsageProblem: it is no text, or there is none in it.
    """
    try:
        plain = content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError:
        raise UsageProblem("this is no text", hint="save the script as UTF-8") from None
    if not markdown:
        return plain
    lines, inside = [], False
    for line in plain.split("\n"):
        fence = line.startswith("```")
        if fence:
            inside = not inside and line[3:].strip() in ("bash", "sh", "shell")
        lines.append(line if inside and not fence else "")
    if not any(lines):
        raise UsageProblem("there is no bash block in it", hint="write ```bash before the commands")
    return "\n".join(lines)


def check(name: str, script: str) -> None:
    """Check that a script can be run.

    Raises:
        ConfigError: it might reach another tdx, or something is to be filled in.
    """
    found: list[Problem] = []
    for number, line in enumerate(script.split("\n"), 1):
        if line.lstrip().startswith("#"):
            continue
        reasons = [f"this {reason}" for reason, rule in _REFUSED.items() if re.search(rule, line)]
        found += [Problem(name, number, 1, "", reason, _HINT) for reason in reasons]
        for left in _PLACEHOLDER.finditer(line):
            message = f"the placeholder {left[0]} is to be filled in"
            found.append(Problem(name, number, left.start() + 1, "", message, ""))
    if found:
        raise ConfigError(name, found)


@contextmanager
def run(
    source: str,
    script: str,
    args: Sequence[str],
    allowed: Sequence[str],
    environ: Mapping[str, str],
) -> Iterator[tuple[Playground, Refused | None]]:
    """Run a script that has been checked.

    Args:
        source: where it is from; files that it reads are looked for there, and where we are.
        allowed: programs that it may call beside those of every script.
    Yields:
        Its world, until the end of the context; and why it may have done only a part of its work.
    """
    with throwaway() as folder:
        work, tools, home = (folder / name for name in ("work", "bin", "home"))
        work.mkdir()
        home.mkdir()
        world = World.create(folder / "world", _account(script, args))
        own = environment(environ, folder) | as_tdx(tools, world.environ(), "")
        with Path(own["BASH_ENV"]).open("a") as functions:
            functions.write(_LOCKED)
        for program in (*_PROGRAMS.split(), *allowed):
            found = shutil.which(program, path=environ.get("PATH"))
            if found and program != "tdx" and "/" not in program:
                (tools / program).symlink_to(found)
        for place in (Path.cwd(), Path(source).parent):
            _copy_read(script, place, work)
        ground = Playground(world, work, {**own, "PATH": str(tools), "HOME": str(home)})
        file = folder / "script.sh"
        file.write_text(script, encoding="utf-8")
        with (folder / "said").open("w+b") as said:
            streams = {"stdin": subprocess.DEVNULL, "stdout": said, "stderr": said}
            code = ground.run(("bash", str(file), *args), LIMIT, **streams)
            said.seek(0)
            text = said.read().decode("utf-8", "replace").replace(str(file), source)
        yield ground, _error(source, code, ground.world.calls(), text)


def _account(script: str, args: Sequence[str]) -> dict[str, object]:
    """An account with whatever a script may look up before it writes."""
    numbers = re.findall(r"(?<![\w.])[1-9]\d{3,}(?![\w.])", " ".join((script, *args)))
    words = re.findall(r"[\"'](\w+)[\"']", script)
    return {
        "updating_seconds": 0,
        "tdx": {"require_identifier": False, "open": ["time", *dict.fromkeys(words)]},
        "segments": [{"id": number, "name": number} for number in dict.fromkeys(numbers)],
    }


def _copy_read(script: str, source: Path, work: Path) -> None:
    """Copy the files of a folder that a script names, but not those that it writes."""
    written = set(_WRITTEN.findall(script))
    for name in set(_NAMES.findall(script)) - written:
        if ".." not in name.split("/") and (source / name).is_file():
            (work / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source / name, work / name)


def _error(source: str, code: int | None, calls: Calls, said: str) -> Refused | None:
    failed = next((call for call in calls if call.exit and (call.step or call.exit == 2)), None)
    missing = re.search(r"(\S+): command not found", said)
    hint = "arguments of the script go behind --; --list shows what it asks of tdx"
    if failed is not None:
        words = " ".join(failed.argv[:2])
        verdict = "the stand-in for tdx does not know" if failed.exit == 2 else "tdx refused"
        what = f"{source}{failed.line and f', line {failed.line}'}: {verdict} {words}"
    elif missing:
        what = f"{source} calls {missing[1]}, which it is not allowed to"
        hint = f"if it reaches no tdx, add --allow {missing[1]}"
    elif code != 0:
        ended = "was ended after a minute" if code is None else f"ended with exit {code}"
        what = f"{source} {ended}"
    else:
        return None
    return Refused(what, said="\n".join(said.splitlines()[-5:]), hint=hint)


def config_of(source: str, ground: Playground, elsewhere: Callable[[], LiveState] | None) -> str:
    """Return what a script configured, as the text of a CONFIG.

    Args:
        elsewhere: reads the parent segment whose key events the script names by id, without having
            got these ids from tdx.
    Raises:
        Refused: it configured nothing, or several parent segments.
    """
    configured = list(ground.world.live())
    if len(configured) != 1:
        what = f"{len(configured)} segments: {', '.join(configured)}" if configured else "nothing"
        hint = "--list shows what it asks of tdx; a CONFIG is about one parent segment"
        raise Refused(f"{source} configures {what}", hint=hint)
    with ground.world.edit_segment(configured[0]) as segment:
        _resolve(segment["realtime"], elsewhere)
    found = live_through(ground.world.launcher(), ground.environ, configured[0])
    # It is called as the script calls it.
    found = replace(found, segment=replace(found.segment, id=found.segment.name))
    return config_text(found, origin=source)


def _resolve(realtime: dict[str, Any], elsewhere: Callable[[], LiveState] | None) -> None:
    """Put the ids of this run in the place of those that people have pasted into a script."""
    own = {event["name"]: event["id"] for event in realtime["keyEvents"]}
    foreign = set(references(realtime["attributes"])) - set(own.values())
    found: dict[str, str] = {}
    if len(own) == 1:
        found = dict.fromkeys(foreign, *own.values())
    elif foreign and elsewhere is not None:
        named = {event.id: own.get(event.value.name) for event in elsewhere().key_events}
        found = {old: new for old, new in named.items() if old in foreign and new}
    realtime["attributes"] = with_names(realtime["attributes"], found)
