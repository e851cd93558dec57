"""The clients of an import: adding them, and finding the client that a row describes.

A row with an id describes only the client with this id, since two clients of an export may have the same
address. Other rows are compared by e-mail address; without one, by phone number, as in a search; without
either, by full name.
"""

import sqlite3
from functools import partial

from acare import words
from acare.fields import ValidFields
from acare.store import search
from acare.store.insertion import insert

USERS = "SELECT email, id FROM users"

FIND_ID = """
SELECT first_name || ' ' || last_name
FROM clients
WHERE id = :id
UNION ALL
SELECT 'a client that was deleted'
WHERE EXISTS (SELECT 1 FROM client_history WHERE client_id = :id)
    OR EXISTS (SELECT 1 FROM erasures WHERE client_id = :id)
LIMIT 1
"""

FIND_EMAIL = """
SELECT first_name, last_name
FROM clients
WHERE email = :email COLLATE NOCASE
ORDER BY seq
LIMIT 1
"""

FIND_WORDS = """
SELECT first_name, last_name
FROM clients_search
CROSS JOIN clients ON clients.seq = clients_search.rowid
WHERE clients_search MATCH :words
ORDER BY clients_search.rowid
"""


class ImportStore:
    """What an import reads and writes in a transaction. ``owners`` are the ids by address in lower case."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.add = partial(insert, connection)  # stores a client
        self.owners: dict[str, str] = {email.lower(): id for email, id in connection.execute(USERS)}

    def find(self, client: ValidFields, client_id: str | None) -> tuple[str, str] | None:
        """What matches (id, email, phone or name), and the full name of the oldest client that matches."""
        by, statement, values = _search(client, client_id)
        if statement is FIND_WORDS:
            search.index_changes(self._connection)  # so that the search finds the rows before this one
        name = _folded(client["first_name"], client["last_name"])
        for candidate in self._connection.execute(statement, values):
            if by != "name" or _folded(*candidate) == name:
                return by, " ".join(candidate)
        return None


def _search(client: ValidFields, client_id: str | None) -> tuple[str, str, dict[str, str]]:
    """The field that identifies a client, and a statement with its values. The caller compares names."""
    if client_id is not None:
        return "id", FIND_ID, {"id": client_id}
    if client["email"]:
        return "email", FIND_EMAIL, {"email": str(client["email"])}
    if client["phone"]:
        return "phone", FIND_WORDS, {"words": words.same_number(str(client["phone"]))}
    name = f"{client['first_name']} {client['last_name']}"
    return "name", FIND_WORDS, {"words": words.same_name(name)}


def _folded(first: object, last: object) -> str:
    return " ".join(f"{first} {last}".casefold().split())
