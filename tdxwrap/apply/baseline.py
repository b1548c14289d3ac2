"""The baseline: what was configured before the first write (recipe, 7a)."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path

from tdxwrap.apply.events import BaselineWritten, FileKept, Listener
from tdxwrap.realtime.api import Realtime
from tdxwrap.realtime.retry import Retry
from tdxwrap.realtime.state import LiveState
from tdxwrap.system.files import back_up, write_in_place
from tdxwrap.system.threads import Parallel, result, wait_for

OPTION = "--rt-config"


class Baseline:
    """Write the baseline to a file, once.

    Args:
        live: what was read for the plan.
        file: the target; an earlier file is kept under another name.
        listen: called with where the baseline is, and where an earlier file has gone.
    """

    def __init__(
        self, live: LiveState, file: Path, api: Realtime, retry: Retry, listen: Listener
    ) -> None:
        self._live = live
        self._file = file
        self._api = api
        self._retry = retry
        self._listen = listen
        self._beside: Future[None] | None = None

    @contextmanager
    def written(self) -> Iterator[None]:
        """Write the baseline around the first write to the segment.

        `tdx ps pull` saves what is configured, so it ends before that write begins. Where nothing
        is configured yet, `tdx ps pz init` only makes a template, so it runs beside the write.

        Raises:
            UsageProblem: the file cannot be written; nothing was written to the segment, either.
            TdxwrapError: tdx failed for good, or the disk is full.
        """
        earlier = back_up(self._file, OPTION)
        if self._live.initialized:
            self._write(earlier)
            yield
            return
        with Parallel(1, self._api.tdx.kill_all) as parallel:
            self._beside = parallel.start(self._write, earlier)
            yield
            result(self._beside)

    def wait_until_announced(self) -> None:
        """Wait until a baseline that is being written has been announced."""
        if self._beside is not None:
            wait_for(self._beside)

    def _write(self, earlier: Path | None) -> None:
        written = write_in_place(
            self._file, earlier, lambda path: self._retry.read(lambda: self._ask(path)), OPTION
        )
        if written.earlier is not None:
            self._listen(FileKept(str(self._file), str(written.earlier)))
        command = "tdx ps pull" if self._live.initialized else "tdx ps pz init"
        self._listen(BaselineWritten(str(self._file), command))

    def _ask(self, path: Path) -> None:
        # A failed attempt may have left a file, and tdx asks before it overwrites one (F9).
        path.unlink(missing_ok=True)
        self._api.write_baseline(self._live.segment.id, self._live.initialized, path)
