"""`extends`: one configuration from several files.

The files come into one order, base first and each once, and each is laid over what those before
it make: mappings merge field by field, the items of a list that have a name merge by it, all else
is replaced. `remove: true` in an item takes the one of that name out.
"""

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Any, Self, TypeAlias

from tdxwrap.config.yaml_source import Loc, Source, read_bytes, read_source
from tdxwrap.errors import ConfigError, Problem
from tdxwrap.system.spelling import did_you_mean

MAX_FILES = 100
# The lists whose items have a name of their own, and the fields that it consists of.
NAMED: Mapping[tuple[str, ...], tuple[str, ...]] = {
    ("event_tables",): ("database", "table"),
    ("key_events",): ("name",),
    ("id_stitching", "keys"): ("name",),
    ("batch_attributes",): ("column",),
    ("attributes",): ("name",),
    ("attributes", "aggregations"): ("name",),
    ("attributes", "sub_durations"): ("name",),
    ("attributes", "lookup_catalog_columns"): ("name",),
}
# Two ways to write the same: the later file's takes the place of the other.
ALTERNATIVES = {"filter": "filter_rule", "filter_rule": "filter"}


def extended(source: Source, environ: Mapping[str, str]) -> Source:
    """A file merged with everything it extends; the file itself if it extends nothing.

    Raises:
        ConfigError: a file that it extends cannot be read, or leads back to itself.
    """
    if "extends" not in source.data:
        return source
    files = _Files(environ)
    files.add(source, {os.path.realpath(source.path): source.path})
    if files.problems:
        raise ConfigError(source.path, files.problems)
    first, *others = files.order
    digests = "".join(each.digest for each in files.order)
    digest = hashlib.sha256(digests.encode()).hexdigest()
    return replace(reduce(merge, others, merge(None, first)), digest=digest)


@dataclass(slots=True)
class _Files:
    """The files that are read, in the order in which they are merged."""

    environ: Mapping[str, str]
    order: list[Source] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)

    def add(self, source: Source, way: dict[str, str]) -> None:
        """Add a file after those that it extends.

        Args:
            way: real path → shown path of this file and those that led to it.
        """
        for loc, path in self._bases(source):
            try:
                content = read_bytes(path)
            except ConfigError as error:
                found = error.problems[0]
                hint = found.hint if os.path.isdir(path) else "the path is relative to this file"
                self.problems.append(source.problem(loc, f"{path}: {found.message}", hint))
                continue
            real = os.path.realpath(path)
            if real in way or len(way) == MAX_FILES:
                self.problems.append(source.problem(loc, _endless(way, real)))
            elif real not in self.seen:
                self.seen.add(real)
                self.add(_mapping(read_source(path, content, self.environ)), way | {real: path})
        self.order.append(source)

    def _bases(self, source: Source) -> Iterator[tuple[Loc, str]]:
        stated = (source.data or {}).get("extends", [])
        single = not isinstance(stated, list)
        for index, base in enumerate([stated] if single else stated):
            loc: Loc = ("extends",) if single else ("extends", index)
            if isinstance(base, str) and base:
                yield loc, _beside(source.path, base)
            elif loc in source.broken:
                self.problems.extend(source.problems)
            else:
                what = "extends takes the path of a file, or a list of paths"
                self.problems.append(source.problem(loc, what))


def _beside(path: str, base: str) -> str:
    """The path of a file that another one names, as short as can be."""
    joined = os.path.join(os.path.dirname(path) or ".", base)
    short = os.path.normpath(joined)
    try:
        # Where a folder is a symbolic link, `..` may lead elsewhere.
        same = os.path.realpath(short) == os.path.realpath(joined)
    except ValueError:  # a NUL, or half a character: reading it says so
        return joined
    return short if same and short != "-" else joined


def _endless(way: Mapping[str, str], real: str) -> str:
    if real not in way:
        return f"more than {MAX_FILES} files extend one another"
    reals = list(way)
    circle = [*reals[reals.index(real) :], real]
    return f"the files extend each other in a circle: {' → '.join(way[each] for each in circle)}"


def _mapping(source: Source) -> Source:
    """A file that is extended: it may be empty, but nothing else than a mapping."""
    if isinstance(source.data, dict):
        return source
    if source.data is not None:
        what = "what is extended consists of fields, as any configuration"
        source.problems.append(source.problem((), what))
    return replace(source, data={})


# Merging


def merge(base: Source | None, later: Source) -> Source:
    """One file laid over what those before it make; every part keeps the place where it stands.

    Args:
        base: None for the first file, in which there is nothing to remove.
    """
    problems = [*(base.problems if base else ()), *later.problems]
    whole = Source(later.path, None, later.digest, problems)
    below = _Part(base, (), base.data) if base else None
    return replace(whole, data=_Merger(whole).merged(below, _Part(later, (), later.data), ()))


