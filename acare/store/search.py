"""The full-text index of clients: query expressions, and erasing words.

The index itself is in schema.sql: the words of each client, and their spellings without letters such as ø.
Case does not count, nor do accents of Latin letters and combining marks.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable

from acare import phones
from acare.store import steps

_NUMBER_WORD = re.compile(f"[0-9{re.escape(phones.SEPARATORS)}]+")

# Whether the transaction has changed a client that is not indexed yet.
PENDING = "SELECT EXISTS (SELECT 1 FROM clients_to_index)"

# FTS5 deletes the entries of the words that it is given, so they must be those that are in the index.
INDEX_PENDING = (
    """
INSERT INTO clients_search (clients_search, rowid, words, spellings)
SELECT 'delete', seq, words, spellings
FROM clients_to_index
WHERE words IS NOT NULL
""",
    """
INSERT INTO clients_search (rowid, words, spellings)
SELECT seq, words, spellings
FROM clients_words
WHERE seq IN (SELECT seq FROM clients_to_index)
""",
    "DELETE FROM clients_to_index",
)

# Merges all segments of the index: FTS5 only marks deleted words until then. ("secure-delete" would delete
# them at once, at six times the cost of a deletion and in a format that SQLite before 3.42 cannot read.)
OPTIMIZE = "INSERT INTO clients_search (clients_search) VALUES ('optimize')"

# The same in steps: a negative number of pages begins, a positive one continues.
MERGE = "INSERT INTO clients_search (clients_search, rank) VALUES ('merge', :pages)"

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


def index_changes(connection: sqlite3.Connection) -> None:
    """Index the clients that the transaction of ``connection`` has changed, before its COMMIT.

    Once a transaction: indexing each client in its own write would take as long as the rest of the write.
    """
    if connection.execute(PENDING).fetchone() == (1,):
        for statement in INDEX_PENDING:
            connection.execute(statement)


def erase_deleted_words(connection: sqlite3.Connection) -> None:
    """Delete the words that no client has any longer, in the transaction of ``connection``."""
    index_changes(connection)
    connection.execute(OPTIMIZE)


def merge(position: int, connection: sqlite3.Connection) -> tuple[int, int | None]:
    """Delete the words that no client has any longer: a step."""
    before = connection.total_changes
    index_changes(connection)
    connection.execute(MERGE, {"pages": -steps.ROWS if position == steps.START else steps.ROWS})
    changed = connection.total_changes - before
    return changed, position + 1 if changed > 1 else None  # a merge that has nothing to do changes one row


def quote(text: str) -> str:
    """Text that FTS5 does not interpret."""
    return '"' + text.replace('"', '""') + '"'


def _all(words: Iterable[str]) -> str:
    return " ".join(map(_prefix, dict.fromkeys(words)))


def _prefix(word: str) -> str:
    return f"{quote(word)}*"
