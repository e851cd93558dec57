"""The OpenAPI 3.1 document: operations, errors and schemas as tables, and the fields from ``acare.fields``.

A table is a text of blocks of rows; two or more spaces separate the columns. The examples are responses of
the app, which the tests record in ``examples.json``.
"""

from __future__ import annotations

import json
import re
from importlib import resources
from typing import Any

from acare.api import query
from acare.auth import ROLES
from acare.field_types import CLIENT_EMAIL
from acare.fields import FIELDS, Field

Json = dict[str, Any]

_ABOUT = "The clients of a real-estate agency: list, create, get, update and delete."
TAGS = {
    "clients": "The clients of the agency.",
    "users": "The users of the agency, who own clients.",
}

# What an operation takes (parameters), sends (the body) and answers. The headers and errors that every
# operation has are not listed.
OPERATIONS = """
GET /v1/clients  listClients  List clients
  Returns a page of the clients that the caller may see, newest first. Filters can be combined. A page past
  the end is empty. Unknown parameters and parameters with an empty value are ignored.
  takes    q client_type status email user_id page limit
  errors   400
  200      ClientListResponse  A page of clients.
POST /v1/clients  createClient  Create a client
  Creates a client that belongs to the user of the API key. Fields that are absent or null are unset, unknown
  fields are ignored. `budget_min` must not be more than `budget_max`.
  takes    Idempotency-Key
  sends    ClientInput
  headers  ETag Location Idempotent-Replayed
  errors   400 422
  201      ClientResponse  The new client.
GET /v1/clients/{id}  getClient  Get a client
  Returns one client. With `If-None-Match`, the response is 304 if the caller already has this version.
  takes    id If-Match If-None-Match
  headers  ETag
  errors   404 412
  200      ClientResponse  The client.
  304      -               The caller already has this version.
PUT /v1/clients/{id}  updateClient  Update a client
  Changes the fields that are sent and keeps the others. With `version` or `If-Match`, only if the client
  still has that version. `budget_min` must not be more than `budget_max` in the result.
  takes    id If-Match If-None-Match
  sends    ClientChanges
  headers  ETag
  errors   400 404 409 412 428
  200      ClientResponse  The client after the update.
DELETE /v1/clients/{id}  deleteClient  Delete a client
  Deletes a client. With `If-Match`, only if the client still has that version.
  takes    id If-Match If-None-Match
  errors   404 412 428
  200      DeletedResponse  The client was deleted.
GET /v1/users  listUsers  List users
  Returns the users whose clients the caller may see: all users that are not disabled for a broker, the caller
  alone for an agent.
  200      UserListResponse  The users, by e-mail address.
GET /v1/users/me  getCurrentUser  Get the caller
  Returns the user whose API key is used.
  200      UserResponse  The user.
"""

