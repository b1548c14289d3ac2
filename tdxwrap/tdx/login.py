"""Where tdx takes its credentials from, and what to do where it has none (F4). Pure, no I/O."""

from __future__ import annotations

from collections.abc import Mapping


def credential_source(environ: Mapping[str, str], profile: str | None) -> str | None:
    """Return the environment variable tdx would take its credentials from, if any.

    The order is that of F4: some variables override the keychain, the keychain overrides the
    others. Values are not read, only whether they are set (recipe, Validate API key).
    """
    before = ["TDX_ACCESS_TOKEN", "TDX_API_KEY"] if profile is None else [profile_variable(profile)]
    after = ["TD_API_KEY"] if profile is None else ["TDX_API_KEY", "TD_API_KEY"]
    for name in before:
        if environ.get(name):
            return name
    for name in after:
        if environ.get(name):
            return f"{name} (a login in the keychain goes before it)"
    return None


def profile_variable(profile: str) -> str:
    """`TDX_API_KEY_<PROFILE>`: upper case, other characters become `_` (F4)."""
    return "TDX_API_KEY_" + "".join(
        c if c.isalnum() and c.isascii() else "_" for c in profile.upper()
    )


def missing_login(environ: Mapping[str, str], profile: str | None) -> tuple[str, str]:
    """Return what is wrong where tdx is not authenticated, and the one thing to do."""
    source = credential_source(environ, profile)
    named = f" of profile {profile}" if profile else ""
    if source:
        what = f"tdx does not accept the credentials from {source}"
        return what, f"set it to a valid key{named} for this account and site; look with: tdx auth"
    if profile:
        what = f"tdx is not logged in with profile {profile}"
        return what, f"log in with: tdx --profile {profile} auth setup"
    what = "TD_API_KEY environment variable not set, and tdx is not logged in"
    return what, "set it with: export TD_API_KEY=your_master_api_key  (or log in: tdx auth setup)"
