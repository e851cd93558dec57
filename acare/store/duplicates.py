"""Which client a row of an import describes.

A row with an id describes the client with this id. Otherwise it is found by the row's e-mail address, by the
digits of its phone number if it has no address, and by its full name if it has neither.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

from acare.clients import ImportRow
from acare.field_types import fold_email
from acare.store.connection import open_in_memory

FIND_ID = """
SELECT (SELECT seq FROM clients WHERE id = :id),
       EXISTS (SELECT 1 FROM client_history WHERE client_id = :id)
           OR EXISTS (SELECT 1 FROM erasures WHERE client_id = :id)
"""

FIND_EMAIL = """
SELECT seq, email, phone, first_name, last_name
FROM clients
WHERE email = :text COLLATE NOCASE AND import_id IS NOT :other_than
ORDER BY seq
LIMIT 1
"""

FIND_WORDS = """
SELECT seq, clients.email, clients.phone, clients.first_name, clients.last_name
FROM clients_search
CROSS JOIN clients ON clients.seq = clients_search.rowid
WHERE clients_search MATCH :text AND import_id IS NOT :other_than
ORDER BY clients_search.rowid
"""

_MAX_NOT_FOUND = 10_000

GET = "SELECT id, first_name || ' ' || last_name FROM clients WHERE seq = :seq"
GET_BUDGETS = "SELECT budget_min, budget_max FROM clients WHERE seq = :client"

# Of what identifies a row, the hash: the addresses of a million clients would take 100 MB.
CREATE_LINES = "CREATE TABLE lines (hash INTEGER PRIMARY KEY, line INTEGER NOT NULL)"
ADD_LINE = "INSERT OR IGNORE INTO lines (hash, line) VALUES (:hash, :line)"
FIND_LINE = "SELECT line FROM lines WHERE hash = :hash"

# After the rows so far. The client is its seq, or for one that a row creates, its line below all of these.
_LINES = -(2**62)
CREATE_BUDGETS = "CREATE TABLE budgets (client INTEGER PRIMARY KEY, low, high)"
KEEP_BUDGETS = "REPLACE INTO budgets (client, low, high) VALUES (:client, :low, :high)"
KEPT_BUDGETS = "SELECT low, high FROM budgets WHERE client = :client"


@dataclass(frozen=True)
class Duplicate:
    """A row that describes a client: ``client`` is its id, or None for that of the line ``first_line``.

    ``by`` is id, email, phone or name. ``crossed``: merged into the client, after the rows before, its
    budget_min would be more than its budget_max.
    """

    line: int
    by: str
    name: str
    client: str | None = None
    first_line: int | None = None
    deleted: bool = False
    crossed: bool = False


class Finder:
    """Finds the clients that rows describe.

    Two clients of an export may have one address: a row with an id is found by something else only to be a
    client that its import has not created. Thousands may have one address, a placeholder; so that not all of
    them are read for each row, what was not found is kept.
    """

    def __init__(self) -> None:
        self._not_found: set[tuple[str, str]] = set()

    def find(
        self, connection: sqlite3.Connection, row: ImportRow, import_id: int
    ) -> tuple[int | None, str] | None:
        """The ``seq`` of the oldest client that the row describes, and how it was found.

        The ``seq`` is None if the client was deleted. ``import_id``: of the import that the row belongs to.
        """
        identity = next(_identities(row.complete()))
        if "id" not in row.kept:
            return _find(connection, row, identity, other_than=0)
        ((seq, existed),) = connection.execute(FIND_ID, {"id": row.kept["id"]}).fetchall()
        if seq is not None or existed:
            return seq, "id"
        if identity in self._not_found:
            return None
        found = _find(connection, row, identity, other_than=import_id)
        if found is None:
            if len(self._not_found) >= _MAX_NOT_FOUND:
                self._not_found.clear()
            self._not_found.add(identity)
        return found


def _find(
    connection: sqlite3.Connection, row: ImportRow, identity: tuple[str, str], other_than: int
) -> tuple[int, str] | None:
    client = row.complete()
    by, text = identity
    if by == "phone":
        text = f"phone_digits : {_quote(text)} OR phone : {_quote(client['phone'])}"
    elif by == "name":
        words = _name(client).split()
        indexed = [_quote(word) for word in words if any(map(str.isalnum, word))]
        text = f"{{first_name last_name}} : ({' AND '.join(indexed) or _quote('')})"
    values = {"text": text, "other_than": other_than}
    statement = FIND_EMAIL if by == "email" else FIND_WORDS
    with closing(connection.execute(statement, values)) as candidates:
        for seq, *person in candidates:
            if identity in _identities(dict(zip(_IDENTIFYING, person, strict=True))):
                return seq, by
    return None


def find_all(
    connection: sqlite3.Connection, rows: Iterable[ImportRow], import_id: int
) -> Iterator[Duplicate]:
    """The rows that describe a client of the database, or the same one as an earlier row."""
    with closing(open_in_memory()) as lines:
        lines.execute(CREATE_LINES)
        lines.execute(CREATE_BUDGETS)
        finder = Finder()
        for row in rows:
            identities = [*_identities(row.complete())]
            if "id" in row.kept:
                identities.insert(0, ("id", row.kept["id"]))
            match = finder.find(connection, row, import_id)
            earlier = lines.execute(FIND_LINE, {"hash": hash(identities[0])}).fetchone()
            if match is not None:
                crossed = _crosses(connection, lines, match[0], row.values)
                yield replace(_describe(connection, row, *match), crossed=crossed)
            elif earlier is not None:
                crossed = _crosses(connection, lines, _LINES + earlier[0], row.values)
                name = _name(row.complete())
                yield Duplicate(row.line, identities[0][0], name, first_line=earlier[0], crossed=crossed)
            else:
                lines.executemany(ADD_LINE, [{"hash": hash(each), "line": row.line} for each in identities])
                _crosses(connection, lines, _LINES + row.line, row.complete())


def _crosses(
    connection: sqlite3.Connection, lines: sqlite3.Connection, client: int | None, values: Mapping[str, Any]
) -> bool:
    """Whether a row, merged into a client, crosses its budgets; if not, keeps them for the rows after it."""
    deleted = client is None
    if deleted or {"budget_min", "budget_max"}.isdisjoint(values):
        return False
    which = {"client": client}
    kept = lines.execute(KEPT_BUDGETS, which).fetchone() or connection.execute(GET_BUDGETS, which).fetchone()
    low, high = kept or (None, None)
    low, high = values.get("budget_min", low), values.get("budget_max", high)
    if low is not None and high is not None and low > high:
        return True
    lines.execute(KEEP_BUDGETS, {"client": client, "low": low, "high": high})
    return False


def _describe(connection: sqlite3.Connection, row: ImportRow, seq: int | None, by: str) -> Duplicate:
    if seq is None:
        return Duplicate(row.line, by, _name(row.complete()), row.kept["id"], deleted=True)
    client, name = connection.execute(GET, {"seq": seq}).fetchone()
    return Duplicate(row.line, by, name, client)


_IDENTIFYING = ("email", "phone", "first_name", "last_name")


def _identities(client: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """What identifies a client, the best first."""
    email, phone, first, last = (str(client.get(name) or "") for name in _IDENTIFYING)
    digits = "".join(filter(str.isdigit, phone))
    if email:
        yield "email", fold_email(email)
    if digits:
        yield "phone", digits
    yield "name", " ".join(f"{first} {last}".casefold().split())


def _name(client: Mapping[str, object]) -> str:
    return f"{client['first_name']} {client['last_name']}"


def _quote(text: object) -> str:
    return '"' + str(text).replace('"', '""') + '"'
