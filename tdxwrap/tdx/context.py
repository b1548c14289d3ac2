"""In which context tdx works: whose session, which profile, account and site (F4, F5, F34)."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from tdxwrap.errors import CallFailed, EnvironmentProblem, NotAuthenticated, TdxwrapError
from tdxwrap.system.threads import Parallel, result
from tdxwrap.tdx.answer import CompletedCall, said
from tdxwrap.tdx.client import Tdx

SESSIONS = 4  # of our parent and of the processes above it
ASKED_AT_ONCE = SESSIONS + 2
# The profile where none was chosen; named, it would go before variables that hold a key (F4).
DEFAULT = "default"
_STATUS = re.compile(r"account|profile|site|session|auth")
_PASSING = re.compile(r"session|time|expir|since|until|age$|at$|pid|elapsed|remaining|latency")
_ACCOUNT = r"(?i)\baccount(?:[ _]?(?:name|id))?\b[\s:=\"']*([^,;\n\"']+)"


@dataclass(frozen=True, slots=True)
class Context:
    """What is known of the context; None where tdx does not tell.

    Attributes:
        account, account_id: of the login.
        profile, site: given to tdxwrap, or as tdx tells them.
        chosen_in: the process above our parent whose choice is followed; None if it is no other.
    """

    account: str | None = None
    account_id: str | None = None
    profile: str | None = None
    site: str | None = None
    chosen_in: str | None = None

    def text(self, *, asked: bool) -> str:
        """Return it as one line; arguments as `words`."""
        return " · ".join(self.words(asked=asked))

    def words(self, *, asked: bool) -> list[str]:
        """Return it as a person reads it; if tdx was asked, with what it does not tell."""
        account = self.account or self.account_id
        profile = f"profile {self.profile}" if self.profile else "current tdx profile"
        above = f", chosen in process {self.chosen_in}" if self.chosen_in else ""
        told = {"account": account, "profile": self.profile}
        lacking = " and ".join(name for name, value in told.items() if not value)
        untold = f"{lacking} not told by tdx" if lacking and asked else ""
        first = f"account {account}" if account else ""
        return [each for each in (first, profile + above, self.site, untold) if each]


@dataclass(slots=True)
class Asking:
    """Ask `tdx status` for the context, beside the first reads.

    What was chosen with `tdx use` hangs on the process that called it (F5). A launcher between the
    shell and tdxwrap has chosen nothing, so the processes above it are asked, too, and the nearest
    one that has chosen something counts. Until that is settled, every call waits with its answer.

    Attributes:
        read: retries a read.
        pool: runs the calls.
        given: the profile and the site that were given; with a profile, no session counts.
        hold: keep to this context to the end, whatever is chosen meanwhile.
        account: the only account to work on, by name or id; None for any.
        found: called once with the context and a warning, which may be empty.
        status: asks in the session of a tdx.
        nobody: a session in which nothing was chosen: no process has this number.
        last: what must not change, because nothing holds it.
    """

    tdx: Tdx
    read: Callable[[Callable[[], CompletedCall]], CompletedCall]
    pool: Parallel
    given: Context
    hold: bool
    account: str | None
    found: Callable[[Context, str], None]
    status: Callable[[Tdx], CompletedCall] = lambda tdx: tdx.json("status", "--json")
    nobody: str = field(default_factory=lambda: f"{os.getpid()}{time.time_ns()}")
    last: str | None = field(default=None, init=False)

    def begin(self, leader: int | None) -> None:
        """Start to ask; calls of the tdx that begin from now on wait for the answer.

        Args:
            leader: the last process above our parent to ask for; None for no other session.
        """
        self.tdx.may_move = bool(leader or self.account)
        self.tdx.elsewhere = self.pool.start(self._run, leader)

    def check_unchanged(self) -> None:
        """Ask again, where nothing holds the context.

        Raises:
            EnvironmentProblem: it has changed since the run began.
        """
        session = self.tdx.session
        now = None if self.last is None else _essence(self._status(session), session)
        if now not in (None, self.last):
            hint = "nothing more is written: name the profile with --profile and run it again"
            what = "what tdx works on has changed since the run began"
            raise EnvironmentProblem(what, said=f"{self.last}\n{now}", hint=hint)

    def _run(self, leader: int | None) -> bool:
        above = [] if leader is None else sessions_above(leader)
        asked = [self.tdx.session, *above, self.nobody]
        if not (above or self.hold):
            asked.pop()
        started = [self.pool.start(self._status, session, bool(above)) for session in asked]
        answers = [result(each) for each in started]
        essences = [_essence(*each) for each in zip(answers, asked, strict=True)]
        number = _nearest(essences) if above else 0
        context = read_context(answers[number])
        if number:
            context = replace(context, chosen_in=asked[number])
            self.tdx.follow(TDX_SESSION=asked[number])
        profile, site = self.given.profile, self.given.site
        if self.hold:
            self._pin(context, essences[number], essences[-1], asked[-1])
        context = replace(context, profile=profile or context.profile, site=site or context.site)
        self.found(context, self._warning(context) if self.account else "")
        return number > 0

    def _status(self, session: str, needed: bool = False) -> Any:
        """Return what `tdx status` says in a session; None where it says nothing.

        Raises:
            EnvironmentProblem: it is needed, and failed; not if there is no such command.
        """
        tdx = self.tdx.within(TDX_SESSION=session)
        ask = partial(self.status, tdx)
        try:
            return (self.read(ask) if needed else ask()).data
        except NotAuthenticated:
            return {"authenticated": False}
        except TdxwrapError as error:
            if needed and isinstance(error, CallFailed):
                raise _unknown(error.said) from None
            if needed and isinstance(error, EnvironmentProblem) and not error.said:
                raise  # of this machine, not of a tdx without the command
            return None

    def _pin(self, context: Context, chosen: str | None, none: str | None, nobody: str) -> None:
        """Make the calls to come independent of what is chosen meanwhile, as far as tdx tells.

        Args:
            chosen, none: what tdx says in the session that counts, and in that of nobody.
        """
        profile, session = context.profile, self.tdx.session
        if chosen and none and chosen != none and profile not in (None, DEFAULT):
            self.tdx.follow(TDX_PROFILE=str(profile))
            # No variable names a site: one that was chosen beside the profile stays in its session.
            asked = (session, nobody)
            both = [self.pool.start(self._status, each, True) for each in asked]
            chosen, none = (_essence(result(a), s) for a, s in zip(both, asked, strict=True))
        if chosen and chosen == none and profile and context.site:
            self.tdx.follow(TDX_SESSION=nobody)
        else:
            self.last = chosen

    def _warning(self, context: Context) -> str:
        """Compare the account with the one that the file demands; warn if tdx tells none.

        Raises:
            EnvironmentProblem: it is another one, or none is told and something may be written.
        """
        told = [each for each in (context.account, context.account_id) if each]
        answer = ""
        if self.account not in told:
            try:
                answer = said(self.read(lambda: self.tdx.within().run("auth")).stdout)
            except (NotAuthenticated, CallFailed) as error:
                answer = error.said
            named = " (".join(re.findall(_ACCOUNT, answer))
            told += [part.strip() for part in re.split("[()]", named) if part.strip()]
        if self.account in told:
            return ""
        what = f"tdx does not tell whether this is the account {self.account}"
        if told:
            what = f"this is the account {told[0]}, and the file demands {self.account}"
        if told or self.hold:
            raise EnvironmentProblem(what, said=answer, hint="name the profile with --profile")
        return what


def leader_above(profile: str | None, environ: Mapping[str, str]) -> int | None:
    """Return the process that leads the session of our parent, the last one whose choice may count.

    None if that is our parent, or if a profile or a session is given: no choice counts then (F5).
    """
    if profile or environ.get("TDX_SESSION"):
        return None
    parent = os.getppid()
    try:
        leader = os.getsid(parent)
    except OSError:
        return None
    return None if leader in (0, parent) else leader


def sessions_above(leader: int) -> list[str]:
    """Return the processes above our parent, the nearest first, at most up to a leader.

    Without a `ps` (small containers) that is the leader alone.
    """
    command = ["ps", "-A", "-o", "pid=", "-o", "ppid="]
    try:
        printed = subprocess.check_output(command, text=True, timeout=5)
    except (OSError, subprocess.SubprocessError):
        return [str(leader)]
    parents = dict(line.split() for line in printed.splitlines())
    chain = [str(os.getppid())]
    while chain[-1] != str(leader) and chain[-1] in parents and len(chain) < SESSIONS:
        chain.append(parents[chain[-1]])
    return chain[1:]


def read_context(status: Any) -> Context:
    """Return what a document of `tdx status` tells; its form is not documented (F34)."""
    leaves = sorted(_leaves(status), key=lambda leaf: leaf[0].count("."))

    def told(place: str) -> str | None:
        found = (text for path, text in leaves if re.search(rf"\.{place}$", path))
        return next((text for text in found if text not in ("", "None", "True", "False")), None)

    profile = told(r"(current|active)?profile(\.?name)?")
    return Context(
        told(r"account(\.?name)?"), told(r"account\.?id"), profile, told("(site|region)")
    )


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield the values in a document with their places, in lower case and without _ and -."""
    if not isinstance(value, dict):
        yield path, str(value)
        return
    for name, part in value.items():
        yield from _leaves(part, f"{path}.{re.sub('[_-]', '', name).lower()}")


def _essence(status: Any, session: str) -> str | None:
    """Return a status as text to compare: without times and the id of its session.

    None for what is no status, and can be compared with none.
    """
    leaves = [(path[1:], text) for path, text in _leaves(status) if text != session]
    kept = [f"{at} {text}" for at, text in leaves if not _PASSING.search(at.rpartition(".")[2])]
    return ", ".join(sorted(kept)) if any(map(_STATUS.search, kept)) else None


def _unknown(answer: str = "") -> EnvironmentProblem:
    what = "whose choice of a profile counts could not be found out: `tdx status` failed"
    hint = "name the profile with --profile, or run the same command again"
    return EnvironmentProblem(what, said=answer, hint=hint)


def _nearest(essences: list[str | None]) -> int:
    """Return which of the sessions is the nearest that has chosen something, the first if none.

    Args:
        essences: of each session, and at the end of one in which nothing was chosen.
    Raises:
        EnvironmentProblem: some answers are missing, so it cannot be told.
    """
    *chain, none = essences
    if not any(essences):  # this tdx has no `status`
        return 0
    if None in essences:
        raise _unknown()
    return next((n for n, each in enumerate(chain) if each != none), 0)
