"""The full-text index of clients: query expressions, erasing words, and the operator's search.

The index itself is in schema.sql. Case and accents (combining marks) do not count, in any script.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import starmap

from acare.database.database import Database

# Merges all segments of the index: FTS5 only marks deleted words until then. ("secure-delete" would delete
# them at once, at six times the cost of a deletion and in a format that SQLite before 3.42 cannot read.)
OPTIMIZE = "INSERT INTO clients_search (clients_search) VALUES ('optimize')"

FIND = """
SELECT json, users.email, NULL
FROM clients_search
CROSS JOIN clients ON clients.seq = clients_search.rowid
JOIN users ON users.id = user_id
WHERE clients_search MATCH :q
ORDER BY clients_search.rowid DESC
"""

# The last version of each deleted client. (Next to max(), json is of that row:
# sqlite.org/lang_select.html#bareagg)
DELETED = """
SELECT client_history.json, users.email, max(ended_at) AS deleted_at
FROM client_history
LEFT JOIN users ON users.id = client_history.json ->> '$.user_id'
WHERE deleted AND NOT EXISTS (SELECT 1 FROM clients WHERE clients.id = client_id)
GROUP BY client_id
HAVING NOT EXISTS (
    SELECT 1
    FROM json_each(:words)
    WHERE json_extract(client_history.json, '$.first_name', '$.last_name', '$.email', '$.phone')
        NOT LIKE '%' || value || '%'
)
ORDER BY deleted_at DESC
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

    Deleted clients are not in the index: each word can be anywhere in their name, e-mail or phone, and only
    the case of ASCII letters does not count.
    """
    with database.read() as connection:
        connection.execute("BEGIN")
        yield from starmap(_found, connection.execute(FIND, {"q": expression(text)}))
        if deleted:
            yield from starmap(_found, connection.execute(DELETED, {"words": json.dumps(text.split())}))


def erase_deleted_words(connection: sqlite3.Connection) -> None:
    """Delete the words that no client has any more, in the transaction of ``connection``."""
    connection.execute(OPTIMIZE)


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
