"""Finds the client that a row describes.

A row with an id describes the client with this id. Otherwise it is found by the row's e-mail address, by the
digits of its phone number if it has no address, and by its full name if it has neither.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing

from acare.fields import ValidFields
from acare.importing.rows import Row
from acare.store.search import quote

FIND_ID = """
SELECT (SELECT seq FROM clients WHERE id = :id),
       EXISTS (SELECT 1 FROM client_history WHERE client_id = :id)
           OR EXISTS (SELECT 1 FROM erasures WHERE client_id = :id)
"""

FIND_EMAIL = """
SELECT seq, phone, first_name, last_name
FROM clients
WHERE email = :text COLLATE NOCASE AND imported_at IS NOT :other_than
ORDER BY seq
LIMIT 1
"""

FIND_WORDS = """
SELECT seq, clients.phone, clients.first_name, clients.last_name
FROM clients_search
CROSS JOIN clients ON clients.seq = clients_search.rowid
WHERE clients_search MATCH :text AND imported_at IS NOT :other_than
ORDER BY clients_search.rowid
"""

_MAX_NOT_FOUND = 10_000
_MIN_DIGITS = 7  # of two numbers of which one ends with the other, such as one without its country


class Duplicates:
    """Finds clients for the rows of the import at ``imported_at``.

    Two clients of an export may have one address: a row with an id is found by something else only to be a
    client that its import has not created. Thousands may have one address, such as a placeholder. What was
    not found is kept, so that they are not all read for each row.
    """

    def __init__(self, connection: sqlite3.Connection, imported_at: str) -> None:
        self._connection, self._imported_at = connection, imported_at
        self._not_found: set[str] = set()

    def find_id(self, row: Row) -> tuple[int | None, str] | None:
        """The ``seq`` of the client with the row's id, or None if it was deleted; and "id"."""
        if "id" not in row.kept:
            return None
        ((seq, existed),) = self._connection.execute(FIND_ID, {"id": row.kept["id"]}).fetchall()
        return (seq, "id") if seq is not None or existed else None

    def find_person(self, row: Row) -> tuple[int, str] | None:
        """The ``seq`` of the oldest client that has the row's e-mail, phone or name; and which of these."""
        client = row.complete()
        by, text = _search(client)
        other_than = self._imported_at if "id" in row.kept else ""
        if other_than and text in self._not_found:
            return None
        statement = FIND_EMAIL if by == "email" else FIND_WORDS
        values = {"text": text, "other_than": other_than}
        with closing(self._connection.execute(statement, values)) as candidates:
            for seq, *person in candidates:
                if _is_same(by, client, *person):
                    return int(seq), by
        if other_than:
            if len(self._not_found) >= _MAX_NOT_FOUND:
                self._not_found.clear()
            self._not_found.add(text)
        return None


def _search(client: ValidFields) -> tuple[str, str]:
    """What identifies a client, and the address or the FTS5 expression that finds it."""
    if client.get("email"):
        return "email", str(client["email"])
    phone = str(client.get("phone") or "")
    if digits := _digits(phone):
        return "phone", f"phone_digits : {quote(digits[-_MIN_DIGITS:])} OR phone : {quote(phone)}"
    name = f"{client['first_name']} {client['last_name']}"
    words = [quote(word) for word in name.split() if any(map(str.isalnum, word))]
    return "name", f"{{first_name last_name}} : ({' AND '.join(words) or quote('')})"


def _is_same(by: str, client: ValidFields, phone: str | None, first: str, last: str) -> bool:
    if by == "phone":  # equal without leading zeros, or with and without a country or area code
        numbers = (_digits(str(client["phone"])).lstrip("0"), _digits(phone or "").lstrip("0"))
        short, long = sorted(numbers, key=len)
        return short == long or (len(short) >= _MIN_DIGITS and long.endswith(short))
    return by == "email" or _folded(first, last) == _folded(client["first_name"], client["last_name"])


def _digits(phone: str) -> str:
    return "".join(filter(str.isdigit, phone))


def _folded(first: object, last: object) -> str:
    return " ".join(f"{first} {last}".casefold().split())
