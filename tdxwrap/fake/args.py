"""The command line of tdx: which command, which options (tdx-facts F3, F7, F10)."""

from __future__ import annotations

from tdxwrap.fake.errors import UsageError

SITES = ("us01", "jp01", "eu01", "ap02")
API_TYPES = ("td", "cdp", "workflow", "trino", "llm")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")

# Command words and how many arguments follow them.
COMMANDS = {
    ("auth",): 0,
    ("status",): 0,
    ("use",): 2,
    ("databases",): 0,
    ("tables",): 1,
    ("describe",): 1,
    ("api",): 1,
    ("ps", "list"): 0,
    ("ps", "view"): 1,
    ("ps", "desc"): 1,
    ("ps", "pull"): 1,
    ("ps", "rt", "list"): 0,
    ("ps", "pz", "init"): 1,
    ("ps", "pz", "list"): 1,
}
VALUES = {"--profile": "profile", "--site": "site", "--output": "output", "-o": "output"}
FLAGS = {
    "--json": "json",
    "--dry-run": "dry_run",
    "--help": "help",
    "-h": "help",
    "--version": "version",
    "--yes": "yes",
    "-y": "yes",
    "--clear": "clear",
}
API_VALUES = {
    "-X": "method",
    "--method": "method",
    "--data": "data",
    "-f": "file",
    "--file": "file",
    "-H": "header",
    "--type": "type",
}


class Invocation:
    """A parsed command line."""

    __slots__ = ("arguments", "command", "flags", "values")

    def __init__(self) -> None:
        self.command = ""
        self.arguments: list[str] = []
        self.flags: set[str] = set()
        self.values: dict[str, str] = {}

    @property
    def json(self) -> bool:
        """Whether `--json` was given."""
        return "json" in self.flags

    @property
    def dry_run(self) -> bool:
        """Whether `--dry-run` was given."""
        return "dry_run" in self.flags

    @property
    def method(self) -> str:
        """The HTTP method; GET unless said otherwise (tdx-facts F7)."""
        return self.values.get("method", "GET").upper()

    @property
    def writes(self) -> bool:
        """Whether the call asks the API to change something."""
        return self.command == "api" and self.method != "GET" and not self.dry_run


def parse(argv: list[str]) -> Invocation:
    """Read a command line, or raise UsageError: nothing unknown passes silently."""
    invocation = Invocation()
    words = _take_options(argv, invocation)
    if invocation.flags & {"help", "version"}:
        return invocation
    _take_command(words, invocation)
    check_values(invocation)
    return invocation


def _take_options(argv: list[str], invocation: Invocation) -> list[str]:
    words: list[str] = []
    rest = list(argv)
    while rest:
        token = rest.pop(0)
        if token in FLAGS:
            invocation.flags.add(FLAGS[token])
        elif token.startswith("-"):
            _take_value(token, rest, invocation)
        else:
            words.append(token)
    return words


def _take_value(token: str, rest: list[str], invocation: Invocation) -> None:
    name, equals, value = token.partition("=")
    target = VALUES.get(name) or API_VALUES.get(name)
    if target is None or (equals and not name.startswith("--")):
        raise UsageError(f"unknown option '{token}'")
    if not equals:
        if not rest:
            raise UsageError(f"option '{token}' argument missing")
        value = rest.pop(0)
    invocation.values[target] = value


def _take_command(words: list[str], invocation: Invocation) -> None:
    for length in (3, 2, 1):
        count = COMMANDS.get(tuple(words[:length]))
        if count is None or len(words) < length:
            continue
        invocation.command = " ".join(words[:length])
        invocation.arguments = words[length:]
        if invocation.command == "use" and "clear" in invocation.flags:
            count = 0
        if len(invocation.arguments) != count:
            raise UsageError(f"'{invocation.command}' takes {count} argument(s)")
        return
    raise UsageError(f"unknown command '{' '.join(words)}'")


def check_values(invocation: Invocation) -> None:
    """Refuse values and combinations that tdx does not know."""
    values = invocation.values
    if invocation.command != "api" and set(values) & set(API_VALUES.values()):
        raise UsageError(f"'{invocation.command}' does not take an option of 'api'")
    if values.get("site", "us01") not in SITES:
        raise UsageError(f"unknown site '{values['site']}'")
    if values.get("type", "td") not in API_TYPES:
        raise UsageError(f"unknown API type '{values['type']}'")
    if invocation.method not in METHODS:
        raise UsageError(f"unknown method '{values['method']}'")
    if "data" in values and "file" in values:
        raise UsageError("give either --data or --file")
    if invocation.command == "use" and invocation.arguments:
        _check_use(*invocation.arguments)


def _check_use(what: str, value: str) -> None:
    if what not in ("profile", "site"):
        raise UsageError(f"cannot use '{what}'")
    if what == "site" and value not in SITES:
        raise UsageError(f"unknown site '{value}'")
