"""The client resources. Each responder reads the request, validates it, calls the store and answers."""

import io
from typing import ClassVar

import falcon

from acare import ids, timestamps
from acare.api import body, envelope
from acare.api.request import (
    PAGE_PARAMETERS,
    Request,
    idempotency_key,
    path_id,
    read_query,
    revalidate,
    take_page,
    with_if_match,
)
from acare.api.services import Resource
from acare.errors import FieldError, InvalidInput
from acare.field_types import String
from acare.fields import Lock, ValidFields, validate_create, validate_update, validate_version
from acare.filters import FILTERS
from acare.importing import csv_writer
from acare.parameters import Parameter, count, flag
from acare.store.clients import ClientRow
from acare.store.deleted import DELETED_FILTERS

DEFAULT_CHANGES = 100
MAX_CHANGES = 500

_DELETED = Parameter(
    flag,
    "With `true`, only deleted clients that can be restored; each word of `q` must then occur somewhere in "
    "one of its fields.",
    default=False,
)

#: The maximum size of a CSV file, in clients and in bytes. It is in memory until it is sent.
MAX_CSV_CLIENTS = 50_000
MAX_CSV_BYTES = 16 * 1024 * 1024


class ClientCollection(Resource):
    """``/v1/clients``"""

    parameters: ClassVar = {**FILTERS, "deleted": _DELETED, **PAGE_PARAMETERS}

    def on_get(self, req: Request, resp: falcon.Response) -> None:
        filters = read_query(req, self.parameters)
        page, limit = take_page(filters)
        if filters.pop("deleted", False):
            message = "cannot be combined with deleted=true"
            if problems := [FieldError(name, message) for name in filters if name not in DELETED_FILTERS]:
                raise InvalidInput(*problems)
            total, found = self._services.deleted.page(req.caller, page=page, limit=limit, **filters)
            rows = [row for row, _ in found]
            meta = f'"deleted":[{",".join(deletion for _, deletion in found)}],'
        else:
            (total, rows), meta = self._services.lists.page(req.caller, page=page, limit=limit, **filters), ""
        envelope.succeed_with_page(resp, "clients", rows, page, limit, total, meta)

    def on_post(self, req: Request, resp: falcon.Response) -> None:
        key = idempotency_key(req)
        client = validate_create(body.read(req))
        created = self._services.clients.create(req.caller, client, idempotency_key=key)
        resp.status = falcon.HTTP_201
        resp.location = f"{req.root_path}/v1/clients/{created.id}"
        resp.set_header("ETag", envelope.etag(1))
        if created.replayed:
            resp.set_header("Idempotent-Replayed", "true")
        # With the time of the creation, so that a replayed response is identical to the first.
        envelope.succeed(resp, created.json, at=created.created_at)


class ClientsCsv(Resource):
    """``/v1/clients.csv``: all clients that the filters match, as a file."""

    # ``deleted`` is read to be refused, so it is no Parameter, and the document does not have it.
    parameters: ClassVar = {**FILTERS, "deleted": flag}

    def on_get(self, req: Request, resp: falcon.Response) -> None:
        filters = read_query(req, self.parameters)
        if filters.pop("deleted", False):
            problem = "cannot be true here: use 'acare find --deleted'"
            raise InvalidInput(FieldError("deleted", problem))
        file = io.BytesIO()
        clients = self._services.lists.all(req.caller, MAX_CSV_CLIENTS, **filters)
        for line in csv_writer.lines(clients):
            file.write(line.encode())
            if file.tell() > MAX_CSV_BYTES:
                problem = f"match more than {MAX_CSV_BYTES >> 20} MiB: add a filter, or use 'acare export'"
                raise InvalidInput(FieldError("filters", problem))
        resp.content_type = "text/csv; charset=utf-8"
        resp.downloadable_as = f"clients-{timestamps.now()[:10]}.csv"
        resp.data = file.getvalue()


class ClientItem(Resource):
    """``/v1/clients/{client_id}``"""

    parameters: ClassVar = {  # of DELETE
        "version": Parameter(
            count(), "Version that the client must have; with any other, the response is 409.", blank=False
        )
    }

    def on_get(self, req: Request, resp: falcon.Response, client_id: str) -> None:
        row = self._services.clients.get(req.caller, path_id(client_id))
        if not revalidate(req, resp, envelope.etag(row.version)):
            envelope.succeed(resp, row.json)

    def on_put(self, req: Request, resp: falcon.Response, client_id: str) -> None:
        changes, lock = validate_update(body.read(req))
        lock = with_if_match(req, lock)
        answer(resp, self._services.clients.update(req.caller, path_id(client_id), changes, lock))

    def on_delete(self, req: Request, resp: falcon.Response, client_id: str) -> None:
        lock = with_if_match(req, Lock(**read_query(req, self.parameters)))
        self._services.clients.delete(req.caller, path_id(client_id), lock)
        envelope.succeed(resp, "{}")


class ClientHistory(Resource):
    """``/v1/clients/{client_id}/history``"""

    parameters: ClassVar = {"before": Parameter(count(), "Only versions older than this one.")}

    def on_get(self, req: Request, resp: falcon.Response, client_id: str) -> None:
        query = read_query(req, self.parameters)
        page = self._services.history.page(req.caller, path_id(client_id), **query)
        envelope.succeed_with_list(resp, "versions", page.rows, page.has_more)


class RestoredClient(Resource):
    """``/v1/clients/{client_id}/restore``"""

    def on_post(self, req: Request, resp: falcon.Response, client_id: str) -> None:
        answer(resp, self._services.deleted.restore(req.caller, path_id(client_id)))


class ClientOwner(Resource):
    """``/v1/clients/{client_id}/owner``"""

    def on_post(self, req: Request, resp: falcon.Response, client_id: str) -> None:
        fields = {"user_id": ids.parse, "version": validate_version}
        valid = body.read_fields(req, fields, required=["user_id"])
        lock = with_if_match(req, Lock(valid.get("version")))
        new_owner = ValidFields(user_id=valid["user_id"])
        answer(resp, self._services.clients.update(req.caller, path_id(client_id), new_owner, lock))


class Changes(Resource):
    """``/v1/changes``: the changes of the clients that the caller can see, for programs that keep a copy."""

    parameters: ClassVar = {
        "after": Parameter(
            String(max_length=200),
            "The cursor of the last page that was read, or `now` for the changes that are still to come.",
            "5eff2a7a9a69856e.all.1042.817",
        ),
        "limit": Parameter(
            count(),
            f"Changes on a page. More than {MAX_CHANGES} count as {MAX_CHANGES}.",
            default=DEFAULT_CHANGES,
        ),
    }

    def on_get(self, req: Request, resp: falcon.Response) -> None:
        query = read_query(req, self.parameters)
        limit = min(query.get("limit", DEFAULT_CHANGES), MAX_CHANGES)
        page = self._services.feed.page(req.caller, after=query.get("after"), limit=limit)
        envelope.succeed_with_list(resp, "changes", page.rows, page.has_more, f'"cursor":"{page.cursor}",')


def answer(resp: falcon.Response, row: ClientRow) -> None:
    """Answer with a record and its entity tag."""
    resp.set_header("ETag", envelope.etag(row.version))
    envelope.succeed(resp, row.json)
