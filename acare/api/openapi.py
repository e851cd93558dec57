"""The OpenAPI 3.1 document, made from the tables of fields and of errors so that it cannot drift."""

from __future__ import annotations

import json
from functools import lru_cache

from acare.api import conditions, envelope, responses, schemas
from acare.api.schemas import Json
from acare.errors import (
    AcareError,
    BodyTooLarge,
    ClientNotFound,
    IdempotencyKeyReused,
    InvalidInput,
    NotAuthenticated,
    NotReady,
    PreconditionFailed,
    PreconditionRequired,
    RateLimited,
    ScopeMissing,
    StoreUnavailable,
    VersionConflict,
)
from acare.fields import CLIENT_TYPES, STATUSES

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
        "total": responses.WHOLE,
        "totalPages": responses.WHOLE,
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
        {"200": responses.success("A page of clients.", data)},
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
        "Location": responses.header(
            _string("/v1/clients/a3f8c1d2-6b4e-4a9f-8d27-95c0e3b1f684"), "Where it is."
        ),
        "ETag": responses.header(_string('"1"'), "Its version."),
        "Idempotent-Replayed": responses.header(
            {"const": "true"}, "This answer was given before.", required=False
        ),
    }
    key = {**_string("8e03978e-40d5-43dd-bc93-6894a57f9324"), "pattern": conditions.IDEMPOTENCY_KEY_PATTERN}
    return _operation(
        "createClient",
        "Create a client",
        {"201": responses.success("The client.", schemas.ref("Client"), headers)},
        (InvalidInput, IdempotencyKeyReused),
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
    tag = responses.header(_string('"3"'), "Its version, for If-Match and If-None-Match.")
    return _operation(
        "getClient",
        "Get a client",
        {
            "200": responses.success("The client.", schemas.ref("Client"), {"ETag": tag}),
            "304": {
                "description": "The caller has this version.",
                "headers": {**responses.headers_of_all(), "ETag": tag},
            },
        },
        (ClientNotFound,),
        parameters=[_parameter("If-None-Match", "header", _string('"3"'), "Versions that the caller has.")],
    )


def _update() -> Json:
    headers = {"ETag": responses.header(_string('"4"'), "Its new version.")}
    return _operation(
        "updateClient",
        "Change fields of a client; those that are not sent stay",
        {"200": responses.success("The whole client.", schemas.ref("Client"), headers)},
        (InvalidInput, ClientNotFound, VersionConflict, PreconditionFailed, PreconditionRequired),
        parameters=[_if_match()],
        body=("ClientChanges", {"phone": "(661) 555-0142", "status": "active", "version": 3}),
    )


def _delete() -> Json:
    return _operation(
        "deleteClient",
        "Delete a client",
        {"200": responses.success("It is gone.", {"type": "object", "maxProperties": 0})},
        (ClientNotFound, PreconditionFailed, PreconditionRequired),
        parameters=[_if_match()],
    )


def _ready() -> Json:
    checks = {"type": "object", "additionalProperties": {"type": "string"}}
    ready = _health("ready", "It can write now.", {"status": {"const": "ready"}, "checks": checks})
    ready["responses"] |= responses.failures((NotReady,), limited=False)
    return ready


def _health(name: str, description: str, data: Json) -> Json:
    return {
        "operationId": name,
        "summary": description,
        "tags": ["health"],
        "security": [],
        "responses": {"200": responses.success(description, schemas.members(data), limited=False)},
    }


def _operation(
    name: str,
    summary: str,
    successes: Json,
    failures: tuple[type[AcareError], ...],
    parameters: list[Json],
    body: tuple[str, Json] | None = None,
) -> Json:
    operation: Json = {
        "operationId": name,
        "summary": summary,
        "tags": ["clients"],
        "parameters": parameters,
        "responses": {**successes, **responses.failures((*_ALWAYS, *failures))},
    }
    if body is not None:
        schema, example = body
        content = {"application/json": {"schema": schemas.ref(schema), "example": example}}
        operation["requestBody"] = {"required": True, "content": content}
        code, message = envelope.HTTP_ERRORS[415]
        operation["responses"]["415"] = responses.failure(code, message, responses.headers_of_all())
    return operation


def _if_match() -> Json:
    return _parameter("If-Match", "header", _string('"3"'), "Only if the client is at this version.")


def _parameter(name: str, place: str, schema: Json, description: str, required: bool = False) -> Json:
    return {"name": name, "in": place, "required": required, "description": description, "schema": schema}


def _string(example: str) -> Json:
    return {"type": "string", "examples": [example]}
