"""Which client a row of an import describes.

A row with an id describes the client with this id. Otherwise it is found by the row's e-mail address, by the
digits of its phone number if it has no address, and by its full name if it has neither.
"""

from __future__ import annotations

import sqlite3
import weakref
from collections.abc import Iterator
from typing import Any, NamedTuple

from acare.clients import ImportRow
from acare.store.connection import open_in_memory

PEOPLE = """
SELECT seq, email, phone, first_name, last_name
FROM clients
WHERE seq > :after AND seq <= :until
ORDER BY seq
"""

NEWEST = "SELECT coalesce(max(seq), 0) FROM clients"

FIND_ID = """
SELECT coalesce(
    (SELECT seq FROM clients WHERE id = :id),
    (SELECT 0 FROM client_history WHERE client_id = :id)
)
"""

GET = """
SELECT id, first_name || ' ' || last_name, budget_min, budget_max
FROM clients
WHERE seq = :seq
"""

# Keys are hashes: the addresses of a million clients would take 100 MB.
CREATE_KEYS = "CREATE TABLE keys (key INTEGER PRIMARY KEY, seq INTEGER NOT NULL)"

ADD_KEY = "INSERT OR IGNORE INTO keys (key, seq) VALUES (:key, :seq)"

FIND_KEY = "SELECT seq FROM keys WHERE key = :key"

DELETE_LINES = "DELETE FROM keys WHERE seq < 0"


class Match(NamedTuple):
    """What a row was found to be: a client, by ``by``, or an earlier line of the file."""

    by: str  # id, email, phone, name
    seq: int  # of the client; minus the number of the line; 0: a client that was deleted

    @property
    def deleted(self) -> bool:
        return self.seq == 0


class Duplicate(NamedTuple):
    """A row that describes a client: ``client`` is its id, or None for that of the line ``first_line``.

    ``crossed``: merged into the client, its budget_min would be more than its budget_max.
    """

    line: int
    by: str
    client: str | None
    first_line: int | None
    name: str
    deleted: bool
    crossed: bool


class Duplicates:
    """Finds the clients that rows describe. Where several fit, the oldest is taken."""

    def __init__(self, connection: sqlite3.Connection, newest_before: int | None = None) -> None:
        """Reads all clients, or those up to ``newest_before``."""
        self._keys = open_in_memory()
        weakref.finalize(self, self._keys.close)
        self._keys.execute(CREATE_KEYS)
        self._seen = 0
        self._read_people(connection, newest_before)
        self.skip_to_newest(connection)

    def find(self, connection: sqlite3.Connection, row: ImportRow) -> Match | None:
        """The client, or the earlier line, that the row describes."""
        if row.id is not None:
            seq = self._find_key(("id", row.id))
            if seq is None:
                (seq,) = connection.execute(FIND_ID, {"id": row.id}).fetchone()
            if seq is not None and (seq != 0 or "id" in row.kept):
                return Match("id", seq)
        key = next(_keys(row.values))
        seq = self._find_key(key)
        if seq is None or (seq > 0 and connection.execute(GET, {"seq": seq}).fetchone() is None):
            return None
        return Match(key[0], seq)

    def add(self, seq: int, row: ImportRow) -> None:
        """Let later rows be found to be this one. A row that brings its own id is known by that alone."""
        keys = [("id", row.id)] if "id" in row.kept else _keys(row.values)
        self._keys.executemany(ADD_KEY, [{"key": hash(key), "seq": seq} for key in keys])

    def describe(self, connection: sqlite3.Connection, row: ImportRow, match: Match) -> Duplicate:
        """What ``find`` found, for people."""
        values = row.values
        name = f"{values['first_name']} {values['last_name']}"
        if match.seq < 0:
            return Duplicate(row.line, match.by, None, -match.seq, name, deleted=False, crossed=False)
        if match.deleted:
            return Duplicate(row.line, match.by, row.id, None, name, deleted=True, crossed=False)
        client, name, low, high = connection.execute(GET, {"seq": match.seq}).fetchone()
        low, high = values.get("budget_min", low), values.get("budget_max", high)
        crossed = low is not None and high is not None and low > high
        return Duplicate(row.line, match.by, client, None, name, deleted=False, crossed=crossed)

    def remove_lines(self) -> None:
        """Remove the identities that were added for lines of the file."""
        self._keys.execute(DELETE_LINES)

    def catch_up(self, connection: sqlite3.Connection) -> None:
        """Read the clients that others have created since ``skip_to_newest``."""
        self._read_people(connection, None)

    def skip_to_newest(self, connection: sqlite3.Connection) -> None:
        """Take all clients as read that there are now."""
        (self._seen,) = connection.execute(NEWEST).fetchone()

    def _read_people(self, connection: sqlite3.Connection, until: int | None) -> None:
        values = {"after": self._seen, "until": 2**62 if until is None else until}
        people = connection.execute(PEOPLE, values)
        self._keys.execute("BEGIN")
        self._keys.executemany(
            ADD_KEY,
            (
                {"key": hash(key), "seq": seq}
                for seq, email, phone, first, last in people
                for key in _keys({"email": email, "phone": phone, "first_name": first, "last_name": last})
            ),
        )
        self._keys.execute("COMMIT")

    def _find_key(self, key: tuple[str, str]) -> int | None:
        row = self._keys.execute(FIND_KEY, {"key": hash(key)}).fetchone()
        return None if row is None else int(row[0])


def _keys(client: Any) -> Iterator[tuple[str, str]]:
    """The ways in which a client is found, the best first."""
    if client.get("email"):
        yield "email", client["email"].casefold()
    digits = "".join(filter(str.isdigit, client.get("phone") or ""))
    if digits:
        yield "phone", digits
    yield "name", " ".join(f"{client['first_name']} {client['last_name']}".casefold().split())
