"""The operations, headers and ids as the OpenAPI document has them; ``openapi.md`` has the texts."""

from collections.abc import Mapping
from typing import NamedTuple

from acare.field_types import Schema

#: The tags of operations.
TAGS = {
    "clients": "The clients of the agency.",
    "users": "The users of the agency, who own clients.",
    "keys": "The API keys of the users.",
}

#: The headers in which a request can have its key.
KEY_HEADERS = {
    "X-API-Key": "The API key: 64 lower-case hex digits.",
    "API-Key": "The API key, for programs that use this name. `X-API-Key` has precedence.",
}

_ETAG: Schema = {"type": "string", "examples": ['"3"']}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_SECONDS: Schema = {"type": "integer", "minimum": 1}
_TEXT: Schema = {"type": "string"}


class RequestHeader(NamedTuple):
    """A header of a request."""

    description: str
    schema: Schema


#: The headers of requests.
REQUEST_HEADERS: Mapping[str, RequestHeader] = {
    "Idempotency-Key": RequestHeader(
        "Makes a retry safe: for 24 hours, the same key gets the same response. 1 to 255 printable ASCII "
        "characters other than spaces, quotes and backslashes; quotes around them do not belong to the key.",
        {
            "type": "string",
            "minLength": 1,
            "maxLength": 257,
            "pattern": r'^([!#-\[\]-~]{1,255}|"[!#-\[\]-~]{1,255}")$',
            "examples": ["5f0c1f8e-7d1b-4c0f-9a3e-2d4b6c8a0e1f"],
        },
    ),
    "If-Match": RequestHeader(
        "Versions that the client may have; with any other, the response is 412.", _ETAG
    ),
    "If-None-Match": RequestHeader(
        "Versions that the caller has; if the client has one of them, the response is 304.", _ETAG
    ),
}


class Header(NamedTuple):
    """A header of a response."""

    description: str
    schema: Schema
    required: bool = True


#: The headers of responses.
HEADERS: Mapping[str, Header] = {
    "X-Request-ID": Header("Id of this request, also in the server's log.", _TEXT),
    "RateLimit-Limit": Header("Tokens in a full bucket; absent if there is no rate limit.", _COUNT, False),
    "RateLimit-Remaining": Header("Tokens left.", _COUNT, False),
    "RateLimit-Reset": Header("Seconds until the bucket is full again.", _COUNT, False),
    "Retry-After": Header("Seconds to wait before the next attempt.", _SECONDS),
    "WWW-Authenticate": Header("How to authenticate.", _TEXT),
    "ETag": Header("Version of the client, for `If-Match` and `If-None-Match`.", _ETAG),
    "Location": Header("URL of the client.", {"type": "string", "format": "uri-reference"}),
    "Idempotent-Replayed": Header(
        "`true` if this is the response to an earlier request with the same `Idempotency-Key`.", _TEXT, False
    ),
    "Content-Disposition": Header("`attachment`, with a name for the file.", _TEXT),
    "Accept": Header("Media type that the body must have.", _TEXT, False),
    "Accept-Encoding": Header("Content coding that the body may have.", _TEXT, False),
    "Allow": Header("Methods that the path supports.", _TEXT),
}

#: The headers that every response has.
COMMON_HEADERS = ("X-Request-ID", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")

#: The codes that every operation has. Its right has those of 403, and an id in its path has NOT_FOUND.
COMMON_ERRORS = (
    "VALIDATION_ERROR",
    "UnauthorizedError",
    "METHOD_NOT_ALLOWED",
    "CONTENT_TOO_LARGE",
    "UNSUPPORTED_MEDIA_TYPE",
    "RATE_LIMIT_EXCEEDED",
    "HEADER_TOO_LARGE",
    "INTERNAL_ERROR",
    "SERVICE_UNAVAILABLE",
)

#: The ids in paths.
IDS = {"client_id": "Id of the client.", "user_id": "Id of the user.", "key_id": "Id of the API key."}


class Description(NamedTuple):
    """An operation, besides its right and the common errors. ``openapi.md`` has its text."""

    id: str
    tag: str
    data: str  # the schema of a success's ``data``
    body: str = ""  # the schema of the request's body
    body_required: bool = True
    query: bool = False  # whether it has the parameters of its resource
    headers: tuple[str, ...] = ()  # of the request
    sends: tuple[str, ...] = ()  # headers of a success
    errors: tuple[str, ...] = ()
    status: int = 200


_LOCKED = ("VERSION_CONFLICT", "PRECONDITION_FAILED")
_CREATED = ("ETag", "Location", "Idempotent-Replayed")
_LOCK = ("If-Match",)
_ETAGS = ("ETag",)

#: By method and path.
DESCRIPTIONS: Mapping[str, Description] = {
    "GET /v1/clients": Description("listClients", "clients", "ClientList", query=True),
    "POST /v1/clients": Description(
        "createClient",
        "clients",
        "ClientRecord",
        "ClientInput",
        headers=("Idempotency-Key",),
        sends=_CREATED,
        errors=("NOT_FOUND", "IDEMPOTENCY_KEY_REUSED"),
        status=201,
    ),
    "GET /v1/clients.csv": Description(
        "exportClients", "clients", "ClientsCsv", query=True, sends=("Content-Disposition",)
    ),
    "GET /v1/clients/{client_id}": Description(
        "getClient", "clients", "ClientRecord", headers=("If-None-Match",), sends=_ETAGS
    ),
    "PUT /v1/clients/{client_id}": Description(
        "updateClient", "clients", "ClientRecord", "ClientUpdate", headers=_LOCK, sends=_ETAGS, errors=_LOCKED
    ),
    "DELETE /v1/clients/{client_id}": Description(
        "deleteClient", "clients", "Deletion", query=True, headers=_LOCK, errors=_LOCKED
    ),
    "GET /v1/clients/{client_id}/history": Description(
        "getClientHistory", "clients", "ClientHistory", query=True
    ),
    "POST /v1/clients/{client_id}/restore": Description(
        "restoreClient", "clients", "ClientRecord", sends=_ETAGS, errors=("ALREADY_EXISTS",)
    ),
    "POST /v1/clients/{client_id}/owner": Description(
        "setClientOwner", "clients", "ClientRecord", "OwnerInput", headers=_LOCK, sends=_ETAGS, errors=_LOCKED
    ),
    "GET /v1/changes": Description(
        "listChanges", "clients", "ChangeList", query=True, errors=("CURSOR_EXPIRED",)
    ),
    "GET /v1/users": Description("listUsers", "users", "UserList", query=True),
    "POST /v1/users": Description(
        "createUser", "users", "User", "UserInput", errors=("ALREADY_EXISTS",), status=201
    ),
    "GET /v1/users/me": Description("getCurrentUser", "users", "User"),
    "PUT /v1/users/{user_id}": Description(
        "updateUser", "users", "User", "UserChanges", errors=("ALREADY_EXISTS", "LAST_BROKER")
    ),
    "POST /v1/users/{user_id}/handover": Description("handOverClients", "users", "Handover", "HandoverInput"),
    "GET /v1/keys": Description("listKeys", "keys", "KeyList", query=True),
    "POST /v1/keys": Description(
        "createKey", "keys", "NewKey", "KeyInput", errors=("TOO_MANY_KEYS", "BROKER_REQUIRED"), status=201
    ),
    "POST /v1/keys/redeem": Description(
        "redeemInvitation", "keys", "NewKey", "RedemptionInput", body_required=False, status=201
    ),
    "DELETE /v1/keys/{key_id}": Description("revokeKey", "keys", "Deletion", query=True),
}
