"""The options that commands share, and the values that they turn into."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import wraps
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar

import click
from click.core import ParameterSource

from tdxwrap.errors import UsageProblem

if TYPE_CHECKING:
    from pathlib import Path

    from click.shell_completion import CompletionItem

    from tdxwrap.errors import TdxwrapError

Items: TypeAlias = "list[CompletionItem[str]]"
F = TypeVar("F", bound=Callable[..., Any])

A_WEEK = 7 * 24 * 60 * 60  # seconds; no limit or pause is longer


@dataclass(frozen=True, slots=True)
class Globals:
    """The options that every command takes."""

    tdx: str = "tdx"
    profile: str | None = None
    site: str | None = None
    timeout: float = 120.0
    retries: int = 3
    retry_delay: float = 0.5
    retry_limit: float = 60.0
    json: bool = False
    verbose: bool = False
    quiet: bool = False
    color: bool | None = None
    journal: Path | None = None
    no_journal: bool = False


class Run(Protocol):
    """The run that a command line led to."""

    def end_journal(self, code: int, error: TdxwrapError | None = None) -> None:
        """Record how it ended."""

    def fail(self, error: TdxwrapError) -> None:
        """Print the error that it ended in."""


@dataclass(slots=True)
class Invocation:
    """One command line.

    Attributes:
        chosen: the global options that were read so far.
        command: the name of the command, once it is known.
        run: the run that it led to, once it has begun.
    """

    chosen: Globals = field(default_factory=Globals)
    command: str = "tdxwrap"
    run: Run | None = None

    @staticmethod
    def of(ctx: click.Context) -> Invocation:
        """Return the command line to which a context belongs."""
        return ctx.find_root().ensure_object(Invocation)

    def enter(self, ctx: click.Context) -> None:
        """Take the name of the command of a context: `plan`, `runs show`."""
        self.command = ctx.command_path.removeprefix("tdxwrap ")


# Types


class Known(click.ParamType[str]):
    """A text of which some values are known.

    Args:
        values: gives them when they are completed.
        files: whether it may be the path of a file as well.
    """

    name = "text"

    def __init__(self, values: Callable[[], Iterable[str]], *, files: bool = False) -> None:
        self.values, self.files = values, files

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
        """Offer the values, then files."""
        from click.shell_completion import CompletionItem

        known = [CompletionItem(each) for each in self.values() if each.startswith(incomplete)]
        return known + (files(incomplete) if self.files else [])


class FilePath(click.Path):
    """The path of a file, as a pathlib.Path; pathlib is imported when one is given."""

    def __init__(self) -> None:
        super().__init__(dir_okay=False)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path, unless it is that of a folder."""
        from pathlib import Path

        return Path(str(super().convert(value, param, ctx)))

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
        """Offer files."""
        return files(incomplete)


class Config(click.ParamType[str]):
    """A CONFIG, or a folder of them."""

    name = "config"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
        """Offer YAML files that the line does not name yet."""
        named = ctx.params.get(param.name or "") if param.nargs == -1 else None
        found = files(incomplete, (".yaml", ".yml"))
        return [each for each in found if each.value not in (named or ())]


class Argument(click.ParamType[str]):
    """What is passed on to tdx as an argument, or at least looked for there."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the text, unless tdx would take it for an option."""
        if value.startswith("-"):
            self.fail(f"'{value}' begins with -, so tdx would take it for an option", param, ctx)
        return str(value)


class Site(Known, Argument):
    """A site of Treasure Data (F3)."""


class Segment(Argument):
    """The id or name of a parent segment."""

    name = "ps"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
        """Offer the names and ids that tdx listed last for this profile and site."""
        from click.shell_completion import CompletionItem

        from tdxwrap.journal.segment_cache import recall

        chosen = Invocation.of(ctx).chosen
        known = [
            (segment_id, name)
            for segment_id, name in recall(os.environ, chosen.profile, chosen.site)
            if f"{segment_id}{name}".isprintable()
        ]
        names = {name: segment_id for segment_id, name in known if not name.startswith("-")}
        return [
            CompletionItem(value, help=other)
            for value, other in (*names.items(), *known)
            if value.startswith(incomplete)
        ]


class ConfigOrSegment(Config):
    """A CONFIG, or the id or name of a parent segment."""

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
        """Offer both."""
        found = super().shell_complete(ctx, param, incomplete)
        return found + Segment().shell_complete(ctx, param, incomplete)


def file_or_segment(
    argument: str | None, override: str | None, of_several: bool
) -> tuple[str | None, str | None]:
    """Return which CONFIG, and which parent segment apart from it, a CONFIG|PS argument means.

    Args:
        override: `--parent-segment`.
        of_several: whether it is one of several files.
    Raises:
        UsageProblem: there is a parent segment in place of a file, and another one.
    """
    if argument in (None, "-") or of_several:
        return argument, override
    if argument.endswith((".yaml", ".yml")) or os.path.exists(argument):
        return argument, override
    if override is not None:
        raise UsageProblem(f"there is no file {argument} beside --parent-segment {override}")
    return None, argument


