"""The JSON documents of `--json`, one for each command, and their JSON Schemas.

One model gives both: the document from the attributes of the objects of a run, the schema for
`tdxwrap schema --output-of`. An object of which all is printed is a part of the document as it is.
Every field is always there. A command on CONFIGs prints `FilesOutput`, for one file as for many,
done or failed; of the others, one that failed before it had a result prints a `Failure`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import AliasPath, BaseModel, BeforeValidator, ConfigDict, Field

from tdxwrap.apply import checklist, verify
from tdxwrap.errors import ExitCode, Problem, TdxwrapError
from tdxwrap.output.error_text import SHOWN
from tdxwrap.plan.changes import Action, Blocker, FieldChange, Finding, Kind, State
from tdxwrap.realtime.state import Segment

VERSION: Literal[2] = 2
DRAFT = "https://json-schema.org/draft/2020-12/schema"


class Document(BaseModel):
    """A document or a part of one, made from any object that has its fields as attributes."""

    model_config = ConfigDict(
        from_attributes=True,
        extra="forbid",
        json_schema_serialization_defaults_required=True,
        defer_build=True,
    )

    @classmethod
    def of(cls, source: object, exclude: set[str] | None = None) -> dict[str, Any]:
        """Return an object as its document, ready for JSON; of its fields without some."""
        return cls.model_validate(source).model_dump(mode="json", exclude=exclude)


class ErrorDocument(Document):
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
        problems: what is wrong with a configuration file, or the first 50 of it.
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
    problems: Annotated[list[Problem], BeforeValidator(lambda found: found[:SHOWN])] = []
    others: list[ErrorDocument]


class ChangeDocument(Document):
    """One item and what happens to it.

    Attributes:
        step: the step of the recipe that it belongs to.
        id: of the item that exists, or that was made for it.
        fields: what differs, each with its old and its new value.
        reason: why it is so, where that is not plain; for a delete or a replace, what is lost.
        dangerous: needs a confirmation of its own.
        state: how far it has come; `kept` for what stays as it is, `in flight` where it is not
            known whether it was applied: the next run looks.
        seconds: how long it took to write; null if it is not written.
    """

    action: Action
    kind: Kind
    step: str
    name: str
    id: str | None
    fields: list[FieldChange]
    reason: str
    dangerous: bool
    state: State
    seconds: Annotated[float | None, BeforeValidator(lambda took: took and round(took, 3))]


def _by_key(counts: dict[Action, int]) -> dict[str, int]:
    return {action.replace(" ", "_"): count for action, count in counts.items()}


class PlanDocument(Document):
    """Every item of both sides with what happens to it; what goes or is replaced comes first.

    Attributes:
        pending: whether anything is to be written.
        counts: how many items there are of each action.
        blockers: why it may not be carried out as it is.
        findings: of the column checks.
        refusals: how many of these `apply` would refuse it for.
        notes: what else is to be known before it is carried out.
        fingerprint: of the changes, for `apply --expect`.
    """

    segment: Segment = Field(validation_alias=AliasPath("live", "segment"))
    pending: Annotated[bool, BeforeValidator(bool)]
    changes: list[ChangeDocument] = Field(validation_alias="danger_first")
    counts: Annotated[dict[str, int], BeforeValidator(_by_key)]
    blockers: list[Blocker]
    findings: list[Finding]
    refusals: int
    notes: list[str]
    fingerprint: str


class ReportDocument(Document):
    """The recipe's three checks, where live differs from the file, and what has gone."""

    ok: bool
    checks: list[verify.Check]
    differences: list[ChangeDocument]
    gone: list[verify.Gone]


class RunDocument(Document):
    """An earlier run.

    Attributes:
        segment: the parent segment as it was asked for; `segment_id` and `segment_name` are known
            once there was a plan.
        path: of its journal.
        file: the configuration; null for a command without one.
        started: seconds since 1970.
        outcome: `done`, `unreadable` where the journal is damaged, or how it ended instead.
        exit: its exit code; null for one that did not end.
        changes: how many items it wrote.
        calls: how many tdx calls it made.
    """

    id: str
    command: str
    segment: str | None
    segment_id: str | None
    segment_name: str | None
    path: str
    file: str | None
    started: float
    outcome: str
    exit: int | None
    changes: int
    calls: int
    seconds: float


