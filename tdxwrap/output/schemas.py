"""The JSON Schema of what `--json` prints, from the classes in forms.py."""

from __future__ import annotations

import re
from typing import Any

from pydantic import TypeAdapter

from tdxwrap.output.forms import DOCUMENTS, OF_FILES, VERSION, Failure, Several

DRAFT = "https://json-schema.org/draft/2020-12/schema"


def names() -> tuple[str, ...]:
    """What a schema can be asked for: every command, and the failure that all have in common."""
    return (*DOCUMENTS, "schema", "error")


def schema(name: str) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of the document of a command.

    Args:
        name: one of `names()`.
    """
    head = {"$schema": DRAFT, "$id": f"urn:tdxwrap:output:{name.replace(' ', '-')}:{VERSION}"}
    if name == "schema":
        return head | {"title": "tdxwrap schema", "$ref": DRAFT}
    kinds: tuple[type, ...] = (Failure,) if name == "error" else (DOCUMENTS[name], Failure)
    kinds += (Several,) if name in OF_FILES else ()
    parts: dict[str, Any] = {}
    for kind in kinds:
        form = TypeAdapter(kind).json_schema(mode="serialization")
        parts |= form.pop("$defs", {})
        parts[kind.__name__] = form
        if name != "error":
            form["properties"]["tdxwrap"] = {"const": name}
    if Several in kinds:
        of_each = [_of_file(parts[kind.__name__]) for kind in kinds if kind is not Several]
        parts["Several"]["properties"]["files"]["items"] = {"anyOf": of_each}
    refs = [{"$ref": f"#/$defs/{kind.__name__}"} for kind in kinds]
    return head | {"title": f"tdxwrap {name} --json", "anyOf": refs, "$defs": _whole(parts)}


def _of_file(form: dict[str, Any]) -> dict[str, Any]:
    """The form of a document among those of several files."""
    added = {"file": {"type": "string"}, "exit_code": {"$ref": "#/$defs/ExitCode"}}
    return {"type": "object", "properties": added | form["properties"]}


def _whole(part: Any) -> Any:
    """Every field is there and no other is; without what only readers of the source understand."""
    if isinstance(part, list):
        return [_whole(item) for item in part]
    if not isinstance(part, dict):
        return part
    kept = {name: _whole(value) for name, value in part.items() if name not in ("default", "title")}
    if isinstance(kept.get("description"), str):
        kept["description"] = re.sub(r" \(F\d[^)]*\)", "", kept["description"])
    if "properties" in kept:
        kept |= {"required": list(kept["properties"]), "additionalProperties": False}
    return kept
