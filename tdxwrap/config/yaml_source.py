"""A YAML file as plain data that remembers where everything stood.

Safer and stricter than `yaml.safe_load`: no tags, no duplicate keys; limits on size, depth and
what aliases expand to; only texts, whole and decimal numbers, true/false and null; `${NAME}` in a
text is taken from the environment. What is wrong inside the document is collected, so that the
checks of its content can go on; only what cannot be read at all raises.
"""

import hashlib
import math
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import yaml

from tdxwrap.config.yaml_text import NUMERAL, yaml_text
from tdxwrap.errors import ConfigError, Problem
from tdxwrap.system.redact import is_credential
from tdxwrap.system.text import comment

Loc: TypeAlias = tuple[str | int, ...]
Position: TypeAlias = tuple[int, int]
"""Line and column, counted from 1; 0 for the file as a whole."""

MAX_BYTES = 16 * 1024 * 1024
MAX_DEPTH = 100
MAX_VALUES = 500_000
"""Far more than 10,000 attributes come to; aliases that multiply come to more."""
MAX_WHOLE = 2**53 - 1
"""The greatest whole number that tdx, a Node program, holds exactly (F1)."""

_TAG = "tag:yaml.org,2002:"
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufeff\ufffe\uffff]"
)
_LINE_END = re.compile(r"\r\n|[\n\r\x85\u2028\u2029]")
_WHOLE = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_DECIMAL = re.compile(r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_OTHER_BASE = re.compile(r"[-+]?0(?:x[0-9a-fA-F]|b[01]|[0-7])[0-9a-fA-F_]{0,40}")
_RESOLVER = yaml.resolver.Resolver()
# What does not have the right form is taken up to the end of the text, to be reported once.
_REFERENCE = re.compile(
    r"\$\$\{|\$\{(?:([A-Za-z_][A-Za-z0-9_]*)(?::-([^{}]*))?\}|([A-Za-z_]\w*:-)?.*)", re.DOTALL
)
_BOOLS = {"yes": True, "true": True, "on": True, "no": False, "false": False, "off": False}
_UNEVEN = "a line is not indented as its neighbours"
_ALIGN = "align the fields of one item; an item of a list begins with '- '"
# What the parser says (regular expressions), what it usually means, and what to do.
_MEANINGS = (
    ("exceeded maximum nesting depth", "nested too deeply", ""),
    ("expected a single document", "several documents in one file", "keep one, without ---"),
    ("that cannot start any token", "a tab or a reserved character", "indent with spaces"),
    ("mapping values are not allowed", "a colon too many", "quote a text that holds ': '"),
    ("could not find expected ':'", "a line without a colon", "write field: value"),
    ("expected (key|<block end>|'-' indicator)|<document start>", _UNEVEN, _ALIGN),
    ("found a tab character", "a tab", "indent with spaces"),
    ("expected ',' or", "inside brackets a comma is missing", "quote a text such as '${NAME}'"),
)


class Place(NamedTuple):
    """Where a value stands: the file, line and column from 1, and the path to it in that file.

    Attributes:
        text: a scalar as the file writes it; empty for anything else.
        written: the same, with the escapes of a text in double quotes as they are.
        form: an unquoted scalar that need not be a text, as an export writes what is read from it;
            empty if the file writes it so.
    """

    file: str
    line: int
    column: int
    loc: Loc
    text: str = ""
    written: str = ""
    form: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """The data of a file, or of several merged into one, and the place of each of its parts.

    Attributes:
        path: the file as the user gave it.
        data: mappings with text keys, lists, texts, numbers, true/false, None.
        digest: SHA-256 of the bytes that were read, in hexadecimal.
        problems: what was wrong inside the document, in the order found.
        broken: where the data holds None in place of something that could not be read.
        values, keys: the places of the values, and of the names of fields.
    """

    path: str
    data: Any
    digest: str
    problems: list[Problem] = field(default_factory=list)
    broken: set[Loc] = field(default_factory=set)
    values: dict[Loc, Place] = field(default_factory=dict, repr=False)
    keys: dict[Loc, Place] = field(default_factory=dict, repr=False)

    def place(self, loc: Loc) -> Place:
        """The place of the value at `loc`, or of the nearest one around it."""
        known = loc
        while known and known not in self.values:
            # A filter in short stands under a name of its own.
            short = known[-1] == "filter_rule"
            known = (*known[:-1], "filter") if short else known[:-1]
        place = self.values.get(known, Place(self.path, 1, 1, ()))
        return place._replace(loc=(*place.loc, *loc[len(known) :]))

    def where(self, loc: Loc) -> str:
        """`file:line` of the value at `loc`."""
        place = self.place(loc)
        return f"{place.file}:{place.line}"

    def beside(self, loc: Loc, other: Loc) -> str:
        """How a message about the value at `loc` names the place of another one."""
        place = self.place(other)
        return f"line {place.line}" if place.file == self.place(loc).file else self.where(other)

    def text(self, loc: Loc) -> str:
        """The scalar at `loc` as the file writes it; empty for anything else."""
        return self.values[loc].text if loc in self.values else ""

    def problem(self, loc: Loc, message: str, hint: str = "", *, of_key: bool = False) -> Problem:
        """A problem with the value at `loc`, or with the name of that field."""
        place = self.keys[loc] if of_key and loc in self.keys else self.place(loc)
        return _problem(place.file, (place.line, place.column), place.loc, message, hint)


def read_bytes(path: str) -> bytes:
    """The bytes of a file, or of standard input for `-`.

    Raises:
        ConfigError: it cannot be read, or is too large to be a configuration.
    """
    try:
        if path == "-" and sys.stdin is None:
            raise unusable(path, "standard input is closed", "name a file")
        if path == "-":
            content = sys.stdin.buffer.read(MAX_BYTES + 1)
        else:
            with Path(path).open("rb") as stream:
                content = stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise unusable(path, "there is no such file", "tdxwrap new writes a first one") from None
    except IsADirectoryError:
        raise unusable(path, "this is a directory", "name the file in it") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = getattr(error, "strerror", None) or str(error)
        raise unusable(path, f"the file cannot be read: {reason}") from None
    if len(content) > MAX_BYTES:
        raise unusable(path, f"the file is larger than {MAX_BYTES // 1024**2} MiB")
    return content


def read_source(path: str, content: bytes, environ: Mapping[str, str]) -> Source:
    """Parse the bytes of a file; `path` only names it in messages.

    Raises:
        ConfigError: it is not UTF-8, not YAML, more than one document, or over a limit.
    """
    whole = _decoded(path, content)
    root = _composed(path, whole)
    source = Source(path, None, hashlib.sha256(content).hexdigest())
    data = _Reader(source, environ, whole).value(root, (), 0) if root else None
    return replace(source, data=data)


def unusable(path: str, message: str, hint: str = "", position: Position = (0, 0)) -> ConfigError:
    """The error for a file of which nothing can be used."""
    return ConfigError(path, [_problem(path, position, (), message, hint)])


def _problem(path: str, position: Position, loc: Loc, message: str, hint: str = "") -> Problem:
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc)
    texts = ("".join(parts).removeprefix("."), message, hint)
    # One line each, not too long, without anything that a terminal would act upon.
    short = (text if len(text) <= 300 else f"{text[:300]}…" for text in texts)
    return Problem(path, *position, *map(comment, short))