class AskedDocument(Document):
    """A call of the fake tdx.

    Attributes:
        argv: the words after `tdx`.
        step: the step of the recipe that it writes; empty for a read.
        exit: its exit code; null where it was killed.
    """

    argv: list[str]
    step: str
    exit: int | None


# What each command prints


class Head(Document):
    """What every command prints.

    Attributes:
        tdxwrap: the command.
        version: of this form; it grows when a field changes its meaning or goes.
        ok: whether the command did what it was asked for; if not, `error` says why.
    """

    tdxwrap: str
    version: Literal[2] = VERSION
    ok: bool
    exit_code: ExitCode
    error: ErrorDocument | None


class FilesOutput(Head):
    """What a command on CONFIGs prints; `exit_code` is the worst of all, `error` the first."""

    files: list[dict[str, Any]]


class Output(Head):
    """What another command prints; `journal` is the file that records the run, if there is one."""

    journal: str | None


class Failure(Output):
    """What a command prints that failed before it had a result."""

    ok: Literal[False] = False
    error: ErrorDocument


class FileDocument(Document):
    """What was done with one CONFIG, or with the parent segment that was named in its place.

    Attributes:
        config: its path as it was given; null for none.
        outcome: `ok`, `pending`, `refused`, `not begun`, or the kind of its error.
        exit_code: null if it was not begun, because of what happened to another one.
        segment: the parent segment as it was asked for; `segment_id` and `segment_name` are known
            once tdx has listed it.
        account, account_id, profile, site: in which it worked; null is what tdx does not tell.
        chosen_in: the process above that of the caller whose choice of a profile was followed.
        started, ended: with date and zone, in the form of RFC 3339.
        seconds: from the start, without the time in which a question waited for its answer.
        calls: how many tdx calls were made.
        console: the page of the parent segment.
        journal: the file that records it.
    """

    config: str | None
    outcome: str
    exit_code: ExitCode | None
    error: ErrorDocument | None
    segment: str | None
    segment_id: str | None
    segment_name: str | None
    account: str | None
    account_id: str | None
    profile: str | None
    site: str | None
    chosen_in: str | None
    tdxwrap_version: str
    tdx_version: str | None
    started: str
    ended: str
    seconds: float
    calls: int
    console: str | None
    journal: str | None


class CheckFile(FileDocument):
    """A file; `digest` is the SHA-256 of the bytes of a valid one."""

    digest: str | None = None
    warnings: list[Problem] = []


class DoctorFile(FileDocument):
    """Every check that was made, passed or not."""

    checks: list[checklist.Check] = []


class PlanFile(FileDocument):
    """What apply would do."""

    plan: PlanDocument | None = None


class ApplyFile(FileDocument):
    """What was done.

    Attributes:
        plan: whose changes say how far they have come; null if there was none.
        written, in_flight, open: how many of its changes have come so far.
        report: the validation; null if it was not made, as with `--no-wait`.
    """

    plan: PlanDocument | None = None
    written: int = 0
    in_flight: int = 0
    open: int = 0
    report: ReportDocument | None = None


class VerifyFile(FileDocument):
    """What the validation found."""

    report: ReportDocument | None = None


class SegmentOutput(Output):
    """The parent segment and its RT status, now or at the end of the wait."""

    segment: Segment


class ExportOutput(Output):
    """The live configuration as YAML, and the file that it was written to."""

    config: str
    file: str | None


class RunsOutput(Output):
    """Earlier runs, newest first."""

    runs: list[RunDocument]


class RunOutput(Output):
    """One run, with the lines of its journal as they are."""

    run: RunDocument
    lines: list[dict[str, Any]]


class JournalOutput(Output):
    """The text of a journal; null where it was written to a file."""

    text: str | None


class RecipeOutput(Output):
    """The shell script."""

    script: str


class GraphOutput(Output):
    """The picture as text in one of the two forms."""

    format: Literal["mermaid", "dot"]
    graph: str


class FaultsOutput(Output):
    """The faults that a rehearsal knows, each with what it does."""

    faults: dict[str, str]


