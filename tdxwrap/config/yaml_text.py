"""YAML as it is written: nothing in a text breaks a line or hides in it."""

import re
from typing import Any

import yaml

from tdxwrap.config.odd_characters import odd_character, yaml_escape
from tdxwrap.system.text import comment

# What YAML 1.2 takes for a number; 1.1, and so PyYAML, does not take every one.
NUMERAL = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|0o[0-7]+")


class Escaped(str):
    """A text in which a reader has to see that each odd character is meant."""

    __slots__ = ()


class _Dumper(yaml.SafeDumper):
    """Quotes every text that is not printable, so that escapes can stand in it."""

    def represent_text(self, text: str) -> yaml.Node:
        """Represent a text; the emitter chooses the style of a printable one."""
        style = "'" if NUMERAL.fullmatch(text) else None if text.isprintable() else '"'
        return self.represent_scalar("tag:yaml.org,2002:str", text, style=style)

    def represent_escaped(self, text: str) -> yaml.Node:
        """Represent a text of which all but letters, digits, `_`, `.` and `-` is escaped."""
        return self.represent_scalar("tag:yaml.org,2002:str", text, style='"')

    def write_double_quoted(self, text: str, split: bool = True) -> None:
        """Write a text; PyYAML's own way leaves spaces and most quotes as they are."""
        if not isinstance(text, Escaped):
            super().write_double_quoted(text, split)
            return
        flags = 0 if self.allow_unicode else re.ASCII
        escaped = re.sub(r"[^\w.-]", lambda found: yaml_escape(found[0]), text, flags=flags)
        self.write_indicator(f'"{escaped}"', True)


_Dumper.add_representer(str, _Dumper.represent_text)
_Dumper.add_representer(Escaped, _Dumper.represent_escaped)


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


def escape(text: str) -> str:
    """Return a text with `${` written so that it is read back as it is."""
    return text.replace("${", "$${")


def as_stated(value: Any, loc: tuple[str | int, ...] = ()) -> Any:
    """Return a part of a configuration to be written so that it is read back as it is.

    `${NAME}` is not taken from the environment, and what `check` refuses in a name is meant.

    Args:
        loc: where the part stands.
    """
    if isinstance(value, str):
        text = escape(value)
        return Escaped(text) if odd_character(value, loc)[1] else text
    if isinstance(value, list):
        return [as_stated(item, (*loc, i)) for i, item in enumerate(value)]
    if not isinstance(value, dict):
        return value
    # The columns of a filter in short are names of fields, which take no variables.
    named = {name: as_stated(item, (*loc, name)) for name, item in value.items()}
    return {
        Escaped(name) if "filter" in loc and odd_character(name, (*loc, name))[1] else name: item
        for name, item in named.items()
    }
