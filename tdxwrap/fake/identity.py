"""Who is calling: session, profile, credentials, account, site (tdx-facts F4, F5, F34)."""

from __future__ import annotations

import os
import time

from tdxwrap.fake.errors import HttpError, Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from tdxwrap.fake.args import Invocation
    from tdxwrap.fake.jsontypes import Json
    from tdxwrap.fake.store import Store

NOT_AUTHENTICATED = (
    "Error: Not authenticated. Run 'tdx auth setup' or set the TDX_API_KEY environment variable."
)
SESSION_SECONDS = 24 * 60 * 60
KEY_VARIABLES = ("TDX_API_KEY", "TDX_ACCESS_TOKEN", "TD_API_KEY")


class Identity:
    """The session of a call and what follows from it."""

    __slots__ = ("key", "profile", "session", "site")

    def __init__(self, session: str, profile: str, site: str | None, key: str | None) -> None:
        self.session = session
        self.profile = profile
        self.site = site
        self.key = key


def session_id(environ: Mapping[str, str]) -> str:
    """The id under which a choice is remembered: TDX_SESSION, else the parent (F5)."""
    return environ.get("TDX_SESSION") or str(os.getppid())


def session_file(session: str) -> str:
    """The file that remembers a session; its id may hold any character."""
    safe = "".join(c if c.isalnum() or c in "-_" else f"%{ord(c):02x}" for c in session)
    return os.path.join("sessions", f"{safe}.json")


def choices(store: Store, session: str) -> Json:
    """What was chosen with `tdx use` in a session; nothing once it is a day old (F34)."""
    chosen: Json = store.load_or(session_file(session), {})
    return chosen if time.time() - chosen.get("at", 0) < SESSION_SECONDS else {}


def identify(
    store: Store, invocation: Invocation, settings: Json, environ: Mapping[str, str]
) -> Identity:
    """Find profile, site and key in the order of precedence (tdx-facts F4, F5)."""
    session = session_id(environ)
    chosen = choices(store, session)
    profile = (
        invocation.values.get("profile") or environ.get("TDX_PROFILE") or chosen.get("profile")
    )
    site = invocation.values.get("site") or chosen.get("site")
    keychain = settings["credentials"]["keychain"]
    key = _profile_key(profile, keychain, environ) if profile else _plain_key(keychain, environ)
    return Identity(session, profile or "default", site, key)


def profile_variable(profile: str) -> str:
    """The variable that holds the key of a profile (tdx-facts F4)."""
    plain = "".join(c if c.isascii() and c.isalnum() else "_" for c in profile)
    return f"TDX_API_KEY_{plain.upper()}"


def _profile_key(
    profile: str, keychain: Mapping[str, str], environ: Mapping[str, str]
) -> str | None:
    return (
        environ.get(profile_variable(profile))
        or keychain.get(profile)
        or environ.get("TDX_API_KEY")
        or environ.get("TD_API_KEY")
    )


def _plain_key(keychain: Mapping[str, str], environ: Mapping[str, str]) -> str | None:
    return (
        environ.get("TDX_ACCESS_TOKEN")
        or environ.get("TDX_API_KEY")
        or keychain.get("default")
        or environ.get("TD_API_KEY")
    )


def account_name(identity: Identity, settings: Json) -> str | None:
    """The account that the key opens, or None."""
    keys = settings["credentials"]["keys"]
    key = next(iter(keys), None) if settings["tdx"]["open"] else identity.key
    name: str | None = keys.get(key)
    return name


def authenticate(identity: Identity, settings: Json) -> str:
    """The name of the caller's account, or the refusal that tdx gives."""
    if not identity.key:
        raise Refused(NOT_AUTHENTICATED)
    name = account_name(identity, settings)
    if name is None:
        raise HttpError(401, "The API key is not valid")
    return name


def redact(words: list[str], environ: Mapping[str, str]) -> list[str]:
    """Take credentials out of an argv, so that no log holds one."""
    secrets = [v for k, v in environ.items() if k.startswith(KEY_VARIABLES) and v]
    for secret in secrets:
        words = [word.replace(secret, "***") for word in words]
    return ["Authorization: ***" if _is_authorization(word) else word for word in words]


def _is_authorization(word: str) -> bool:
    return word.lower().startswith("authorization:")
