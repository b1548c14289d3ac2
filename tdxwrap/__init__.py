"""tdxwrap: the realtime configuration of a parent segment, from a YAML file.

The same as a library, for notebooks and scripts:

    with Tdx() as tdx:
        session = Session(Realtime(tdx), os.environ)
        plan = make_plan(session, load("rt.yaml", environ=os.environ), "394649")

Names are imported when they are first used, so that `tdxwrap --version` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from tdxwrap.changes import Change, Options, Plan
    from tdxwrap.config import LoadedConfig, load
    from tdxwrap.errors import TdxwrapError
    from tdxwrap.export import config_text
    from tdxwrap.models import RtConfig
    from tdxwrap.plan import build
    from tdxwrap.realtime import Realtime
    from tdxwrap.retry import Retry
    from tdxwrap.session import Outcome, Session, apply, make_plan, read
    from tdxwrap.state import LiveState
    from tdxwrap.tdx import Tdx
    from tdxwrap.verify import Report, validate
    from tdxwrap.wait import Patience, wait_until_ready

_HOMES = {
    "changes": ("Change", "Options", "Plan"),
    "config": ("LoadedConfig", "load"),
    "errors": ("TdxwrapError",),
    "export": ("config_text",),
    "models": ("RtConfig",),
    "plan": ("build",),
    "realtime": ("Realtime",),
    "retry": ("Retry",),
    "session": ("Outcome", "Session", "apply", "make_plan", "read"),
    "state": ("LiveState",),
    "tdx": ("Tdx",),
    "verify": ("Report", "validate"),
    "wait": ("Patience", "wait_until_ready"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "Change",
    "LiveState",
    "LoadedConfig",
    "Options",
    "Outcome",
    "Patience",
    "Plan",
    "Realtime",
    "Report",
    "Retry",
    "RtConfig",
    "Session",
    "Tdx",
    "TdxwrapError",
    "apply",
    "build",
    "config_text",
    "load",
    "make_plan",
    "read",
    "validate",
    "wait_until_ready",
]


def __getattr__(name: str) -> Any:
    """Import a public name from its home."""
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
