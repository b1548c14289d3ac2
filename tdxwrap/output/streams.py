"""Output streams that outlive their reader, and a disk that is full."""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Callable
from typing import TextIO

from tdxwrap.errors import EnvironmentProblem

# The reader went away (`| head`), or the terminal did.
_NOBODY_READS = frozenset((errno.EPIPE, errno.EIO, errno.EBADF))


def unwritten(error: OSError) -> EnvironmentProblem:
    """Return the error for a result that could not be written."""
    return EnvironmentProblem(
        f"the result could not be written: {error.strerror}",
        hint="free some space, and run the command again; what was applied stays applied",
    )


class LastingStream:
    """A text stream that swallows what cannot be written, and remembers why.

    An apply must not stop half-way because a pager was closed. Everything that is printed passes
    through here, which makes it the last net for secrets.

    Args:
        clean: removes secrets from a text.
    """

    def __init__(self, stream: TextIO, clean: Callable[[str], str]) -> None:
        if isinstance(stream, io.TextIOWrapper):
            # A terminal without a ✓ gets an escape, not an error.
            stream.reconfigure(errors="backslashreplace")
        self._stream = stream
        self._clean = clean
        self._failure: OSError | None = None

    def check_written(self) -> None:
        """Flush, and check that nothing was lost that somebody still reads.

        Raises:
            EnvironmentProblem: something was (a full disk).
        """
        self.flush()
        if self._failure is not None and self._failure.errno not in _NOBODY_READS:
            raise unwritten(self._failure)

    @property
    def encoding(self) -> str:
        """The encoding of the underlying stream."""
        return self._stream.encoding or "utf-8"

    def isatty(self) -> bool:
        """Return whether it is a terminal."""
        return self._stream.isatty()

    def fileno(self) -> int:
        """Return the descriptor of the underlying stream."""
        return self._stream.fileno()

    def write(self, text: str) -> int:
        """Write, unless that has failed before."""
        if self._failure is None:
            try:
                self._stream.write(self._clean(text))
            except OSError as error:
                self._give_up(error)
        return len(text)

    def flush(self) -> None:
        """Flush, unless writing has failed before."""
        if self._failure is None:
            try:
                self._stream.flush()
            except OSError as error:
                self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        self._failure = error
        # What is still buffered would fail again when Python exits.
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, self._stream.fileno())
        os.close(null)
