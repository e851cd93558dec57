"""The full-text index of clients: query expressions, deleting words, and the operator's search.

The index itself is in schema.sql. Case and accents (combining marks) do not count, in any script.
"""

from __future__ import annotations

import json
import math
import re
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial

from acare.database.connection import open_in_memory
from acare.database.database import Database

# FTS5 merges its segments in steps of :pages pages. A negative number begins a merge of all of them.
MERGE = "INSERT INTO clients_search (clients_search, rank) VALUES ('merge', :pages)"

# All of that merge at once.
OPTIMIZE = "INSERT INTO clients_search (clients_search) VALUES ('optimize')"

_MAX_PAUSE = 0.1
_MERGED_PAGES = 200  # at most 40 ms among 300,000 clients

FIND = """
SELECT json, users.email, NULL
FROM clients_search
CROSS JOIN clients ON clients.seq = clients_search.rowid
JOIN users ON users.id = user_id
WHERE clients_search MATCH :q
ORDER BY clients_search.rowid DESC
"""

# The last version of each client that was deleted and not restored.
DELETED = """
SELECT json, users.email, ended_at
FROM client_history
LEFT JOIN users ON users.id = json_extract(json, '$.user_id')
WHERE deleted
    AND NOT EXISTS (SELECT 1 FROM clients WHERE clients.id = client_id)
    AND NOT EXISTS (
        SELECT 1
        FROM client_history AS later
        WHERE later.client_id = client_history.client_id AND later.version > client_history.version
    )
ORDER BY ended_at DESC
"""

# The same words as in schema.sql, for one client.
WORDS = """
CREATE VIRTUAL TABLE words USING fts5 (
    first_name, last_name, email, phone, phone_digits, tokenize = 'unicode61 remove_diacritics 2'
)
"""


@dataclass(frozen=True)
class Found:
    """A client that the operator has found; ``owner`` is an e-mail address."""

    id: str
    name: str
    email: str | None
    phone: str | None
    owner: str
    status: str
    deleted_at: str | None


def expression(text: str) -> str:
    """The FTS5 expression for a search: each word is a prefix, quoted so that FTS5 does not interpret it.

    A word without letters and digits matches nothing alone and is ignored next to other words. Text that can
    only be a phone number is also searched by its digits.
    """
    words = " ".join(map(_prefix, dict.fromkeys(text.split())))
    digits = _digits(text)
    if digits and not any(map(str.isalpha, text)):
        return f"({words}) OR {_prefix(digits)}"
    return words


def find(database: Database, text: str, deleted: bool = False) -> Iterator[Found]:
    """Matching clients of all users, newest first; with ``deleted``, deleted clients follow."""
    q = expression(text)
    with database.read() as connection:
        connection.execute("BEGIN")
        for row in connection.execute(FIND, {"q": q}):
            yield _found(*row)
        if deleted:
            yield from _matching(q, connection.execute(DELETED))


def erase_deleted_words(database: Database, seconds: float = math.inf) -> bool:
    """Delete words that no client contains any more: FTS5 only marks them until it merges its segments.

    In steps with pauses, so that other writes get their turn. False if it is not done after so many seconds:
    it takes ten among a million clients. FTS5's "secure-delete" would delete them at once, at six
    times the cost of a deletion and in a format that SQLite before 3.42 cannot read.
    """
    end = time.monotonic() + seconds
    step = partial(_merge, True)
    while True:
        began = time.monotonic()
        if not database.write(step):
            return True
        if time.monotonic() > end:
            return False
        time.sleep(min(time.monotonic() - began, _MAX_PAUSE))
        step = partial(_merge, False)


def _merge(begin: bool, connection: sqlite3.Connection) -> bool:
    """Merge one step. False if nothing was left to merge. (sqlite.org/fts5.html, "The 'merge' Command")"""
    before = connection.total_changes
    connection.execute(MERGE, {"pages": -_MERGED_PAGES if begin else _MERGED_PAGES})
    return connection.total_changes - before >= 2


def _matching(q: str, rows: Iterable[tuple[str, str, str]]) -> Iterator[Found]:
    """The rows of deleted clients, which are not in the index, that match."""
    with closing(open_in_memory()) as connection:
        connection.execute(WORDS)
        for row in rows:
            client = json.loads(row[0])
            digits = _digits(client["phone"] or "")
            words = [client[name] for name in ("first_name", "last_name", "email", "phone")]
            connection.execute("DELETE FROM words")
            connection.execute(
                "INSERT INTO words VALUES (?, ?, ?, ?, ?)", (*words, f"{digits} {digits[-10:]} {digits[-7:]}")
            )
            if connection.execute("SELECT 1 FROM words WHERE words MATCH ?", (q,)).fetchall():
                yield _found(*row)


def _found(text: str, owner: str, deleted_at: str | None) -> Found:
    client = json.loads(text)
    name = f"{client['first_name']} {client['last_name']}"
    return Found(client["id"], name, client["email"], client["phone"], owner, client["status"], deleted_at)


def _digits(text: str) -> str:
    return re.sub("[^0-9]", "", text)


def quote(text: str) -> str:
    """Text that FTS5 does not interpret."""
    return '"' + text.replace('"', '""') + '"'


def _prefix(word: str) -> str:
    return f"{quote(word)}*"
