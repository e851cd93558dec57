"""Finds the client that a row describes.

A row with an id describes the client with this id and no other, since two clients of an export may have one
address. Other rows are compared by e-mail address, without one by the digits of the phone number, and
without either by the full name.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing

from acare.fields import ValidFields
from acare.importing.rows import Row
from acare.store.search import quote

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
SELECT seq, phone, first_name, last_name
FROM clients
WHERE email = ? COLLATE NOCASE
ORDER BY seq
LIMIT 1
"""

FIND_WORDS = """
SELECT seq, clients.phone, clients.first_name, clients.last_name
FROM clients_search
CROSS JOIN clients ON clients.seq = clients_search.rowid
WHERE clients_search MATCH ?
ORDER BY clients_search.rowid
"""

_MIN_DIGITS = 7  # in common at the end, for a number with and one without a country code


def find(connection: sqlite3.Connection, row: Row) -> tuple[str, str] | None:
    """The match (id, email, phone or name) with the oldest client that the row describes, and its name."""
    if "id" in row.kept:
        found = connection.execute(FIND_ID, row.kept).fetchall()
        return ("id", found[0][0]) if found else None
    by, text = _search(row.client)
    with closing(connection.execute(FIND_EMAIL if by == "email" else FIND_WORDS, (text,))) as candidates:
        for _, *person in candidates:
            if _is_same(by, row.client, *person):
                return by, " ".join(person[1:])
    return None


def _search(client: ValidFields) -> tuple[str, str]:
    """The field that identifies a client, and the address or the FTS5 expression to search for."""
    if client["email"]:
        return "email", str(client["email"])
    phone = str(client["phone"] or "")
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
