"""What stands at the end of an apply: what is live now, and what comes after Step 7."""

from __future__ import annotations

import re
import shlex

from tdxwrap.output.plan_text import BLANK, Line, seconds_text
from tdxwrap.realtime.state import LiveState, Segment

# The sites of F3.
_SITE = re.compile(r"\b(us01|jp01|eu01|ap02)\b")


def live_line(live: LiveState, file: str) -> Line:
    """What is live once every field has been compared with the file."""
    counts = (("key event", live.key_events), ("attribute", live.attributes))
    told = [f"{len(items)} {n}{'' if len(items) == 1 else 's'}" for n, items in counts]
    body = ", ".join([f"status {live.segment.status}", *told, f"every field as in {file}"])
    return Line("✓ Live now    ", body, mark="green")


def done_line(changes: int, calls: int, seconds: float, journal: str | None) -> Line:
    """How much was done, in how long, and what `tdxwrap runs show` knows the run by."""
    what = f"{changes} change{'' if changes == 1 else 's'}" if changes else "nothing to change"
    run = "" if journal is None else f" Journal: {journal}"
    return Line("", f"Done in {seconds_text(seconds)}: {what}, {calls} tdx calls.{run}", "bold")


def next_lines(segment: Segment, profile: str | None, site: str | None, login: str) -> list[Line]:
    """What a person does after Step 7: a personalization (F26) or a journey.

    Args:
        profile, site: as given to tdxwrap; the commands go to the same account.
        login: what tdx says of the login; it names the site where none was given. Without a site
            there is no telling the console page (F28).
    """
    sites = {site} if site else set(_SITE.findall(login))
    tdx = ["tdx", *(["--profile", profile] if profile else []), *(["--site", site] if site else [])]

    def command(*args: str) -> Line:
        return Line("  ", shlex.join([*tdx, *args]), whole=True)

    page = f"https://console-next.{min(sites, default='')}.treasuredata.com/app/ps/{segment.id}"
    return [
        BLANK,
        Line("", "Next, a personalization (FILE: its service, as YAML; ID: as listed):", "bold"),
        command("ps", "push", "FILE", "-y"),
        command("ps", "pz", "list", segment.id, "--json"),
        *([Line("  ", f"{page}/e/ID/p/de", whole=True)] if len(sites) == 1 else []),
        Line("", "or a journey (FILE: its JSON):", "bold"),
        command("api", "/entities/realtime_journeys", "--type", "cdp", "-X", "POST", "-f", "FILE"),
    ]
