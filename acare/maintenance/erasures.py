"""Erasing clients permanently: the statements, and the record of erasures, which a restore repeats."""

from __future__ import annotations

import sqlite3

from acare.database.connection import NOW
from acare.database.database import Database
from acare.store import search

LIST = "SELECT client_id, erased_at AS at FROM erasures"

ERASE = (
    "DELETE FROM clients WHERE id = :id",
    "DELETE FROM client_history WHERE client_id = :id",
    "DELETE FROM idempotency_keys WHERE client_id = :id",
)

RECORD = f"""
INSERT INTO erasures (client_id, erased_at)
VALUES (:id, coalesce(:at, {NOW}))
ON CONFLICT (client_id) DO NOTHING
"""

LIST_REVOKED = "SELECT id, revoked_at AS at FROM api_keys WHERE revoked_at IS NOT NULL"

REVOKE_AGAIN = "UPDATE api_keys SET revoked_at = :at WHERE id = :id AND revoked_at IS NULL"

LIST_DISABLED = "SELECT id, disabled_at AS at FROM users WHERE disabled_at IS NOT NULL"

DISABLE_AGAIN = "UPDATE users SET disabled_at = :at WHERE id = :id AND disabled_at IS NULL"


class ErasureStore:
    """Erases clients from a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def erase(self, client_id: str) -> int:
        """Delete a client, its history and stored responses, and record the erasure. Returns the count."""

        def work(connection: sqlite3.Connection) -> int:
            deleted = erase(connection, client_id)
            search.erase_deleted_words(connection)
            return deleted

        return self._database.write(work)


def erase(connection: sqlite3.Connection, client_id: str, at: str | None = None) -> int:
    """Erase a client in the transaction of ``connection``. Returns the number of deleted rows.

    The erasure is recorded as of ``at``; without ``at``, as of now if any row was deleted.
    """
    deleted = sum(connection.execute(statement, {"id": client_id}).rowcount for statement in ERASE)
    if deleted or at is not None:
        connection.execute(RECORD, {"id": client_id, "at": at})
    return deleted
