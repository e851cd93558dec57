"""Erasing clients permanently, and what a restore carries over: erasures, users and keys.

The record of an erasure has the id of the client and the time, and nothing about the person.
"""

import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from acare.store import NOW, Store, search

ERASED_AT = "SELECT erased_at FROM erasures WHERE client_id = :id"

RECORD = """
INSERT INTO erasures (client_id)
VALUES (:id)
ON CONFLICT DO NOTHING
"""

# A deleted client is only in the history.
COUNT_STORED = """
SELECT count(*)
FROM erasures
WHERE EXISTS (SELECT 1 FROM clients WHERE id = client_id)
    OR EXISTS (SELECT 1 FROM client_history WHERE client_history.client_id = erasures.client_id)
"""

ERASE = (
    "DELETE FROM clients WHERE id IN (SELECT client_id FROM erasures)",
    "DELETE FROM client_history WHERE client_id IN (SELECT client_id FROM erasures)",
    "DELETE FROM client_sources WHERE client_id IN (SELECT client_id FROM erasures)",
    "DELETE FROM idempotency_keys WHERE client_id IN (SELECT client_id FROM erasures)",
)

#: The tables that a restore carries over.
TABLES = ("users", "api_keys", "erasures")

# The replaced database can have an older or newer schema.
SHARED_COLUMNS = """
SELECT name FROM pragma_table_info(:table, 'main')
INTERSECT
SELECT name FROM pragma_table_info(:table, 'old')
"""

# For users that only the backup has. Addresses are unique: another user may have the address now.
DISABLE = f"""
UPDATE users
SET disabled_at = coalesce(disabled_at, {NOW}),
    email = iif(email IN (SELECT email FROM old.users), 'restored-' || id || '-' || email, email)
WHERE id NOT IN (SELECT id FROM old.users)
"""

# Clients that only the backup has, and clients that only the replaced database has.
DIFFERENCES = """
SELECT
    (SELECT count(*) FROM main.clients WHERE id NOT IN (SELECT id FROM old.clients)),
    (SELECT count(*) FROM old.clients WHERE id NOT IN (SELECT id FROM main.clients))
"""


class ErasureStore(Store):
    """Erases clients from a database."""

    def erased_at(self, client_id: str) -> str | None:
        """When the client was erased; None if it was not."""
        with self._database.read() as connection:
            row = connection.execute(ERASED_AT, {"id": client_id}).fetchone()
        return None if row is None else row[0]

    def erase(self, client_id: str) -> None:
        """Delete a client, its history and stored responses, and record the erasure."""

        def work(connection: sqlite3.Connection) -> None:
            connection.execute(RECORD, {"id": client_id})
            _erase(connection)

        self._database.write(work)


class CarriedOver(NamedTuple):
    """What a restored database has of the replaced one, and how its clients differ from both files."""

    users: int
    keys: int
    added: int  # users that only the backup has
    erased: int  # clients
    returned: int  # clients that only the backup has: they were deleted after it
    missing: int  # clients that only the replaced database has: they were created after the backup


def is_readable(old: sqlite3.Connection) -> bool:
    """Whether ``carry_over`` can read what it copies."""
    with suppress(sqlite3.DatabaseError, UnicodeDecodeError):
        for table in TABLES:
            for _ in old.execute(f"SELECT * FROM {table}"):
                pass
        return True
    return False


def carry_over(connection: sqlite3.Connection, replaced: Path) -> CarriedOver:
    """Copy users, keys and erasures from the replaced database, which is locked, in two transactions.

    Users that only the backup has become disabled, and its keys are deleted. Erases the clients of the
    erasures.
    """
    connection.execute("ATTACH :uri AS old", {"uri": f"{replaced.as_uri()}?immutable=1"})  # ignores the lock
    connection.execute("PRAGMA foreign_keys = OFF")  # SQLite would search all clients for each replaced user
    connection.execute("BEGIN")
    added = connection.execute(DISABLE).rowcount
    connection.execute("DELETE FROM api_keys")
    users, keys, _ = (_copy(connection, table) for table in TABLES)
    connection.execute("COMMIT")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("BEGIN")
    (erased,) = connection.execute(COUNT_STORED).fetchone()
    _erase(connection)
    connection.execute("COMMIT")
    returned, missing = 0, 0
    with suppress(sqlite3.DatabaseError):  # a damaged database can be replaced, too
        returned, missing = connection.execute(DIFFERENCES).fetchone()
    connection.execute("DETACH old")
    return CarriedOver(users, keys, added, erased, returned, missing)


def _copy(connection: sqlite3.Connection, table: str) -> int:
    """Copy the rows of a table over those with the same key. Returns how many."""
    columns = ", ".join(name for (name,) in connection.execute(SHARED_COLUMNS, {"table": table}))
    copy = f"INSERT OR REPLACE INTO main.{table} ({columns}) SELECT {columns} FROM old.{table}"
    return connection.execute(copy).rowcount


def _erase(connection: sqlite3.Connection) -> None:
    """Delete all rows of the clients in ``erasures``."""
    deleted = [connection.execute(statement).rowcount for statement in ERASE]
    if any(deleted):
        search.index_changes(connection)
        connection.execute(search.OPTIMIZE)  # deletes the words too