# Status, name of the response, the headers that not every response has, description.
ERRORS = """
errors
  400  BadRequest            -                       The request is invalid. `details` lists every problem.
  401  Unauthorized          WWW-Authenticate        The key is missing, unknown, expired or revoked.
  403  Forbidden             -                       The key lacks a scope, or another site sent the write.
  404  NotFound              -                       No client that the caller may see has this id.
  409  Conflict              -                       `version` in the body is not the current version.
  412  PreconditionFailed    ETag                    `If-Match` or `If-None-Match` does not hold.
  413  ContentTooLarge       -                       The body is larger than 64 KiB.
  415  UnsupportedMediaType  Accept Accept-Encoding  The body is not JSON, or has a content coding.
  422  IdempotencyKeyReused  -                       The `Idempotency-Key` was used with another body.
  428  PreconditionRequired  -                       This server requires a version with every change.
  429  TooManyRequests       Retry-After             The rate limit is exceeded.
  500  InternalServerError   -                       The server has a defect. Its log has the `errorId`.
  503  ServiceUnavailable    Retry-After             The database is unavailable now.
"""
SHARED_ERRORS = ["401", "403", "413", "415", "429", "500", "503"]
SHARED_HEADERS = ["X-Request-ID", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"]

# The types in the tables. A capitalized word is the name of a schema; "[]" and "|null" may follow.
TYPES: dict[str, Json] = {
    "text": {"type": "string"},
    "boolean": {"type": "boolean"},
    "count": {"type": "integer", "minimum": 0},
    "positive": {"type": "integer", "minimum": 1},
    "limit": {"type": "integer", "minimum": 1, "maximum": 100},
    "page=1": {"type": "integer", "minimum": 1, "default": 1},
    "limit=25": {"type": "integer", "minimum": 1, "default": 25},  # no maximum: more counts as 100
    "uuid": {"type": "string", "format": "uuid", "examples": ["a3f8c1d2-6b4e-4a9f-8d27-95c0e3b1f684"]},
    "time": {"type": "string", "format": "date-time", "examples": ["2026-07-15T14:32:10.000Z"]},
    "url": {"type": "string", "format": "uri-reference"},
    "tag": {"type": "string", "examples": ['"3"']},
    "key": {"type": "string", "minLength": 1, "maxLength": 257},  # with quotes around it
    "role": {"type": "string", "enum": list(ROLES)},
    "search": query.SEARCH.schema(),
    "address": CLIENT_EMAIL.schema(),
}

# Name, type and description. A "?" marks what is optional.
HEADERS = """
response
  X-Request-ID          text      Id of this request, also in the server's log.
  RateLimit-Limit?      count     Tokens in a full bucket; absent if there is no rate limit.
  RateLimit-Remaining?  count     Tokens left.
  RateLimit-Reset?      count     Seconds until the bucket is full again.
  Retry-After           positive  Seconds to wait before the next attempt.
  WWW-Authenticate      text      How to authenticate.
  ETag                  tag       Version of the client, for `If-Match` and `If-None-Match`.
  Location              url       URL of the client.
  Idempotent-Replayed?  text      `true` for the answer to an earlier request with the same `Idempotency-Key`.
  Accept?               text      Media type that the body must have.
  Accept-Encoding?      text      Content coding that the body may have.
"""
PARAMETERS = """
path
  id               uuid          Id of the client.
query
  q                search        Search: each of at most 8 words begins a word of the name, e-mail or phone.
  email            address       Only clients with this e-mail address. Case does not count.
  user_id          uuid          Only clients of this user.
  client_type      ClientType    Only clients of this type.
  status           ClientStatus  Only clients with this status.
  page             page=1        Number of the page.
  limit            limit=25      Clients on a page. More than 100 count as 100.
header
  Idempotency-Key  key           Makes a retry safe: for 24 hours, the same key gets the same response.
  If-Match         tag           Versions that the client may have; with any other, the response is 412.
  If-None-Match    tag           Versions that the client must not have, or GET is 304 and others are 412.
"""
OBJECTS = """
Client  A client with all of its fields.
  id          uuid      Id of the client, set by the server.
  user_id     uuid      Id of the user who owns the client, set by the server.
  version     positive  1 at creation. Every update adds 1.
  created_at  time      When the client was created.
  updated_at  time      When the client was last changed.
ClientInput  A client to create.
ClientChanges  Changes to a client: at least one field besides `version`.
  version?  positive  Version that the caller has read. If it is not current, the response is 409.
PageMeta  The position of a page in the list.
  page        positive  Number of the page.
  limit       limit     Clients on a full page.
  total       count     Clients that match the filters.
  totalPages  count     Number of pages.
  hasMore     boolean   Whether there are pages after this one.
ClientList  A page of clients.
  clients  Client[]  The clients, newest first.
  meta     PageMeta  The position of the page in the list.
Deleted  An empty object.
User  A user, who can own clients.
  id     uuid  Id of the user, the `user_id` of clients.
  email  text  E-mail address.
  role   role  An agent sees their own clients, a broker the clients of all users.
UserList  The users whose clients the caller may see.
  users  User[]  The users, by e-mail address.
ErrorResponse  The body of every error.
  success        boolean    Always false for an error.
  error          ErrorBody  What went wrong.
  timestamp      time       Time of the answer.
  correlationId  text       Id of the request, as in the header `X-Request-ID`.
ErrorBody  What went wrong.
  code      text          Stable code to branch on, for example `VALIDATION_ERROR`.
  message   text          What went wrong, for people. May change.
  details?  ErrorDetails  More about the error. Absent for some codes.
  errorId?  text          For 500: the id of the error in the server's log.
FieldError  One problem with the request.
  field    text  Name of the field, parameter or header; `body` for the body as a whole.
  message  text  The problem, for people. May change.
VersionDetails  For 409 and 412: how the version that was sent differs from the current one.
  currentVersion    positive       Current version of the client.
  attemptedVersion  positive|null  Version that was sent; null if none or an invalid one was sent.
  changedFields     text[]|null    Fields that differ between the two; null if unknown.
  changedAt         time|null      When the client was last changed; null if unknown.
ScopeDetails  For 403: the scope that the key lacks.
  resource  text    The resource.
  actions   text[]  The actions, of which one is enough.
SizeDetails  For 413: the maximum size of a body.
  limit  count  Maximum size in bytes.
RetryDetails  For 429: when to retry.
  retryAfter  positive  Seconds until the next token.
"""
RESULTS = ("Client", "ClientList", "Deleted", "User", "UserList")
SUCCESS = """
{name}Response  The envelope of a success.
  success    boolean  Always true for a success.
  data       {name}  The result.
  timestamp  time    Time of the answer.
"""


def document(version: str, prefix: str = "") -> Json:
    """The document for an app that is mounted under ``prefix``."""
    examples = json.loads(resources.files(__package__).joinpath("examples.json").read_text("utf-8"))
    schemes = {name: {"type": "apiKey", "in": "header", "name": name} for name in ("X-API-Key", "API-Key")}
    return {
        "openapi": "3.1.0",
        "info": {"title": "acare Clients API", "version": version, "description": _ABOUT},
        "servers": [{"url": prefix or "/"}],
        "security": [{name: []} for name in schemes],
        "tags": [{"name": name, "description": said} for name, said in TAGS.items()],
        "paths": _paths(examples),
        "components": {
            "securitySchemes": schemes,
            "parameters": {row[0]: _parameter(*heading, *row) for heading, row in _rows(PARAMETERS)},
            "headers": {row[0].strip("?"): _header(*row) for _, row in _rows(HEADERS)},
            "responses": {row[1]: _error(examples, *row) for _, row in _rows(ERRORS)},
            "schemas": _schemas(),
        },
    }


def _paths(examples: Json) -> Json:
    paths: Json = {}
    for (call, name, summary), rows in _blocks(OPERATIONS):
        method, path = call.split()
        about = {"operationId": name, "summary": summary}
        paths.setdefault(path, {})[method.lower()] = about | _operation(path, rows, examples.get(name, {}))
    return paths


def _operation(path: str, rows: list[list[str]], examples: Json) -> Json:
    facts = {name: words.split() for name, words in (row for row in rows if len(row) == 2)}
    headers = [*SHARED_HEADERS, *facts.get("headers", [])]
    successes = {
        status: {"description": said, "headers": _refs(headers), **_content(schema, examples.get(status))}
        for status, schema, said in (row for row in rows if len(row) == 3)
    }
    names = {status: name for _, (status, name, *_) in _rows(ERRORS)}
    errors = sorted([*SHARED_ERRORS, *facts.get("errors", [])])
    operation: Json = {
        "description": " ".join(row[0] for row in rows if len(row) == 1),
        "tags": [path.split("/")[2]],
        "parameters": [_ref(name, "parameters") for name in facts.get("takes", [])],
        "responses": successes | {status: _ref(names[status], "responses") for status in errors},
    }
    if "sends" in facts:
        body = _content(facts["sends"][0], examples.get("request"))
        operation["requestBody"] = {"required": True, **body}
    return operation


def _content(name: str, example: Json | None) -> Json:
    media = {"schema": _ref(name), **({"example": example} if example else {})}
    return {} if name == "-" else {"content": {"application/json": media}}


def _parameter(place: str, name: str, kind: str, description: str) -> Json:
    rules: Json = {"path": {"required": True}, "query": {"allowEmptyValue": True}, "header": {}}
    return {"name": name, "in": place, "description": description, **rules[place], "schema": _type(kind)}


def _header(name: str, kind: str, description: str) -> Json:
    return {"description": description, "required": not name.endswith("?"), "schema": _type(kind)}


def _error(examples: Json, status: str, name: str, headers: str, description: str) -> Json:
    """A response that operations share, with its distinct examples."""
    different: Json = {}
    for operation, answers in examples.items():
        answer = {"value": answers.get(status)}
        if answer["value"] and answer not in different.values():
            different[operation] = answer
    return {
        "description": description,
        "headers": _refs([*SHARED_HEADERS, *headers.strip("-").split()]),
        "content": {"application/json": {"schema": _ref("ErrorResponse"), "examples": different}},
    }


def _schemas() -> Json:
    table = OBJECTS + "".join(SUCCESS.format(name=name) for name in RESULTS)
    objects = {name: _object(name, description, rows) for (name, description), rows in _blocks(table)}
    objects["ClientChanges"]["minProperties"] = 1
    problems: Json = {"type": "array", "minItems": 1, "items": _ref("FieldError")}
    return {
        **{field.schema_name: field.kind.schema() for field in FIELDS if field.schema_name},
        **objects,
        "ErrorDetails": {
            "description": "For 400 a list of problems, for other statuses an object.",
            "anyOf": [problems, *(_ref(name) for name in objects if name.endswith("Details"))],
        },
    }


def _object(name: str, description: str, rows: list[list[str]]) -> Json:
    """An object with the fields in the rows; the objects of a client have the client's fields too."""
    table = [(field, _type(kind), said) for field, kind, said in rows]
    if name in ("Client", "ClientInput", "ClientChanges"):
        table += [_field(field, name) for field in FIELDS]
    required = [field for field, _, _ in table if not field.endswith("?")]
    demanded = {"required": required} if required else {}
    properties = {field.strip("?"): {**schema, "description": said} for field, schema, said in table}
    return {"type": "object", "description": description, **demanded, "properties": properties}


def _field(field: Field, owner: str) -> tuple[str, Json, str]:
    """A field of a client as a row of the object ``owner``."""
    if owner == "Client":
        optional, may_be_null = False, field.default is None and not field.required
    else:
        optional, may_be_null = owner == "ClientChanges" or not field.required, not field.required
    schema = _ref(field.schema_name) if field.schema_name else field.kind.schema()
    return field.name + "?" * optional, _nullable(schema) if may_be_null else schema, field.description


def _ref(name: str, kind: str = "schemas") -> Json:
    return {"$ref": f"#/components/{kind}/{name}"}


def _refs(headers: list[str]) -> Json:
    return {name: _ref(name, "headers") for name in headers}


def _type(kind: str) -> Json:
    """The schema of a type in a table."""
    if kind.endswith("|null"):
        return _nullable(_type(kind.removesuffix("|null")))
    if kind.endswith("[]"):
        return {"type": "array", "items": _type(kind[:-2])}
    return TYPES.get(kind) or _ref(kind)


def _nullable(schema: Json) -> Json:
    null = {"type": "null"}
    return {"anyOf": [schema, null]} if "$ref" in schema else {**schema, "type": [schema["type"], "null"]}


def _blocks(table: str) -> list[tuple[list[str], list[list[str]]]]:
    """Each heading of a table with the rows below it, in columns."""
    blocks: list[tuple[list[str], list[list[str]]]] = []
    for line in filter(None, table.splitlines()):
        columns = re.split("  +", line.strip())
        blocks[-1][1].append(columns) if line.startswith(" ") else blocks.append((columns, []))
    return blocks


def _rows(table: str) -> list[tuple[list[str], list[str]]]:
    """Each row of a table with its heading."""
    return [(heading, row) for heading, rows in _blocks(table) for row in rows]
