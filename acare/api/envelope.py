"""The envelope of JSON responses, and the tables of errors.

Success: ``{"success": true, "data": …, "timestamp": …}``. Error: ``{"success": false, "error": {"code",
"message", "details"?}, "timestamp", "correlationId"}``.
"""

import json
import logging
import secrets
from collections.abc import Callable
from typing import Any

import falcon

from acare import errors, timestamps
from acare.api.request import Request

log = logging.getLogger("acare.error")

#: The status of each code.
STATUSES = {
    "VALIDATION_ERROR": 400,
    "UnauthorizedError": 401,
    "INSUFFICIENT_SCOPE": 403,
    "BROKER_REQUIRED": 403,
    "CROSS_SITE_REQUEST": 403,
    "NOT_FOUND": 404,
    "METHOD_NOT_ALLOWED": 405,
    "VERSION_CONFLICT": 409,
    "ALREADY_EXISTS": 409,
    "LAST_BROKER": 409,
    "TOO_MANY_KEYS": 409,
    "CURSOR_EXPIRED": 410,
    "PRECONDITION_FAILED": 412,
    "CONTENT_TOO_LARGE": 413,
    "UNSUPPORTED_MEDIA_TYPE": 415,
    "IDEMPOTENCY_KEY_REUSED": 422,
    "PRECONDITION_REQUIRED": 428,
    "RATE_LIMIT_EXCEEDED": 429,
    "INTERNAL_ERROR": 500,
    "SERVICE_UNAVAILABLE": 503,
}


