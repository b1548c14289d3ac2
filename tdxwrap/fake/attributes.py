"""The endpoint `realtime_attributes` (tdx-facts F14, F15, F16)."""

from __future__ import annotations

from tdxwrap.fake import attribute_schema as schema
from tdxwrap.fake import paging, references
from tdxwrap.fake.errors import HttpError, not_found
from tdxwrap.fake.scope import Reply
from tdxwrap.fake.showing import filled, shaped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tdxwrap.fake.jsontypes import Json
    from tdxwrap.fake.scope import Scope

KIND = "attributes"


def handle(scope: Scope, item: str | None) -> Reply:
    """Carry out one request to the list or to one attribute."""
    method = scope.request.method
    if item is None and method == "GET":
        return _list(scope)
    if item is None and method == "POST":
        return _create(scope)
    if item is None or method not in ("GET", "PATCH", "DELETE"):
        raise HttpError(405, f"{method} is not allowed here")
    attribute = next((a for a in scope.items(KIND) if a["id"] == item), None)
    if attribute is None:
        raise not_found(f"Realtime attribute {item}")
    if method == "GET":
        return Reply(_shown(scope, attribute))
    return _change(scope, attribute) if method == "PATCH" else _delete(scope, attribute)


def derived_identifier(name: str) -> str:
    """The identifier that a server would make from a name (tdx-facts F14)."""
    return "".join(c if c.isalnum() else "_" for c in name.lower())


def _filled(scope: Scope, attribute: Json) -> Json:
    return filled(attribute, schema.DEFAULTS.get(str(attribute.get("type")), {}), scope.tdx)


def _shown(scope: Scope, attribute: Json) -> Json:
    return shaped(_filled(scope, attribute), "attribute", scope.tdx)


def _list(scope: Scope) -> Reply:
    shown = paging.page(scope.items(KIND), scope.request.path, scope.request.query, scope.tdx)
    shown["data"] = [_filled(scope, attribute) for attribute in shown["data"]]
    return Reply(shown)


def _create(scope: Scope) -> Reply:
    body = scope.request.body
    schema.check_new(scope.known(body), scope.tdx["require_identifier"])
    body = scope.stored(body)
    identifier = body.get("identifier") or derived_identifier(body["name"])
    references.check(scope, body)
    scope.refuse_taken(KIND, "name", body["name"], None)
    scope.refuse_taken(KIND, "identifier", identifier, None)
    attribute = {"id": scope.new_id(), **body, "identifier": identifier}
    scope.realtime()[KIND].append(attribute)
    scope.touch()
    return Reply(_shown(scope, attribute), True)


def _change(scope: Scope, attribute: Json) -> Reply:
    body = scope.request.body
    schema.check_change(attribute["type"], scope.known(body))
    body = scope.stored(body)
    wanted = {**attribute, **body}
    schema.check_whole(wanted)
    references.check(scope, wanted)
    if wanted["name"] != attribute["name"]:
        scope.refuse_taken(KIND, "name", wanted["name"], attribute["id"])
    before = {**schema.DEFAULTS[attribute["type"]], **attribute}
    changed = {**before, **body} != before
    if changed:
        attribute.update(body)
        scope.touch()
    return Reply(_shown(scope, attribute), changed)


def _delete(scope: Scope, attribute: Json) -> Reply:
    scope.items(KIND).remove(attribute)
    scope.touch()
    return Reply(_shown(scope, attribute), True)
