"""The OpenAPI 3.1 document, made from the tables of fields and of errors so that it cannot drift."""

from __future__ import annotations

import json
from functools import lru_cache

from acare.api import conditions, envelope, schemas
from acare.api.schemas import Json
from acare.errors import (
    AcareError,
    BodyTooLarge,
    ClientNotFound,
    InvalidInput,
    NotAuthenticated,
    NotReady,
    PreconditionFailed,
    PreconditionRequired,
    RateLimited,
    RetryKeyReused,
    ScopeMissing,
    StoreUnavailable,
    VersionConflict,
)
from acare.fields import CLIENT_TYPES, STATUSES

_WHOLE: Json = {"type": "integer", "minimum": 0}

# What any call under /v1 may be answered.
_ALWAYS = (NotAuthenticated, ScopeMissing, BodyTooLarge, RateLimited, StoreUnavailable)

_EXAMPLE: Json = {"first_name": "Jordan", "last_name": "Lee", "client_type": "buyer", "budget_max": 475000}


@lru_cache(maxsize=8)
def text(version: str, prefix: str) -> str:
    """The document as JSON, made once for each prefix."""
    return json.dumps(document(version, prefix))


def document(version: str, prefix: str = "") -> Json:
    """The whole document for an app that is mounted under ``prefix``."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "acare Clients API",
            "version": version,
            "description": "The people a real-estate agency represents: create, list, read, update, delete.",
        },
        "servers": [{"url": prefix or "/"}],
        "security": [{"X-API-Key": []}, {"API-Key": []}],
        "tags": [{"name": "clients"}, {"name": "health"}],
        "paths": {
            "/v1/clients": {"get": _list(), "post": _create()},
            "/v1/clients/{id}": {
                "parameters": [_parameter("id", "path", schemas.UUID, "The client's id.", required=True)],
                "get": _get(),
                "put": _update(),
                "delete": _delete(),
            },
            "/healthz": {"get": _health("alive", "The process answers.", {"status": {"const": "ok"}})},
            "/readyz": {"get": _ready()},
        },
        "components": {
            "securitySchemes": {
                name: {"type": "apiKey", "in": "header", "name": name} for name in ("X-API-Key", "API-Key")
            },
            "schemas": {
                "Client": schemas.client(),
                "NewClient": schemas.new_client(),
                "ClientChanges": schemas.changes(),
                "Error": schemas.error(),
            },
        },
    }


def _list() -> Json:
    meta = {
        "page": {"type": "integer", "minimum": 1},
        "limit": {"type": "integer", "minimum": 1, "maximum": 100},
        "total": _WHOLE,
        "totalPages": _WHOLE,
        "hasMore": {"type": "boolean"},
    }
    clients = {"type": "array", "items": schemas.ref("Client")}
    data = schemas.members({"clients": clients, "meta": schemas.members(meta)})
    page = {"type": "integer", "minimum": 1, "default": 1}
    # Over 100 is answered with 100, so it is no error.
    limit = {"type": "integer", "minimum": 1, "default": 25}
    return _operation(
        "listClients",
        "List clients, newest first",
        {"200": _success("A page of clients.", data)},
        (InvalidInput,),
        parameters=[
            _parameter("client_type", "query", {"type": "string", "enum": list(CLIENT_TYPES)}, "Only these."),
            _parameter("status", "query", {"type": "string", "enum": list(STATUSES)}, "Only these."),
            _parameter("page", "query", page, "Which page, from 1."),
            _parameter("limit", "query", limit, "Clients on a page; a limit over 100 is answered with 100."),
        ],
    )


def _create() -> Json:
    headers = {
        "Location": _header(_string("/v1/clients/a3f8c1d2-6b4e-4a9f-8d27-95c0e3b1f684"), "Where it is."),
        "ETag": _header(_string('"1"'), "Its version."),
        "Idempotent-Replayed": _header({"const": "true"}, "This answer was given before.", required=False),
    }
    key = {**_string("8e03978e-40d5-43dd-bc93-6894a57f9324"), "pattern": conditions.RETRY_KEY_PATTERN}
    return _operation(
        "createClient",
        "Create a client",
        {"201": _success("The client.", schemas.ref("Client"), headers)},
        (InvalidInput, RetryKeyReused),
        parameters=[
            _parameter(
                "Idempotency-Key",
                "header",
                key,
                "Makes it safe to send the request again: within 24 hours the same answer comes.",
            )
        ],
        body=("NewClient", _EXAMPLE),
    )


def _get() -> Json:
    tag = _header(_string('"3"'), "Its version, for If-Match and If-None-Match.")
    return _operation(
        "getClient",
        "Get a client",
        {
            "200": _success("The client.", schemas.ref("Client"), {"ETag": tag}),
            "304": {"description": "The caller has this version.", "headers": {**_headers(), "ETag": tag}},
        },
        (ClientNotFound,),
        parameters=[_parameter("If-None-Match", "header", _string('"3"'), "Versions that the caller has.")],
    )


def _update() -> Json:
    headers = {"ETag": _header(_string('"4"'), "Its new version.")}
    return _operation(
        "updateClient",
        "Change fields of a client; those that are not sent stay",
        {"200": _success("The whole client.", schemas.ref("Client"), headers)},
        (InvalidInput, ClientNotFound, VersionConflict, PreconditionFailed, PreconditionRequired),
        parameters=[_if_match()],
        body=("ClientChanges", {"phone": "(661) 555-0142", "status": "active", "version": 3}),
    )


def _delete() -> Json:
    return _operation(
        "deleteClient",
        "Delete a client",
        {"200": _success("It is gone.", {"type": "object", "maxProperties": 0})},
        (ClientNotFound, PreconditionFailed, PreconditionRequired),
        parameters=[_if_match()],
    )


def _ready() -> Json:
    checks = {"type": "object", "additionalProperties": {"type": "string"}}
    ready = _health("ready", "It can write now.", {"status": {"const": "ready"}, "checks": checks})
    ready["responses"] |= _failures((NotReady,), limited=False)
    return ready


def _health(name: str, description: str, data: Json) -> Json:
    return {
        "operationId": name,
        "summary": description,
        "tags": ["health"],
        "security": [],
        "responses": {"200": _success(description, schemas.members(data), limited=False)},
    }


def _operation(
    name: str,
    summary: str,
    responses: Json,
    failures: tuple[type[AcareError], ...],
    parameters: list[Json],
    body: tuple[str, Json] | None = None,
) -> Json:
    operation: Json = {
        "operationId": name,
        "summary": summary,
        "tags": ["clients"],
        "parameters": parameters,
        "responses": {**responses, **_failures((*_ALWAYS, *failures))},
    }
    if body is not None:
        schema, example = body
        content = {"application/json": {"schema": schemas.ref(schema), "example": example}}
        operation["requestBody"] = {"required": True, "content": content}
        code, message = envelope.HTTP_FAILURES[415]
        operation["responses"]["415"] = _failure_response([code], message, _headers())
    return operation


def _failures(kinds: tuple[type[AcareError], ...], limited: bool = True) -> Json:
    """A response for each status that ``kinds`` of errors have, out of the envelope's table."""
    responses: Json = {}
    for kind in kinds:
        failure = envelope.FAILURES[kind]
        status = failure.status[:3]
        headers = _headers(limited)
        if kind in (RateLimited, StoreUnavailable, NotReady):
            headers["Retry-After"] = _header({"type": "integer", "minimum": 1}, "Seconds until a new try.")
        if kind is NotAuthenticated:
            headers["WWW-Authenticate"] = _header({"type": "string"}, "How to authenticate.")
        description = (kind.__doc__ or "").split("\n")[0]
        responses[status] = _failure_response([failure.code], description, headers)
    code, message = envelope.OTHER_FAILURE
    responses["500"] = _failure_response([code], message, _headers(limited))
    return dict(sorted(responses.items()))


