"""The client resources. Each responder reads, validates, acts on the store and answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import falcon

from acare import ids
from acare.api import body, conditions, envelope
from acare.api.query import Query
from acare.auth import Caller
from acare.errors import ClientNotFound, PreconditionRequired
from acare.fields import CLIENT_TYPES, STATUSES, Clean, clean_new, clean_update


class Row(Protocol):
    """A client as the store gives it: ``json`` is its text on the wire."""

    @property
    def id(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def json(self) -> str: ...


class Created(Protocol):
    """A client at its creation, which may have been an earlier request with the same retry key."""

    @property
    def id(self) -> str: ...
    @property
    def json(self) -> str: ...
    @property
    def created_at(self) -> str: ...
    @property
    def replayed(self) -> bool: ...


class Page(Protocol):
    """One page of clients as the store gives it."""

    @property
    def total(self) -> int: ...
    @property
    def rows(self) -> list[str]: ...


class Clients(Protocol):
    """What the resources need of a store of clients; ``acare.store.clients`` has it."""

    def page(
        self,
        owner_id: str | None,
        *,
        page: int,
        limit: int,
        client_type: str | None = None,
        status: str | None = None,
    ) -> Page: ...
    def get(self, owner_id: str | None, client_id: str) -> Row: ...
    def create(
        self, user_id: str, client: Clean, *, by: str | None = None, idempotency_key: str | None = None
    ) -> Created: ...
    def update(
        self,
        owner_id: str | None,
        client_id: str,
        changes: Clean,
        version: int | None = None,
        *,
        matches: Sequence[int] | None = None,
        by: str | None = None,
    ) -> Row: ...
    def delete(
        self,
        owner_id: str | None,
        client_id: str,
        *,
        matches: Sequence[int] | None = None,
        by: str | None = None,
    ) -> None: ...


DEFAULT_LIMIT = 25
MAX_LIMIT = 100

_META = '{"page":%d,"limit":%d,"total":%d,"totalPages":%d,"hasMore":%s}'


class ClientCollection:
    """``/v1/clients``"""

    scope = "clients"

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        query = Query(req)
        number = query.count("page", default=1)
        limit = min(query.count("limit", default=DEFAULT_LIMIT), MAX_LIMIT)
        client_type = query.one_of("client_type", CLIENT_TYPES)
        status = query.one_of("status", STATUSES)
        query.check()
        found = self._clients.page(
            req.context.caller.owner_id, page=number, limit=limit, client_type=client_type, status=status
        )
        more = "true" if number * limit < found.total else "false"
        meta = _META % (number, limit, found.total, -(-found.total // limit), more)
        envelope.succeed(resp, f'{{"clients":[{",".join(found.rows)}],"meta":{meta}}}')

    on_head = on_get

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        idempotency_key = conditions.idempotency_key(req)
        client = clean_new(body.read(req))
        caller: Caller = req.context.caller
        made = self._clients.create(caller.user_id, client, by=caller.key_id, idempotency_key=idempotency_key)
        resp.status = falcon.HTTP_201
        resp.location = f"{req.root_path}/v1/clients/{made.id}"
        resp.etag = conditions.etag(1)
        if made.replayed:
            resp.set_header("Idempotent-Replayed", "true")
        # As of its creation, so that a retry is answered to the letter as the first time.
        envelope.succeed(resp, made.json, at=made.created_at)


class ClientItem:
    """``/v1/clients/{client_id}``"""

    scope = "clients"

    def __init__(self, clients: Clients, require_precondition: bool = False) -> None:
        self._clients = clients
        self._require_precondition = require_precondition

    def on_get(self, req: falcon.Request, resp: falcon.Response, client_id: str) -> None:
        row = self._clients.get(req.context.caller.owner_id, _id(client_id))
        resp.etag = conditions.etag(row.version)
        if conditions.not_modified(req, row.version):
            resp.status = falcon.HTTP_304
        else:
            envelope.succeed(resp, row.json)

    on_head = on_get

    def on_put(self, req: falcon.Request, resp: falcon.Response, client_id: str) -> None:
        changes, version = clean_update(body.read(req))
        matches = conditions.matches(req)
        if self._require_precondition and version is None and not conditions.has_match(req):
            raise PreconditionRequired
        caller: Caller = req.context.caller
        row = self._clients.update(
            caller.owner_id, _id(client_id), changes, version, matches=matches, by=caller.key_id
        )
        resp.etag = conditions.etag(row.version)
        envelope.succeed(resp, row.json)

    def on_delete(self, req: falcon.Request, resp: falcon.Response, client_id: str) -> None:
        matches = conditions.matches(req)
        if self._require_precondition and not conditions.has_match(req):
            raise PreconditionRequired
        caller: Caller = req.context.caller
        self._clients.delete(caller.owner_id, _id(client_id), matches=matches, by=caller.key_id)
        envelope.succeed(resp, "{}")


def _id(text: str) -> str:
    """The id in a path as the store has it. ClientNotFound for what can be none."""
    client_id = ids.canonical(text)
    if client_id is None:
        raise ClientNotFound
    return client_id
