"""Finds the client that a row describes.

A row with an id describes the client with this id. Otherwise it is found by the row's e-mail address, by the
digits of its phone number if it has no address, and by its full name if it has neither.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from typing import NamedTuple

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


class Match(NamedTuple):
    """The client that a row describes, or None if it was deleted. ``by`` is id, email, phone or name."""

    seq: int | None
    by: str


class Duplicates:
    """Finds clients for the rows of the import of ``imported_at``.

    Two clients of an export may have one address: a row with an id is found by something else only to be a
    client that its import has not created. Thousands may have one address, such as a placeholder. What was
    not found is kept, so that they are not all read for each row.
    """

    def __init__(self, connection: sqlite3.Connection, imported_at: str) -> None:
        self._connection, self._imported_at = connection, imported_at
        self._not_found: set[tuple[str, str]] = set()

    def find(self, row: Row, *, by_id_only: bool) -> Match | None:
        """The oldest client that the row describes."""
        has_id = "id" in row.kept
        if has_id:
            ((seq, existed),) = self._connection.execute(FIND_ID, {"id": row.kept["id"]}).fetchall()
            if seq is not None or existed:
                return Match(seq, "id")
        if by_id_only:
            return None
        client = {**row.defaults, **row.values}
        by, text = identity = _identity(client)
        if has_id and identity in self._not_found:
            return None
        words = text if by == "email" else _words(by, text, client)
        seq = self._find(by, text, words, self._imported_at if has_id else "")
        if has_id and seq is None:
            if len(self._not_found) >= _MAX_NOT_FOUND:
                self._not_found.clear()
            self._not_found.add(identity)
        return None if seq is None else Match(seq, by)

    def _find(self, by: str, text: str, words: str, other_than: str) -> int | None:
        values = {"text": words, "other_than": other_than}
        statement = FIND_EMAIL if by == "email" else FIND_WORDS
        with closing(self._connection.execute(statement, values)) as candidates:
            for seq, phone, first_name, last_name in candidates:
                is_same = by == "email"
                if by == "phone":
                    is_same = _is_same_number(_digits(phone or ""), text)
                if by == "name":
                    is_same = _full_name(first_name, last_name) == text
                if is_same:
                    return int(seq)
        return None


def _words(by: str, text: str, client: Mapping[str, object]) -> str:
    """The FTS5 expression for clients that may be the same."""
    if by == "phone":
        return f"phone_digits : {quote(text[-_MIN_DIGITS:])} OR phone : {quote(str(client['phone']))}"
    name = f"{client['first_name']} {client['last_name']}"
    indexed = [quote(word) for word in name.split() if any(map(str.isalnum, word))]
    return f"{{first_name last_name}} : ({' AND '.join(indexed) or quote('')})"


def _identity(client: Mapping[str, object]) -> tuple[str, str]:
    """What identifies a client that has no id."""
    if client.get("email"):
        return "email", str(client["email"])
    if digits := _digits(str(client.get("phone") or "")):
        return "phone", digits
    return "name", _full_name(client["first_name"], client["last_name"])


def _digits(phone: str) -> str:
    return "".join(filter(str.isdigit, phone))


def _is_same_number(one: str, other: str) -> bool:
    """Whether the digits are equal without leading zeros, or with and without a country or area code."""
    short, long = sorted((one.lstrip("0"), other.lstrip("0")), key=len)
    return short == long or (len(short) >= _MIN_DIGITS and long.endswith(short))


def _full_name(first: object, last: object) -> str:
    return " ".join(f"{first} {last}".casefold().split())
