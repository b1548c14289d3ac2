"""The state directory: files written whole, under one lock."""

from __future__ import annotations

import fcntl
import os
import time

from tdxwrap.fake import quickjson

TYPE_CHECKING = False  # importing `typing` would cost each call some milliseconds
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any

SETTINGS = "settings.json"
DATA = "data.json"
FAULTS = "faults.json"
CALLS = "calls.jsonl"
COUNTER = "counter"
# The earlier versions of the data, each named after the time at which it was replaced.
PAST = "past"


class Lock:
    """An exclusive lock between processes, for as long as the `with` block runs."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._fd = -1

    def __enter__(self) -> Lock:
        self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(self._fd, fcntl.LOCK_EX)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._fd)


class Store:
    """Reads and writes the files of one state directory."""

    def __init__(self, root: str) -> None:
        self.root = os.path.abspath(root)

    def path(self, name: str) -> str:
        """Where the file `name` lies."""
        return os.path.join(self.root, name)

    def lock(self) -> Lock:
        """The lock that every change of a file must hold."""
        return Lock(self.path("lock"))

    def exists(self) -> bool:
        """Whether a world has been built here."""
        return os.path.exists(self.path(SETTINGS))

    def load(self, name: str) -> Any:
        """The JSON value of a file."""
        with open(self.path(name), encoding="utf-8") as file:
            return quickjson.loads(file.read())

    def load_or(self, name: str, default: Any) -> Any:
        """The JSON value of a file, or `default` when there is none."""
        try:
            return self.load(name)
        except FileNotFoundError:
            return default

    def save(self, name: str, value: Any) -> None:
        """Write a file as a whole, so that readers need no lock."""
        if name == DATA:
            self._keep_version()
        self.replace(name, quickjson.dumps(value))

    def _keep_version(self) -> None:
        if os.path.exists(self.path(DATA)):
            os.makedirs(self.path(PAST), exist_ok=True)
            os.link(self.path(DATA), self.path(f"{PAST}/{time.time_ns():020}"))

    def load_data(self, as_of: float | None = None) -> Any:
        """The data now, or as it was at a time (in seconds); infinity is before the last change."""
        if as_of is None or not os.path.exists(self.path(PAST)):
            return self.load(DATA)
        versions = sorted(os.listdir(self.path(PAST)))
        later = [name for name in versions if int(name) > as_of * 1e9]
        if as_of == float("inf"):
            later = versions[-1:]
        return self.load(f"{PAST}/{later[0]}" if later else DATA)

    def replace(self, name: str, text: str) -> None:
        """Put `text` in the place of a file, in one step."""
        target = self.path(name)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        draft = f"{target}.{os.getpid()}"
        with open(draft, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(draft, target)

    def last_number(self) -> int:
        """The number of the latest call; the caller holds the lock."""
        try:
            with open(self.path(COUNTER), encoding="utf-8") as file:
                return int(file.read() or 0)  # empty: its first writer was killed before it wrote
        except FileNotFoundError:
            return 0

    def next_number(self) -> int:
        """Count one more call; the caller holds the lock."""
        number = self.last_number() + 1
        # In place: a file that takes another's place is flushed to the disk.
        descriptor = os.open(self.path(COUNTER), os.O_WRONLY | os.O_CREAT, 0o600)
        os.write(descriptor, b"%d" % number)
        os.close(descriptor)
        return number
