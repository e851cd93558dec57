"""What an import reads and writes."""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from acare import search_terms
from acare.fields import FIELD_NAMES
from acare.store import search
from acare.store.clients import constraint_error
from acare.store.creation import NEXT_POSITION, insert
from acare.store.users import as_dicts

IMPORTED = """
SELECT client_id
FROM client_sources
JOIN clients ON clients.id = client_id
JOIN users ON users.id = user_id
WHERE client_sources.source = :source AND users.email IN (SELECT value FROM json_each(:owners))
"""


def imported_ids(connection: sqlite3.Connection, source: str, owners: Iterable[str]) -> list[str]:
    """The ids of the clients that an import from a server has made, and that belong to these users."""
    values = {"source": source, "owners": json.dumps([*owners])}
    return [client_id for (client_id,) in connection.execute(IMPORTED, values)]


class ImportStore:
    """Clients, in the transaction of an import from ``source``: the URL of a server, or None for a file.

    ``owners`` are the ids of users by address in lower case.
    """

    def __init__(self, connection: sqlite3.Connection, source: str | None) -> None:
        self._connection, self._source = connection, source
        self.add = partial(insert, connection)  # stores a client
        users = connection.execute("SELECT email, id FROM users")
        self.owners: dict[str, str] = {email.lower(): id for email, id in users}

    GET = """
SELECT clients.*, source_version, client_sources.version AS own_version
FROM clients
LEFT JOIN client_sources ON client_id = id
WHERE id = :id
"""

    def get(self, client_id: str) -> dict[str, Any] | None:
        """The columns of a client, and what is remembered of its last import: None if there was none."""
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
    made_by = NULL, imported_at = :imported_at
WHERE id = :id
"""

    def replace(self, values: Mapping[str, object]) -> None:
        """Write a new version of a client: all of its columns except the generated ones."""
        try:
            self._connection.execute(self.REPLACE, values)
        except sqlite3.IntegrityError as error:
            raise constraint_error(error, values) from None

    def delete(self, client_id: str) -> None:
        """Delete a client, which can be restored."""
        self._connection.execute("DELETE FROM clients WHERE id = :id", {"id": client_id})

    REMEMBER = """
INSERT INTO client_sources (client_id, source, source_version, version)
VALUES (:id, :source, :source_version, :version)
ON CONFLICT (client_id) DO UPDATE SET
    source = coalesce(excluded.source, source),
    source_version = excluded.source_version,
    version = excluded.version
"""

    def remember(self, client_id: str, source_version: int | None, version: int) -> None:
        """Note the version at the source that the import has read, and the one here that it has written."""
        versions = {"source_version": source_version, "version": version}
        self._connection.execute(self.REMEMBER, {"id": client_id, "source": self._source, **versions})

    def forget(self, client_id: str) -> None:
        """Treat a client as if it had been created here."""
        self._connection.execute("DELETE FROM client_sources WHERE client_id = :id", {"id": client_id})

    ALL = """
SELECT clients.json, users.email, client_sources.version
FROM clients
JOIN users ON users.id = user_id
LEFT JOIN client_sources ON client_id = clients.id
ORDER BY seq
"""

    def all(self) -> Iterator[tuple[str, str, int | None]]:
        """The JSON of each client, its owner's e-mail address, and the version that an import has written."""
        return iter(self._connection.execute(self.ALL))

    FIND_BY_EMAIL = """
SELECT first_name || ' ' || last_name
FROM clients
WHERE email = :value COLLATE NOCASE
ORDER BY seq
"""

    FIND_BY_WORDS = """
SELECT first_name || ' ' || last_name
FROM clients_search
CROSS JOIN clients ON clients.seq = clients_search.rowid
WHERE clients_search MATCH :value
ORDER BY clients_search.rowid
"""

    def find(self, client: Mapping[str, object], client_id: str | None) -> tuple[str, str] | None:
        """What matches (id, email, phone or name), and the full name of the oldest client that matches.

        A row with an id describes only the client with this id, since two clients of an export may have the
        same address. Other rows are compared by e-mail address; without one, by phone number, as in a search;
        without either, by full name.
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
        for (found,) in self._connection.execute(statement, {"value": value}):
            if by != "name" or found.casefold().split() == name.casefold().split():
                return by, found
        return None
