"""The full-text index of clients: the text of a query, and erasing words from the index.

The index itself is in schema.sql. Case and accents do not count, in any script.
"""

from __future__ import annotations

import re
import sqlite3

# FTS5 merges its segments in steps of so many pages. A negative number begins a merge of all of them.
MERGE = "INSERT INTO clients_search (clients_search, rank) VALUES ('merge', :pages)"

_PAGES = 500


def expression(text: str) -> str:
    """The FTS5 expression for a search: each word is a prefix, in quotes, in which FTS5 knows no syntax.

    A word without letters and digits counts only if there is no other. Text that can only be a phone number
    is also searched by its digits.
    """
    words = dict.fromkeys(text.split())
    every = " ".join(map(_prefix, words))
    digits = re.sub("[^0-9]", "", text)
    if digits and not any(map(str.isalpha, text)):
        return f"({every}) OR {_prefix(digits)}"
    return every


def _prefix(word: str) -> str:
    return '"' + word.replace('"', '""') + '"*'


def forget_deleted_words(connection: sqlite3.Connection, begin: bool) -> bool:
    """Delete a part of the words that no client has any more; ``begin`` with the first part.

    FTS5 only marks words as deleted, until their segment is merged. False if nothing is left to do.
    """
    before = connection.total_changes
    connection.execute(MERGE, {"pages": -_PAGES if begin else _PAGES})
    return connection.total_changes - before >= 2
