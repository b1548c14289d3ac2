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
    from collections.abc import Mapping

    from tdxwrap.fake.args import Invocation
    from tdxwrap.fake.calllog import Record
    from tdxwrap.fake.jsontypes import Json

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
    answer = call(argv, os.environ)
    streams.write_err(answer.err)
    streams.write_out(answer.out, streams.stdout_kind())
    return answer.exit_code


def call(argv: list[str], environ: Mapping[str, str]) -> Answer:
    """Carry out one call and return all that it says."""
    try:
        store = opening.open_store(environ)
    except Refused as refusal:
        return _refused(refusal)
    settings = store.load(SETTINGS)
    try:
        invocation = args.parse(argv)
    except Refused as refusal:
        # A command line that is not understood is recorded too.
        with store.lock():
            number = store.next_number()
        calllog.begin(store, number, argv, environ).finish(refusal.exit_code, applied=False)
        return _refused(refusal)
    with store.lock():
        number = store.next_number()
        rule = faults.pick(store, number, argv, invocation)
    record = calllog.begin(store, number, argv, environ)
    record.describe({"fault": rule["fault"] if rule else None})
    answer = _carry_out(Context(store, invocation, settings, environ), record, rule)
    record.finish(answer.exit_code, answer.applied)
    return _as_asked(answer, invocation)


def _refused(refusal: Refused) -> Answer:
    return Answer(err=refusal.message + "\n", exit_code=refusal.exit_code)


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
        return _refused(refusal)
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


def _as_asked(answer: Answer, invocation: Invocation) -> Answer:
    """The answer, or what is left to say of it when it went into the file of `--output`."""
    target = invocation.values.get("output")
    redirected = target and invocation.command not in ("ps pull", "ps pz init")
    if not target or not redirected or answer.exit_code != 0 or invocation.dry_run:
        return answer
    with open(target, "wb") as file:
        file.write(answer.out)
    return Answer(err=answer.err)