def _start(node: yaml.Node) -> Position:
    return node.start_mark.line + 1, node.start_mark.column + 1


def _decoded(path: str, content: bytes) -> str:
    save = "save the file as UTF-8"
    if content.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in content[:2]:
        raise unusable(path, "the file is UTF-16 or UTF-32, not UTF-8", save, (1, 1))
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        good = error.object[: error.start].decode("utf-8")
        message = f"byte 0x{error.object[error.start]:02x} is not UTF-8"
        raise unusable(path, message, save, _position(good, len(good))) from None
    bad = _UNPRINTABLE.search(text)
    if bad:
        message = f"the control character U+{ord(bad[0]):04X} cannot stand in a YAML file"
        raise unusable(path, message, "remove it", _position(text, bad.start()))
    return text


def _position(text: str, offset: int) -> Position:
    ends = [match.end() for match in _LINE_END.finditer(text, 0, offset)]
    return len(ends) + 1, offset - (ends[-1] if ends else 0) + 1


class _DepthLimit:
    """Stops a composer, in Python or C, long before it runs out of stack."""

    depth = 0

    def descend_resolver(self, parent: yaml.Node | None, index: object) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            mark = parent.start_mark if parent else None
            raise yaml.MarkedYAMLError(problem="nested too deeply", problem_mark=mark)

    def ascend_resolver(self) -> None:
        self.depth -= 1


