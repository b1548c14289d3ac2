"""YAML as it is written: nothing in a text breaks a line or hides in it."""

from __future__ import annotations

import re
from typing import Any

import yaml

from tdxwrap.system.text import comment

# What YAML 1.2 takes for a number; 1.1, and so PyYAML, does not take every one.
NUMERAL = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|0o[0-7]+")


class _Dumper(yaml.SafeDumper):
    """Quotes every text that is not printable, so that escapes can stand in it."""

    def represent_text(self, text: str) -> yaml.Node:
        """Represent a text; the emitter chooses the style of a printable one."""
        style = "'" if NUMERAL.fullmatch(text) else None if text.isprintable() else '"'
        return self.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _Dumper.represent_text)


def yaml_text(value: Any, *, ascii_only: bool = False, **options: Any) -> str:
    """Return a value as YAML.

    Args:
        ascii_only: escape every other character.
        options: of PyYAML's emitter.
    """
    text: str = yaml.dump(
        value, Dumper=_Dumper, allow_unicode=not ascii_only, sort_keys=False, **options
    )
    return "\n".join(map(comment, text.split("\n")))
