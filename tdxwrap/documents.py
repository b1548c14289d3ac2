"""What a program reads with `--json`: one document a command, of a named and versioned form.

The classes here are that form: documents are made of them, and `tdxwrap schema --output-of`
prints what pydantic makes of them. Every field is always there. A command that failed before it
had a result prints a `Failure`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from tdxwrap import changes as made
from tdxwrap.changes import Action, Blocker, FieldChange, Kind, Level, Topic
from tdxwrap.doctor import Check as DoctorCheck
from tdxwrap.errors import ConfigError, ExitCode, Problem, TdxwrapError
from tdxwrap.state import Segment
from tdxwrap.verify import Check
from tdxwrap.verify import Report as Validation

VERSION: Literal[1] = 1


# Parts


@dataclass(frozen=True, slots=True)
class Error:
    """What failed and what to do next.

    Attributes:
        kind: the kind of failure; new ones may be added.
        step: the step of the recipe; empty outside of one.
        what: the failure in a few words.
        said: what tdx or the API answered.
        command: the argv of the tdx call; empty if there was none.
        where: `file:line` of the configuration item concerned.
        so_far: what had been done when it failed.
        hint: what to do next.
        problems: everything that is wrong with a configuration file.
        others: what failed beside it at the same time.
    """

    kind: str
    exit_code: ExitCode
    step: str
    what: str
    said: str
    command: list[str]
    where: str
    so_far: str
    hint: str
    problems: list[Problem]
    others: list[Error]


@dataclass(frozen=True, slots=True)
class Change:
    """One item and what happens to it.

    Attributes:
        step: the step of the recipe that it belongs to.
        id: the id of the item that exists.
        fields: what differs, each with its old and its new value.
        reason: why it is so, where that is not plain; for a replace, what is lost.
        dangerous: needs a confirmation of its own.
    """

    action: Action
    kind: Kind
    step: str
    name: str
    id: str | None
    fields: list[FieldChange]
    reason: str
    dangerous: bool


@dataclass(frozen=True, slots=True)
class Finding:
    """What a column check found, and where in the file."""

    topic: Topic
    level: Level
    message: str
    hint: str
    where: str


@dataclass(frozen=True, slots=True)
class Plan:
    """Every item of both sides with what happens to it.

    Attributes:
        pending: whether anything is to be written.
        counts: how many items there are of each action.
        blockers: why it may not be carried out as it is.
        findings: of the column checks.
    """

    segment: Segment
    pending: bool
    changes: list[Change]
    counts: dict[Action, int]
    blockers: list[Blocker]
    findings: list[Finding]


@dataclass(frozen=True, slots=True)
class Report:
    """The recipe's three checks, and what live has otherwise than the file."""

    ok: bool
    checks: list[Check]
    differences: list[Change]


@dataclass(frozen=True, slots=True)
class RunSummary:
    """An earlier run.

    Attributes:
        path: of its journal.
        started: seconds since 1970.
        outcome: `done`, or how it ended instead.
        exit: its exit code; null for one that did not end.
        changes: how many items it wrote.
        calls: how many tdx calls it made.
    """

    id: str
    command: str
    segment: str | None
    path: str
    started: float
    outcome: str
    exit: int | None
    changes: int
    calls: int
    seconds: float


# Documents


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


# Making them


def document(
    command: str, *, error: TdxwrapError | None, journal: str | None, **content: Any
) -> dict[str, Any]:
    """The document of a command, ready for JSON.

    Args:
        error: how it failed, if it did.
        content: what its class holds beside what every document holds; nothing makes a `Failure`.
    """
    form = DOCUMENTS[command] if content else Failure
    document = form(
        tdxwrap=command,
        ok=error is None,
        error=None if error is None else error_part(error),
        journal=journal,
        **content,
    )
    return asdict(document)


def plan_part(plan: made.Plan) -> Plan:
    """A plan: every item with what happens to it, the counts, what stands in the way."""
    return Plan(
        segment=plan.live.segment,
        pending=bool(plan.pending),
        changes=[change_part(change) for change in plan.changes],
        counts=plan.counts(),
        blockers=list(plan.blockers),
        findings=[
            Finding(found.topic, found.level, found.message, found.hint, found.where)
            for found in plan.findings
        ],
    )


def change_part(change: made.Change) -> Change:
    """One item and what happens to it."""
    return Change(
        action=change.action,
        kind=change.kind,
        step=change.step,
        name=change.name,
        id=change.live_id,
        fields=list(change.fields),
        reason=change.reason,
        dangerous=change.dangerous,
    )


def report_part(report: Validation) -> Report:
    """The validation."""
    differences = [change_part(change) for change in report.differences]
    return Report(report.ok, list(report.checks), differences)


def error_part(error: TdxwrapError) -> Error:
    """An error with all that is known of it."""
    return Error(
        kind=error.kind,
        exit_code=error.exit_code,
        step=error.step,
        what=error.what,
        said=error.said,
        command=list(error.command),
        where=error.where,
        so_far=error.so_far,
        hint=error.hint,
        problems=list(error.problems) if isinstance(error, ConfigError) else [],
        others=[error_part(other) for other in error.others],
    )
