"""Replace the names in a journal by pseudonyms, to share it or keep it as a test: `runs export
--redact`.

Texts are replaced by their place, not by their looks: in JSON every text except the values of the
properties in KEPT, in an argv all but commands and options, in a path all but endpoints. The same
text gets the same pseudonym everywhere, so a replay still fits: ids keep their shape, and an
identifier is still the one derived from its name. Sentences have no such places: there, known
names and words that look like names are replaced.
"""

import json
import re
from bisect import insort
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from pathlib import PurePath
from typing import Any
from urllib.parse import quote, unquote

from tdxwrap.config.attributes import derived_identifier
from tdxwrap.tdx import grammar
from tdxwrap.tdx.answer import NotJson, parse_json

# Properties whose texts are words of the API or of the configuration format.
KEPT = re.compile(
    "type|status|(data|counter|aggregation)(Type|_type)|action|unit|duration|arrayMatching"
    "|code|pointer|validationCode|retryAfter"
)
PROSE = frozenset(("detail", "message", "error", "errors", "said", "what", "hint", "so_far"))
_GONE = ("config", "digest", "profile", "fields", "reason", "where", "problems", "others", "lines")
_DOTTED = frozenset(("event_tables", "table"))
_ID = re.compile(r"id|parent_segment|.*(?:Id|_id)")
_ENDPOINT = re.compile(r"audiences|entities|folders|parent_segments|bulk_update|realtime_[a-z_]+|")
_TOKEN = re.compile(r"""(?<!\w)(['"])[^'"\n]+\1(?!\w)|[\w@./:~%+-]*\w""")
_NAME_LIKE = re.compile(r"(?=.*(?:[_@/~]|\d{4}|\..*\.)).*[^\d.].*|\d{4,}")
_VERSION = re.compile(r"\s*v?\d+(\.\d+)+\s*")
# The words by which a failure is recognized (F6).
_MARKERS = frozenset(("enable_api_command",))


