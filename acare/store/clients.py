"""Every statement about clients.

A store method is one transaction and returns clients as the JSON text that SQLite made of them.
``sees_only`` is the user whose clients are all there are for the caller; None sees everybody's.
"""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Callable
from typing import NamedTuple
from uuid import uuid4

from acare.errors import ClientNotFound, VersionConflict
from acare.fields import FIELDS, Clean, budgets_crossed
from acare.store.database import Database


class ClientRow(NamedTuple):
    """A client: its ``json`` text as the wire shows it, and what headers are made from."""

    id: str
    version: int
    json: str


class ClientPage(NamedTuple):
    """The JSON texts of one page, and how many clients there are on all of them."""

    total: int
    rows: list[str]


_NOW = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"
_VISIBLE = "(:sees_only IS NULL OR user_id = :sees_only)"

# Created is never earlier than on the client before, even if the clock was set back: so the order of
# insertion, which the lists follow, is the order of creation too.
INSERT = f"""
INSERT INTO clients (
    id, user_id, {", ".join(field.name for field in FIELDS)},
    version, created_at, updated_at
)
SELECT
    :id, :user_id, {", ".join(f":{field.name}" for field in FIELDS)},
    1, created_at, created_at
FROM (
    SELECT max({_NOW}, coalesce((SELECT created_at FROM clients ORDER BY seq DESC LIMIT 1), ''))
        AS created_at
)
RETURNING id, version, json
"""

GET = f"""
SELECT id, version, json
FROM clients
WHERE id = :id AND {_VISIBLE}
"""

# The lock is the WHERE: the check and the change are one statement, so nobody can come in between.
_ASSIGNMENTS = {field.name: f"{field.name} = :{field.name}" for field in FIELDS}
UPDATE = f"""
UPDATE clients
SET {{assignments}}, version = version + 1, updated_at = max(updated_at, {_NOW})
WHERE id = :id AND {_VISIBLE} AND (:version IS NULL OR version = :version)
RETURNING id, version, json
"""

DELETE = f"""
DELETE FROM clients
WHERE id = :id AND {_VISIBLE}
RETURNING id
"""

# A list is asked for in eight ways, with or without each of these; each way has an index of its own.
_FILTERS = {"sees_only": "user_id = :sees_only", "client_type": "client_type = :client_type",
            "status": "status = :status"}  # fmt: skip


def _where(filters: frozenset[str]) -> str:
    conditions = [condition for name, condition in _FILTERS.items() if name in filters]
    return f"WHERE {' AND '.join(conditions)}" if conditions else ""


_WAYS = [frozenset(way) for n in range(len(_FILTERS) + 1) for way in itertools.combinations(_FILTERS, n)]

TOTAL = {way: f"SELECT coalesce(sum(total), 0) FROM client_totals {_where(way)}" for way in _WAYS}

# The inner SELECT walks the narrow index alone to the page, from its nearer end; only the rows of the page
# itself are read.
PAGE = {
    (way, order): f"""
SELECT json
FROM clients
WHERE seq IN (
    SELECT seq
    FROM clients {"" if way else "INDEXED BY clients_by_seq"}
    {_where(way)}
    ORDER BY seq {order}
    LIMIT :rows OFFSET :skipped
)
ORDER BY seq DESC
"""
    for way in _WAYS
    for order in ("ASC", "DESC")
}

_MOST_SQLITE_INTEGER = 2**63 - 1


class ClientStore:
    """Clients in a database. ``new_id`` makes a UUID for each that is created."""

    def __init__(self, database: Database, new_id: Callable[[], object] = uuid4) -> None:
        self._database = database
        self._new_id = new_id

    def page(
        self,
        sees_only: str | None,
        *,
        page: int,
        limit: int,
        client_type: str | None = None,
        status: str | None = None,
    ) -> ClientPage:
        """Page number ``page``, counted from 1, of ``limit`` clients, newest first.

        Rows and total are of one snapshot. A page past the end has no rows.
        """
        filters = {"sees_only": sees_only, "client_type": client_type, "status": status}
        values: dict[str, object] = {name: value for name, value in filters.items() if value is not None}
        way = frozenset(values)
        skipped = (page - 1) * limit
        with self._database.read() as connection:
            connection.execute("BEGIN")
            (total,) = connection.execute(TOTAL[way], values).fetchone()
            rows = min(limit, total - skipped)
            if rows <= 0:
                return ClientPage(total, [])
            after = total - skipped - rows
            order, nearer = ("DESC", skipped) if skipped <= after else ("ASC", after)
            values |= {"rows": rows, "skipped": nearer}
            found = connection.execute(PAGE[way, order], values).fetchall()
        return ClientPage(total, [json for (json,) in found])

    def get(self, sees_only: str | None, client_id: str) -> ClientRow:
        """The client, or ClientNotFound."""
        with self._database.read() as connection:
            row = connection.execute(GET, {"id": client_id, "sees_only": sees_only}).fetchone()
        if row is None:
            raise ClientNotFound
        return ClientRow(*row)

    def create(self, user_id: str, client: Clean) -> ClientRow:
        """Store a new client of the user's, at version 1."""
        values = {**client, "id": str(self._new_id()), "user_id": user_id}
        return self._database.write(
            lambda connection: ClientRow(*connection.execute(INSERT, values).fetchall()[0])
        )

    def update(
        self, sees_only: str | None, client_id: str, changes: Clean, version: int | None = None
    ) -> ClientRow:
        """Merge ``changes`` into the client. With ``version``, only if that is what it still has.

        ClientNotFound, VersionConflict, or InvalidInput if the merged budgets are the wrong way round.
        """
        statement = UPDATE.format(assignments=", ".join(_ASSIGNMENTS[name] for name in changes))
        target = {"id": client_id, "sees_only": sees_only}
        attempted = None if version is None else min(version, _MOST_SQLITE_INTEGER)
        values = {**changes, **target, "version": attempted}

        def work(connection: sqlite3.Connection) -> ClientRow:
            try:
                rows = connection.execute(statement, values).fetchall()
            except sqlite3.IntegrityError as error:
                if "budget_order" in str(error):
                    raise budgets_crossed(changes) from None
                raise
            if rows:
                return ClientRow(*rows[0])
            now = connection.execute(GET, target).fetchall()
            if not now or version is None:
                raise ClientNotFound
            raise VersionConflict(current=ClientRow(*now[0]).version, attempted=version)

        return self._database.write(work)

    def delete(self, sees_only: str | None, client_id: str) -> None:
        """Delete the client, or ClientNotFound."""

        def work(connection: sqlite3.Connection) -> None:
            if not connection.execute(DELETE, {"id": client_id, "sees_only": sees_only}).fetchall():
                raise ClientNotFound

        self._database.write(work)
