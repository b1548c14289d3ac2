"""Reports, as lines: the validation, the checklist of doctor, and the end of an apply."""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Sequence

from tdxwrap.apply.checklist import Check, State
from tdxwrap.apply.verify import Report
from tdxwrap.output.lines import BLANK, Line, counted, seconds_text
from tdxwrap.output.plan_text import step_lines
from tdxwrap.realtime.state import LiveState, Segment
from tdxwrap.version import __version__

# The sites of F3.
_SITE = re.compile(r"\b(us01|jp01|eu01|ap02)\b")
_LOOKS = {
    State.OK: ("✓", "green"),
    State.WARNING: ("!", "yellow"),
    State.FAILED: ("✗", "red"),
    State.NOT_CHECKED: ("·", ""),
}


def report_lines(report: Report, file: str) -> list[Line]:
    """Render the recipe's checks, one a line, and every field that differs.

    Args:
        file: the configuration that live was compared with; empty for none.
    """
    lines = [
        _verdict(
            check.ok,
            check.name,
            check.found if check.ok else f"{check.found}, expected {check.expected}",
        )
        for check in report.checks
    ]
    if not file:
        return lines
    as_wanted = not report.differences
    text = f"as in {file}" if as_wanted else f"differs from {file}:"
    lines.append(_verdict(as_wanted, "every field", text))
    return [*lines, *step_lines(report.differences, everything=True)]


def gone_lines(report: Report) -> list[Line]:
    """Render what has gone during the run, one item a line."""
    lines: list[Line] = []
    for each in report.gone:
        symbol, color = _LOOKS[State.FAILED if each.lost else State.WARNING]
        text = f"{each.kind} {each.name} is gone, and not by this run"
        lines.append(Line(f"{symbol} ", text, mark=color))
    return lines


def _verdict(ok: bool, name: str, text: str) -> Line:
    symbol, color = _LOOKS[State.OK if ok else State.FAILED]
    return Line(f"{symbol} {name:<14}", text, mark=color)


def check_lines(checks: Sequence[Check]) -> list[Line]:
    """Render the checklist of doctor, one check a line with its hint below, and the counts."""
    lines: list[Line] = []
    for check in checks:
        symbol, color = _LOOKS[check.state]
        body = check.message.removeprefix(f"{check.name} ")
        body = f"not checked: {body}" if check.state is State.NOT_CHECKED else body
        body = f"{body}   {check.where}" if check.where else body
        label = f"{symbol} {check.name:<15} "
        lines.append(Line(label, body, mark=color))
        if check.hint:
            lines.append(Line(" " * len(label), check.hint))
    states = [check.state for check in checks]
    counts = ((states.count(State.FAILED), "failed"), (states.count(State.WARNING), "to look at"))
    summary = ", ".join(f"{count} {words}" for count, words in counts if count)
    return [*lines, Line("", summary or "all is well", "bold")]


def live_line(live: LiveState, file: str) -> Line:
    """Render what is live once every field has been compared with the file."""
    items = (counted(len(live.key_events), "key event"), counted(len(live.attributes), "attribute"))
    body = ", ".join([f"status {live.segment.status}", *items, f"every field as in {file}"])
    return Line("✓ Live now    ", body, mark="green")


def done_line(changes: int, calls: int, seconds: float, journal: str | None) -> Line:
    """Render how much was done, in how long, and the id for `tdxwrap runs show`."""
    what = counted(changes, "change") if changes else "nothing to change"
    run = "" if journal is None else f" Journal: {journal}"
    return Line("", f"Done in {seconds_text(seconds)}: {what}, {calls} tdx calls.{run}", "bold")


def start_text(file: str, ps: str, account: str) -> str:
    """Return the first line of a log: when which version does what, and where."""
    now = time.strftime("%Y-%m-%d %H:%M %z")
    return f"{now} · tdxwrap {__version__} · {file} · parent segment {ps} · {account}"


def console_page(segment_id: str, site: str) -> str | None:
    """Return the address of a parent segment in the console (F28); None for what is no site."""
    host = f"https://console-next.{site}.treasuredata.com"
    return f"{host}/app/ps/{segment_id}" if re.fullmatch(r"[a-z]+\d+", site) else None


def next_lines(segment: Segment, profile: str | None, site: str | None, login: str) -> list[Line]:
    """Render what comes after Step 7: a personalization (F26) or a journey.

    Args:
        profile, site: as given to tdxwrap; the commands go to the same account.
        login: what tdx says of the login; it names the site where none was given. Without a site
            the address of the console page is not known (F28).
    """
    sites = {site} if site else set(_SITE.findall(login))
    tdx = ["tdx", *(["--profile", profile] if profile else []), *(["--site", site] if site else [])]

    def command(*args: str) -> Line:
        return Line("  ", shlex.join([*tdx, *args]), whole=True)

    page = console_page(segment.id, sites.pop()) if len(sites) == 1 else None
    return [
        BLANK,
        Line("", "Next, a personalization (FILE: its service, as YAML; ID: as listed):", "bold"),
        command("ps", "push", "FILE", "-y"),
        command("ps", "pz", "list", segment.id, "--json"),
        *([Line("  ", f"{page}/e/ID/p/de", whole=True)] if page else []),
        Line("", "or a journey (FILE: its JSON):", "bold"),
        command("api", "/entities/realtime_journeys", "--type", "cdp", "-X", "POST", "-f", "FILE"),
    ]
