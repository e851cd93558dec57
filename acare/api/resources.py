"""What the paths lead to. Each responder reads, validates, acts on the store and answers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Protocol
from uuid import UUID

import falcon

from acare.api import body, envelope
from acare.errors import InvalidInput, NotReady, Problem
from acare.fields import CLIENT_TYPES, STATUSES, Clean, clean_changes, clean_new, clean_version


class Row(Protocol):
    """A client as the store gives it: ``json`` is its text on the wire."""

    @property
    def id(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def json(self) -> str: ...


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
        sees_only: str | None,
        *,
        page: int,
        limit: int,
        client_type: str | None = None,
        status: str | None = None,
    ) -> Page: ...
    def get(self, sees_only: str | None, client_id: str) -> Row: ...
    def create(self, user_id: str, client: Clean) -> Row: ...
    def update(
        self, sees_only: str | None, client_id: str, changes: Clean, version: int | None = None
    ) -> Row: ...
    def delete(self, sees_only: str | None, client_id: str) -> None: ...


_UUID = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")

DEFAULT_LIMIT = 25
MOST_LIMIT = 100


class ClientCollection:
    """``/v1/clients``"""

    scope = "clients"

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        query = _Query(req)
        page = query.count("page", default=1)
        limit = min(query.count("limit", default=DEFAULT_LIMIT), MOST_LIMIT)
        client_type = query.one_of("client_type", CLIENT_TYPES)
        status = query.one_of("status", STATUSES)
        query.check()
        found = self._clients.page(
            req.context.caller.sees_only, page=page, limit=limit, client_type=client_type, status=status
        )
        meta = {
            "page": page,
            "limit": limit,
            "total": found.total,
            "totalPages": -(-found.total // limit),
            "hasMore": page * limit < found.total,
        }
        envelope.succeed(resp, f'{{"clients":[{",".join(found.rows)}],"meta":{json.dumps(meta)}}}')

    on_head = on_get

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        client = clean_new(body.read(req))
        row = self._clients.create(req.context.caller.user_id, client)
        resp.status = falcon.HTTP_201
        resp.location = f"{req.root_path}/v1/clients/{row.id}"
        envelope.succeed(resp, row.json)


class ClientItem:
    """``/v1/clients/{client_id}``"""

    scope = "clients"

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    def on_get(self, req: falcon.Request, resp: falcon.Response, client_id: str) -> None:
        row = self._clients.get(req.context.caller.sees_only, _canonical(client_id))
        envelope.succeed(resp, row.json)

    on_head = on_get

    def on_put(self, req: falcon.Request, resp: falcon.Response, client_id: str) -> None:
        sent = body.read(req)
        version = clean_version(sent)
        changes = clean_changes(sent)
        row = self._clients.update(req.context.caller.sees_only, _canonical(client_id), changes, version)
        envelope.succeed(resp, row.json)

    def on_delete(self, req: falcon.Request, resp: falcon.Response, client_id: str) -> None:
        self._clients.delete(req.context.caller.sees_only, _canonical(client_id))
        envelope.succeed(resp, "{}")


class Alive:
    """``/healthz``: the process answers. Touches nothing."""

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        envelope.succeed(resp, '{"status":"ok"}')

    on_head = on_get


class Ready:
    """``/readyz``: it can write now. ``run_checks`` says of each thing that takes whether it is "ok"."""

    def __init__(self, run_checks: Callable[[], dict[str, str]]) -> None:
        self._run_checks = run_checks

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        checks = self._run_checks()
        if any(state != "ok" for state in checks.values()):
            raise NotReady(checks)
        envelope.succeed(resp, json.dumps({"status": "ready", "checks": checks}))

    on_head = on_get


def _canonical(client_id: str) -> str:
    """An id as the store has it, lower-case with hyphens; what is no UUID stays, and is nobody's id."""
    if _UUID.fullmatch(client_id):
        return client_id  # nearly every one is, and UUID() takes ten times as long
    try:
        return str(UUID(client_id))
    except ValueError:
        return client_id


class _Query:
    """Reads a query string and gathers what is wrong with it. A blank value is no value. (our choice)"""

    def __init__(self, req: falcon.Request) -> None:
        self._params = req.params
        self._problems: list[Problem] = []

    def count(self, name: str, default: int) -> int:
        """A whole number of at least 1."""
        text = self._text(name)
        if text is None:
            return default
        if re.fullmatch(r"[0-9]{1,100}", text, re.ASCII) and int(text) >= 1:
            return int(text)
        self._problems.append(Problem(name, "must be a whole number of at least 1"))
        return default

    def one_of(self, name: str, words: tuple[str, ...]) -> str | None:
        text = self._text(name)
        if text is None or text in words:
            return text
        self._problems.append(Problem(name, f"must be one of {', '.join(words)}"))
        return None

    def check(self) -> None:
        if self._problems:
            raise InvalidInput(*self._problems)

    def _text(self, name: str) -> str | None:
        value = self._params.get(name)
        if isinstance(value, list):
            self._problems.append(Problem(name, "must be given once"))
            return None
        return value or None
