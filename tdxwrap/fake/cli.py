"""One call of the fake, from the command line to the exit code."""

from __future__ import annotations

import os
import time

from tdxwrap.fake import args, calllog, faults, opening, streams
from tdxwrap.fake.answer import Answer, text
from tdxwrap.fake.context import Context
from tdxwrap.fake.errors import HttpError, Refused
from tdxwrap.fake.store import SETTINGS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tdxwrap.fake.args import Invocation
    from tdxwrap.fake.calllog import Record
    from tdxwrap.fake.jsontypes import Json
    from tdxwrap.fake.store import Store

HELP = """Usage: tdx [options] <command>

Commands: auth, status, use, databases, tables, describe, api, ps list, ps view, ps desc,
          ps pull, ps rt list, ps pz init, ps pz list
Options:  --profile NAME, --site SITE, --json, --output FILE, --dry-run, --help, --version
"""


def main(argv: list[str]) -> int:
    """Carry out one call and return its exit code."""
    if os.environ.get("FAKE_TDX_JOURNAL"):
        from tdxwrap.fake import replay

        return replay.main(argv, os.environ)
    try:
        store = opening.open_store(os.environ)
    except Refused as refusal:
        streams.write_err(refusal.message + "\n")
        return refusal.exit_code
    settings = store.load(SETTINGS)
    try:
        invocation = args.parse(argv)
    except Refused as refusal:
        return _misused(store, argv, refusal)
    with store.lock():
        number = store.next_number()
        rule = faults.pick(store, number, argv, invocation)
    record = calllog.begin(store, number, argv)
    record.describe({"fault": rule["fault"] if rule else None})
    answer = _carry_out(Context(store, invocation, settings, os.environ), record, rule)
    _emit(answer, invocation)
    record.finish(answer.exit_code, answer.applied)
    return answer.exit_code


def _misused(store: Store, argv: list[str], refusal: Refused) -> int:
    """A command line that is not understood is recorded too."""
    with store.lock():
        number = store.next_number()
    streams.write_err(refusal.message + "\n")
    calllog.begin(store, number, argv).finish(refusal.exit_code, applied=False)
    return refusal.exit_code


def _carry_out(context: Context, record: Record, rule: Json | None) -> Answer:
    record.describe(calllog.identity_fields(context))
    record.describe(calllog.request_fields(context))
    if context.tdx["latency_ms"]:
        record.write()
        time.sleep(context.tdx["latency_ms"] / 1000)
    if rule is None:
        answer = _run(context)
    else:
        from tdxwrap.fake import faulty

        answer = faulty.carry_out(rule, context, record, _run)
    if answer.is_json and any(context.tdx[name] for name in ("banner", "ansi", "bom")):
        from tdxwrap.fake import mangle

        mangle.decorate(answer, context.tdx)
    return answer


def _run(context: Context) -> Answer:
    """Run the command as it is, failures included."""
    try:
        return _dispatch(context)
    except Refused as refusal:
        return Answer(err=refusal.message + "\n", exit_code=refusal.exit_code)
    except HttpError as error:
        from tdxwrap.fake import wire

        # Only `tdx api` shows errors in other styles, and it does so itself.
        return Answer(err=wire.sentence(error) + "\n", exit_code=1)


def _dispatch(context: Context) -> Answer:
    """Run the command; only its own module is loaded."""
    if "version" in context.invocation.flags:
        return text(context.tdx["version"])
    if "help" in context.invocation.flags:
        return Answer(out=HELP.encode())
    if context.tdx["open"]:
        from tdxwrap.fake import open_account

        open_account.make_what_is_named(context)
    name = context.invocation.command
    if name == "api":
        from tdxwrap.fake import api

        return api.run(context)
    if name.startswith("ps "):
        from tdxwrap.fake import ps

        return ps.run(context)
    if name in ("auth", "status", "use"):
        from tdxwrap.fake import account

        return account.run(context)
    from tdxwrap.fake import catalog

    return catalog.run(context)


def _emit(answer: Answer, invocation: Invocation) -> None:
    streams.write_err(answer.err)
    target = invocation.values.get("output")
    redirected = target and invocation.command not in ("ps pull", "ps pz init")
    if target and redirected and answer.exit_code == 0 and not invocation.dry_run:
        with open(target, "wb") as file:
            file.write(answer.out)
        return
    streams.write_out(answer.out, streams.stdout_kind())
