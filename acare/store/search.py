"""The full-text index of clients: query expressions, and erasing words.

The index itself is in schema.sql: the words of each client, and their spellings without letters such as ø.
Case does not count, nor do accents of Latin letters and combining marks.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable
from contextlib import suppress
from queue import Empty

from acare import phones
from acare.database.database import Database
from acare.errors import StoreUnavailable

_NUMBER_WORD = re.compile(f"[0-9{re.escape(phones.SEPARATORS)}]+")

# Whether clients were changed since the last search.
PENDING = "SELECT EXISTS (SELECT 1 FROM clients_to_index)"

#: Indexes the changed clients, in a write transaction.
INDEX = "DELETE FROM clients_to_index"

#: Seconds that a search waits for this write.
INDEX_SECONDS = 0.25

# Merges all segments of the index: FTS5 only marks deleted words until then. ("secure-delete" would delete
# them at once, at six times the cost of a deletion and in a format that SQLite before 3.42 cannot read.)
OPTIMIZE = "INSERT INTO clients_search (clients_search) VALUES ('optimize')"

#: The condition of a search. ``parameters`` returns :q.
WORDS = "clients_search MATCH :q"

#: A second condition of a search for a phone number, because :q also finds other numbers with the same last
#: digits. ``parameters`` returns :number, and :words, which matches clients with these words instead.
NUMBER = """(clients_search.rowid IN (SELECT rowid FROM clients_search WHERE clients_search MATCH :words)
    OR is_same_phone(clients.phone, :number))"""


def parameters(text: str) -> dict[str, str]:
    """The values of a search: ``q``, and for a search with a phone number also ``number`` and ``words``.

    Each word is a prefix. A word without letters and digits matches nothing alone and is ignored next to
    other words. Words of digits and separators are one number if they have enough digits together.
    """
    words = text.split()
    others = [word for word in words if not _NUMBER_WORD.fullmatch(word)]
    number = phones.normalize("".join(word for word in words if _NUMBER_WORD.fullmatch(word)))
    wanted = _all(words)
    if number and not others and words != [number]:  # also as the beginning of a number with other separators
        wanted = f"({wanted}) OR {_prefix(number)}"
    if len(number) < phones.MIN_DIGITS:
        return {"q": wanted}
    return {"q": f"({wanted}) OR ({_all(others)} {near(number)})", "number": number, "words": wanted}


def near(number: str) -> str:
    """The FTS5 expression for the clients that can have a normalized number, and for some others."""
    return quote(number[-phones.MIN_DIGITS :])


def index_changes(database: Database) -> None:
    """Index the clients that were changed, before a search.

    If other writes take longer than ``INDEX_SECONDS``, or nothing can be written, the search misses the last
    changes.
    """
    with database.read() as connection:
        (is_pending,) = connection.execute(PENDING).fetchone()
    if is_pending:
        with suppress(StoreUnavailable, Empty):
            database.submit(lambda connection: connection.execute(INDEX).rowcount).result(INDEX_SECONDS)


def erase_deleted_words(connection: sqlite3.Connection) -> None:
    """Delete the words that no client has any longer, in the transaction of ``connection``."""
    connection.execute(INDEX)
    connection.execute(OPTIMIZE)


def quote(text: str) -> str:
    """Text that FTS5 does not interpret."""
    return '"' + text.replace('"', '""') + '"'


def _all(words: Iterable[str]) -> str:
    return " ".join(map(_prefix, dict.fromkeys(words)))


def _prefix(word: str) -> str:
    return f"{quote(word)}*"
