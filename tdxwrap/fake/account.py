"""The commands `auth`, `status` and `use` (tdx-facts F4, F5, F34)."""

from __future__ import annotations

from tdxwrap.fake import answer
from tdxwrap.fake import identity as who
from tdxwrap.fake.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tdxwrap.fake.answer import Answer
    from tdxwrap.fake.context import Context
    from tdxwrap.fake.jsontypes import Json


def run(context: Context) -> Answer:
    """Carry out `tdx auth`, `tdx status` or `tdx use`."""
    return {"auth": _auth, "status": _status, "use": _use}[context.invocation.command](context)


def _auth(context: Context) -> Answer:
    shown = _shown(context)
    if context.tdx["auth"] == "bare":
        shown = {"authenticated": True}
    if context.invocation.json:
        return answer.document(shown)
    words = [f"{name} {shown[name]}" for name in ("account", "profile", "site") if name in shown]
    return answer.text(": ".join(filter(None, ("Authenticated", ", ".join(words)))))


def _shown(context: Context) -> Json:
    identity = context.identity
    name = who.authenticate(identity, context.settings)
    site = identity.site or context.load_data()["accounts"][name]["site"]
    profile = {"profile": identity.profile, "site": site}
    return {"authenticated": True, "account": name, **profile}


def _status(context: Context) -> Answer:
    """The context of the session and the login, in one of the forms that a scenario names."""
    form = context.tdx["status"]
    if form == "absent":
        raise UsageError("unknown command 'status'")
    shown = _shown(context)
    if not context.invocation.json:
        return answer.text("".join(f"{name}: {value}\n" for name, value in shown.items()).strip())
    session: Json = {"id": context.identity.session}
    chosen = who.choices(context.store, context.identity.session)
    if chosen:
        session["expires_at"] = int(chosen["at"]) + who.SESSION_SECONDS
    if form == "flat":
        return answer.document({**shown, "session": session["id"]})
    site = {"site": shown["site"]}
    if form == "silent":
        return answer.document({"authenticated": True, **site, "session": {"active": bool(chosen)}})
    account = {"name": shown["account"]}
    if number := context.load_data()["accounts"][shown["account"]]["id"]:
        account["id"] = number
    current = {"profile": {"name": shown["profile"]}, **site}
    auth = {"ok": True, "account": account}
    return answer.document({"context": current, "auth": auth, "session": session})


def _use(context: Context) -> Answer:
    """Remember a choice for a day; `--clear` forgets all choices of the session."""
    session = context.identity.session
    chosen, said = {}, "Cleared"
    if context.invocation.arguments:
        what, value = context.invocation.arguments
        chosen = {**who.choices(context.store, session), what: value, "at": context.now}
        said = f"Using {what} {value}"
    if not context.invocation.dry_run:
        with context.store.lock():
            context.store.save(who.session_file(session), chosen)
    return answer.text(said)
