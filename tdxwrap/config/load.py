"""Loading a configuration file: everything that can be said about it without asking tdx."""

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from tdxwrap.config import cross_checks
from tdxwrap.config.extends import extended
from tdxwrap.config.messages import problems_of
from tdxwrap.config.models import RtConfig
from tdxwrap.config.yaml_source import Source, read_bytes, read_source, unusable
from tdxwrap.errors import ConfigError, Problem

# How many unknown fields at the top are looked at; of more, another file was given by mistake.
_UNKNOWN_FIELDS = 1_000


@dataclass(frozen=True, slots=True)
class LoadedConfig:
    """A valid configuration.

    Attributes:
        config: what the file says, with everything it extends.
        source: where it says it.
        path: the file as the user gave it; `-` for standard input.
        digest: SHA-256 of what was read, in hexadecimal; of all files where there are several.
        warnings: what is accepted, and probably not what is wanted.
    """

    config: RtConfig
    source: Source
    path: str
    digest: str
    warnings: tuple[Problem, ...]


def load(path: str | Path, *, environ: Mapping[str, str]) -> LoadedConfig:
    """Read and check a file and those that it extends, or standard input for `-`.

    Raises:
        ConfigError: it is not usable; holds all problems at once, in file order.
    """
    return parse(str(path), read_bytes(str(path)), environ=environ)


def parse(path: str, content: bytes, *, environ: Mapping[str, str]) -> LoadedConfig:
    """Check the bytes of a file; `path` names it in messages, and what it extends is beside it.

    Fields at the top that begin with `x-` are the user's own, a home for YAML anchors.

    Raises:
        ConfigError: as `load`.
    """
    source = read_source(path, content, environ)
    _demand_mapping(source)
    source = extended(source, environ)
    names = [name for name in source.data if not name.startswith("x-")]
    beyond = {*[name for name in names if name not in RtConfig.model_fields][_UNKNOWN_FIELDS:]}
    data = {name: source.data[name] for name in names if name not in beyond}
    source = replace(source, data=data)
    config, problems = None, [*source.problems]
    try:
        config = RtConfig.model_validate(data)
    except ValidationError as error:
        problems += problems_of(error, source)
    problems += cross_checks.errors(source)
    if config is None or problems:
        raise ConfigError(path, _in_file_order(problems), more=len(beyond))
    warnings = _in_file_order(cross_checks.cautions(source, config))
    return LoadedConfig(config, source, path, source.digest, warnings)


def is_tdx_form(data: Any) -> bool:
    """Return whether the data of a file are an `rt_config.yaml` of tdx (F29)."""
    theirs = {"parent_segment_id", "events", "personalization_service"}
    ours = {"parent_segment", "extends", *cross_checks.SECTIONS} - {"id_stitching", "attributes"}
    return isinstance(data, dict) and bool(theirs & data.keys()) and not ours & data.keys()


def _demand_mapping(source: Source) -> None:
    if is_tdx_form(source.data):
        hint = f"`tdxwrap import {shlex.quote(source.path)}` converts it"
        raise unusable(source.path, "this is tdx's own form, not a configuration", hint)
    if isinstance(source.data, dict):
        return
    if source.problems:
        raise ConfigError(source.path, _in_file_order(source.problems))
    kind = "a list" if isinstance(source.data, list) else "a single value"
    holds = f"holds {kind}, not the fields of a configuration"
    holds = "is empty" if source.data is None else holds
    hint = f"a configuration consists of {', '.join(cross_checks.SECTIONS)}"
    place = source.place(())
    raise unusable(source.path, f"the file {holds}", hint, (place.line, place.column))


def _in_file_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    # What stands at an anchor is read again for each alias: report its problems once.
    once = {(p.file, p.line, p.column, p.message): p for p in reversed(list(problems))}
    return tuple(sorted(once.values(), key=lambda p: (p.file, p.line, p.column)))
