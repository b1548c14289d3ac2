"""Ask the zygote for a tdxwrap: from a test, or as the command `tdxwrap` of a shell script.

Imports little: as a command it has to start quickly.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from collections.abc import Mapping, Sequence


class Forked:
    """A tdxwrap that the zygote has forked; the part of `subprocess.Popen` that tests need."""

    def __init__(
        self,
        path: str,
        args: Sequence[str],
        streams: Sequence[int],
        cwd: str,
        environ: Mapping[str, str],
        terminal: bool = False,
    ) -> None:
        """Start it.

        Args:
            path: the socket of the zygote.
            streams: the descriptors of its three standard streams.
            cwd: its working directory; `.` may have been deleted.
            terminal: make stdin its controlling terminal.
        """
        request = {"args": args, "environ": dict(environ), "terminal": terminal}
        directory = os.open(cwd, os.O_RDONLY)
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(path)
        socket.send_fds(self._socket, [b"\n"], [*streams, directory])
        os.close(directory)
        self._socket.sendall(json.dumps(request).encode() + b"\n")
        self._answers = self._socket.makefile("rb")
        self.pid = self._answer()
        self.returncode: int | None = None

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code, negative for a signal. One that runs for too long is aborted."""
        self._socket.settimeout(timeout)
        try:
            if self.returncode is None:
                self.returncode = self._answer()
        except TimeoutError:
            self.send_signal(signal.SIGABRT)
            raise
        finally:
            self._socket.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.returncode is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _answer(self) -> int:
        return int(self._answers.readline())


if __name__ == "__main__":
    ended = Forked(sys.argv[1], sys.argv[2:], (0, 1, 2), ".", os.environ).wait()
    sys.exit(ended if ended >= 0 else 128 - ended)
