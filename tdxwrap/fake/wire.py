"""The forms in which an HTTP error reaches the caller (tdx-facts F8, F17)."""

from __future__ import annotations

from tdxwrap.fake import answer
from tdxwrap.fake.errors import REASONS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tdxwrap.fake.answer import Answer
    from tdxwrap.fake.errors import HttpError
    from tdxwrap.fake.jsontypes import Json


def http_error(error: HttpError, tdx: Json) -> Answer:
    """The answer to a refused request, in the scenario's style."""
    style = tdx["error_style"]
    if style == "stderr":
        return answer.Answer(err=sentence(error) + "\n", exit_code=1)
    return answer.document(
        error_body(error, tdx["error_body"]), exit_code=1 if style == "body" else 0
    )


def sentence(error: HttpError) -> str:
    """One line that names the status."""
    reason = REASONS.get(error.status, "Error")
    where = f" at {error.pointer}" if error.pointer else ""
    wait = f" (Retry-After: {error.retry_after:g})" if error.retry_after is not None else ""
    return (
        f"Error: API request failed: {error.status} {reason}: "
        f"{error.detail}{where} [{error.code}]{wait}"
    )


def error_body(error: HttpError, form: str) -> Json:
    """The JSON body of an error response (tdx-facts F17)."""
    if form == "text":
        return {"errors": error.detail}
    if form == "code":
        return {"code": error.code, "message": error.detail}
    item: Json = {"code": error.code, "status": str(error.status), "detail": error.detail}
    if error.pointer:
        item["source"] = {"pointer": error.pointer}
    meta = {"validationCode": error.validation, "retryAfter": error.retry_after}
    item["meta"] = {key: value for key, value in meta.items() if value is not None}
    return {"errors": [item]}