@dataclass(frozen=True, slots=True)
class _Part:
    """A value and where it stands."""

    source: Source
    loc: Loc
    value: Any

    def fields(self) -> dict[str, Self]:
        """The fields of a mapping; none of anything else."""
        fields = self.value.items() if isinstance(self.value, dict) else ()
        return {name: type(self)(self.source, (*self.loc, name), value) for name, value in fields}

    def items(self) -> list[Self]:
        """The items of a list; none of anything else."""
        items = self.value if isinstance(self.value, list) else ()
        return [type(self)(self.source, (*self.loc, i), value) for i, value in enumerate(items)]


# What merges into one value: a part of the base, of the later file, or of both.
_Pair: TypeAlias = tuple[_Part | None, _Part | None]


@dataclass(slots=True)
class _Merger:
    """Merges parts; their places, and what is wrong, go into the source in the making."""

    whole: Source

    def merged(self, base: _Part | None, later: _Part | None, to: Loc) -> Any:
        """The value that two parts make, and its places, under `to`."""
        part = later or base
        assert part is not None
        self._keep_place(part, to)
        if isinstance(part.value, dict):
            return self._mapping(base, later, to)
        if not isinstance(part.value, list):
            return part.value
        names = tuple(name for name in to if isinstance(name, str))
        alone: list[_Pair] = [(None, item) for item in part.items()]
        pairs = self._matched(base, later, names) if names in NAMED else alone
        return [self.merged(*pair, (*to, i)) for i, pair in enumerate(pairs)]

    def _keep_place(self, part: _Part, to: Loc) -> None:
        source, loc = part.source, part.loc
        self.whole.values[to] = source.place(loc)
        if loc in source.keys:
            self.whole.keys[to] = source.keys[loc]
        if loc in source.broken:
            self.whole.broken.add(to)

    def _mapping(self, base: _Part | None, later: _Part | None, to: Loc) -> dict[str, Any]:
        ours, theirs = (part.fields() if part else {} for part in (base, later))
        if ours and theirs and to[:-1] == ("key_events",):
            ours, theirs = _long_table(ours), _long_table(theirs)
        for name in theirs:
            ours.pop(ALTERNATIVES.get(name, ""), None)
        return {
            name: self.merged(ours.get(name), theirs.get(name), (*to, name))
            for name in ours | theirs
            if (*to, name) != ("extends",)
        }

    def _matched(
        self, base: _Part | None, later: _Part | None, names: tuple[str, ...]
    ) -> list[_Pair]:
        """The items of two lists of named items, those of the base first.

        An item is matched once: the same name twice in one file stays a mistake that is reported.
        """
        ours = base.items() if base else []
        pairs: list[_Pair] = [(item, None) for item in ours]
        unmatched: dict[str, int] = {}
        for index, item in enumerate(ours):
            unmatched.setdefault(_name(item, names), index)
        for item in later.items() if later else ():
            name = _name(item, names)
            at = unmatched.pop(name, None) if name else None
            if isinstance(item.value, dict) and item.value.get("remove") is True:
                if at is None:
                    self._nothing_to_remove(item, name, names, unmatched)
                else:
                    pairs[at] = (None, None)
            elif at is None:
                pairs.append((None, item))
            elif not isinstance(item.value, str):  # a name alone adds nothing to the item
                pairs[at] = (ours[at], item)
        return [pair for pair in pairs if pair != (None, None)]

    def _nothing_to_remove(
        self, item: _Part, name: str, names: tuple[str, ...], others: Iterable[str]
    ) -> None:
        label = names[-1].replace("_", " ").removesuffix("s")
        what, hint = f"there is no {label} '{name}' to remove", did_you_mean(name, others)
        if not name:
            what = f"this does not say which {label} to remove"
            hint = f"write {' and '.join(NAMED[names])} beside remove: true"
        self.whole.problems.append(item.source.problem(item.loc, what, hint))


def _name(item: _Part, names: tuple[str, ...]) -> str:
    """What an item is known by: its shorthand, or the fields that name it; empty if it has none."""
    if isinstance(item.value, str):
        return item.value
    fields = item.value if isinstance(item.value, dict) else {}
    texts = (fields.get(name) for name in NAMED[names])
    told = ".".join(text for text in texts if isinstance(text, str))
    # An imported attribute may have no name but its column.
    column = fields.get("column") if names == ("attributes",) else None
    return told or (f"column {column}" if isinstance(column, str) else "")


def _long_table(fields: dict[str, _Part]) -> dict[str, _Part]:
    """The fields of a key event with `database` and `table` each by itself.

    Otherwise one file's `table: database.table` would meet the other's `database`.
    """
    table = fields.get("table")
    if table is None or "database" in fields or not isinstance(table.value, str):
        return fields
    parts = [replace(table, value=part) for part in table.value.split(".")]
    if len(parts) != 2:
        return fields
    return fields | dict(zip(("database", "table"), parts, strict=True))
