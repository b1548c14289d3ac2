"""The JSON documents of `--json`, one for each command, and their JSON Schemas.

One model gives both: the document from the attributes of the objects of a run, the schema for
`tdxwrap schema --output-of`. An object of which all is printed is a part of the document as it is.
Every field is always there. A command that failed before it had a
result prints a `Failure`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AliasPath, BaseModel, BeforeValidator, ConfigDict, Field

from tdxwrap.apply import checklist, verify
from tdxwrap.errors import ExitCode, Problem, TdxwrapError
from tdxwrap.output.error_text import SHOWN
from tdxwrap.plan.changes import Action, Blocker, FieldChange, Finding, Kind
from tdxwrap.realtime.state import Segment
from tdxwrap.tdx.context import Context

VERSION: Literal[1] = 1
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
    def of(cls, source: object) -> dict[str, Any]:
        """Return an object as its document, ready for JSON."""
        return cls.model_validate(source).model_dump(mode="json")


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
        id: the id of the item that exists.
        fields: what differs, each with its old and its new value.
        reason: why it is so, where that is not plain; for a delete or a replace, what is lost.
        dangerous: needs a confirmation of its own.
    """

    action: Action
    kind: Kind
    step: str
    name: str
    id: str | None = Field(validation_alias="live_id")
    fields: list[FieldChange]
    reason: str
    dangerous: bool


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
    counts: dict[Action, int]
    blockers: list[Blocker]
    findings: list[Finding]
    refusals: int
    notes: list[str]
    fingerprint: str


class ReportDocument(Document):
    """The recipe's three checks, what live has otherwise than the file, and what has gone."""

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


class Output(Document):
    """What every command prints.

    Attributes:
        tdxwrap: the command.
        version: of this form; it grows when a field changes its meaning or goes.
        ok: whether the command did what it was asked for; if not, `error` says why.
        journal: the file that records the run, if there is one.
    """

    tdxwrap: str
    version: Literal[1] = VERSION
    ok: bool
    error: ErrorDocument | None
    journal: str | None


class Failure(Output):
    """What a command prints that failed before it had a result."""

    ok: Literal[False] = False
    error: ErrorDocument


class Several(Document):
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


class CheckOutput(Output):
    """A valid file; `digest` is the SHA-256 of its bytes."""

    file: str
    digest: str
    warnings: list[Problem]


class DoctorOutput(Output):
    """Every check, passed or not."""

    checks: list[checklist.Check]


class PlanOutput(Output):
    """What apply would do, and in which account; null there is what tdx does not tell."""

    plan: PlanDocument
    context: Context


class ApplyOutput(Output):
    """What was done; `report` is null with `--no-wait`, `calls` counts the tdx calls."""

    plan: PlanDocument
    context: Context
    report: ReportDocument | None
    seconds: float
    calls: int


class SegmentOutput(Output):
    """The parent segment and its RT status, now or at the end of the wait."""

    segment: Segment


class VerifyOutput(Output):
    """What the validation found."""

    report: ReportDocument


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


# A new command gets its line here.
OUTPUTS: dict[str, type[Output]] = {
    "check": CheckOutput,
    "doctor": DoctorOutput,
    "plan": PlanOutput,
    "apply": ApplyOutput,
    "rehearse": ApplyOutput,
    "rehearse --fault list": FaultsOutput,
    "new": NewOutput,
    "recipe": RecipeOutput,
    "graph": GraphOutput,
    "status": SegmentOutput,
    "wait": SegmentOutput,
    "verify": VerifyOutput,
    "export": ExportOutput,
    "completion": CompletionOutput,
    "runs": RunsOutput,
    "runs show": RunOutput,
    "runs export": JournalOutput,
    "import": ImportOutput,
    "fake": FakeOutput,
}
# The commands that take several files print `Several` for more than one.
OF_FILES = ("check", "doctor", "plan", "apply", "verify")


def output(
    command: str, *, error: TdxwrapError | None, journal: str | None, **content: Any
) -> dict[str, Any]:
    """Return what a command prints, ready for JSON.

    Args:
        error: how it failed, if it did.
        content: the fields of its own class; without any, it is a `Failure`.
    """
    form = OUTPUTS[command] if content else Failure
    head = {"tdxwrap": command, "ok": error is None, "error": error, "journal": journal}
    return form.of(head | content)


def names() -> tuple[str, ...]:
    """Return what has a schema: every command, and `error` for the failure they share."""
    return (*OUTPUTS, "schema", "error")


def schema(name: str) -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of what a command prints.

    Args:
        name: one of `names()`.
    """
    head = {"$schema": DRAFT, "$id": f"urn:tdxwrap:output:{name.replace(' ', '-')}:{VERSION}"}
    if name == "schema":
        return head | {"title": "tdxwrap schema", "$ref": DRAFT}
    forms: list[type[Document]] = [Failure] if name == "error" else [OUTPUTS[name], Failure]
    forms += [Several] if name in OF_FILES else []
    parts: dict[str, Any] = {}
    for form in forms:
        part = form.model_json_schema(mode="serialization")
        parts |= part.pop("$defs", {})
        parts[form.__name__] = part
        if name != "error":
            part["properties"]["tdxwrap"] = {"const": name}
    if Several in forms:
        each = [_of_file(parts[form.__name__]) for form in forms if form is not Several]
        parts["Several"]["properties"]["files"]["items"] = {"anyOf": each}
    refs = [{"$ref": f"#/$defs/{form.__name__}"} for form in forms]
    return head | {"title": f"tdxwrap {name} --json", "anyOf": refs, "$defs": parts}


def _of_file(form: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of what is printed on one of several files."""
    own = {"file": {"type": "string"}, "exit_code": {"$ref": "#/$defs/ExitCode"}}
    properties = own | form["properties"]
    return form | {"properties": properties, "required": list(properties)}