class ApiError(falcon.HTTPError):
    """An error response. ``members`` is the object ``error`` in its body."""

    def __init__(
        self,
        code: str,
        message: str,
        details: list[dict[str, str]] | dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(STATUSES[code], headers=headers)
        self.members: dict[str, object] = {"code": code, "message": message}
        if details is not None:
            self.members["details"] = details


def etag(version: int) -> str:
    """The strong entity tag of a client at a version."""
    return f'"{version}"'


def _stale(error: errors.StaleVersion) -> dict[str, Any]:
    return {
        "currentVersion": error.current,
        "attemptedVersion": error.attempted,
        "changedFields": error.changed_fields,
        "changedAt": error.changed_at,
        "changedBy": error.changed_by,
    }


def _sentence(text: str) -> str:
    """The text of a domain error, which the commands print too, as a sentence."""
    return f"{text[0].upper()}{text[1:]}."


#: The response to each error of the domain.
DOMAIN_ERRORS: dict[type[errors.AcareError], Callable[[Any], ApiError]] = {
    errors.InvalidInput: lambda error: ApiError(
        "VALIDATION_ERROR",
        f"Invalid request: {error}.",
        [problem._asdict() for problem in error.problems],
    ),
    errors.InvalidKey: lambda error: ApiError(
        "UnauthorizedError",
        str(error),
        {"reason": error.reason, **({} if error.ended_at is None else {"endedAt": error.ended_at})},
        {"WWW-Authenticate": 'ApiKey realm="acare"'},
    ),
    errors.InsufficientScope: lambda error: ApiError(
        "INSUFFICIENT_SCOPE",
        str(error),
        None if error.user else {"resource": error.resource, "actions": [*error.actions]},
    ),
    errors.BrokerRequired: lambda _: ApiError("BROKER_REQUIRED", "This operation requires the broker role."),
    errors.NotFound: lambda error: ApiError("NOT_FOUND", _sentence(f"{error.record} not found")),
    errors.VersionConflict: lambda error: ApiError("VERSION_CONFLICT", str(error), _stale(error)),
    errors.AlreadyExists: lambda error: ApiError("ALREADY_EXISTS", _sentence(str(error))),
    errors.LastBroker: lambda error: ApiError("LAST_BROKER", _sentence(str(error))),
    errors.TooManyKeys: lambda error: ApiError("TOO_MANY_KEYS", _sentence(str(error))),
    errors.CursorExpired: lambda _: ApiError(
        "CURSOR_EXPIRED", "The cursor has expired. Start again without `after`."
    ),
    errors.PreconditionFailed: lambda error: ApiError(
        "PRECONDITION_FAILED", str(error), _stale(error), {"ETag": etag(error.current)}
    ),
    errors.IdempotencyKeyReused: lambda _: ApiError(
        "IDEMPOTENCY_KEY_REUSED", "This Idempotency-Key was already used with a different body."
    ),
    errors.StoreUnavailable: lambda error: ApiError(
        "SERVICE_UNAVAILABLE", str(error), headers={"Retry-After": "1"}
    ),
}

# The errors that Falcon or the HTTP server raises: status → code, message.
HTTP_ERRORS = {
    400: ("VALIDATION_ERROR", "The request is malformed."),
    404: ("NOT_FOUND", "This path does not exist."),
    431: ("VALIDATION_ERROR", "The request's headers are too large."),
    500: ("INTERNAL_ERROR", "Internal server error."),
}


def succeed(resp: falcon.Response, *data: str, at: str | None = None) -> None:
    """Answer with ``data``, the pieces of a JSON text; ``at`` is the timestamp (default: now)."""
    resp.text = "".join(('{"success":true,"data":', *data, ',"timestamp":"', at or timestamps.now(), '"}'))


def succeed_with_list(
    resp: falcon.Response, name: str, rows: list[str], has_more: bool, meta: str = ""
) -> None:
    """Answer with a list of JSON texts. ``meta``: other members, as JSON, each followed by a comma."""
    more = "true" if has_more else "false"
    succeed(resp, f'{{"{name}":[', ",".join(rows), f'],"meta":{{{meta}"hasMore":{more}}}}}')


def succeed_with_page(
    resp: falcon.Response, name: str, rows: list[str], page: int, limit: int, total: int, meta: str = ""
) -> None:
    """Answer with page number ``page`` of a list of ``total`` JSON texts; see ``succeed_with_list``."""
    pages = -(-total // limit)
    numbers = f'"page":{page},"limit":{limit},"total":{total},"totalPages":{pages},'
    succeed_with_list(resp, name, rows, page * limit < total, numbers + meta)


def handle_domain_error(req: Request, resp: falcon.Response, error: errors.AcareError, _: object) -> None:
    """Answer an error of one of the types in ``DOMAIN_ERRORS``."""
    if isinstance(error, errors.StoreUnavailable):
        cause = "" if error.__cause__ is None else f" cause={error.__cause__!r:.100}"  # no text of clients
        log.error("%s%s request=%s", error, cause, req.context.request_id)
    handle_http_error(req, resp, DOMAIN_ERRORS[type(error)](error), _)


def handle_http_error(req: Request, resp: falcon.Response, error: falcon.HTTPError, _: object) -> None:
    """Answer an error of the API, or one that Falcon raised, such as an unknown path."""
    resp.status = error.status
    if not isinstance(error, ApiError):
        error = ApiError(*HTTP_ERRORS.get(error.status_code, HTTP_ERRORS[500]))
    resp.set_headers(dict(error.headers or {}))
    body = {
        "success": False,
        "error": error.members,
        "timestamp": timestamps.now(),
        "correlationId": req.context.request_id,
    }
    resp.text = json.dumps(body, ensure_ascii=False)


def handle_unexpected_error(req: Request, resp: falcon.Response, error: Exception, _: object) -> None:
    """Answer 500. The traceback, or what is wrong with a setting, is logged with an error id; the response
    contains only that id."""
    error_id = secrets.token_hex(8)
    is_explained = isinstance(error, errors.SettingError)
    log.error(
        "errorId=%s request=%s%s",
        error_id,
        req.context.request_id,
        f" {error}" if is_explained else "",
        exc_info=None if is_explained else error,
    )
    answer = ApiError(*HTTP_ERRORS[500])
    answer.members["errorId"] = error_id
    handle_http_error(req, resp, answer, _)
