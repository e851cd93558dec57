"""The full-text index of clients: query expressions, deleting words, and the operator's search.

The index itself is in schema.sql. Case and accents (combining marks) do not count, in any script.
"""

from __future__ import annotations

import json
import math
import re
import sqlite3
import time
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import starmap

from acare.database.database import Database

# FTS5 merges its segments in steps of :pages pages. A negative number begins a merge of all of them.
MERGE = "INSERT INTO clients_search (clients_search, rank) VALUES ('merge', :pages)"

# All of that merge at once.
OPTIMIZE = "INSERT INTO clients_search (clients_search) VALUES ('optimize')"

_PAGES = 200
_MAX_PAUSE = 0.1

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
    """Matching clients of all users, newest first; with ``deleted``, deleted clients follow.

    Deleted clients are not in the index: each word can be anywhere in their name, e-mail or phone.
    """
    with database.read() as connection:
        connection.execute("BEGIN")
        yield from starmap(_found, connection.execute(FIND, {"q": expression(text)}))
        if deleted:
            yield from filter(partial(_has, text), starmap(_found, connection.execute(DELETED)))


def erase_deleted_words(database: Database, seconds: float = math.inf) -> bool:
    """Delete words that no client contains any more: FTS5 only marks them until it merges its segments.

    In steps with pauses, so that other writers get their turn. False if it is not done after so many seconds.
    FTS5's "secure-delete" would delete them at once, at six times the cost of a deletion and in a format that
    SQLite before 3.42 cannot read.
    """
    end = time.monotonic() + seconds
    pages = -_PAGES
    while True:
        began = time.monotonic()
        if not database.write(partial(_merge, pages)):
            return True
        if time.monotonic() > end:
            return False
        time.sleep(min(time.monotonic() - began, _MAX_PAUSE))
        pages = _PAGES


def _merge(pages: int, connection: sqlite3.Connection) -> bool:
    """Merge one step. False if nothing was left to merge. (sqlite.org/fts5.html, "The 'merge' Command")"""
    before = connection.total_changes
    connection.execute(MERGE, {"pages": pages})
    return connection.total_changes - before >= 2


def _found(text: str, owner: str, deleted_at: str | None) -> Found:
    client = json.loads(text)
    name = f"{client['first_name']} {client['last_name']}"
    return Found(client["id"], name, client["email"], client["phone"], owner, client["status"], deleted_at)


def _has(text: str, client: Found) -> bool:
    digits = _digits(text)
    if digits and not any(map(str.isalpha, text)):
        return digits in _digits(client.phone or "")
    found = _fold(f"{client.name} {client.email or ''}")
    return all(word in found for word in _fold(text).split())


def _fold(text: str) -> str:
    """The text without case and accents."""
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c)).casefold()


def _digits(text: str) -> str:
    return re.sub("[^0-9]", "", text)


def quote(text: str) -> str:
    """Text that FTS5 does not interpret."""
    return '"' + text.replace('"', '""') + '"'


def _prefix(word: str) -> str:
    return f"{quote(word)}*"
