"""Which client a row of an import describes.

A row with an id describes the client with this id. Otherwise it is found by the row's e-mail address, by the
digits of its phone number if it has no address, and by its full name if it has neither.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from typing import Any, NamedTuple

from acare.clients import ImportRow
from acare.database.connection import open_in_memory
from acare.errors import FieldError
from acare.field_types import fold_email
from acare.importing.conflicts import CROSSED, REPEATED, STALE, compare
from acare.store.search import quote

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

# The hash of what identifies each row: the addresses of a million clients would take 100 MB.
CREATE_LINES = "CREATE TABLE lines (hash INTEGER PRIMARY KEY, line INTEGER NOT NULL)"
ADD_LINE = "INSERT OR IGNORE INTO lines (hash, line) VALUES (:hash, :line)"
FIND_LINE = "SELECT line FROM lines WHERE hash = :hash"

# The budgets of clients after the rows so far. A client is its seq; one that a row creates is the line of the
# row, counted from a number below every seq.
_LINES = -(2**62)
CREATE_BUDGETS = "CREATE TABLE budgets (client INTEGER PRIMARY KEY, low, high)"
KEEP_BUDGETS = "REPLACE INTO budgets (client, low, high) VALUES (:client, :low, :high)"
KEPT_BUDGETS = "SELECT low, high FROM budgets WHERE client = :client"


class Duplicate(NamedTuple):
    """A row that describes a client: ``client`` is its id, or None for that of the line ``first_line``.

    ``by`` is id, email, phone or name; ``name`` is that in the row, and ``client_name`` that of the client.
    ``conflict`` is why the row must not be merged into the client.
    """

    line: int
    by: str
    name: str
    client: str | None = None
    client_name: str | None = None
    first_line: int | None = None
    deleted: bool = False
    conflict: FieldError | None = None


class Finder:
    """Finds the clients that rows describe.

    Two clients of an export may have one address: a row with an id is found by something else only to be a
    client that its import has not created. Thousands may have one address, such as a placeholder. What was
    not found is kept, so that they are not all read for each row.
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
        text = f"phone_digits : {quote(text)} OR phone : {quote(str(client['phone']))}"
    elif by == "name":
        words = _name(client).split()
        indexed = [quote(word) for word in words if any(map(str.isalnum, word))]
        text = f"{{first_name last_name}} : ({' AND '.join(indexed) or quote('')})"
    values = {"text": text, "other_than": other_than}
    statement = FIND_EMAIL if by == "email" else FIND_WORDS
    with closing(connection.execute(statement, values)) as candidates:
        for seq, *person in candidates:
            if identity in _identities(dict(zip(_IDENTIFYING, person, strict=True))):
                return seq, by
    return None


def find_all(
    connection: sqlite3.Connection, rows: Iterable[ImportRow], import_id: int, *, done: int, merging: bool
) -> Iterator[Duplicate]:
    """The rows that describe a client of the database, or the same one as an earlier row.

    The first ``done`` rows are written already. If ``merging``, conflicts are found too.
    """
    finder = Finder()
    with closing(open_in_memory()) as lines:
        earlier = _EarlierRows(connection, lines)
        for number, row in enumerate(rows):
            if number < done:
                earlier.note(row, is_new=True)
                continue
            match = finder.find(connection, row, import_id)
            line, by = earlier.note(row, is_new=match is None)
            if match is None and line is None:
                earlier.crosses(_LINES + row.line, row.complete())
                continue
            seq, by = match or (_LINES + (line or 0), by)
            conflict = None
            if merging and seq is not None:
                conflict = earlier.conflict(row, seq, by, line is not None)
            yield _describe(connection, row, match, line, by)._replace(conflict=conflict)


class _EarlierRows:
    """What identifies the rows so far, and the budgets that they leave, in the database ``lines``."""

    def __init__(self, connection: sqlite3.Connection, lines: sqlite3.Connection) -> None:
        self._connection, self._lines = connection, lines
        lines.execute(CREATE_LINES)
        lines.execute(CREATE_BUDGETS)

    def note(self, row: ImportRow, *, is_new: bool) -> tuple[int | None, str]:
        """Keep what identifies a row. Returns the line of an earlier row of the same client, and by what."""
        identities = [*_identities(row.complete())]
        if "id" in row.kept:
            identities.insert(0, ("id", row.kept["id"]))
        (line,) = self._lines.execute(FIND_LINE, {"hash": hash(identities[0])}).fetchone() or (None,)
        noted = identities if is_new and line is None else identities[:1]
        self._lines.executemany(ADD_LINE, [{"hash": hash(each), "line": row.line} for each in noted])
        return line, identities[0][0]

    def conflict(self, row: ImportRow, seq: int, by: str, repeated: bool) -> FieldError | None:
        """Why a row must not be merged into a client."""
        if by == "id" and repeated:
            return FieldError("id", REPEATED)
        state = compare(self._connection, row, seq) if by == "id" else None
        if state == "stale":
            return FieldError("version", STALE)
        crosses = state is None and self.crosses(seq, row.values)
        return FieldError("budget_min", CROSSED) if crosses else None

    def crosses(self, client: int, values: Mapping[str, Any]) -> bool:
        """Whether a row, merged into a client, crosses its budgets; if not, keeps them for later rows."""
        if {"budget_min", "budget_max"}.isdisjoint(values):
            return False
        which = {"client": client}
        kept = self._lines.execute(KEPT_BUDGETS, which).fetchone()
        kept = kept or self._connection.execute(GET_BUDGETS, which).fetchone() or (None, None)
        low, high = values.get("budget_min", kept[0]), values.get("budget_max", kept[1])
        if low is not None and high is not None and low > high:
            return True
        self._lines.execute(KEEP_BUDGETS, {"client": client, "low": low, "high": high})
        return False


def _describe(
    connection: sqlite3.Connection,
    row: ImportRow,
    match: tuple[int | None, str] | None,
    earlier: int | None,
    by: str,
) -> Duplicate:
    name = _name(row.complete())
    if match is None:
        return Duplicate(row.line, by, name, first_line=earlier)
    if match[0] is None:
        return Duplicate(row.line, by, name, row.kept["id"], deleted=True)
    return Duplicate(row.line, by, name, *connection.execute(GET, {"seq": match[0]}).fetchone())


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