class _Loader(_DepthLimit, getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Composes nodes, in C where PyYAML was built with it."""


def _composed(path: str, text: str) -> yaml.Node | None:
    try:
        root: yaml.Node | None = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        raise _not_yaml(path, text, error) from None
    except yaml.YAMLError as error:
        raise unusable(path, f"this is not YAML: {error}", "", (1, 1)) from None
    # A document without anything, `---`, may be said to begin behind the last line.
    empty = root is not None and root.tag == f"{_TAG}null" and not root.value
    return None if empty else root


def _not_yaml(path: str, text: str, error: yaml.MarkedYAMLError) -> ConfigError:
    said = " ".join(filter(None, (error.context, error.problem)))
    mark = error.problem_mark or error.context_mark
    # The parser may point behind the last line.
    last = _position(text, len(text.rstrip()))
    position = min((mark.line + 1, mark.column + 1), last) if mark else last
    known = ((meaning, hint) for phrase, meaning, hint in _MEANINGS if re.search(phrase, said))
    meaning, hint = _uneven(text, position[0], said) or next(known, ("", ""))
    reason = f"{meaning} ({said})" if meaning else said
    return unusable(path, f"this is not YAML: {reason}", hint, position)


def _uneven(text: str, line: int, said: str) -> tuple[str, str] | None:
    """What it means where the parser misses a colon, or sees one too many, after another line."""
    if "':'" not in said and "mapping values" not in said:
        return None
    *before, here = text.splitlines()[:line] or [""]
    above = next((each for each in reversed(before) if each.strip()), "")
    if above and not re.search(r":(\s|$)", above):
        return "a line without a colon and a space: the one above", "write field: value"
    if len(above) - len(above.lstrip(" -")) < len(here) - len(here.lstrip(" -")):
        return f"{_UNEVEN}: deeper than the one above", _ALIGN
    return None


@dataclass(slots=True)
class _Reader:
    """Turns nodes into data in one pass; places, and what is wrong, go into the source."""

    source: Source
    environ: Mapping[str, str]
    whole: str
    count: int = 0

    def value(self, node: yaml.Node, loc: Loc, depth: int) -> Any:
        """The data of a node.

        Raises:
            ConfigError: aliases multiply the values beyond the limit, or contain themselves.
        """
        self.count += 1
        if self.count > MAX_VALUES or depth > MAX_DEPTH:
            message = "too many values; each use of an alias counts"
            raise unusable(self.source.path, message, "write it without aliases", _start(node))
        result, form = None, ""
        if isinstance(node, yaml.ScalarNode):
            result, form = self._scalar(node, loc)
        elif node.tag not in (f"{_TAG}seq", f"{_TAG}map"):
            self._reject_tag(node, loc)
        elif isinstance(node, yaml.SequenceNode):
            result = [self.value(item, (*loc, i), depth + 1) for i, item in enumerate(node.value)]
        else:
            result = self._mapping(node, loc, depth)
        # Last, so that a mapping wins over what is merged into it.
        self.source.values[loc] = self._place(node, loc, form)
        return result

    def _place(self, node: yaml.Node, loc: Loc, form: str = "") -> Place:
        text = written = str(node.value) if isinstance(node, yaml.ScalarNode) else ""
        if isinstance(node, yaml.ScalarNode) and node.style == '"':
            quoted = self.whole[node.start_mark.index : node.end_mark.index]
            written = quoted.partition('"')[2][:-1] if "\\" in quoted else text
        return Place(self.source.path, *_start(node), loc, text, written, form)

    def _mapping(self, node: yaml.Node, loc: Loc, depth: int) -> dict[str, Any]:
        # YAML: what is stated wins over what is merged, the earlier merged over the later.
        result: dict[str, Any] = {}
        for merged in reversed(list(_merged(node))):
            result |= self._merge(merged, loc, depth)
        lines: dict[str, int] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self._reject(key, loc, "a list or mapping cannot be the name of a field")
            elif key.value in lines:
                message = f"{key.value} is given twice, first in line {lines[key.value]}"
                self._reject(key, (*loc, key.value), message, "keep one of the two")
            elif key.tag != f"{_TAG}merge":
                lines[key.value] = key.start_mark.line + 1
                self.source.keys[(*loc, key.value)] = self._place(key, (*loc, key.value))
                result[key.value] = self.value(value, (*loc, key.value), depth + 1)
        return result

    def _merge(self, node: yaml.Node, loc: Loc, depth: int) -> dict[str, Any]:
        merged = self.value(node, loc, depth + 1)
        if isinstance(merged, dict):
            return merged
        self._reject(node, loc, "<< can only merge mappings", "name the anchor of a mapping")
        return {}

    def _scalar(self, node: yaml.ScalarNode, loc: Loc) -> tuple[Any, str]:
        """The value of a scalar, and the form of `Place`."""
        text, tag = self._expanded(node, loc)
        if tag not in _VALUES:
            self._reject_tag(node, loc)
        value = _VALUES.get(tag, _VALUES["null"])(text)
        if isinstance(value, int) and abs(value) > MAX_WHOLE:
            message = f"{node.value} is beyond ±{MAX_WHOLE}, where tdx rounds"
            self._reject(node, loc, message, f"write '{node.value}' for the text")
            value = None
        is_text = tag == "str" and (node.style or not NUMERAL.fullmatch(text))
        return value, "" if is_text or value is None else _form(value, text)

    def _expanded(self, node: yaml.ScalarNode, loc: Loc) -> tuple[str, str]:
        """The text with its variables, and the tag: without quotes it may be a number after all."""
        text, tag = str(node.value), node.tag.removeprefix(_TAG)
        if tag != "str" or "${" not in text:
            return text, tag
        before = len(self.source.problems)
        text = _REFERENCE.sub(lambda match: self._resolved(match, node, loc), text)
        if len(self.source.problems) > before:
            return "", "null"
        if not node.style:
            resolved = _RESOLVER.resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]
            tag = str(resolved).removeprefix(_TAG)
        return text, tag

    def _resolved(self, match: re.Match[str], node: yaml.ScalarNode, loc: Loc) -> str:
        if match[0] == "$${":
            return "${"
        name, default = match[1], match[2]
        value = self.environ.get(name or "")
        if name is None:
            hint = "write ${NAME} or ${NAME:-default}; $${ stands for the two characters"
            message = "${ is not followed by the name of a variable"
            if match[3]:
                message = f"the default after ${{{match[3]} holds a brace, or does not end in one"
        elif is_credential(name):
            message = f"the environment variable {name} is a credential by its name"
            hint = "a configuration holds no secrets; rename the variable if its value is none"
        elif value is None and default is None:
            message = f"the environment variable {name} is not set"
            hint = f"set it, or write ${{{name}:-default}}"
        elif any("\ud800" <= character <= "\udfff" for character in value or ""):
            message = f"the environment variable {name} holds bytes that are not UTF-8"
            hint = "set it to a text in UTF-8"
        else:
            return value or default or ""
        self._reject(node, loc, message, hint)
        return ""

    def _reject_tag(self, node: yaml.Node, loc: Loc) -> None:
        tag = node.tag.replace(_TAG, "!!")
        self._reject(node, loc, f"the tag {tag} cannot be used here", "remove the tag")

    def _reject(self, node: yaml.Node, loc: Loc, message: str, hint: str = "") -> None:
        self.source.broken.add(loc)
        problem = _problem(self.source.path, _start(node), loc, message, hint)
        self.source.problems.append(problem)


def _merged(node: yaml.Node) -> Iterator[yaml.Node]:
    for key, value in node.value:
        if key.tag == f"{_TAG}merge":
            yield from value.value if isinstance(value, yaml.SequenceNode) else (value,)


def _number(text: str) -> int | float | str:
    """The number, if it is one beyond doubt: 012, 1:30 and .inf stay the texts they look like."""
    digits = text.replace("_", "")
    if _WHOLE.fullmatch(digits):
        return int(digits[:30])  # more are too many anyway
    if _DECIMAL.fullmatch(digits) and math.isfinite(float(digits)):
        return float(digits)
    return text


# What a scalar with a tag is; all others are refused.
_VALUES: Mapping[str, Callable[[str], Any]] = {
    "null": lambda text: None,
    "bool": lambda text: _BOOLS.get(text.lower(), text),
    **dict.fromkeys(("int", "float"), _number),
    **dict.fromkeys(("str", "timestamp", "value", "merge"), str),
}


def _form(value: Any, text: str) -> str:
    if not isinstance(value, str) and str(value).lower() == text:
        return ""
    if _OTHER_BASE.fullmatch(text):
        value = yaml.safe_load(text)
    form = yaml_text(value).split("\n")[0]
    return "" if form == text else form
