"""The envelope of every response, and the table that maps errors to statuses and codes.

Success: ``{"success": true, "data": …, "timestamp": …}``. Error: ``{"success": false, "error": {"code",
"message", "details"?}, "timestamp", "correlationId"}``.
"""

from __future__ import annotations

import json
import logging
import random
import secrets
from collections.abc import Callable
from typing import Any, NamedTuple

import falcon

from acare import errors, timestamps
from acare.api.conditions import etag
from acare.api.request import Request

log = logging.getLogger("acare.error")

#: ``Retry-After`` of a 503, in seconds.
RETRY_AFTER = 1

Details = list[dict[str, str]] | dict[str, Any] | None


class ErrorResponse(NamedTuple):
    """The response to one kind of error."""

    status: str
    code: str
    message: str = "{error}"  # with the text of the error
    details: Callable[[Any], Details] = lambda _: None
    headers: Callable[[Any], dict[str, str]] = lambda _: {}


def _stale_details(error: errors.StaleVersion) -> Details:
    return {
        "currentVersion": error.current,
        "attemptedVersion": error.attempted,
        "changedFields": error.changed_fields,
        "changedAt": error.changed_at,
    }


ERROR_RESPONSES: dict[type[errors.AcareError], ErrorResponse] = {
    errors.InvalidInput: ErrorResponse(
        falcon.HTTP_400,
        "VALIDATION_ERROR",
        "Invalid request: {error}.",
        details=lambda error: [{"field": p.field, "message": p.message} for p in error.problems],
    ),
    errors.NotAuthenticated: ErrorResponse(
        falcon.HTTP_401,
        "UnauthorizedError",
        "A valid API key is required in the X-API-Key header.",
        headers=lambda _: {"WWW-Authenticate": 'ApiKey realm="acare"'},
    ),
    errors.ScopeMissing: ErrorResponse(
        falcon.HTTP_403,
        "INSUFFICIENT_SCOPE",
        details=lambda error: {"resource": error.resource, "actions": list(error.actions)},
    ),
    errors.UnknownUser: ErrorResponse(falcon.HTTP_403, "INSUFFICIENT_SCOPE"),
    errors.CrossSiteRequest: ErrorResponse(
        falcon.HTTP_403,
        "CROSS_SITE_REQUEST",
        "Without an API key, a write needs Content-Type: application/json and must come from a page of the "
        "same origin.",
    ),
    errors.ClientNotFound: ErrorResponse(falcon.HTTP_404, "NOT_FOUND", "Client not found."),
    errors.VersionConflict: ErrorResponse(falcon.HTTP_409, "VERSION_CONFLICT", details=_stale_details),
    errors.PreconditionFailed: ErrorResponse(
        falcon.HTTP_412,
        "PRECONDITION_FAILED",
        details=_stale_details,
        headers=lambda error: {"ETag": etag(error.current)},
    ),
    errors.PreconditionRequired: ErrorResponse(
        falcon.HTTP_428,
        "PRECONDITION_REQUIRED",
        "Send the version that you read, in If-Match or (PUT only) in the body.",
    ),
    errors.IdempotencyKeyReused: ErrorResponse(
        falcon.HTTP_422,
        "IDEMPOTENCY_KEY_REUSED",
        "This Idempotency-Key was already used with a different body.",
    ),
    errors.BodyTooLarge: ErrorResponse(
        falcon.HTTP_413, "CONTENT_TOO_LARGE", details=lambda error: {"limit": error.limit}
    ),
    errors.UnsupportedMediaType: ErrorResponse(
        falcon.HTTP_415,
        "UNSUPPORTED_MEDIA_TYPE",
        "The body must be JSON, with Content-Type: application/json.",
        headers=lambda _: {"Accept": "application/json"},
    ),
    errors.UnsupportedContentCoding: ErrorResponse(
        falcon.HTTP_415,
        "UNSUPPORTED_MEDIA_TYPE",
        "The body must be sent without a Content-Encoding.",
        headers=lambda _: {"Accept-Encoding": "identity"},
    ),
    errors.RateLimited: ErrorResponse(
        falcon.HTTP_429,
        "RATE_LIMIT_EXCEEDED",
        details=lambda error: {"retryAfter": error.retry_after},
        headers=lambda error: {"Retry-After": str(error.retry_after)},
    ),
    errors.StoreUnavailable: ErrorResponse(
        falcon.HTTP_503, "SERVICE_UNAVAILABLE", headers=lambda _: {"Retry-After": str(RETRY_AFTER)}
    ),
    errors.NotReady: ErrorResponse(
        falcon.HTTP_503,
        "SERVICE_UNAVAILABLE",
        details=lambda error: {"checks": error.checks},
        headers=lambda _: {"Retry-After": str(RETRY_AFTER)},
    ),
}