class Seconds(click.ParamType[float]):
    """A time that ends: `inf` and `nan` are none, and neither are two weeks."""

    name = "seconds"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the seconds."""
        seconds: float = click.FLOAT.convert(value, param, ctx)
        if not 0 < seconds <= A_WEEK:
            self.fail(f"{value} is not above 0 and at most {A_WEEK} seconds", param, ctx)
        return seconds


def _run_ids() -> list[str]:
    from tdxwrap.journal import record

    folder = record.folder(os.environ)
    kept = [] if folder is None else record.kept_in(folder)
    return ["last", *sorted((path.stem for path in kept), reverse=True)]


def files(incomplete: str, endings: tuple[str, ...] = ("",)) -> Items:
    """List the files with one of the endings, and the folders that a path may go on to."""
    from click.shell_completion import CompletionItem

    folder, begun = os.path.split(os.path.expanduser(incomplete))
    try:
        with os.scandir(folder or ".") as found:
            entries = sorted((entry.name, entry.is_dir()) for entry in found)
    except OSError:
        return []
    return [
        CompletionItem(os.path.join(folder, name) + "/" * is_folder)
        for name, is_folder in entries
        if name.startswith(begun) and name.startswith(".") == begun.startswith(".")
        if is_folder or name.endswith(endings)
    ]


CONFIG = Config()
SEGMENT = Segment()
CONFIG_OR_PS = ConfigOrSegment()
SECONDS = Seconds()
SITE = Site(lambda: ("us01", "jp01", "eu01", "ap02"))
RUN = Known(_run_ids, files=True)


# The options of every command


class Option(click.Option):
    """An option whose help is one line that mentions defaults and limits where they matter.

    Args:
        line: the two columns of its help, where they differ from what click would print; an empty
            one leaves it out, because another line mentions it.
    """

    def __init__(self, *args: Any, line: tuple[str, str] | tuple[()] | None = None, **more: Any):
        super().__init__(*args, **more)
        self.line = line

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """Return its line of the help, if any."""
        return super().get_help_record(ctx) if self.line is None else self.line or None

    def get_help_extra(self, ctx: click.Context) -> Any:
        """Add nothing to the line."""
        return {}


def option(*names: str, **settings: Any) -> Callable[[F], F]:
    """Declare an option of a command."""
    return click.option(*names, cls=Option, **settings)


def _remember(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    """Keep the value of a global option; one after the command wins over one before it."""
    assert param.name is not None
    source = ctx.get_parameter_source(param.name)
    from_variable = ctx.parent is None and source is ParameterSource.ENVIRONMENT
    if from_variable or source is ParameterSource.COMMANDLINE:
        invocation = Invocation.of(ctx)
        invocation.chosen = replace(invocation.chosen, **{param.name: value})


def _global(*names: str, **settings: Any) -> Option:
    return Option(names, expose_value=False, callback=_remember, is_eager=True, **settings)


GLOBAL_OPTIONS = [
    _global("--tdx", metavar="PATH", type=Known(tuple, files=True), help="The tdx to run."),
    _global("--profile", metavar="NAME", type=Argument(), help="The tdx profile."),
    _global("--site", metavar="SITE", type=SITE, help="us01, jp01, eu01 or ap02."),
    _global("--timeout", type=SECONDS, help="Limit of one tdx call (120)."),
    _global("--retries", type=click.IntRange(0, 20), metavar="N", help="Further tries (3)."),
    _global(
        "--retry-delay", type=SECONDS, help="Pause before the first retry (0.5); doubled each time."
    ),
    _global("--retry-limit", type=SECONDS, help="Longest pause that the API may ask for (60)."),
    _global("--journal", type=FilePath(), metavar="PATH", help="Record the run in this new file."),
    _global("--no-journal", is_flag=True, help="Do not record the run."),
    _global(
        "--json", is_flag=True, help="Print one JSON document: see tdxwrap schema --output-of."
    ),
    _global("-v", "--verbose", is_flag=True, help="Show each tdx command."),
    _global("-q", "--quiet", is_flag=True, help="Print only errors and the requested output."),
    _global("--color/--no-color", default=None, help="Colour; NO_COLOR is honoured."),
]


def wants_json(args: Sequence[str]) -> bool:
    """Return whether `--json` is given, on a command line that click did not read to its end."""
    from_variable = os.environ.get("TDXWRAP_JSON", "").strip().lower()
    return "--json" in args or from_variable in ("1", "true", "t", "yes", "y", "on")


# The options of several commands

CONFIGS = click.argument("configs", nargs=-1, required=True, metavar="CONFIG...", type=CONFIG)
KEEP_GOING = option(
    "--keep-going", is_flag=True, help="With several files: go on after one that failed."
)
PS = click.argument("ps", type=SEGMENT)
PARENT_SEGMENT = option(
    "--parent-segment",
    metavar="PS",
    type=SEGMENT,
    help="Id or name; overrides the one in the file.",
)
FILE = option(
    "-f", "--file", type=FilePath(), help="Write there; an earlier file is kept under another name."
)


def plan_options(function: F) -> F:
    """Add the options that say what a plan may do: the fields of PlanOptions."""
    for add in (
        option("--force", is_flag=True, help="Allow dangerous changes: see the plan."),
        option("--replace", is_flag=True, help="Delete and create; collected data is lost."),
        option("--prune", is_flag=True, help="Delete what is live and not in the file."),
        option(
            "--check-columns/--no-check-columns",
            default=True,
            line=("--no-check-columns", "Do not check that tables and columns exist."),
        ),
    ):
        function = add(function)
    return function


def wait_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say how to wait; the function gets them as `patience`."""

    @option("--wait-timeout", type=SECONDS, default=600, help="When to give up waiting (600).")
    @option("--poll-first", type=SECONDS, default=0.6, line=())
    @option(
        "--poll-longest",
        type=SECONDS,
        default=8,
        help="Longest pause (8); the first is --poll-first (0.6).",
    )
    @wraps(function)
    def with_patience(
        *args: Any, wait_timeout: float, poll_first: float, poll_longest: float, **given: Any
    ) -> Any:
        from tdxwrap.realtime.wait import WaitPolicy

        patience = WaitPolicy(
            first=poll_first, longest=max(poll_first, poll_longest), limit=wait_timeout
        )
        return function(*args, patience=patience, **given)

    return with_patience