class NewOutput(Output):
    """A proposal as YAML, the file that it was written to, whether something is live already."""

    config: str
    file: str | None
    configured: bool


class ImportOutput(Output):
    """A configuration as YAML, and the file that it was written to; what it lacks is in comments.

    Attributes:
        config: null where the calls are only listed.
        left_out: what of the source has no place in it, and why.
        calls: what a script asked of tdx.
    """

    config: str | None
    file: str | None
    left_out: list[str]
    calls: list[AskedDocument]


class FakeOutput(Output):
    """What a command did to the fake tdx.

    Attributes:
        exit: the exit code of the command.
        live: what is configured then, in the form of the API, by the id of the parent segment.
    """

    exit: int
    calls: list[AskedDocument]
    live: dict[str, dict[str, Any]]


class CompletionOutput(Output):
    """What a shell must read."""

    shell: str
    script: str


# A new command gets its line in one of these.
FILES: dict[str, type[FileDocument]] = {
    "check": CheckFile,
    "doctor": DoctorFile,
    "plan": PlanFile,
    "apply": ApplyFile,
    "rehearse": ApplyFile,
    "verify": VerifyFile,
}
OUTPUTS: dict[str, type[Output]] = {
    "rehearse --fault list": FaultsOutput,
    "new": NewOutput,
    "recipe": RecipeOutput,
    "graph": GraphOutput,
    "status": SegmentOutput,
    "wait": SegmentOutput,
    "export": ExportOutput,
    "completion": CompletionOutput,
    "runs": RunsOutput,
    "runs show": RunOutput,
    "runs export": JournalOutput,
    "import": ImportOutput,
    "fake": FakeOutput,
}


def output(command: str, error: TdxwrapError | None, **content: Any) -> dict[str, Any]:
    """Return what a command prints, ready for JSON.

    Args:
        error: how it failed, if it did.
        content: `journal`, and the fields of its own class; without these, it is a `Failure`.
    """
    if command in FILES:
        return files_output(command, _code(error), [], error)
    form = OUTPUTS[command] if len(content) > 1 else Failure
    head = {"tdxwrap": command, "ok": error is None, "exit_code": _code(error), "error": error}
    return form.of(head | content)


def _code(error: TdxwrapError | None) -> ExitCode:
    return ExitCode.DONE if error is None else error.exit_code


def files_output(
    command: str, code: int, files: Sequence[dict[str, Any]], error: TdxwrapError | None = None
) -> dict[str, Any]:
    """Return what a command on CONFIGs prints, ready for JSON.

    Args:
        files: what `FileDocument` makes of each.
        error: what ended them all; None takes the first of theirs.
    """
    head = {"tdxwrap": command, "exit_code": code, "files": files}
    first = next((file["error"] for file in files if file["error"]), None)
    of_all = ErrorDocument.of(error) if error else first
    return FilesOutput.of(head | {"ok": of_all is None, "error": of_all})


def names() -> tuple[str, ...]:
    """Return what has a schema: every command, and `error` for the failure they share."""
    return (*FILES, *OUTPUTS, "schema", "error")


def schema(name: str) -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of what a command prints.

    Args:
        name: one of `names()`.
    """
    head = {"$schema": DRAFT, "$id": f"urn:tdxwrap:output:{name.replace(' ', '-')}:{VERSION}"}
    if name == "schema":
        return head | {"title": "tdxwrap schema", "$ref": DRAFT}
    forms: list[type[Head]] = [OUTPUTS[name]] if name in OUTPUTS else []
    forms.append(FilesOutput if name in FILES else Failure)
    parts: dict[str, Any] = {}
    for form in (*forms, *([FILES[name]] if name in FILES else [])):
        part = form.model_json_schema(mode="serialization")
        parts |= part.pop("$defs", {})
        parts[form.__name__] = part
    for form in forms if name != "error" else []:
        parts[form.__name__]["properties"]["tdxwrap"] = {"const": name}
    if name in FILES:
        each = {"$ref": f"#/$defs/{FILES[name].__name__}"}
        parts["FilesOutput"]["properties"]["files"]["items"] = each
    refs = [{"$ref": f"#/$defs/{form.__name__}"} for form in forms]
    return head | {"title": f"tdxwrap {name} --json", "anyOf": refs, "$defs": parts}