def _failure_response(codes: list[str], description: str, headers: Json) -> Json:
    error = {"properties": {"error": {"properties": {"code": {"enum": codes}}}}}
    example = {
        "success": False,
        "error": {"code": codes[0], "message": description},
        "timestamp": "2026-07-15T14:32:10.000Z",
        "correlationId": "5f0c1f8e7d1b4c0f9a3e2d4b6c8a0e1f",
    }
    content = {"schema": {"allOf": [schemas.ref("Error"), error]}, "example": example}
    return {"description": description, "headers": headers, "content": {"application/json": content}}


def _success(description: str, data: Json, headers: Json | None = None, limited: bool = True) -> Json:
    schema = schemas.members({"success": {"const": True}, "data": data, "timestamp": schemas.TIMESTAMP})
    return {
        "description": description,
        "headers": {**_headers(limited), **(headers or {})},
        "content": {"application/json": {"schema": schema}},
    }


def _headers(limited: bool = True) -> Json:
    """What every answer has; the figures of the rate limit are there unless it is off."""
    headers = {"X-Request-ID": _header({"type": "string"}, "The id of this request, also in the log.")}
    if limited:
        headers |= {
            "RateLimit-Limit": _header(_WHOLE, "Requests in a full bucket.", required=False),
            "RateLimit-Remaining": _header(_WHOLE, "Requests left now.", required=False),
            "RateLimit-Reset": _header(_WHOLE, "Seconds until the bucket is full again.", required=False),
        }
    return headers


def _if_match() -> Json:
    return _parameter("If-Match", "header", _string('"3"'), "Only if the client is at this version.")


def _parameter(name: str, place: str, schema: Json, description: str, required: bool = False) -> Json:
    return {"name": name, "in": place, "required": required, "description": description, "schema": schema}


def _header(schema: Json, description: str, required: bool = True) -> Json:
    return {"description": description, "required": required, "schema": schema}


def _string(example: str) -> Json:
    return {"type": "string", "examples": [example]}
