"""Which client a row of an import describes.

A row with an id describes the client with this id. Otherwise it is found by the row's e-mail address, by the
digits of its phone number if it has no address, and by its full name if it has neither.
"""

from __future__ import annotations

import sqlite3
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

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
    (SELECT 0 FROM client_history WHERE client_id = :id),
    (SELECT 0 FROM erasures WHERE client_id = :id)
)
"""

GET = "SELECT id, first_name || ' ' || last_name, budget_min, budget_max FROM clients WHERE seq = :seq"

# Keys are hashes: the addresses of a million clients would take 100 MB.
CREATE_KEYS = "CREATE TABLE keys (key INTEGER PRIMARY KEY, seq INTEGER NOT NULL)"
ADD_KEY = "INSERT OR IGNORE INTO keys (key, seq) VALUES (:key, :seq)"
FIND_KEY = "SELECT seq FROM keys WHERE key = :key"
DELETE_LINES = "DELETE FROM keys WHERE seq < 0"


@dataclass(frozen=True)
class Duplicate:
    """A row that describes a client: ``client`` is its id, or None for that of the line ``first_line``.

    ``by`` is id, email, phone or name. ``crossed``: merged into the client, its budget_min would be more than
    its budget_max.
    """

    line: int
    by: str
    name: str
    client: str | None = None
    first_line: int | None = None
    deleted: bool = False
    crossed: bool = False


class People:
    """Finds the clients that rows describe. Where several fit, the oldest is taken.

    A client is its ``seq``, or 0 if it was deleted. A row that is not written yet is minus its line.
    """

    def __init__(self, connection: sqlite3.Connection, until: int | None = None) -> None:
        """Reads all clients, or those up to the ``seq`` that is given."""
        self._keys = open_in_memory()
        weakref.finalize(self, self._keys.close)
        self._keys.execute(CREATE_KEYS)
        (self._newest,) = connection.execute(NEWEST).fetchone()
        self._read(connection, 0, self._newest if until is None else until)

    def find(self, connection: sqlite3.Connection, row: ImportRow) -> tuple[int, str] | None:
        """The client or earlier row that the row describes, and how it was found."""
        client_id = row.kept.get("id")
        if client_id is not None:
            seq = self._find_key(("id", client_id))
            if seq is None:
                (seq,) = connection.execute(FIND_ID, {"id": client_id}).fetchone()
            if seq is not None:
                return seq, "id"
        key = next(_keys(row.values))
        seq = self._find_key(key)
        if seq is None or (seq > 0 and connection.execute(GET, {"seq": seq}).fetchone() is None):
            return None
        return seq, key[0]

    def add(self, seq: int, row: ImportRow) -> None:
        """Let later rows be found to be this one. A row that has an id is known by that alone."""
        keys = [("id", row.kept["id"])] if "id" in row.kept else _keys(row.values)
        self._keys.executemany(ADD_KEY, [{"key": hash(key), "seq": seq} for key in keys])
        self._newest = max(self._newest, seq)

    def describe(self, connection: sqlite3.Connection, row: ImportRow, seq: int, by: str) -> Duplicate:
        """What ``find`` found, for people."""
        name = f"{row.values['first_name']} {row.values['last_name']}"
        if seq < 0:
            return Duplicate(row.line, by, name, first_line=-seq)
        if seq == 0:
            return Duplicate(row.line, by, name, row.kept["id"], deleted=True)
        client, name, low, high = connection.execute(GET, {"seq": seq}).fetchone()
        low, high = row.values.get("budget_min", low), row.values.get("budget_max", high)
        crossed = low is not None and high is not None and low > high
        return Duplicate(row.line, by, name, client, crossed=crossed)

    def remove_lines(self) -> None:
        """Remove the rows that were not written."""
        self._keys.execute(DELETE_LINES)

    def read_new(self, connection: sqlite3.Connection) -> None:
        """Read the clients that others have created since those that are known."""
        self._read(connection, self._newest, 2**62)

    def _read(self, connection: sqlite3.Connection, after: int, until: int) -> None:
        people = connection.execute(PEOPLE, {"after": after, "until": until})
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
