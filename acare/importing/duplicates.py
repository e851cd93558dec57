"""Finds the client that a row describes.

A row with an id describes only the client with this id, since two clients of an export may have the same
address. Other rows are compared by e-mail address; without one, by phone number, as in a search; without
either, by full name.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing

from acare import words
from acare.fields import ValidFields
from acare.importing.rows import Row

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


def find(connection: sqlite3.Connection, row: Row) -> tuple[str, str] | None:
    """What matches (id, email, phone or name), and the full name of the oldest client that matches.

    A row without an id and an e-mail address is searched for in the full-text index.
    """
    if "id" in row.kept:
        found = connection.execute(FIND_ID, row.kept).fetchall()
        return ("id", found[0][0]) if found else None
    by, statement, values = _search(row.client)
    name = _folded(row.client["first_name"], row.client["last_name"])
    with closing(connection.execute(statement, values)) as candidates:
        for candidate in candidates:
            if by != "name" or _folded(*candidate) == name:
                return by, " ".join(candidate)
    return None


def _search(client: ValidFields) -> tuple[str, str, dict[str, str]]:
    """The field that identifies a client, and a statement with its values. The caller compares names."""
    if client["email"]:
        return "email", FIND_EMAIL, {"email": str(client["email"])}
    if client["phone"]:
        return "phone", FIND_WORDS, {"words": words.same_number(str(client["phone"]))}
    name = f"{client['first_name']} {client['last_name']}"
    return "name", FIND_WORDS, {"words": words.same_name(name)}


def _folded(first: object, last: object) -> str:
    return " ".join(f"{first} {last}".casefold().split())
