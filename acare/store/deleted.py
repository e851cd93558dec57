"""Lists of the deleted clients that can be restored, and the search among them.

Deleted clients are not in the full-text index, which would keep their words: each search among them makes an
index for itself.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import Unpack

from acare.auth import Caller
from acare.clients import ClientPage, Filters
from acare.database.connection import limit_time, open_temporary
from acare.database.database import Database
from acare.store import search
from acare.store.clients import MAX_SECONDS

# Without the deletions of restored clients, which exist or were deleted again at a later version.
FILTERED = """
SELECT rowid
FROM client_history AS deletion INDEXED BY client_history_deleted
WHERE deleted
    AND NOT EXISTS (SELECT 1 FROM clients WHERE id = client_id)
    AND NOT EXISTS (
        SELECT 1
        FROM client_history AS later
        WHERE later.client_id = deletion.client_id AND later.version > deletion.version
    )
    AND (:owner_id IS NULL OR json ->> '$.user_id' = :owner_id)
    AND (:user_id IS NULL OR json ->> '$.user_id' = :user_id)
    AND (:client_type IS NULL OR json ->> '$.client_type' = :client_type)
    AND (:status IS NULL OR json ->> '$.status' = :status)
    AND (:email IS NULL OR json ->> '$.email' = :email COLLATE NOCASE)
ORDER BY ended_at DESC, rowid DESC
"""

PAGE = """
SELECT json, json_object('deletedAt', ended_at, 'deletedBy', users.email)
FROM client_history
LEFT JOIN users ON users.id = deleted_by
WHERE client_history.rowid IN (SELECT value FROM json_each(:rowids))
ORDER BY ended_at DESC, client_history.rowid DESC
"""

_NO_FILTERS: dict[str, None] = dict.fromkeys(("user_id", "client_type", "status", "email"))

TO_SEARCH = "SELECT rowid, json FROM client_history WHERE rowid IN (SELECT value FROM json_each(:rowids))"

# What the view of the words reads.
_SEARCHED = ("first_name", "last_name", "email", "phone", "preferred_locations", "tags", "notes")
_COLUMNS = ", ".join(f"{name} AS (json ->> '$.{name}')" for name in _SEARCHED)
TABLE = f"CREATE TABLE clients (seq INTEGER PRIMARY KEY, json TEXT NOT NULL, {_COLUMNS})"

# The view comes before the index of its content.
INDEX_SCHEMA = """
SELECT sql
FROM sqlite_schema
WHERE name IN ('clients_words', 'clients_search')
ORDER BY rowid
"""

REBUILD = "INSERT INTO clients_search (clients_search) VALUES ('rebuild')"

FOUND = f"""
SELECT clients.seq
FROM clients_search
JOIN clients ON clients.seq = clients_search.rowid
WHERE {search.WORDS}
"""


class DeletedStore:
    """The deleted clients in a database. A list or search may take ``max_seconds``."""

    def __init__(self, database: Database, max_seconds: float = MAX_SECONDS) -> None:
        self._database = database
        self._max_seconds = max_seconds

    def page(self, caller: Caller, *, page: int, limit: int, **filters: Unpack[Filters]) -> ClientPage:
        """Page number ``page`` of ``limit`` clients that the caller could see until their deletion.

        The last one deleted comes first. Rows and total come from one snapshot. StoreUnavailable if that
        takes too long.
        """
        values = {**_NO_FILTERS, **filters, "owner_id": caller.owner_id}
        with self._database.read(max_seconds=self._max_seconds) as connection:
            connection.execute("BEGIN")
            found = [rowid for (rowid,) in connection.execute(FILTERED, values)]
            if (text := filters.get("q")) is not None:
                found = self._search(connection, found, text)
            rowids = found[(page - 1) * limit : page * limit]
            rows = connection.execute(PAGE, {"rowids": json.dumps(rowids)}).fetchall()
        return ClientPage(len(found), [row for row, _ in rows], [deletion for _, deletion in rows])

    def _search(self, connection: sqlite3.Connection, rowids: list[int], text: str) -> list[int]:
        """Those of the deleted clients that a search finds, in their order."""
        with closing(open_temporary()) as index:
            limit_time(index, self._max_seconds)
            index.execute(TABLE)
            for (statement,) in connection.execute(INDEX_SCHEMA).fetchall():
                index.execute(statement)
            index.execute("BEGIN")
            clients = connection.execute(TO_SEARCH, {"rowids": json.dumps(rowids)})
            index.executemany("INSERT INTO clients VALUES (?, ?)", clients)
            index.execute(REBUILD)
            wanted = search.parameters(text)
            statement = f"{FOUND} AND {search.NUMBER}" if "number" in wanted else FOUND
            found = {rowid for (rowid,) in index.execute(statement, wanted)}
        return [rowid for rowid in rowids if rowid in found]
