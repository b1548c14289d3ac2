"""The JSON Schema of a configuration file, made for editors that complete and explain."""

from collections.abc import Mapping
from typing import Any

from tdxwrap.config.messages import examples_of
from tdxwrap.config.models import RtConfig

# What the environment gives may be of any form.
_VARIABLE = {"type": "string", "pattern": r"\$\{"}
_PATH = {"type": "string", "minLength": 1}
_EXTENDS = {
    "description": "the files that this one adds to and changes; paths relative to this file",
    "anyOf": [_PATH, {"type": "array", "items": _PATH}],
}
_REMOVE = {"const": True, "description": "leaves out what the base has"}


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a configuration file, for editors."""
    document = RtConfig.model_json_schema(by_alias=False)
    by_type = document["properties"]["attributes"]["items"]["discriminator"]["mapping"]
    kinds = {name: {"$ref": reference} for name, reference in by_type.items()}
    document = _for_editors(document)
    document["patternProperties"] = {"^x-": {"description": "your own, not read"}}
    definitions = document.pop("$defs")
    for name, part in {"RtConfig": document, **definitions}.items():
        _exemplify(part, examples_of(name))
    partial = _partial(document)
    del partial["properties"]["remove"]
    partial["properties"]["extends"] = _EXTENDS
    partial["properties"]["attributes"]["items"] = _by_type(_partial(kinds), needed=False)
    document["properties"]["attributes"]["items"] = _by_type(kinds, needed=True)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:tdxwrap:rt-config",
        "title": "tdxwrap configuration",
        "type": "object",
        # What stands in the condition, an editor offers only where it holds already.
        "properties": {"extends": _EXTENDS},
        "$defs": definitions
        | {f"Partial{name}": _partial(part) for name, part in definitions.items()},
        "if": {"required": ["extends"]},
        "then": partial,
        "else": document,
    }


def _exemplify(part: dict[str, Any], examples: Mapping[str, Any]) -> None:
    """Give an example of every field of a definition."""
    for form in (part, *part.get("anyOf", ())):
        if form.get("type") == "object":
            for name, field in form.get("properties", {}).items():
                if name in examples:
                    field["examples"] = [examples[name]]


def _by_type(kinds: dict[str, dict[str, str]], *, needed: bool) -> dict[str, Any]:
    """The schema of an attribute: `type` alone says the kind, so that an error names them all.

    Args:
        kinds: the schema of each, as a reference, by its name.
        needed: whether it must have a type; without one, it may be of any kind.
    """
    rules = [
        {"if": {"properties": {"type": {"const": name}}, "required": ["type"]}, "then": kind}
        for name, kind in kinds.items()
    ]
    untyped = {"if": {"not": {"required": ["type"]}}, "then": {"anyOf": [*kinds.values()]}}
    kind = {"enum": [*kinds], "description": "the kind of attribute"}
    return {
        "type": "object",
        "properties": {"type": kind},
        **({"required": ["type"]} if needed else {}),
        "allOf": rules if needed else [*rules, untyped],
    }


def _partial(part: Any) -> Any:
    """The schema of what may lack what the file that it extends has, or is to be removed."""
    if isinstance(part, list):
        return [_partial(item) for item in part]
    if not isinstance(part, dict):
        return part
    kept = {
        "anyOf" if name == "oneOf" else name: value if name == "not" else _partial(value)
        for name, value in part.items()
        if name != "required"
    }
    if isinstance(kept.get("$ref"), str):
        kept["$ref"] = kept["$ref"].replace("#/$defs/", "#/$defs/Partial")
    if kept.get("additionalProperties") is False:
        kept["properties"] = kept.get("properties", {}) | {"remove": _REMOVE}
    return kept


def _for_editors(part: Any) -> Any:
    """Without what only pydantic and OpenAPI understand, and defaults that say nothing."""
    if isinstance(part, list):
        return [_for_editors(item) for item in part]
    if not isinstance(part, dict):
        return part
    noise = {"discriminator"}
    if isinstance(part.get("title"), str):
        noise.add("title")
    if not isinstance(part.get("default"), bool | int | str):
        noise.add("default")
    kept = {name: _for_editors(value) for name, value in part.items() if name not in noise}
    if not _demands_form(kept):
        return kept
    outside = {name: kept.pop(name) for name in ("description", "default") if name in kept}
    return {**outside, "anyOf": [kept, _VARIABLE]}


def _demands_form(part: dict[str, Any]) -> bool:
    form = isinstance(part.get("enum"), list) or isinstance(part.get("pattern"), str)
    return form or part.get("type") in ("integer", "boolean")
