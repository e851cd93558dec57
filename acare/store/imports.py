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
WHERE id = :value
UNION ALL
SELECT 'a client that was deleted'
WHERE EXISTS (SELECT 1 FROM client_history WHERE client_id = :value)
    OR EXISTS (SELECT 1 FROM erasures WHERE client_id = :value)
"""

FIND_EMAIL = """
SELECT first_name || ' ' || last_name
FROM clients
WHERE email = :value COLLATE NOCASE
ORDER BY seq
"""

FIND_WORDS = """
SELECT first_name || ' ' || last_name
FROM clients_search
CROSS JOIN clients ON clients.seq = clients_search.rowid
WHERE clients_search MATCH :value
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
        name = f"{client['first_name']} {client['last_name']}"
        if client_id is not None:
            by, statement, value = "id", FIND_ID, client_id
        elif client["email"]:
            by, statement, value = "email", FIND_EMAIL, str(client["email"])
        elif client["phone"]:
            by, statement, value = "phone", FIND_WORDS, words.same_number(str(client["phone"]))
        else:
            by, statement, value = "name", FIND_WORDS, words.same_name(name)
        if statement is FIND_WORDS:
            search.index_changes(self._connection)  # so that the search finds the rows before this one
        for (found,) in self._connection.execute(statement, {"value": value}):
            if by != "name" or _folded(found) == _folded(name):
                return by, found
        return None


def _folded(name: str) -> str:
    return " ".join(name.casefold().split())
