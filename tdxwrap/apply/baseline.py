"""The baseline: what was configured before the first write (recipe, 7a)."""

import os
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tdxwrap.apply.events import BaselineWritten, Listener
from tdxwrap.errors import UsageProblem
from tdxwrap.realtime.api import Realtime
from tdxwrap.realtime.retry import Retry
from tdxwrap.realtime.state import LiveState
from tdxwrap.system.files import behind, free_name
from tdxwrap.system.threads import Parallel, result, wait_for


@dataclass
class Baseline:
    """Write the baseline to a file, once. Nothing that is there is renamed or overwritten for it.

    Args:
        live: what was read for the plan.
        file: the target, unless there is something of that name.
        elsewhere: returns the target where there is; None for the next free name beside it.
        listen: called with where the baseline is.
    """

    live: LiveState
    file: Path
    elsewhere: Callable[[], Path] | None
    api: Realtime
    retry: Retry
    listen: Listener
    _beside: Future[None] | None = None

    @contextmanager
    def written(self) -> Iterator[None]:
        """Write the baseline around the first write to the segment.

        `tdx ps pull` saves what is configured, so it ends before that write begins. Where nothing
        is configured yet, `tdx ps pz init` only makes a template, so it runs beside the write.

        Raises:
            UsageProblem: there is no place for it; nothing was written to the segment, either.
            TdxwrapError: tdx failed for good.
        """
        target = self._target()
        if self.live.initialized:
            self._write(target)
            yield
            return
        with Parallel(1, self.api.tdx.kill_all) as parallel:
            self._beside = parallel.start(self._write, target)
            yield
            result(self._beside)

    def wait_until_announced(self) -> None:
        """Wait until a baseline that is being written has been announced."""
        if self._beside is not None:
            wait_for(self._beside)

    def _target(self) -> Path:
        """Return where nothing is yet, in a folder that takes a file."""
        file = self.file
        try:
            if os.path.exists(file):
                file = self.elsewhere() if self.elsewhere else free_name(file)
            # A failed attempt removes the file, and not a link that leads to it.
            file = behind(file)
            # Permissions do not say everything (root, /proc, a full disk): only a file does.
            tempfile.TemporaryFile(dir=file.parent).close()
        except OSError as error:
            raise UsageProblem(
                f"{file} cannot be written: {error.strerror}",
                hint="name another file with --rt-config; "
                "nothing was written to the parent segment",
            ) from None
        return file

    def _write(self, target: Path) -> None:
        self.retry.read(lambda: self._ask(target))
        command = "tdx ps pull" if self.live.initialized else "tdx ps pz init"
        self.listen(BaselineWritten(str(target), command, str(self.file)))

    def _ask(self, target: Path) -> None:
        try:
            self.api.write_baseline(self.live.segment.id, self.live.initialized, target)
        except BaseException:
            # What is left of it is no baseline, and tdx asks before it overwrites a file (F9).
            target.unlink(missing_ok=True)
            raise
