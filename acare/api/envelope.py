"""The envelope of JSON responses, and the tables of errors.

Success: ``{"success": true, "data": …, "timestamp": …}``. Error: ``{"success": false, "error": {"code",
"message", "details"?}, "timestamp", "correlationId"}``.
"""

import json
import logging
import secrets
from collections.abc import Mapping
from typing import NamedTuple

import falcon

from acare import errors, timestamps
from acare.api.request import Request

log = logging.getLogger("acare.error")


class ErrorCode(NamedTuple):
    """What a code means. ``details`` is a type of ``openapi.md``, which says what operations can return it.

    Every operation can return a ``common`` one. (Those of 403 follow from the right of an operation.)
    """

    status: int
    description: str
    details: str = ""
    has_details: bool = True  # whether it always has them
    headers: tuple[str, ...] = ()
    common: bool = False


#: Every code. The OpenAPI document is made from this table.
ERRORS: Mapping[str, ErrorCode] = {
    "VALIDATION_ERROR": ErrorCode(
        400, "The request is invalid. `details` lists every problem.", "FieldError[]", common=True
    ),
    "UnauthorizedError": ErrorCode(
        401,
        "The key is not valid; `details.reason` says why.",
        "KeyDetails",
        headers=("WWW-Authenticate",),
        common=True,
    ),
    "INSUFFICIENT_SCOPE": ErrorCode(
        403,
        "The key lacks a scope or, without `details`, the user who is signed in is unknown or disabled.",
        "ScopeDetails",
        has_details=False,
    ),
    "BROKER_REQUIRED": ErrorCode(403, "The caller is not a broker."),
    "CROSS_SITE_REQUEST": ErrorCode(
        403, "A page of another site could have sent the write for a user without a key."
    ),
    "NOT_FOUND": ErrorCode(404, "Nothing that the caller can see has this id."),
    "METHOD_NOT_ALLOWED": ErrorCode(
        405,
        "The path does not support this method; `Allow` lists those that it does.",
        headers=("Allow",),
        common=True,
    ),
    "VERSION_CONFLICT": ErrorCode(409, "`version` is not the current version.", "VersionDetails"),
    "ALREADY_EXISTS": ErrorCode(
        409, "Another user has this e-mail address, or the client to restore is not deleted."
    ),
    "LAST_BROKER": ErrorCode(409, "No enabled broker would be left."),
    "TOO_MANY_KEYS": ErrorCode(409, "The user has 100 valid keys."),
    "CURSOR_EXPIRED": ErrorCode(
        410,
        "The cursor has expired: the database was restored, removals after the cursor were purged, or it is "
        "of another view. Start again without `after`.",
    ),
    "PRECONDITION_FAILED": ErrorCode(
        412, "The condition in `If-Match` is false.", "VersionDetails", headers=("ETag",)
    ),
    "CONTENT_TOO_LARGE": ErrorCode(
        413,
        "The body is larger than 64 KiB. `details` is absent if the server did not read the body.",
        "SizeDetails",
        has_details=False,
        common=True,
    ),
    "UNSUPPORTED_MEDIA_TYPE": ErrorCode(
        415,
        "The body is not JSON, or has a content coding.",
        headers=("Accept", "Accept-Encoding"),
        common=True,
    ),
    "IDEMPOTENCY_KEY_REUSED": ErrorCode(422, "The `Idempotency-Key` was used with another body."),
    "RATE_LIMIT_EXCEEDED": ErrorCode(
        429,
        "The rate limit is exceeded, or four slow requests of the caller are in progress.",
        "RetryDetails",
        headers=("Retry-After",),
        common=True,
    ),
    "HEADER_TOO_LARGE": ErrorCode(431, "The header is larger than 16 KiB.", "SizeDetails", common=True),
    "INTERNAL_ERROR": ErrorCode(500, "An internal error. The server's log has the `errorId`.", common=True),
    "SERVICE_UNAVAILABLE": ErrorCode(
        503, "The database is temporarily unavailable.", headers=("Retry-After",), common=True
    ),
}

#: Bytes of the request line and all headers.
MAX_HEADER = 16 * 1024

#: The errors that Falcon raises: status → code, message.
HTTP_ERRORS = {
    400: ("VALIDATION_ERROR", "The request is malformed."),
    404: ("NOT_FOUND", "This path does not exist."),
    500: ("INTERNAL_ERROR", "Internal server error."),
}


class Refusal(NamedTuple):
    """The answer to a request that the server has refused."""

    status: str
    headers: list[tuple[str, str]]
    body: bytes


def etag(version: int) -> str:
    """The strong entity tag of a client at a version."""
    return f'"{version}"'


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


def answer_error(req: Request, resp: falcon.Response, error: errors.AcareError, _: object) -> None:
    """Answer an error of acare."""
    if error.code is None:
        answer_defect(req, resp, error, _)
        return
    if isinstance(error, errors.StoreUnavailable):
        cause = "" if error.__cause__ is None else f" cause={error.__cause__!r:.100}"  # no text of clients
        log.error("%s%s request=%s", error, cause, req.context.request_id)
    resp.set_headers(dict(error.headers))
    details = {} if error.details is None else {"details": error.details}
    _answer(req, resp, ERRORS[error.code].status, error.code, error.message, **details)


def answer_http_error(req: Request, resp: falcon.Response, error: falcon.HTTPError, _: object) -> None:
    """Answer an error that Falcon raised, such as an unknown path."""
    code, message = HTTP_ERRORS.get(error.status_code, HTTP_ERRORS[500])
    members = (
        {"details": [{"field": "request", "message": "is malformed"}]} if code == "VALIDATION_ERROR" else {}
    )
    _answer(req, resp, error.status_code, code, message, **members)


def answer_defect(req: Request, resp: falcon.Response, error: Exception, _: object) -> None:
    """Answer 500. The traceback is logged with an error id; the response contains only that id."""
    error_id = secrets.token_hex(8)
    log.error("errorId=%s request=%s", error_id, req.context.request_id, exc_info=error)
    _answer(req, resp, 500, *HTTP_ERRORS[500], errorId=error_id)


def refuse(request_id: str, status: int, reason: str) -> Refusal:
    """Answer a request whose header or framing the server cannot take, without the app."""
    if status == 400:
        details = [{"field": "request", "message": reason}]
        text = _error(request_id, "VALIDATION_ERROR", f"The request is malformed: {reason}.", details=details)
    elif status == 431:
        message = f"The header must not exceed {MAX_HEADER} bytes."
        text = _error(request_id, "HEADER_TOO_LARGE", message, details={"limit": MAX_HEADER})
    else:
        status, text = 500, _error(request_id, *HTTP_ERRORS[500])
    body = text.encode()
    headers = {
        "Content-Type": falcon.MEDIA_JSON,
        "Content-Length": str(len(body)),
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "Vary": "X-API-Key, API-Key",
        "X-Request-ID": request_id,
    }
    return Refusal(falcon.code_to_http_status(status), list(headers.items()), body)


def _answer(
    req: Request, resp: falcon.Response, status: int, code: str, message: str, **members: object
) -> None:
    resp.status = status
    resp.text = _error(req.context.request_id, code, message, **members)


def _error(request_id: str, code: str, message: str, **members: object) -> str:
    body = {
        "success": False,
        "error": {"code": code, "message": message, **members},
        "timestamp": timestamps.now(),
        "correlationId": request_id,
    }
    text = json.dumps(body, ensure_ascii=False)
    return text.encode(errors="replace").decode()  # it can quote a lone surrogate of the request
