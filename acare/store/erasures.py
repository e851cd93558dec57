"""Erasing clients permanently, and what a restore carries over: erasures, users and keys.

The record of an erasure has the id of the client and the time, and nothing about the person.
"""

import sqlite3
from collections.abc import Iterable
from contextlib import suppress
from heapq import merge
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from acare.database.connection import NOW
from acare.database.database import Database
from acare.store import search

ERASED_AT = "SELECT erased_at FROM erasures WHERE client_id = :id"

ERASE = (
    "DELETE FROM clients WHERE id IN ({ids})",
    "DELETE FROM client_history WHERE client_id IN ({ids})",
    "DELETE FROM idempotency_keys WHERE client_id IN ({ids})",
)

ALL_ERASED = "SELECT client_id FROM erasures"

# A deleted client is only in the history.
COUNT_STORED = """
SELECT count(*)
FROM erasures
WHERE EXISTS (SELECT 1 FROM clients WHERE id = client_id)
    OR EXISTS (SELECT 1 FROM client_history WHERE client_history.client_id = erasures.client_id)
"""

RECORD = """
INSERT INTO erasures (client_id)
VALUES (:id)
ON CONFLICT DO NOTHING
"""

#: The tables that a restore carries over.
TABLES = ("users", "api_keys", "erasures")

CLIENT_IDS = "SELECT id FROM clients ORDER BY id"

COLUMNS = "SELECT name FROM pragma_table_info(:table)"

EMPTY = (
    "CREATE TEMP TABLE backup_users AS SELECT * FROM users",
    "DELETE FROM api_keys",
    "DELETE FROM users",
)

# For users that only the backup has. Addresses are unique: another user may have the address now.
DISABLE = f"""
UPDATE backup_users
SET disabled_at = coalesce(disabled_at, {NOW}),
    email = iif(email COLLATE NOCASE IN (SELECT email FROM users), 'restored-' || id || '-' || email, email)
"""

ADD = "INSERT INTO users SELECT * FROM backup_users WHERE id NOT IN (SELECT id FROM users)"


class ErasureStore:
    """Erases clients from a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def erased_at(self, client_id: str) -> str | None:
        """When the client was erased; None if it was not."""
        with self._database.read() as connection:
            row = connection.execute(ERASED_AT, {"id": client_id}).fetchone()
        return None if row is None else row[0]

    def erase(self, client_id: str) -> None:
        """Delete a client, its history and stored responses, and record the erasure."""

        def work(connection: sqlite3.Connection) -> None:
            _erase(connection, ":id", {"id": client_id})
            connection.execute(RECORD, {"id": client_id})

        self._database.write(work)


class CarriedOver(NamedTuple):
    """The numbers of users and keys in a restored database, and how its content differs from the backup or
    the replaced database.
    """

    users: int
    keys: int
    added: int  # users that only the backup has
    erased: int  # clients
    returned: int  # clients that only the backup has: they were deleted after it
    missing: int  # clients that only the replaced database has: they were created after the backup


def is_readable(old: sqlite3.Connection) -> bool:
    """Whether ``carry_over`` can read what it copies."""
    try:
        for table in TABLES:
            for _ in old.execute(f"SELECT * FROM {table}"):
                pass
    except (sqlite3.DatabaseError, UnicodeDecodeError):
        return False
    return True


def carry_over(old: sqlite3.Connection, restored: sqlite3.Connection) -> CarriedOver:
    """Copy users, keys and erasures from the replaced database to ``restored``, in two transactions.

    Users that only the backup has become disabled, and its keys are deleted. Erases the clients of the
    erasures.
    """
    restored.execute("PRAGMA foreign_keys = OFF")  # SQLite would search all clients for each deleted user
    restored.execute("BEGIN")
    for statement in EMPTY:
        restored.execute(statement)
    users, keys, _ = (_copy(old, restored, table) for table in TABLES)
    restored.execute(DISABLE)
    added = restored.execute(ADD).rowcount
    restored.execute("COMMIT")
    restored.execute("PRAGMA foreign_keys = ON")
    restored.execute("BEGIN")
    (erased,) = restored.execute(COUNT_STORED).fetchone()
    _erase(restored, ALL_ERASED, {})
    restored.execute("COMMIT")
    returned, missing = 0, 0
    with suppress(sqlite3.DatabaseError, UnicodeDecodeError):  # a damaged database can be replaced, too
        returned, missing = _compare(restored.execute(CLIENT_IDS), old.execute(CLIENT_IDS))
    return CarriedOver(users, keys, added, erased, returned, missing)


def _copy(old: sqlite3.Connection, restored: sqlite3.Connection, table: str) -> int:
    """Copy the rows of a table over those with the same key. Returns how many.

    Only the columns that both have: the replaced database can have an older or newer schema.
    """
    names, others = (
        [name for (name,) in connection.execute(COLUMNS, {"table": table})] for connection in (old, restored)
    )
    shared = [name for name in names if name in others]
    columns, values = ", ".join(shared), ", ".join("?" * len(shared))
    insert = f"INSERT OR REPLACE INTO {table} ({columns}) VALUES ({values})"
    return restored.executemany(insert, old.execute(f"SELECT {columns} FROM {table}")).rowcount


def _erase(connection: sqlite3.Connection, ids: str, values: dict[str, str]) -> None:
    """Delete all rows of clients; ``ids`` is a list or SELECT of their ids."""
    deleted = [connection.execute(statement.format(ids=ids), values).rowcount for statement in ERASE]
    if any(deleted):
        search.index_changes(connection)
        connection.execute(search.OPTIMIZE)  # deletes the words too


def _compare(restored: Iterable[tuple[str]], old: Iterable[tuple[str]]) -> tuple[int, int]:
    """How many ids only the one or only the other has. Both are in order: a set could take all memory."""
    only = {"restored": 0, "old": 0}
    tagged = merge(((id_, "restored") for (id_,) in restored), ((id_, "old") for (id_,) in old))
    for _, group in groupby(tagged, itemgetter(0)):
        first, *others = [side for _, side in group]
        only[first] += not others
    return only["restored"], only["old"]
