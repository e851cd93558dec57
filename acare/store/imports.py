"""What an import reads and writes."""

import sqlite3
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from acare import search_terms
from acare.fields import FIELD_NAMES
from acare.store import FLOOR, search
from acare.store.clients import constraint_error
from acare.store.creation import NEXT_POSITION, insert
from acare.store.users import as_dicts


class ImportStore:
    """Clients, in the transaction of an import.

    ``owners`` are the ids of enabled users by address in lower case. New versions are greater than ``floor``.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.add = partial(insert, connection)  # stores a client
        users = connection.execute("SELECT email, id FROM users WHERE disabled_at IS NULL")
        self.owners: dict[str, str] = {email.lower(): id for email, id in users}
        self.floor: int = connection.execute(f"SELECT {FLOOR}").fetchone()[0]

    GET = "SELECT * FROM clients WHERE id = :id"

    def get(self, client_id: str) -> dict[str, Any] | None:
        """The columns of a client; None if there is none."""
        rows = as_dicts(self._connection.execute(self.GET, {"id": client_id}))
        return rows[0] if rows else None

    WAS_DELETED = """
SELECT 1 FROM client_history WHERE client_id = :id
UNION ALL
SELECT 1 FROM erasures WHERE client_id = :id
"""

    def was_deleted(self, client_id: str) -> bool:
        """Whether a client that does not exist was deleted or erased."""
        return self._connection.execute(self.WAS_DELETED, {"id": client_id}).fetchone() is not None

    # A client that was created at another time moves to another place in lists.
    REPLACE = f"""
UPDATE clients
SET seq = iif(created_at = :created_at, seq, {NEXT_POSITION}), user_id = :user_id,
    {", ".join(f"{name} = :{name}" for name in FIELD_NAMES)},
    version = :version, created_at = :created_at, updated_at = max(:created_at, :updated_at),
    made_by = NULL, imported_at = :imported_at, source_version = :source_version
WHERE id = :id
"""

    def replace(self, values: Mapping[str, object]) -> None:
        """Write a new version of a client: all of its columns except the generated ones."""
        try:
            self._connection.execute(self.REPLACE, values)
        except sqlite3.IntegrityError as error:
            raise constraint_error(error, values) from None

    REMEMBER = """
UPDATE clients
SET source_version = :source_version, imported_at = :imported_at
WHERE id = :id
"""

    def remember(self, client_id: str, source_version: int, imported_at: str | None) -> None:
        """Store the version that the source has now, and when an import wrote the version here."""
        values = {"id": client_id, "source_version": source_version, "imported_at": imported_at}
        self._connection.execute(self.REMEMBER, values)

    ALL = """
SELECT clients.json, users.email, clients.imported_at IS NULL
FROM clients
JOIN users ON users.id = user_id
ORDER BY seq
"""

    def all(self) -> Iterator[tuple[str, str, int]]:
        """The JSON of each client, its owner's e-mail address, and 1 if no import wrote its version."""
        return iter(self._connection.execute(self.ALL))

    FIND_BY_EMAIL = """
SELECT first_name, first_name || ' ' || last_name
FROM clients
WHERE email = :value COLLATE NOCASE
ORDER BY seq
"""

    FIND_BY_WORDS = """
SELECT first_name, first_name || ' ' || last_name
FROM clients_search
CROSS JOIN clients ON clients.seq = clients_search.rowid
WHERE clients_search MATCH :value
ORDER BY clients_search.rowid
"""

    def find(self, client: Mapping[str, object], client_id: str | None) -> tuple[str, str] | None:
        """What matches (id, email, phone, phone alone or name), and the full name of the oldest such client.

        A row with an id describes only the client with this id, since two clients of an export may have the
        same address. Other rows are compared by e-mail address; without one, by phone number, as in a search,
        and first name (else it is "phone alone"); without either, by full name.
        """
        if client_id is not None:
            if known := self.get(client_id):
                return "id", f"{known['first_name']} {known['last_name']}"
            return ("id", "a client that was deleted") if self.was_deleted(client_id) else None
        name = f"{client['first_name']} {client['last_name']}"
        if client["email"]:
            by, statement, value = "email", self.FIND_BY_EMAIL, str(client["email"])
        elif client["phone"]:
            by, statement, value = "phone", self.FIND_BY_WORDS, search_terms.same_number(str(client["phone"]))
        else:
            by, statement, value = "name", self.FIND_BY_WORDS, search_terms.same_name(name)
        if by != "email":
            search.index_changes(self._connection)  # so that the search finds the rows before this one
        possible = None
        for first_name, found in self._connection.execute(statement, {"value": value}):
            if by == "phone" and first_name.casefold() != str(client["first_name"]).casefold():
                possible = possible or ("phone alone", found)
            elif by != "name" or found.casefold().split() == name.casefold().split():
                return by, found
        return possible
