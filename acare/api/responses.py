"""The responses in the OpenAPI document: the envelope's shape, and the table of errors."""

from __future__ import annotations

from acare.api import envelope, schemas
from acare.api.schemas import Json
from acare.errors import AcareError, NotAuthenticated, NotReady, RateLimited, StoreUnavailable

WHOLE: Json = {"type": "integer", "minimum": 0}


def failures(kinds: tuple[type[AcareError], ...], limited: bool = True) -> Json:
    """A response for each status that ``kinds`` of errors have, out of the envelope's table."""
    responses: Json = {}
    for kind in kinds:
        known = envelope.ERROR_RESPONSES[kind]
        status = known.status[:3]
        headers = headers_of_all(limited)
        if kind in (RateLimited, StoreUnavailable, NotReady):
            headers["Retry-After"] = header({"type": "integer", "minimum": 1}, "Seconds until a new try.")
        if kind is NotAuthenticated:
            headers["WWW-Authenticate"] = header({"type": "string"}, "How to authenticate.")
        description = (kind.__doc__ or "").split("\n")[0]
        responses[status] = failure(known.code, description, headers)
    code, message = envelope.INTERNAL_ERROR
    responses["500"] = failure(code, message, headers_of_all(limited))
    return dict(sorted(responses.items()))


def failure(code: str, description: str, headers: Json) -> Json:
    """A response that is an error with this code."""
    error = {"properties": {"error": {"properties": {"code": {"enum": [code]}}}}}
    example = {
        "success": False,
        "error": {"code": code, "message": description},
        "timestamp": "2026-07-15T14:32:10.000Z",
        "correlationId": "5f0c1f8e7d1b4c0f9a3e2d4b6c8a0e1f",
    }
    content = {"schema": {"allOf": [schemas.ref("Error"), error]}, "example": example}
    return {"description": description, "headers": headers, "content": {"application/json": content}}


def success(description: str, data: Json, headers: Json | None = None, limited: bool = True) -> Json:
    """A response with ``data`` in the envelope, and ``headers`` besides those of every answer."""
    schema = schemas.members({"success": {"const": True}, "data": data, "timestamp": schemas.TIMESTAMP})
    return {
        "description": description,
        "headers": {**headers_of_all(limited), **(headers or {})},
        "content": {"application/json": {"schema": schema}},
    }


def headers_of_all(limited: bool = True) -> Json:
    """What every answer has; the figures of the rate limit are there unless it is off."""
    headers = {"X-Request-ID": header({"type": "string"}, "The id of this request, also in the log.")}
    if limited:
        headers |= {
            "RateLimit-Limit": header(WHOLE, "Requests in a full bucket.", required=False),
            "RateLimit-Remaining": header(WHOLE, "Requests left now.", required=False),
            "RateLimit-Reset": header(WHOLE, "Seconds until the bucket is full again.", required=False),
        }
    return headers


def header(schema: Json, description: str, required: bool = True) -> Json:
    """A header; ``required`` says whether it is always there."""
    return {"description": description, "required": required, "schema": schema}
