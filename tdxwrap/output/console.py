"""The console: the only place that prints and asks.

Results go to stdout, everything else to stderr. On a terminal there is colour, wrapping and a
moving line for what is under way; elsewhere each line is whole, plain and stable. With `--json`
exactly one document goes to stdout, and nothing else is printed.
"""

from __future__ import annotations

import copy
import select
import shlex
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TextIO, cast

from rich.console import Console as RichConsole
from rich.live import Live
from rich.text import Text

from tdxwrap.errors import EnvironmentProblem, Interrupted, TdxwrapError
from tdxwrap.output.error_text import error_lines
from tdxwrap.output.lines import BLANK, Line, seconds_text
from tdxwrap.output.streams import LastingStream
from tdxwrap.output.wrapping import hanging
from tdxwrap.system import signals
from tdxwrap.system.redact import Redactor
from tdxwrap.system.text import ascii_entities, ascii_json, json_text, terminal
from tdxwrap.tdx.answer import CompletedCall


@dataclass(frozen=True, slots=True)
class Style:
    """What is printed and how: `--json`, `-v`, `-q`, `--color/--no-color`."""

    json: bool = False
    verbose: bool = False
    quiet: bool = False
    color: bool | None = None


class Console:
    """Prints lines, documents and errors, and asks.

    Args:
        environ: the environment whose secrets are never printed (F4).
    Attributes:
        clean: removes secrets from a text; needed before a text is folded or cut, where the
            stream would only see its parts.
        answering: seconds in which a question stood open.
        brief: whether the course of a run is left to the moving line of several.
        front: stands in front of every line.
    """

    def __init__(self, style: Style, environ: Mapping[str, str]) -> None:
        self.style = style
        self.clean = Redactor.from_environ(environ).text
        self._stdout = LastingStream(sys.stdout, self.clean)
        colour = style.color
        if colour is None and environ.get("NO_COLOR"):
            colour = False
        self.out = _rich(self._stdout, colour)
        self.err = _rich(LastingStream(sys.stderr, self.clean), colour)
        self.answering = 0.0
        self.brief = False
        self._live: Live | None = None
        self._above: Console | None = None
        self._held: list[Callable[[], object]] | None = None
        self.front = ""
        self._holding = threading.Lock()

    # Lines

    def print_result(self, lines: Iterable[Line]) -> None:
        """Print what the exit code says too: stdout, unless `-q` or `--json`."""
        if not self.style.quiet:
            self.print_answer(lines)

    def print_answer(self, lines: Iterable[Line]) -> None:
        """Print what the command is called for: stdout, unless `--json`."""
        if not self.style.json:
            self._print(self.out, lines)

    def print_note(self, lines: Iterable[Line]) -> None:
        """Print what helps on the way: stderr, unless `-q` or `--json`."""
        if not (self.style.json or self.style.quiet):
            self._print(self.err, lines)

    @property
    def ascii_only(self) -> bool:
        """Whether a text should be printed in ASCII: stdout lacks characters, and it is no JSON."""
        return not (self.style.json or self.out.encoding.startswith("utf"))

    def print_text(self, text: str) -> None:
        """Print a whole text as it is (YAML, Markdown): stdout, unless `--json`.

        Raises:
            EnvironmentProblem: the encoding of the output lacks characters of it.
        """
        if self.ascii_only and not text.isascii():
            raise EnvironmentProblem(
                f"the encoding {self.out.encoding} of the output lacks characters of the result",
                hint="set PYTHONIOENCODING=utf-8, or write to a file with --file",
            )
        if not self.style.json:
            self._put(partial(self._write, text))

    def print_markdown(self, text: str) -> None:
        """Print Markdown, as `print_text` does."""
        self.print_text(ascii_entities(text) if self.ascii_only else text)

    def print_document(self, document: dict[str, Any]) -> None:
        """Print the one JSON document of `--json`, or of `schema`."""
        text = json_text(document, indent=2) + "\n"
        self.out.file.write(text if self.out.encoding.startswith("utf") else ascii_json(text))
        self.out.file.flush()

    def check_written(self) -> None:
        """Check that the result has reached its file.

        Raises:
            EnvironmentProblem: it has not (a full disk); a reader that went away is fine.
        """
        self._stdout.check_written()

    # Errors and warnings

    def print_always(self, lines: Iterable[Line]) -> None:
        """Print what a person has to see: stderr, unless `--json`."""
        if not self.style.json:
            self._print(self.err, lines)

    def print_error(self, error: TdxwrapError, journal: str | None) -> None:
        """Print an error: stderr, unless `--json`, whose document says it.

        Args:
            journal: the file that records the run, if there is one.
        """
        self.print_always(error_lines(error))
        if journal is not None:
            self.print_always([Line("  journal    ", journal, whole=True)])

    def print_call(self, call: CompletedCall) -> None:
        """Print a finished tdx call, to copy and paste, with its time: only with `-v`."""
        if self.style.verbose:
            text = f"{shlex.join(call.argv)}   # {seconds_text(call.seconds)}"
            self.print_note([Line("$ ", text, "dim", whole=True)])

    # One of several

    def held(self) -> Console:
        """Return the console of one of several runs side by side: its lines wait for `release`."""
        other = copy.copy(self)
        other._above, other.brief = self, self.moves
        other._held, other._holding = [], threading.Lock()
        return other

    def release(self, *, hold: bool = True) -> None:
        """Print the lines that wait.

        Args:
            hold: whether the lines to come wait, too.
        """
        assert self._above is not None
        with self._holding, self._above.still() if self._held else nullcontext():
            for put in self._held or ():
                put()
            self._held = [] if hold else None

    def _put(self, write: Callable[[], object]) -> None:
        with self._holding:
            if self._held is None:
                write()
            else:
                self._held.append(write)

    def _print(self, console: RichConsole, lines: Iterable[Line]) -> None:
        if self.front:
            lines = (line for line in lines if line != BLANK)
            lines = [replace(line, prefix=self.front + line.prefix) for line in lines]
        self._put(partial(self._print_now, console, list(lines)))

    def _write(self, text: str) -> None:
        self.out.file.write(text)
        self.out.file.flush()

    def _print_now(self, console: RichConsole, lines: Iterable[Line]) -> None:
        with console:  # all lines are written at once
            for line in lines:
                # Before a fold could take a secret apart.
                prefix, body = (terminal(self.clean(part)) for part in (line.prefix, line.body))
                folds = console.file.isatty() and not line.whole
                rows = hanging(prefix, body, console.width) if folds else [(prefix, body)]
                for front, rest in rows:
                    text = Text.assemble((front, line.mark), rest, style=line.style)
                    text.rstrip()
                    console.print(text, soft_wrap=True)

    # Questions

    @property
    def can_ask(self) -> bool:
        """Whether there is a terminal to ask on and to answer from."""
        return sys.stdin.isatty() and self.err.is_terminal and not self.style.json

    def ask(self, question: str) -> None:
        """Ask for confirmation.

        Raises:
            Interrupted: the answer is anything else.
        """
        answer = self._typed(f"{question} [y/N] ")
        if answer.strip().lower() not in ("y", "yes"):
            refusal = Interrupted("not confirmed")
            refusal.so_far = "nothing was written"
            raise refusal

    def choose(self, choices: Iterable[Line], question: str, default: str) -> str:
        """List choices and ask for a text; Enter alone gives the default.

        Raises:
            Interrupted: the input ends.
        """
        self._print(self.err, choices)
        answer = self._typed(f"{question} [{default}]: " if default else f"{question}: ")
        if not answer:
            raise Interrupted("no answer", hint="nothing was written")
        return answer.strip() or default

    def _typed(self, question: str) -> str:
        """Return the line that a person types; empty at the end of the input."""
        with self.still():
            self.err.print(Text(terminal(self.clean(question)), style="bold"), end="")
            asked = time.monotonic()
            while not select.select([sys.stdin], [], [], signals.SLICE)[0]:
                signals.check()
            answer = sys.stdin.readline()
            self.answering += time.monotonic() - asked
            # After a Ctrl-C, click ends the line.
            if not answer.endswith("\n"):
                self.err.print()
        return answer

    # What is under way

    @contextmanager
    def still(self) -> Iterator[None]:
        """Take the moving line away for a while."""
        live = self._live
        if live is not None:
            live.stop()
        yield
        if live is not None:
            live.start()

    @contextmanager
    def busy(self, what: Any) -> Iterator[None]:
        """Show a moving line on a terminal while something is under way.

        Args:
            what: a rich renderable of one line; it is drawn again ten times a second.
        """
        if not self.moves:
            yield
            return
        self._live = Live(
            what,
            console=self.err,
            refresh_per_second=10,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        try:
            with self._live:
                yield
        finally:
            self._live = None

    @property
    def moves(self) -> bool:
        """Whether a moving line can be shown: only on a terminal that can go back in a line."""
        if self.style.json or self.style.quiet or self._above is not None:
            return False
        return self.err.file.isatty() and not self.err.is_dumb_terminal


def _rich(stream: LastingStream, colour: bool | None) -> RichConsole:
    return RichConsole(
        file=cast(TextIO, stream),
        highlight=False,
        markup=False,
        emoji=False,
        no_color=colour is False,
        color_system="standard" if colour else "auto",
        force_terminal=True if colour and not stream.isatty() else None,
    )
