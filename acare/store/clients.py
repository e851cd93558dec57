"""Clients: every statement that the API makes about them.

A store method is one transaction and returns clients as the JSON text that SQLite made of them.
``owner_id`` is the user whose clients are all there are for the caller; None sees everybody's.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from acare import ids
from acare.errors import ClientNotFound, PreconditionFailed, StaleVersion, VersionConflict
from acare.fields import FIELDS, Clean, budgets_crossed
from acare.store import idempotency, pagination
from acare.store.connection import NOW
from acare.store.database import Database
from acare.store.pagination import ClientPage


class ClientRow(NamedTuple):
    """A client: its ``json`` text as the wire shows it, and what headers are made from."""

    id: str
    version: int
    json: str


class Created(NamedTuple):
    """A client at its creation, and whether that was an earlier request with the same retry key."""

    id: str
    json: str
    created_at: str
    replayed: bool


_VISIBLE = "(:owner_id IS NULL OR user_id = :owner_id)"
_UNCHANGED = """(:version IS NULL OR version = :version)
    AND (:matches IS NULL OR version IN (SELECT value FROM json_each(:matches)))"""

# Created is never earlier than on the client before, even if the clock was set back: so the order of
# insertion, which the lists follow, is the order of creation too.
INSERT = f"""
INSERT INTO clients (
    id, user_id, {", ".join(field.name for field in FIELDS)},
    version, created_at, updated_at, made_by
)
SELECT
    :id, :user_id, {", ".join(f":{field.name}" for field in FIELDS)},
    1, created_at, created_at, :by
FROM (
    SELECT max({NOW}, coalesce((SELECT created_at FROM clients ORDER BY seq DESC LIMIT 1), ''))
        AS created_at
)
RETURNING id, json, created_at
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
SET {{assignments}}, version = version + 1, updated_at = max(updated_at, {NOW}), made_by = :by
WHERE id = :id AND {_VISIBLE}
    AND {_UNCHANGED}
RETURNING id, version, json
"""

DELETE = f"""
DELETE FROM clients
WHERE id = :id AND {_VISIBLE}
    AND {_UNCHANGED}
RETURNING version
"""

SIGN_DELETION = """
UPDATE client_history
SET deleted_by = :by
WHERE client_id = :id AND version = :version
"""

GET_VERSION = """
SELECT json
FROM client_history
WHERE client_id = :id AND version = :version
"""

_MAX_SQLITE_INTEGER = 2**63 - 1


class ClientStore:
    """Clients in a database. ``new_id`` makes a UUID for each that is created."""

    def __init__(self, database: Database, new_id: Callable[[], object] = ids.new) -> None:
        self._database = database
        self._new_id = new_id

    def page(
        self,
        owner_id: str | None,
        *,
        page: int,
        limit: int,
        client_type: str | None = None,
        status: str | None = None,
    ) -> ClientPage:
        """Page number ``page``, counted from 1, of ``limit`` clients, newest first.

        Rows and total are of one snapshot. A page past the end has no rows.
        """
        with self._database.read() as connection:
            return pagination.read(connection, owner_id, page, limit, client_type, status)

    def get(self, owner_id: str | None, client_id: str) -> ClientRow:
        """The client, or ClientNotFound."""
        with self._database.read() as connection:
            row = connection.execute(GET, {"id": client_id, "owner_id": owner_id}).fetchone()
        if row is None:
            raise ClientNotFound
        return ClientRow(*row)

    def create(
        self, user_id: str, client: Clean, *, by: str | None = None, idempotency_key: str | None = None
    ) -> Created:
        """Store a new client of the user's, at version 1. ``by`` is the id of the key that does it.

        A client that was created with the same ``idempotency_key`` before is returned again;
        IdempotencyKeyReused if that was another client.
        """
        values = {**client, "id": str(self._new_id()), "user_id": user_id, "by": by}

        def work(connection: sqlite3.Connection) -> Created:
            if idempotency_key is None:
                return Created._make((*connection.execute(INSERT, values).fetchall()[0], False))
            before = idempotency.recall(connection, user_id, idempotency_key, client)
            if before is not None:
                return Created._make((*before, True))
            made = connection.execute(INSERT, values).fetchall()[0]
            idempotency.keep(connection, user_id, idempotency_key, client, made)
            return Created._make((*made, False))

        return self._database.write(work)

    def update(
        self,
        owner_id: str | None,
        client_id: str,
        changes: Clean,
        version: int | None = None,
        *,
        matches: Sequence[int] | None = None,
        by: str | None = None,
    ) -> ClientRow:
        """Merge ``changes`` into the client, if its version is ``version`` and among ``matches``.

        None of either is no condition. ClientNotFound, VersionConflict, PreconditionFailed, or InvalidInput
        if the merged budgets are the wrong way round.
        """
        statement = UPDATE.format(assignments=", ".join(_ASSIGNMENTS[name] for name in changes))
        target = _Target(owner_id, client_id, version, matches)
        values = {**changes, **target.values(), "by": by}

        def work(connection: sqlite3.Connection) -> ClientRow:
            try:
                rows = connection.execute(statement, values).fetchall()
            except sqlite3.IntegrityError as error:
                if "budget_order" in str(error):
                    raise budgets_crossed(changes) from None
                raise
            if not rows:
                raise target.why_not(connection)
            return ClientRow(*rows[0])

        return self._database.write(work)

    def delete(
        self,
        owner_id: str | None,
        client_id: str,
        *,
        matches: Sequence[int] | None = None,
        by: str | None = None,
    ) -> None:
        """Delete the client, if its version is among ``matches``. ClientNotFound or PreconditionFailed."""
        target = _Target(owner_id, client_id, None, matches)

        def work(connection: sqlite3.Connection) -> None:
            rows = connection.execute(DELETE, target.values()).fetchall()
            if not rows:
                raise target.why_not(connection)
            connection.execute(SIGN_DELETION, {"id": client_id, "version": rows[0][0], "by": by})

        self._database.write(work)


@dataclass(frozen=True)
class _Target:
    """The client that a change is for, and the versions at which it may be changed."""

    owner_id: str | None
    client_id: str
    version: int | None
    matches: Sequence[int] | None

    def values(self) -> dict[str, object]:
        return {
            "owner_id": self.owner_id,
            "id": self.client_id,
            "version": None if self.version is None else min(self.version, _MAX_SQLITE_INTEGER),
            "matches": None if self.matches is None else json.dumps(self.matches),
        }

    def why_not(self, connection: sqlite3.Connection) -> ClientNotFound | StaleVersion:
        """Why nothing was changed, for whoever must tell the caller."""
        found = connection.execute(GET, self.values()).fetchall()
        if not found:
            return ClientNotFound()
        now = ClientRow(*found[0])
        if self.matches is not None and now.version not in self.matches:
            return self._stale(PreconditionFailed, connection, now, max(self.matches, default=None))
        return self._stale(VersionConflict, connection, now, self.version)

    def _stale(
        self,
        kind: type[StaleVersion],
        connection: sqlite3.Connection,
        now: ClientRow,
        attempted: int | None,
    ) -> StaleVersion:
        """The error, with what the history knows of the version that the caller has."""
        current = json.loads(now.json)
        which = {"id": self.client_id, "version": min(attempted or 0, _MAX_SQLITE_INTEGER)}
        known = connection.execute(GET_VERSION, which).fetchall()
        changed = None
        if known:
            old = json.loads(known[0][0])
            changed = [field.name for field in FIELDS if old[field.name] != current[field.name]]
        return kind(now.version, attempted, changed, current["updated_at"])
