"""The ways a call can be refused."""

from __future__ import annotations

CODES = {
    400: "validation-error",
    401: "authentication-error",
    403: "permission-error",
    404: "record-not-found-error",
    405: "method-not-allowed-error",
    409: "conflict-error",
    422: "unprocessable-entity-error",
    429: "too-many-requests-error",
    500: "internal-server-error",
    502: "bad-gateway-error",
    503: "service-unavailable-error",
    504: "gateway-timeout-error",
}

REASONS = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    409: "Conflict",
    422: "Unprocessable Entity",
    429: "Too Many Requests",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}


class Refused(Exception):
    """The program itself gives up: a message on stderr and an exit code."""

    def __init__(self, message: str, exit_code: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.exit_code = exit_code


class UsageError(Refused):
    """The command line is not one that the program knows."""

    def __init__(self, message: str) -> None:
        super().__init__(f"error: {message}\nSee 'tdx --help'.", 2)


class HttpError(Exception):
    """The API answers with an error status (tdx-facts F17)."""

    def __init__(
        self,
        status: int,
        detail: str,
        code: str | None = None,
        pointer: str | None = None,
        validation: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.code = code or CODES.get(status, "error")
        self.pointer = pointer
        self.validation = validation
        self.retry_after = retry_after


def not_found(what: str) -> HttpError:
    """A 404, which also stands for the wrong account or region (tdx-facts F17)."""
    return HttpError(404, f"{what} is not found")


def unprocessable(detail: str, pointer: str | None = None) -> HttpError:
    """A 422: well-formed, and impossible with what is there (tdx-facts F17)."""
    return HttpError(422, detail, pointer=pointer)
