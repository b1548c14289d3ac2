"""The realtime configuration of a parent segment, from a YAML file, as a library.

For notebooks and scripts:

    import tdxwrap as tw

    config = tw.load("rt.yaml")
    plan = tw.plan(config)
    applied = tw.apply(config, plan=plan)

Names are imported when they are first used, which keeps `tdxwrap --version` fast; their types are
in __init__.pyi.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

from tdxwrap.version import __version__ as __version__

_HOMES = {
    "apply.verify": ("Report",),
    "config.load": ("LoadedConfig",),
    "errors": ("ConfigError", "TdxwrapError", "UnsafePlan"),
    "library": ("Applied", "Login", "Preview", "apply", "load", "plan"),
    "plan.changes": ("Change", "Plan", "PlanOptions"),
    "realtime.wait": ("WaitPolicy",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = sorted(_HOME_OF)


def __getattr__(name: str) -> Any:
    """Import a public name from its home."""
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)


class _Library(ModuleType):
    """This module, in which `plan` and `apply` stay functions: importing the packages of these
    names would otherwise replace them. The packages are found in `sys.modules`."""

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in _HOME_OF and isinstance(value, ModuleType)):
            super().__setattr__(name, value)

    def __dir__(self) -> list[str]:
        """Return the public names, also those not yet imported, for `help` and completion."""
        return sorted({*super().__dir__(), *__all__})


sys.modules[__name__].__class__ = _Library
