"""The realtime configuration of a parent segment, from a YAML file, as a library.

For notebooks and scripts:

    with Tdx() as tdx:
        session = Session(Realtime(tdx), os.environ)
        plan = make_plan(session, load("rt.yaml", environ=os.environ), "394649")

Names are imported when they are first used, which keeps `tdxwrap --version` fast.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from tdxwrap.version import __version__ as __version__

if TYPE_CHECKING:
    from tdxwrap.apply.export import config_text
    from tdxwrap.apply.run import Outcome, apply, make_plan
    from tdxwrap.apply.session import Session, read_live
    from tdxwrap.apply.verify import Report, verify
    from tdxwrap.config.load import LoadedConfig, load
    from tdxwrap.config.models import RtConfig
    from tdxwrap.errors import TdxwrapError
    from tdxwrap.plan.build import build_plan
    from tdxwrap.plan.changes import Change, Plan, PlanOptions
    from tdxwrap.realtime.api import Realtime
    from tdxwrap.realtime.retry import Retry
    from tdxwrap.realtime.state import LiveState
    from tdxwrap.realtime.wait import WaitPolicy, wait_until_ready
    from tdxwrap.tdx.client import Tdx

_HOMES = {
    "apply.export": ("config_text",),
    "apply.run": ("Outcome", "apply", "make_plan"),
    "apply.session": ("Session", "read_live"),
    "apply.verify": ("Report", "verify"),
    "config.load": ("LoadedConfig", "load"),
    "config.models": ("RtConfig",),
    "errors": ("TdxwrapError",),
    "plan.build": ("build_plan",),
    "plan.changes": ("Change", "PlanOptions", "Plan"),
    "realtime.api": ("Realtime",),
    "realtime.retry": ("Retry",),
    "realtime.state": ("LiveState",),
    "realtime.wait": ("WaitPolicy", "wait_until_ready"),
    "tdx.client": ("Tdx",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "Change",
    "LiveState",
    "LoadedConfig",
    "Outcome",
    "Plan",
    "PlanOptions",
    "Realtime",
    "Report",
    "Retry",
    "RtConfig",
    "Session",
    "Tdx",
    "TdxwrapError",
    "WaitPolicy",
    "apply",
    "build_plan",
    "config_text",
    "load",
    "make_plan",
    "read_live",
    "verify",
    "wait_until_ready",
]


def __getattr__(name: str) -> Any:
    """Import a public name from its home."""
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)


class _Library(ModuleType):
    """This module, in which `apply` stays a function: importing the package `tdxwrap.apply` would
    otherwise replace it."""

    @property
    def apply(self) -> Any:
        """The function `apply` of tdxwrap.apply.run."""
        return __getattr__("apply")

    @apply.setter
    def apply(self, package: ModuleType) -> None:
        """Ignore the package, which is found in `sys.modules`."""


sys.modules[__name__].__class__ = _Library
