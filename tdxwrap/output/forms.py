"""What a program reads with `--json`: one document a command, of a named and versioned form.

The classes here are that form: documents are made of them, and `tdxwrap schema --output-of`
prints what pydantic makes of them. Every field is always there. A command that failed before it
had a result prints a `Failure`. Imported where a document is asked for.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from tdxwrap.apply.doctor import Check as DoctorCheck
from tdxwrap.apply.verify import Report as Validation
from tdxwrap.errors import ExitCode, Problem, TdxwrapError
from tdxwrap.output.documents import (
    Error,
    Plan,
    Report,
    RunSummary,
    error_part,
    plan_part,
    report_part,
)
from tdxwrap.plan import changes as made
from tdxwrap.realtime.state import Segment

VERSION: Literal[1] = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What every document holds.

    Attributes:
        tdxwrap: the command.
        version: of this form; it grows when a field changes its meaning or goes.
        ok: whether the command did what it was asked for; if not, `error` says why.
        journal: the file that records the run, if there is one.
    """

    tdxwrap: str
    version: Literal[1] = VERSION
    ok: bool
    error: Error | None
    journal: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure(Document):
    """What a command prints that failed before it had a result."""

    ok: Literal[False] = False
    error: Error


@dataclass(frozen=True, slots=True, kw_only=True)
class Several:
    """What a command prints on several files.

    Attributes:
        exit_code: the worst of all files.
        files: what the command would print on each, with its `file` and `exit_code`.
        not_begun: the files after the one at which it stopped.
    """

    tdxwrap: str
    version: Literal[1] = VERSION
    ok: bool
    exit_code: ExitCode
    files: list[dict[str, Any]]
    not_begun: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckDocument(Document):
    """A valid file; `digest` is the SHA-256 of its bytes."""

    file: str
    digest: str
    warnings: list[Problem]


@dataclass(frozen=True, slots=True, kw_only=True)
class DoctorDocument(Document):
    """Every check, passed or not."""

    checks: list[DoctorCheck]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanDocument(Document):
    """What apply would do."""

    plan: Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyDocument(Document):
    """What was done; `report` is null with `--no-wait`, `calls` counts the tdx calls."""

    plan: Plan
    report: Report | None
    seconds: float
    calls: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentDocument(Document):
    """The parent segment and its RT status, now or at the end of the wait."""

    segment: Segment


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyDocument(Document):
    """What the validation found."""

    report: Report


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportDocument(Document):
    """The live configuration as YAML, and the file that it was written to."""

    config: str
    file: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunsDocument(Document):
    """Earlier runs, newest first."""

    runs: list[RunSummary]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDocument(Document):
    """One run, with the lines of its journal as they are."""

    run: RunSummary
    lines: list[dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalDocument(Document):
    """The text of a journal; null where it was written to a file."""

    text: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipeDocument(Document):
    """The shell script."""

    script: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphDocument(Document):
    """The picture as text in one of the two forms."""

    format: Literal["mermaid", "dot"]
    graph: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultsDocument(Document):
    """The faults that a rehearsal knows, each with what it does."""

    faults: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDocument(Document):
    """A proposal as YAML, the file that it was written to, whether something is live already."""

    config: str
    file: str | None
    configured: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CompletionDocument(Document):
    """What a shell must read."""

    shell: str
    script: str


# The document of every command: a new command gets its line here.
DOCUMENTS: dict[str, type[Document]] = {
    "check": CheckDocument,
    "doctor": DoctorDocument,
    "plan": PlanDocument,
    "apply": ApplyDocument,
    "rehearse": ApplyDocument,
    "rehearse --fault list": FaultsDocument,
    "new": NewDocument,
    "recipe": RecipeDocument,
    "graph": GraphDocument,
    "status": SegmentDocument,
    "wait": SegmentDocument,
    "verify": VerifyDocument,
    "export": ExportDocument,
    "completion": CompletionDocument,
    "runs": RunsDocument,
    "runs show": RunDocument,
    "runs export": JournalDocument,
}
# Those that take several files.
OF_FILES = ("check", "doctor", "plan", "apply", "verify")


def document(
    command: str, *, error: TdxwrapError | None, journal: str | None, **content: Any
) -> dict[str, Any]:
    """The document of a command, ready for JSON.

    Args:
        error: how it failed, if it did.
        content: what its class holds beside what every document holds, plans and reports as they
            are; nothing makes a `Failure`.
    """
    form = DOCUMENTS[command] if content else Failure
    document = form(
        tdxwrap=command,
        ok=error is None,
        error=None if error is None else error_part(error),
        journal=journal,
        **{name: _part(value) for name, value in content.items()},
    )
    return asdict(document)


def _part(value: Any) -> Any:
    """A plan or a report as a document tells it; anything else as it is."""
    match value:
        case made.Plan():
            return plan_part(value)
        case Validation():
            return report_part(value)
    return value
