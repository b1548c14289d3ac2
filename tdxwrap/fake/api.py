"""The command `tdx api` (tdx-facts F6, F7, F8)."""

from __future__ import annotations

from tdxwrap.fake import answer, quickjson, segments
from tdxwrap.fake.errors import HttpError, Refused, not_found
from tdxwrap.fake.paging import parse_query
from tdxwrap.fake.scope import Reply, Request, Scope
from tdxwrap.fake.store import DATA

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from tdxwrap.fake.answer import Answer
    from tdxwrap.fake.args import Invocation
    from tdxwrap.fake.context import Context
    from tdxwrap.fake.jsontypes import Json

DISABLED = (
    "Error: The 'tdx api' command is disabled by default.\n"
    'To enable it, set "enable_api_command": true in ~/.config/tdx/tdx.json\n'
    "or in the project's tdx.json. See the 'API command safety' guide."
)


def run(context: Context) -> Answer:
    """Carry out `tdx api`: disabled first, then who asks, then the request."""
    if not context.tdx["api_enabled"]:
        raise Refused(DISABLED)
    invocation = context.invocation
    err = f"- {invocation.method} {invocation.arguments[0]}\n"
    try:
        request = read_request(invocation)
        reply = _dry(request) if _is_rehearsed(invocation) else _respond(context, request)
    except HttpError as error:
        from tdxwrap.fake import wire

        return wire.http_error(error, context.tdx)
    body = reply.body
    if context.tdx["numeric_ids"] is True:
        body = segments.with_numeric_ids(body)
    return answer.document(body, err, applied=reply.changed)


def read_request(invocation: Invocation) -> Request:
    """The request that the command line describes."""
    endpoint = invocation.arguments[0]
    path, _, query = endpoint.partition("?")
    path = "/" + path.strip("/")
    return Request(invocation.method, path, parse_query(query), _body(invocation))


def _body(invocation: Invocation) -> Any:
    text = invocation.values.get("data")
    if text is not None and text.startswith("@"):
        text = _file_text(text[1:])
    if "file" in invocation.values:
        text = _file_text(invocation.values["file"])
    if text is None:
        return None
    try:
        return quickjson.loads(text)
    except ValueError as error:
        raise Refused(f"Error: the request body is not valid JSON: {error}") from None


def _file_text(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except OSError as error:
        raise Refused(f"Error: cannot read {path}: {error.strerror}") from None


def _is_rehearsed(invocation: Invocation) -> bool:
    return invocation.dry_run and invocation.method != "GET"


def _dry(request: Request) -> Reply:
    return Reply({"dryRun": True, "method": request.method, "path": request.path})


def _respond(context: Context, request: Request) -> Reply:
    if request.method == "GET":
        return _dispatch(context, request, context.load_data())
    with context.store.lock():
        data = context.load_data()
        reply = _dispatch(context, request, data)
        if reply.changed:
            context.store.save(DATA, data)
    return reply


def _dispatch(context: Context, request: Request, data: Json) -> Reply:
    account = context.account(data)
    if context.invocation.values.get("type", "td") != "cdp":
        raise not_found(f"Path {request.path}")
    parts = request.path.strip("/").split("/")
    if parts[0] != "audiences" or not 2 <= len(parts) <= 4:
        raise not_found(f"Path {request.path}")
    segment = segments.by_id(account, parts[1]) if parts[1].isdigit() else None
    if segment is None:
        raise not_found(f"Audience {parts[1]}")
    if len(parts) == 2:
        return _audience(request, segment)
    scope = Scope(request, segment, account, data, context.settings, context.now)
    return _realtime(scope, parts[2], parts[3] if len(parts) == 4 else None)


def _audience(request: Request, segment: Json) -> Reply:
    if request.method != "GET":
        raise HttpError(405, f"{request.method} is not allowed here")
    return Reply({"id": segment["id"], "name": segment["name"]})


def _realtime(scope: Scope, resource: str, item: str | None) -> Reply:
    handler = _handler(resource)
    if handler is None:
        raise not_found(f"Path {scope.request.path}")
    if not scope.segment["rt_enabled"]:
        raise not_found(f"Realtime setting of audience {scope.segment['id']}")
    _refuse_while_updating(scope)
    return handler(scope, item)


def _refuse_while_updating(scope: Scope) -> None:
    if not scope.tdx["conflict_while_updating"] or scope.request.method == "GET":
        return
    if segments.status(scope.segment, scope.now) == "updating":
        raise HttpError(409, "The realtime configuration is being updated")


def _handler(resource: str) -> Callable[[Scope, str | None], Reply] | None:
    """The endpoint's module, loaded only when it is asked."""
    if resource == "realtime_setting":
        from tdxwrap.fake import setting

        return setting.handle
    if resource == "realtime_key_events":
        from tdxwrap.fake import key_events

        return key_events.handle
    if resource == "realtime_attributes":
        from tdxwrap.fake import attributes

        return attributes.handle
    if resource == "realtime_imported_attributes":
        from tdxwrap.fake import imported

        return imported.handle
    return None
