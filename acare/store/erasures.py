"""Erasing clients permanently.

The record of an erasure has the id of the client and the time, and nothing about the person.
"""

import sqlite3

from acare.database.database import Database
from acare.store import D, Store, search


class ErasureStore(Store[D]):
    """Erases clients from a database."""

    ERASED_AT = "SELECT erased_at FROM erasures WHERE client_id = :id"

    def erased_at(self, client_id: str) -> str | None:
        """When the client was erased; None if it was not."""
        with self._database.read() as connection:
            row = connection.execute(self.ERASED_AT, {"id": client_id}).fetchone()
        return None if row is None else row[0]

    RECORD = """
INSERT INTO erasures (client_id)
VALUES (:id)
ON CONFLICT DO NOTHING
"""

    def erase(self: "ErasureStore[Database]", client_id: str) -> None:
        """Delete a client, its history and stored responses, and record the erasure."""

        def work(connection: sqlite3.Connection) -> None:
            connection.execute(self.RECORD, {"id": client_id})
            erase_recorded(connection)

        self._write(work)


ERASE = (
    "DELETE FROM clients WHERE id IN (SELECT client_id FROM erasures)",
    "DELETE FROM client_history WHERE client_id IN (SELECT client_id FROM erasures)",
    "DELETE FROM client_sources WHERE client_id IN (SELECT client_id FROM erasures)",
    "DELETE FROM idempotency_keys WHERE client_id IN (SELECT client_id FROM erasures)",
)


def erase_recorded(connection: sqlite3.Connection) -> None:
    """Delete all rows of the clients in ``erasures``."""
    deleted = [connection.execute(statement).rowcount for statement in ERASE]
    if any(deleted):
        search.index_changes(connection)
        connection.execute(search.OPTIMIZE)  # deletes the words too
