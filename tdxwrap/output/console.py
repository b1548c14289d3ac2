"""All that a person or a program reads: the only module that prints.

Results go to stdout, everything else to stderr. On a terminal there is colour, wrapping and a
moving line for what is under way; elsewhere each line is whole, plain and stable. With `--json`
exactly one document goes to stdout and nothing else is said.
"""

from __future__ import annotations

import json
import select
import shlex
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, TextIO, cast

from rich.console import Console as RichConsole
from rich.live import Live
from rich.text import Text

from tdxwrap.errors import EnvironmentProblem, Interrupted, Problem, TdxwrapError, UsageProblem
from tdxwrap.output import plan_text
from tdxwrap.output.plan_text import Line
from tdxwrap.output.streams import LastingStream
from tdxwrap.output.wrapping import hanging, printable
from tdxwrap.plan.changes import Level, Plan
from tdxwrap.system import signals
from tdxwrap.system.redact import Redactor
from tdxwrap.tdx.answer import CompletedCall


@dataclass(frozen=True, slots=True)
class Style:
    """How to speak: `--json`, `-v`, `-q`, `--color/--no-color`."""

    json: bool = False
    verbose: bool = False
    quiet: bool = False
    color: bool | None = None


class Console:
    """Prints lines, documents and errors, and asks.

    Args:
        environ: the environment whose secrets are never printed (F4).
    """

    def __init__(self, style: Style, environ: Mapping[str, str]) -> None:
        self.style = style
        clean = Redactor.from_environ(environ).text
        self._stdout = LastingStream(sys.stdout, clean)
        colour = style.color
        if colour is None and environ.get("NO_COLOR"):
            colour = False
        self.out = _rich(self._stdout, colour)
        self.err = _rich(LastingStream(sys.stderr, clean), colour)
        self._live: Live | None = None

    # Lines

    def print_result(self, lines: Iterable[Line]) -> None:
        """What the command found, where its exit code says the same: stdout, unless `-q`."""
        if not self.style.quiet:
            self.print_answer(lines)

    def print_answer(self, lines: Iterable[Line]) -> None:
        """What the command exists to print: stdout, with `-q` too."""
        if not self.style.json:
            _print(self.out, lines)

    def print_note(self, lines: Iterable[Line]) -> None:
        """What a person likes to know on the way: stderr, unless `-q` or `--json`."""
        if not (self.style.json or self.style.quiet):
            _print(self.err, lines)

    def print_text(self, text: str) -> None:
        """A whole text as it is (YAML, Markdown, a schema): stdout."""
        if not self.style.json:
            self.out.file.write(text)
            self.out.file.flush()

    def print_document(self, document: dict[str, Any]) -> None:
        """The one JSON document of `--json`, or of `schema`."""
        self.out.file.write(json.dumps(document, ensure_ascii=False, indent=2) + "\n")
        self.out.file.flush()

    def check_written(self) -> None:
        """Whether the result has reached its file.

        Raises:
            EnvironmentProblem: it has not (a full disk); a reader that went away is fine.
        """
        self._stdout.flush()
        if self._stdout.failure is not None:
            raise EnvironmentProblem(
                f"the result could not be written: {self._stdout.failure.strerror}",
                hint="what was applied stays applied: make room, and look with `tdxwrap status`",
            )

    # Errors and warnings

    def print_always(self, lines: Iterable[Line]) -> None:
        """What a person has to see, with `-q` too: stderr."""
        if not self.style.json:
            _print(self.err, lines)

    def print_error(self, command: str, error: TdxwrapError, journal: str | None = None) -> None:
        """An error: a document on stdout with `--json`, else lines on stderr.

        Args:
            journal: the file that records the run, if there is one.
        """
        if self.style.json:
            from tdxwrap.output import documents

            self.print_document(documents.output(command, error=error, journal=journal))
        else:
            _print(self.err, plan_text.error_lines(error))
            if journal is not None:
                _print(self.err, [Line("  journal    ", journal, whole=True)])

    def print_warnings(self, problems: Iterable[Problem]) -> None:
        """What is allowed in a file but seldom meant."""
        for problem in problems:
            place = f"{problem.file}:{problem.line}:{problem.column}"
            hint = f" – {problem.hint}" if problem.hint else ""
            body = f"{problem.path}: {problem.message}{hint}"
            self.print_note([Line(f"! {place}  ", body, mark="yellow")])

    def print_call(self, call: CompletedCall) -> None:
        """A finished tdx call, for `-v`: copy-pasteable, with its time."""
        if self.style.verbose:
            took = plan_text.seconds_text(call.seconds)
            self.print_note([Line("$ ", f"{shlex.join(call.argv)}   # {took}", "dim", whole=True)])

    # Questions

    @property
    def can_ask(self) -> bool:
        """Whether there is a person at both ends."""
        return sys.stdin.isatty() and self.err.is_terminal and not self.style.json

    def ask(self, question: str) -> None:
        """Ask for a yes.

        Raises:
            Interrupted: the answer is anything else.
        """
        answer = self._typed(f"{question} [y/N] ")
        if answer.strip().lower() not in ("y", "yes"):
            refusal = Interrupted("not confirmed")
            refusal.so_far = "nothing was written"
            raise refusal

    def choose(self, choices: Iterable[Line], question: str, default: str) -> str:
        """Ask for a text, below the choices that there are; Enter alone gives the default.

        Raises:
            Interrupted: the input ends.
        """
        _print(self.err, choices)
        answer = self._typed(f"{question} [{default}]: " if default else f"{question}: ")
        if not answer:
            raise Interrupted("no answer", hint="nothing was written")
        return answer.strip() or default

    def _typed(self, question: str) -> str:
        """The line that a person types; empty at the end of the input."""
        with self._still():
            self.err.print(Text(printable(question), style="bold"), end="")
            while not select.select([sys.stdin], [], [], signals.SLICE)[0]:
                signals.check()
            answer = sys.stdin.readline()
            # After a Ctrl-C it is click that ends the line.
            if not answer.endswith("\n"):
                self.err.print()
        return answer

    # What is under way

    @contextmanager
    def busy(self, what: Any) -> Iterator[None]:
        """A moving line on a terminal while something is under way.

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

    @contextmanager
    def _still(self) -> Iterator[None]:
        """No moving line in here."""
        if self._live is None:
            yield
            return
        self._live.stop()
        yield
        self._live.start()

    @property
    def moves(self) -> bool:
        """Whether a moving line can be shown: a terminal that can go back in a line."""
        wanted = not (self.style.json or self.style.quiet)
        return wanted and self.err.file.isatty() and not self.err.is_dumb_terminal


class PlanConsent:
    """Shows a plan and has it agreed to: on a terminal by asking, elsewhere by `--yes`.

    Attributes:
        yes, force: the options of that name; a dangerous change needs `--force` as well as `--yes`
            where nobody can be asked.
    """

    def __init__(self, console: Console, account: str, *, yes: bool, force: bool) -> None:
        self.console = console
        self.account = account
        self.yes = yes
        self.force = force

    def show(self, plan: Plan) -> None:
        """Print the plan; beside an apply it is not the result, so it goes to stderr.

        Failed column checks are left to the error that they end in. With `-q` it is shown only
        where a question about it follows.
        """
        everything = self.console.style.verbose
        warned = tuple(found for found in plan.findings if found.level is Level.WARNING)
        shown = replace(plan, findings=warned)
        lines = plan_text.plan_lines(shown, self.account, everything=everything)
        unsaid = not self.yes or (plan.dangers and not self.force)
        asks = plan.pending and unsaid and self.console.can_ask
        show = self.console.print_always if asks else self.console.print_note
        show([plan_text.BLANK, *lines, plan_text.BLANK])

    def ask(self, plan: Plan) -> bool:
        """Whether a person was asked. Nothing to write needs no consent.

        Raises:
            UsageProblem: nobody can be asked and the options do not say yes.
            Interrupted: the answer is no.
        """
        if not plan.pending:
            return False
        asked = self._ask_for_changes(plan)
        return self._ask_for_dangers(plan) or asked

    def _ask_for_changes(self, plan: Plan) -> bool:
        if self.yes:
            return False
        count = len(plan.pending)
        if not self.console.can_ask:
            raise UsageProblem(
                f"{_changes(count)} to write, and nobody to ask",
                hint="add --yes to write them, or look first with `tdxwrap plan`",
            )
        segment = plan.live.segment
        self.console.ask(
            f"Write {'this' if count == 1 else 'these'} {_changes(count)} to "
            f"{segment.name} ({segment.id}), {self.account}?"
        )
        return True

    def _ask_for_dangers(self, plan: Plan) -> bool:
        if not plan.dangers or self.force:
            return False
        if not self.console.can_ask:
            raise UsageProblem(
                "; ".join(f"the {c.kind} would change to {c.name}" for c in plan.dangers),
                hint="that is dangerous and needs --force beside --yes; nothing was written",
            )
        for change in plan.dangers:
            self.console.ask(f"Dangerous: change the {change.kind} to {change.name} all the same?")
        return True


def _changes(count: int) -> str:
    return f"{count} change{'' if count == 1 else 's'}"


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


def _print(console: RichConsole, lines: Iterable[Line]) -> None:
    with console:  # they are written at once
        for line in lines:
            prefix, body = printable(line.prefix), printable(line.body)
            folds = console.file.isatty() and not line.whole
            rows = hanging(prefix, body, console.width) if folds else [(prefix, body)]
            for front, rest in rows:
                text = Text.assemble((front, line.mark), rest, style=line.style)
                text.rstrip()
                console.print(text, soft_wrap=True)
