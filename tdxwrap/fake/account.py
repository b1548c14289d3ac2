"""The commands `auth` and `use` (tdx-facts F4, F5)."""

from __future__ import annotations

from tdxwrap.fake import answer
from tdxwrap.fake import identity as who

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tdxwrap.fake.answer import Answer
    from tdxwrap.fake.context import Context


def run(context: Context) -> Answer:
    """Carry out `tdx auth` or `tdx use`."""
    return _auth(context) if context.invocation.command == "auth" else _use(context)


def _auth(context: Context) -> Answer:
    identity = context.identity
    name = who.authenticate(identity, context.settings)
    site = identity.site or context.load_data()["accounts"][name]["site"]
    if context.invocation.json:
        shown = {"authenticated": True, "account": name}
        return answer.document({**shown, "profile": identity.profile, "site": site})
    return answer.text(f"Authenticated: account {name}, profile {identity.profile}, site {site}")


def _use(context: Context) -> Answer:
    what, value = context.invocation.arguments
    file = who.session_file(context.identity.session)
    if not context.invocation.dry_run:
        with context.store.lock():
            context.store.save(file, {**context.store.load_or(file, {}), what: value})
    return answer.text(f"Using {what} {value}")