# Errors that Falcon or the HTTP server raises: status → code, message.
HTTP_ERRORS = {
    400: ("VALIDATION_ERROR", "The request is malformed."),
    404: ("NOT_FOUND", "This path does not exist."),
    405: ("METHOD_NOT_ALLOWED", "This path does not support that method."),
    413: ("CONTENT_TOO_LARGE", "The request is too large."),
    415: ("UNSUPPORTED_MEDIA_TYPE", "The body must be JSON, with Content-Type: application/json."),
    431: ("VALIDATION_ERROR", "The request's headers are too large."),
}
INTERNAL_ERROR = ("INTERNAL_ERROR", "Something went wrong on the server.")


def succeed(resp: falcon.Response, data: str, at: str | None = None) -> None:
    """Answer with ``data``, which is JSON text; ``at`` is the timestamp (default: now)."""
    resp.text = f'{{"success":true,"data":{data},"timestamp":"{at or timestamps.now()}"}}'


def error_body(
    code: str, message: str, correlation_id: str, details: Details = None, error_id: str | None = None
) -> str:
    """The body of an error response, as JSON text."""
    error: dict[str, Any] = {"code": code, "message": message}
    if details is not None:
        error["details"] = details
    if error_id is not None:
        error["errorId"] = error_id
    body = {"success": False, "error": error, "timestamp": timestamps.now(), "correlationId": correlation_id}
    return json.dumps(body, ensure_ascii=False)


def handle_domain_error(req: Request, resp: falcon.Response, error: errors.AcareError, _: object) -> None:
    """Answer a domain error according to the table."""
    request_id = req.context.request_id
    answer = ERROR_RESPONSES[type(error)]
    if isinstance(error, errors.StoreUnavailable) and not isinstance(error, errors.NotReady):
        cause = "" if error.__cause__ is None else f" cause={error.__cause__!r}"
        log.error("%s%s request=%s", error, cause, request_id)
    resp.status = answer.status
    resp.set_headers(answer.headers(error))
    message = answer.message.format(error=error)
    resp.text = error_body(answer.code, message, request_id, details=answer.details(error))


def handle_http_error(req: Request, resp: falcon.Response, error: falcon.HTTPError, _: object) -> None:
    """Answer an error that Falcon raised: an unknown path or a method that the path does not support."""
    code, message = HTTP_ERRORS.get(error.status_code, INTERNAL_ERROR)
    headers = dict(error.headers or {})
    if "Allow" in headers:
        message = f"This path supports only {headers['Allow']}."
    resp.status = error.status
    resp.set_headers(headers)
    resp.text = error_body(code, message, req.context.request_id)


def handle_unexpected_error(req: Request, resp: falcon.Response, error: Exception, _: object) -> None:
    """Answer 500. The traceback is logged with an error id; the response contains only that id."""
    request_id = req.context.request_id
    error_id = secrets.token_hex(8)
    log.error("errorId=%s request=%s", error_id, request_id, exc_info=error)
    code, message = INTERNAL_ERROR
    resp.status = falcon.HTTP_500
    resp.text = error_body(code, message, request_id, error_id=error_id)


def new_request_id() -> str:
    """A unique id. It is not a secret, so the operating system's randomness is not needed."""
    return f"{random.getrandbits(128):032x}"
