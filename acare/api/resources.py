"""The client resources. Each responder reads the request, validates it, calls the store and answers."""

from __future__ import annotations

from typing import Any

import falcon

from acare import ids
from acare.api import body, conditions, envelope
from acare.api.query import SEARCH, Query
from acare.clients import ClientPage, ClientRow, CreatedClient, Filters
from acare.errors import ClientNotFound
from acare.field_types import CLIENT_EMAIL, Enum, to_json
from acare.fields import CLIENT_TYPES, STATUSES, validate_create, validate_update, validate_version

DEFAULT_LIMIT = 25
MAX_LIMIT = 100

_CLIENT_TYPE = Enum(CLIENT_TYPES)
_STATUS = Enum(STATUSES)
_META = '{"page":%d,"limit":%d,"total":%d,"totalPages":%d,"hasMore":%s}'


class ClientCollection:
    """``/v1/clients``"""

    def __init__(self, clients: Any) -> None:
        """``clients`` is a ClientStore, which the API does not import."""
        self._clients = clients

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        query = Query(req)
        number = query.count("page", default=1)
        limit = min(query.count("limit", default=DEFAULT_LIMIT), MAX_LIMIT)
        filters: Filters = {
            "client_type": query.text("client_type", _CLIENT_TYPE),
            "status": query.text("status", _STATUS),
            "user_id": query.uuid("user_id"),
            "email": query.text("email", CLIENT_EMAIL),
            "q": query.text("q", SEARCH),
        }
        query.check()
        found: ClientPage = self._clients.page(req.context.caller, page=number, limit=limit, **filters)
        more = "true" if number * limit < found.total else "false"
        meta = _META % (number, limit, found.total, -(-found.total // limit), more)
        envelope.succeed(resp, f'{{"clients":[{",".join(found.rows)}],"meta":{meta}}}')

    on_head = on_get

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        idempotency_key = conditions.idempotency_key(req)
        client = validate_create(body.read(req))
        created: CreatedClient = self._clients.create(
            req.context.caller, client, idempotency_key=idempotency_key
        )
        resp.status = falcon.HTTP_201
        resp.location = f"{req.root_path}/v1/clients/{created.id}"
        resp.etag = conditions.etag(1)
        if created.replayed:
            resp.set_header("Idempotent-Replayed", "true")
        # With the time of the creation, so that a replayed response is identical to the first.
        envelope.succeed(resp, created.json, at=created.created_at)


class ClientItem:
    """``/v1/clients/{client_id}``"""

    def __init__(self, clients: Any, require_precondition: bool = False) -> None:
        self._clients = clients
        self._require_precondition = require_precondition

    def on_get(self, req: falcon.Request, resp: falcon.Response, client_id: str) -> None:
        precondition = conditions.for_reading(req)
        row: ClientRow = self._clients.get(req.context.caller, _parse_id(client_id), precondition)
        tag = conditions.etag(row.version)
        resp.set_header("ETag", tag)
        if conditions.not_modified(req, tag):
            resp.status = falcon.HTTP_304
        else:
            envelope.succeed(resp, row.json)

    on_head = on_get

    def on_put(self, req: falcon.Request, resp: falcon.Response, client_id: str) -> None:
        changes, version = validate_update(body.read(req))
        _check_precondition(req, version, self._require_precondition)
        row: ClientRow = self._clients.update(
            req.context.caller,
            _parse_id(client_id),
            changes,
            version=version,
            precondition=conditions.for_writing(req),
        )
        _answer(resp, row)

    def on_delete(self, req: falcon.Request, resp: falcon.Response, client_id: str) -> None:
        _check_precondition(req, None, self._require_precondition)
        self._clients.delete(req.context.caller, _parse_id(client_id), conditions.for_writing(req))
        envelope.succeed(resp, "{}")


class ClientHistory:
    """``/v1/clients/{client_id}/history``"""

    FIELDS = ("version", "at", "by", "action", "changes")

    def __init__(self, history: Any) -> None:
        """``history`` is a HistoryStore, which the API does not import."""
        self._history = history

    def on_get(self, req: falcon.Request, resp: falcon.Response, client_id: str) -> None:
        events = self._history.events(req.context.caller, _parse_id(client_id))
        versions = [{name: getattr(event, name) for name in self.FIELDS} for event in reversed(events)]
        envelope.succeed(resp, to_json({"versions": versions}))

    on_head = on_get


class RestoredClient:
    """``/v1/clients/{client_id}/restore``"""

    def __init__(self, history: Any) -> None:
        """``history`` is a HistoryStore."""
        self._history = history

    def on_post(self, req: falcon.Request, resp: falcon.Response, client_id: str) -> None:
        _answer(resp, self._history.restore(req.context.caller, _parse_id(client_id)))


class ClientOwner:
    """``/v1/clients/{client_id}/owner``"""

    def __init__(self, transfers: Any, require_precondition: bool = False) -> None:
        """``transfers`` is a TransferStore."""
        self._transfers = transfers
        self._require_precondition = require_precondition

    def on_post(self, req: falcon.Request, resp: falcon.Response, client_id: str) -> None:
        fields = {"user_id": body.parse_id, "version": validate_version}
        valid = body.read_fields(req, fields, required=["user_id"])
        _check_precondition(req, valid.get("version"), self._require_precondition)
        precondition = conditions.for_writing(req)
        row = self._transfers.hand_over(
            req.context.caller, _parse_id(client_id), precondition=precondition, **valid
        )
        _answer(resp, row)


def _answer(resp: falcon.Response, row: ClientRow) -> None:
    """Answer with a client that was changed."""
    resp.etag = conditions.etag(row.version)
    envelope.succeed(resp, row.json)


def _check_precondition(req: falcon.Request, version: int | None, is_required: bool) -> None:
    """Reject a write without a version, if the server requires one."""
    if is_required and version is None and "HTTP_IF_MATCH" not in req.env:
        message = "Send the version that you read, in If-Match or, except with DELETE, in the body."
        raise envelope.ApiError("PRECONDITION_REQUIRED", message)


def _parse_id(text: str) -> str:
    """The id in a path, in canonical form. ClientNotFound for a malformed id, which no client has."""
    client_id = ids.canonical(text)
    if client_id is None:
        raise ClientNotFound
    return client_id
