"""Take secrets out of texts: pure, no I/O.

Whatever tdx echoes, no secret is printed or written. Two nets: the values that the environment
holds (exact, in every spelling in which they tend to travel), and the forms that credentials of
Treasure Data have (for those that live in a keychain and that we never saw).
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

REDACTED = "[redacted]"

# Shorter values are more likely a placeholder than a key, and would punch holes into every text.
MIN_SECRET_LENGTH = 6
# Half of a key is a secret too, but only if it is long enough not to be a word.
MIN_KEY_PART_LENGTH = 20

_OF_TDX = re.compile(r"TDX_API_KEY(?:_.*)?|TDX_ACCESS_TOKEN|TD_API_KEY")  # F4
# As words in the name of a variable; those of tdx are among them.
_CREDENTIAL = re.compile(
    r"(?i)(?:^|_)(?:TOKEN|SECRET|PASSWORD|CREDENTIAL|(?:API|ACCESS|PRIVATE)_KEY)S?(?:_|$)"
)
_KEY_END = r"(?:/|\\/|%2[Ff])[0-9a-fA-F]{40,}"
_HAS_KEY = re.compile(_KEY_END)
# `{1,12}` and not `+`: on a long run of digits the latter takes quadratic time.
_KEY = re.compile(rf"[0-9]{{1,12}}{_KEY_END}")

# A form is searched only where its word (lower case) occurs: an answer may have 50 MB.
_FORMS = (
    ("td1", re.compile(r"\b(TD1\s{1,8})[0-9A-Za-z/+=._%\\-]{6,}"), rf"\1{REDACTED}"),
    (
        "authorization",
        re.compile(
            r"(?i)\b(authorization[\"']?\s{0,8}[:=]\s{0,8}[\"']?)"
            r"((?:basic|bearer|td1|token)\s{1,8})?[^\s\"',;\\]+"
        ),
        rf"\1\2{REDACTED}",
    ),
    # The digit keeps 'bearer authentication failed' readable.
    (
        "bearer",
        re.compile(r"(?i)\b(bearer\s{1,8})(?=[A-Za-z._~+/=-]*[0-9])[A-Za-z0-9._~+/=-]{8,}"),
        rf"\1{REDACTED}",
    ),
    # A JSON web token, the form of an access token.
    ("eyj", re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"), REDACTED),
)


def is_credential(name: str) -> bool:
    """Return whether a variable holds a credential, by its name: one of F4, or of the like."""
    return bool(_CREDENTIAL.search(name))


@dataclass(frozen=True, slots=True)
class Redactor:
    """Replaces secrets by `[redacted]`. Doing it twice changes nothing more.

    Attributes:
        secrets: the exact texts to take out, longest first.
    """

    secrets: tuple[str, ...] = ()

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Redactor:
        """Make the redactor for the variables in `environ` that are credentials by their names."""
        values = (value.strip() for name, value in environ.items() if is_credential(name))
        return cls.of(values)

    @classmethod
    def of_tdx(cls, environ: Mapping[str, str]) -> Redactor:
        """Make the redactor for what tdx itself reads (F4), for data that decisions are made on.

        Other credentials may be ordinary words, and a name in the data must not change.
        """
        return cls.from_environ({n: v for n, v in environ.items() if _OF_TDX.fullmatch(n)})

    @classmethod
    def of(cls, values: Iterable[str]) -> Redactor:
        """Make the redactor for these secrets, in their usual spellings as well."""
        usable = [v for v in values if len(v) >= MIN_SECRET_LENGTH and v not in REDACTED]
        spellings = {spelling for value in usable for spelling in _spellings(value)}
        return cls(tuple(sorted(spellings, key=lambda text: (-len(text), text))))

    def text(self, text: str) -> str:
        """Return `text` without secrets."""
        for secret in self.secrets:
            if secret in text:
                text = text.replace(secret, REDACTED)
        if _HAS_KEY.search(text):
            text = _KEY.sub(REDACTED, text)
        lowered = text.lower()
        for word, form, replacement in _FORMS:
            if word in lowered:
                text = form.sub(replacement, text)
        return text

    def json(self, value: Any) -> Any:
        """Return a copy of the JSON value in which no string, keys included, holds a secret."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self.json(item) for item in value]
        if isinstance(value, dict):
            return {self.text(key): self.json(item) for key, item in value.items()}
        return value


def _spellings(value: str) -> Iterator[str]:
    """The value as it stands, in a URL, in JSON, in base64, and the key without its account."""
    yield value
    yield quote(value, safe="", errors="surrogatepass")
    escaped = json.dumps(value)[1:-1]
    yield escaped
    yield escaped.replace("/", "\\/")
    yield base64.b64encode(value.encode("utf-8", "surrogatepass")).decode().rstrip("=")
    _, slash, key = value.partition("/")
    if slash and len(key) >= MIN_KEY_PART_LENGTH:
        yield key
