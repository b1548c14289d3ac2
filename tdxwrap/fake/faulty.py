"""A call on which a fault fires."""

from __future__ import annotations

from tdxwrap.fake import effects, mangle, wire
from tdxwrap.fake.answer import Answer
from tdxwrap.fake.errors import HttpError, Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from tdxwrap.fake.calllog import Record
    from tdxwrap.fake.context import Context
    from tdxwrap.fake.jsontypes import Json


def carry_out(
    rule: Json, context: Context, record: Record, run: Callable[[Context], Answer]
) -> Answer:
    """Carry out the call with `run`, and let the fault happen before, after or to its answer."""
    answer = Answer(is_json=True)
    try:
        if rule["fault"] == "older" and context.invocation.method == "GET":
            context.as_of = float("inf")
        _act(rule, "before", context)
        effects.happen(rule, "before", record, answer)
        if not mangle.replaces(rule):
            answer = run(context)
        _act(rule, "after", context)
        effects.happen(rule, "after", record, answer)
    except Refused as refusal:
        answer = _failed(Answer(err=refusal.message + "\n", exit_code=refusal.exit_code), answer)
    except HttpError as error:
        answer = _failed(wire.http_error(error, _style(context, rule)), answer)
    mangle.spoil(answer, rule)
    return answer


def _act(rule: Json, when: str, context: Context) -> None:
    """Let somebody else write, if this is the moment (tdx-facts F33)."""
    if rule["fault"] == "actor" and rule["when"] == when:
        from tdxwrap.fake import actor

        actor.write(context, rule["does"])


def _failed(failure: Answer, before: Answer) -> Answer:
    """A failure after the change was applied keeps the note that it was."""
    failure.applied = before.applied
    return failure


def _style(context: Context, rule: Json) -> Json:
    """The styles of the scenario unless the fault names its own."""
    is_api = context.invocation.command == "api"
    return {
        "error_style": rule.get("style") or (context.tdx["error_style"] if is_api else "stderr"),
        "error_body": rule.get("form") or context.tdx["error_body"],
    }
