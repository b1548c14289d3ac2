"""What people type out of habit, from other tools, and what it is called here."""

from __future__ import annotations

import click

_PLAN = ("--check", "--diff", "--dry-run", "--plan", "-n", "diff", "preview")
HABITS = dict.fromkeys(_PLAN, "tdxwrap plan") | {
    "--auto-approve": "--yes",
    "-a": "--yes",  # what click makes of -auto-approve
    "--target": "--parent-segment",
    "deploy": "tdxwrap apply",
    "init": "tdxwrap new",
    "lint": "tdxwrap check",
    "list": "tdxwrap runs",
    "push": "tdxwrap apply",
    "sync": "tdxwrap apply",
    "validate": "tdxwrap check",
}
# A misspelt option that takes something away, or asks nobody, has to be typed again by a person.
_DANGEROUS = frozenset(("--force", "--prune", "--replace", "--yes"))


def meant(error: click.ClickException) -> str:
    """Return what a word that is no command or option was meant to be; empty if nothing is near."""
    word = str(getattr(error, "option_name", None) or getattr(error, "command_name", ""))
    nearest, *_ = getattr(error, "possibilities", None) or ("",)
    return HABITS.get(word, "" if nearest in _DANGEROUS else nearest)