class Pseudonyms:
    """Pseudonyms for names, made as the names turn up. None of them occurs in `original`."""

    def __init__(self, original: str) -> None:
        self._taken = set(re.findall(r"\w+", original))
        self._known: dict[str, str] = {}
        self._stems: dict[str, tuple[str, Iterator[int]]] = {}
        self._made: set[str] = set()
        self._phrases: list[str] = []  # known texts that are not one word, longest first
        named = dict.fromkeys(("name", "id", "segment", "account", "account_id"), self.dotted)
        files = dict.fromkeys(("file", "asked_for"), self.file)
        sentences = dict.fromkeys((*PROSE, "stderr", "checkpoint"), self.prose)
        self._parts = named | files | sentences | {"stdout": self.body, "body": self.body}

    def name(self, text: str) -> str:
        """Return the pseudonym of a name, an id or any other single value."""
        if text and text not in self._known:
            self._known[text] = self._pseudonym(text)
            self._made.add(self._known[text])
            if not _TOKEN.fullmatch(text):
                insort(self._phrases, text, key=lambda phrase: -len(phrase))
        return self._known.get(text, "")

    def _pseudonym(self, text: str) -> str:
        if text.isdecimal():
            return self._free(str(number) for number in count(10 ** (len(text) - 1)))
        base = derived_identifier(text) or text
        if base not in self._stems:
            self._stems[base] = self._free(f"name_{number}" for number in count(1)), count(1)
        stem, variants = self._stems[base]
        # `Name  7` and `Name 7` are two names with the derived identifier name_7.
        return stem if text == base else stem.replace("_", " " * next(variants)).capitalize()

    def _free(self, candidates: Iterator[str]) -> str:
        found = next(candidate for candidate in candidates if candidate not in self._taken)
        self._taken.add(found)
        return found

    def dotted(self, text: str) -> str:
        """Replace each part of `database.table`."""
        return ".".join(part if part == "*" else self.name(part) for part in text.split("."))

    def value(self, value: Any, prop: str = "") -> Any:
        """Replace the names in a JSON or YAML value; `prop` is the property that holds it."""
        if isinstance(value, dict):
            if prop == "filter":
                return dict(self._condition(name, part) for name, part in value.items())
            return {name: self.value(part, name) for name, part in value.items()}
        if isinstance(value, list):
            return [self.value(part, prop) for part in value]
        if isinstance(value, str):
            return self._text(value, prop)
        if isinstance(value, int) and not isinstance(value, bool) and _ID.fullmatch(prop):
            return int(self.name(str(value)))
        return value

    def _condition(self, name: str, part: Any) -> tuple[str, Any]:
        """Replace an entry of a short filter, in which the keys are names of columns."""
        if name in ("any", "all"):
            return name, self.value(part, "filter")
        return self.name(name), self.value(part, "operand")

    def _text(self, text: str, prop: str) -> str:
        if KEPT.fullmatch(prop):
            return text
        if prop in PROSE:
            return self.prose(text)
        if text.startswith("/"):
            return self.path(text)
        return self.dotted(text) if prop in _DOTTED else self.name(text)

    def path(self, text: str) -> str:
        """Replace the ids of an endpoint, and the cursor of a page."""
        path, mark, query = text.partition("?")
        parts = [
            part if _ENDPOINT.fullmatch(part) else quote(self.name(unquote(part)))
            for part in path.split("/")
        ]
        pairs = [pair.partition("=") for pair in query.split("&")]
        shown = [
            f"{name}{is_}{value if name in ('page[size]', 'page[number]') else self.name(value)}"
            for name, is_, value in pairs
        ]
        return "/".join(parts) + mark + "&".join(shown)

    def argv(self, argv: Sequence[str]) -> list[str]:
        """Replace the names in a tdx command line, and leave out the profile."""
        options: list[str] = []
        words: list[str] = []
        rest = list(argv[1:])
        while rest:
            word = rest.pop(0)
            if not word.startswith("-"):
                words.append(word)
            elif word in grammar.VALUE_OPTIONS and rest:
                options += self._option(word, rest.pop(0))
            else:
                options.append(word)
        return [*argv[:1], *self._words(words), *options]

    def _option(self, option: str, value: str) -> list[str]:
        if option == "--profile":
            return []
        if option == "--data":
            return [option, self.body(value)]
        if option in grammar.FILE_OPTIONS:
            return [option, self.file(value)]
        return [option, value if option in grammar.KEYWORD_OPTIONS else self.name(value)]

    def _words(self, words: list[str]) -> list[str]:
        command = grammar.command_of(words)
        arguments = words[len(command) :]
        if command in grammar.TAKES_TABLE:
            return [*command, *(self.dotted(word) for word in arguments)]
        return [*command, *(self.value(word, "argument") for word in arguments)]

    def file(self, path: str) -> str:
        """Replace the name of a file; keep its ending."""
        return self.name(path) + PurePath(path).suffix

    def body(self, text: str) -> str:
        """Replace the names in JSON text, or else in a sentence."""
        try:
            return json.dumps(self.value(parse_json(text)), ensure_ascii=False)
        except NotJson:
            if _VERSION.fullmatch(text):
                return text
            # A broken document stays broken; its words have no places to go by.
            return text[:1] if text[:1] in ("{", "[") else self.prose(text)

    def prose(self, text: str) -> str:
        """Replace known names, quoted words, and what looks like a name or an id."""
        for phrase in self._phrases:
            if phrase in text:
                text = re.sub(rf"(?<!\w){re.escape(phrase)}(?!\w)", self._known[phrase], text)
        return _TOKEN.sub(lambda match: self._token(match[0]), text)

    def _token(self, token: str) -> str:
        if token[0] in "'\"":
            quoted = token[1:-1]
            return token.replace(quoted, quoted if quoted in self._made else self.name(quoted))
        if token in self._made or token in _MARKERS or re.fullmatch(r"[0-9]{1,3}", token):
            return token
        if token in self._known:
            return self.name(token)
        if token.startswith("/"):
            return self.path(token)
        return self.dotted(token) if _NAME_LIKE.fullmatch(token) else token

    def line(self, line: Mapping[str, Any]) -> dict[str, Any]:
        """Replace the names in a line; leave out what describes a person or a machine."""
        redacted = {prop: self._part(prop, value) for prop, value in line.items()}
        if line["type"] == "run":
            self.name(line["profile"] or "")
            stamp = line["id"].partition("-")[0]
            redacted |= {"pid": 0, "id": f"{stamp}-{redacted['segment'] or line['command']}"}
        if line["type"] == "call" and line["error"] is None:
            # Beside its data, the output of a successful call is only for people.
            printed = line["stdout"]
            is_data = printed[:1] in ("{", "[") or _VERSION.fullmatch(printed)
            redacted |= {"stderr": ""} if is_data else {"stderr": "", "stdout": ""}
        return redacted

    def _part(self, prop: str, value: Any) -> Any:
        """Replace the names in one property of a line, or of the error in it."""
        if prop == "live":
            return self.value(value)
        if value is None or prop in _GONE:
            return type(value)() if isinstance(value, str | list) else None
        if prop == "error" and isinstance(value, dict):
            return {name: self._part(name, part) for name, part in value.items()}
        if isinstance(value, list):
            return self.argv(value)
        part = self._parts.get(prop)
        return part(value) if part else value
