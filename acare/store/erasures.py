"""Erasing clients permanently: the statements, and the record of erasures that a restore follows."""

from __future__ import annotations

import json
import sqlite3
from typing import NamedTuple

from acare.database.connection import NOW
from acare.database.database import Database
from acare.errors import UserError
from acare.store import idempotency, search

#: The version of the schema that has the table of erasures.
SINCE_SCHEMA = 2

LIST = "SELECT client_id, erased_at FROM erasures"

GET = "SELECT erased_at FROM erasures WHERE client_id = :id"

ERASE = (
    "DELETE FROM clients WHERE id = :id",
    "DELETE FROM client_history WHERE client_id = :id",
)

RECORD = f"""
INSERT INTO erasures (client_id, erased_at)
VALUES (:id, coalesce(:at, {NOW}))
ON CONFLICT (client_id) DO NOTHING
"""

LIST_REVOKED = "SELECT id, revoked_at FROM api_keys WHERE revoked_at IS NOT NULL"

REVOKE_AGAIN = "UPDATE api_keys SET revoked_at = :at WHERE id = :id AND revoked_at IS NULL"

LIST_DISABLED = "SELECT id, disabled_at FROM users WHERE disabled_at IS NOT NULL"

DISABLE_AGAIN = "UPDATE users SET disabled_at = :at WHERE id = :id AND disabled_at IS NULL"

# The client in its current or last version, and the e-mail address of its owner.
GET_LAST = """
SELECT json, users.email
FROM (
    SELECT json, version FROM clients WHERE id = :id
    UNION ALL
    SELECT json, version FROM client_history WHERE client_id = :id
)
LEFT JOIN users ON users.id = json ->> '$.user_id'
ORDER BY version DESC
LIMIT 1
"""


class Person(NamedTuple):
    """Enough of a client for an operator to recognize the person."""

    name: str
    email: str | None
    owner: str | None  # the e-mail of the owner


class ErasureStore:
    """Erases clients from a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, client_id: str) -> Person | None:
        """The person behind a client id; None if neither a client nor a version in the history has it."""
        with self._database.read() as connection:
            row = connection.execute(GET_LAST, {"id": client_id}).fetchone()
        if row is None:
            return None
        client = json.loads(row[0])
        name = f"{client['first_name']} {client['last_name']}"
        return Person(name, client["email"], row[1])

    def erased_at(self, client_id: str) -> str | None:
        """When the client was erased; None if it was not."""
        with self._database.read() as connection:
            row = connection.execute(GET, {"id": client_id}).fetchone()
        return None if row is None else str(row[0])

    def erase(self, client_id: str) -> int:
        """Delete a client, its history and stored answers, and record it. Returns the number of rows.

        Zero if the client was erased before. UserError if there has never been a client with this id.
        """

        def work(connection: sqlite3.Connection) -> int:
            deleted = erase(connection, client_id)
            search.erase_deleted_words(connection)
            if not deleted and not connection.execute(GET, {"id": client_id}).fetchall():
                raise UserError(f"there is no client with the id {client_id!r}, and none in the history")
            return deleted

        return self._database.write(work)


def erase(connection: sqlite3.Connection, client_id: str, at: str | None = None) -> int:
    """Erase a client in the transaction of ``connection``. Returns the number of deleted rows.

    If there were any, the erasure is recorded as of ``at``, by default now.
    """
    deleted = sum(connection.execute(statement, {"id": client_id}).rowcount for statement in ERASE)
    deleted += idempotency.delete_of_client(connection, client_id)
    if deleted or at is not None:
        connection.execute(RECORD, {"id": client_id, "at": at})
    return deleted
