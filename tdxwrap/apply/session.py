"""One login to tdx, and what is asked of it outside a plan: the key, the live state, the status."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from tdxwrap.apply.events import Listener, LockedHere, StatusSeen, StepDone, StepStarted, ignore
from tdxwrap.config.load import LoadedConfig
from tdxwrap.errors import UsageProblem
from tdxwrap.realtime.api import Realtime
from tdxwrap.realtime.read import LiveReads, Reads, resolve_segment
from tdxwrap.realtime.retry import Retry
from tdxwrap.realtime.state import READY, LiveState, Segment
from tdxwrap.realtime.wait import WaitPolicy, wait_until_ready
from tdxwrap.system.lock import segment_lock
from tdxwrap.tdx.login import credential_source

STORED_LOGIN = "tdx's stored login"


@dataclass(frozen=True, slots=True)
class Session:
    """One login and how its calls are retried and announced.

    Attributes:
        environ: where credentials are looked for (F4).
        profile: the tdx profile, where one is given.
        listen: called with every event.
        locks: the folder of the locks of this machine, as `segment_lock`.
        all_written: waits until the segments beside this one are written, too.
    """

    api: Realtime
    environ: Mapping[str, str] = field(default_factory=dict)
    profile: str | None = None
    retry: Retry = field(default_factory=Retry)
    listen: Listener = ignore
    locks: Path | None = None
    all_written: Callable[[], None] | None = None

    @contextmanager
    def step(self, name: str, checkpoint: str) -> Iterator[None]:
        """Announce a step of the recipe and, if nothing fails, its checkpoint."""
        self.listen(StepStarted(name))
        start = self.retry.clock()
        yield
        self.listen(StepDone(name, checkpoint, self.retry.clock() - start))

    @contextmanager
    def lock(self, segment_id: str) -> Iterator[None]:
        """Hold the lock of a parent segment; errors as `segment_lock`."""
        with segment_lock(self.environ, segment_id, self.locks) as missing:
            if missing:
                self.listen(LockedHere(missing))
            yield

    def wait_until_ready(
        self,
        segment_id: str,
        policy: WaitPolicy,
        *,
        changed: bool = False,
        by_itself: bool = False,
        beside: Callable[[], object] | None = None,
    ) -> None:
        """Wait for the status `ok`; arguments and errors as `realtime.wait.wait_until_ready`.

        Of several segments, each reads what is live when it is ready, and not beside each poll.
        """
        several = self.all_written is not None
        if self.all_written is not None:
            self.all_written()
        wait_until_ready(
            self.api,
            segment_id,
            policy,
            self.retry,
            lambda *seen: self.listen(StatusSeen(*seen)),
            changed=changed,
            by_itself=by_itself,
            beside=None if several else beside,
        )
        if several and beside is not None:
            beside()


def check_key(session: Session) -> str:
    """Check for a login: step 0 of the recipe. Ask tdx only if the environment has no key.

    Returns:
        What tdx says of the login; empty if it was not asked.
    Raises:
        NotAuthenticated: there is none (F4).
    """
    session.listen(StepStarted("key"))
    start = session.retry.clock()
    source = credential_source(session.environ, session.profile)
    login = ""
    if source is None:
        login = session.retry.read(session.api.check_auth)
    checkpoint = f"credentials from {source or STORED_LOGIN}"
    session.listen(StepDone("key", checkpoint, session.retry.clock() - start, login))
    return login


def parent_segment(loaded: LoadedConfig, override: str | None) -> str:
    """Return the parent segment that `--parent-segment` names, else the file.

    Raises:
        UsageProblem: neither names one.
    """
    ps = override or loaded.config.parent_segment
    if not ps:
        raise UsageProblem(
            f"{loaded.path} names no parent segment",
            hint="write parent_segment: ID into the file, or give --parent-segment",
        )
    return ps


def read_live(session: Session, ps: str) -> LiveState:
    """Return the live state of a parent segment, given by id or name.

    Raises:
        NotFound, Refused: as `resolve_segment`.
        CallFailed: a read kept failing.
    """
    with Reads(session.api, session.retry) as reads:
        live = LiveReads(reads, ps)
        found = live.finish(live.segment())
    return replace(found, calls=session.api.tdx.begun)


def wait_for(session: Session, ps: str, policy: WaitPolicy) -> Segment:
    """`tdxwrap wait`: find the segment and wait until its status is `ok` (F12, F21).

    Raises:
        NotReady, NotFound, Refused: as `wait_until_ready` and `resolve_segment`.
    """
    segment = resolve_segment(session.api, session.retry, ps)
    if segment.status != READY:
        session.wait_until_ready(segment.id, policy, by_itself=True)
    return replace(segment, status=READY)
