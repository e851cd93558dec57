"""Lists of clients for any combination of filters: one page and the total, or all."""

import json
import sqlite3
from collections.abc import Generator, Iterator
from contextlib import closing

from acare.auth import Caller
from acare.database.connection import readable_text
from acare.database.database import ReadableDatabase
from acare.errors import FieldError, InvalidInput
from acare.store import MAX_SQLITE_INTEGER, Listing, Store
from acare.store.list_statements import (
    INDEXED,
    SEARCH,
    Query,
    matching_statement,
    page_statement,
    query_of,
    total_statement,
)

#: Seconds that a list, a search or a history may take: other requests wait for it.
MAX_SECONDS = 2.0

#: Seconds that reading all clients of a list may take, including pauses between rows.
MAX_SECONDS_OF_ALL = 30.0

# What an export has: a client, and what else describes it, as JSON.
_EXPORTED = "clients.json, json_object('owner', (SELECT email FROM users WHERE users.id = user_id))"


class ClientLists(Store[ReadableDatabase]):
    """Lists of the clients in a database that the caller can see.

    ``filters`` are the query parameters of a list (``acare.filters``); None sets no condition.
    Without ``sort``, the newest clients are first.
    """

    def page(self, caller: Caller, *, page: int, limit: int, **filters: object) -> Listing[str]:
        """Page number ``page``, counted from 1, of ``limit`` clients as JSON texts.

        The rows and the total come from one snapshot. A page past the end has no rows. StoreUnavailable if
        that takes too long.
        """
        query = query_of(caller.owner_id, filters)
        with self._database.read(max_seconds=MAX_SECONDS) as connection:
            connection.execute("BEGIN")
            skipped = min((page - 1) * limit, MAX_SQLITE_INTEGER)
            try:
                connection.text_factory = str  # a tenth faster, but it fails for text that is not UTF-8
                return _page(connection, query, skipped, limit)
            except sqlite3.OperationalError as error:
                if "Could not decode" not in str(error):
                    raise
                connection.text_factory = readable_text
                return _page(connection, query, skipped, limit)
            finally:
                connection.text_factory = readable_text

    def all(self, caller: Caller, max_clients: int, **filters: object) -> Iterator[tuple[str, str]]:
        """The JSON of each client, and of its owner's e-mail address, from one snapshot.

        InvalidInput if there are more than ``max_clients``.
        """
        query = query_of(caller.owner_id, filters)
        with self._database.read(max_seconds=MAX_SECONDS_OF_ALL) as connection:
            connection.execute("BEGIN")
            total, rows = _matches(connection, query, _EXPORTED, 0, max_clients)
            with closing(rows):  # an open cursor would keep the snapshot for the connection's next read
                if total > max_clients:
                    more = f"match {total:,} clients, more than {max_clients:,}"
                    problem = f"{more}: add a filter, or use 'acare export'"
                    raise InvalidInput(FieldError("filters", problem))
                yield from rows

    EXPORT = f"SELECT {_EXPORTED} FROM clients ORDER BY seq"

    def export(self) -> Generator[tuple[str, str], None, None]:
        """Like ``all``, but all clients of all users, oldest first, without a time limit."""
        with self._database.read() as connection:
            yield from connection.execute(self.EXPORT)


def count(connection: sqlite3.Connection) -> int:
    """The number of clients."""
    return int(connection.execute(total_statement(frozenset())).fetchone()[0])


# JSON5, which SQLite takes too, is not JSON.
NOT_TEXT = """
SELECT
    id,
    CAST(json AS BLOB),
    NOT json_valid(tags)
        OR NOT json_valid(preferred_locations)
        OR EXISTS (SELECT 1 FROM json_each(tags) WHERE type <> 'text')
        OR EXISTS (SELECT 1 FROM json_each(preferred_locations) WHERE type <> 'text')
FROM clients
ORDER BY seq
"""


def not_text(connection: sqlite3.Connection) -> list[str]:
    """The clients of whom another program has stored text that is not UTF-8, or lists of other values."""
    rows = connection.execute(NOT_TEXT)
    return [
        client_id
        for client_id, stored, is_other in rows
        if is_other or readable_text(stored).encode() != stored
    ]


def _page(connection: sqlite3.Connection, query: Query, skipped: int, limit: int) -> Listing[str]:
    """At most ``limit`` clients after those that are skipped."""
    values = query.values
    names = frozenset(values)
    if query.order or (names != SEARCH and names - INDEXED):
        total, rows = _matches(connection, query, "clients.json", skipped, limit)
        return Listing(total, [text for (text,) in rows])
    (total,) = connection.execute(total_statement(names), values).fetchone()
    if skipped >= total:
        return Listing(total, [])
    values |= {"rows": limit, "skipped": skipped}
    return Listing(total, [text for (text,) in connection.execute(page_statement(names), values)])


AT_POSITIONS = """
SELECT {columns}
FROM json_each(:seqs) AS position
CROSS JOIN clients ON clients.seq = position.value
ORDER BY position.key
"""


def _matches(
    connection: sqlite3.Connection, query: Query, columns: str, skipped: int, limit: int
) -> tuple[int, sqlite3.Cursor]:
    """Like ``_page``, but for any filters, and with other columns. Reads the positions of all matches."""
    matches = [seq for (seq,) in connection.execute(matching_statement(*query), query.values)]
    seqs = json.dumps(matches[skipped : skipped + limit])
    return len(matches), connection.execute(AT_POSITIONS.format(columns=columns), {"seqs": seqs})
