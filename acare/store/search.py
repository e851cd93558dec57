"""Opens databases with a full-text index of clients, updates it before each COMMIT, and erases words from it.

The index is in schema.sql; search_terms.py makes the words and the queries.
"""

import sqlite3
from pathlib import Path

from acare import places, search_terms
from acare.database.connection import Functions
from acare.database.database import Database, ReadOnlyDatabase

#: What the schema and the statements of the stores call.
FUNCTIONS: Functions = {
    "search_words": search_terms.of_client,
    "has_place": places.has_place,
    "has_type": places.has_type,
}

# Merges all segments of the index: FTS5 only marks deleted words until then. ("secure-delete" would delete
# them at once, at six times the cost of a deletion and in a format that SQLite before 3.42 cannot read.)
OPTIMIZE = "INSERT INTO clients_search (clients_search) VALUES ('optimize')"

#: An error if the index does not match the words in the rows. (sqlite.org/fts5.html, 6.4)
COMPARE = "INSERT INTO clients_search (clients_search, rank) VALUES ('integrity-check', 1)"


#: How many clients the transaction, or another program, has changed that are not indexed again yet, and how
#: many of these are in the index.
PENDING = "SELECT count(*), count(words) FROM clients_to_index"

# FTS5 deletes the entries of the words that it is given, so they must be those that are in the index.
DELETE_PENDING = """
INSERT INTO clients_search (clients_search, rowid, words)
SELECT 'delete', seq, words
FROM clients_to_index
WHERE words IS NOT NULL
"""

INSERT_PENDING = """
INSERT INTO clients_search (rowid, words)
SELECT seq, words
FROM clients_words
WHERE seq IN (SELECT seq FROM clients_to_index)
"""


def open_database(path: Path) -> Database:
    """Open a database for the stores, or create it; see ``Database``."""
    return Database(path, functions=FUNCTIONS, before_commit=index_changes)


def read_database(path: Path) -> ReadOnlyDatabase:
    """Open a database for stores that only read; see ``ReadOnlyDatabase``."""
    return ReadOnlyDatabase(path, functions=FUNCTIONS)


def index_changes(connection: sqlite3.Connection) -> None:
    """Index the clients that the transaction of ``connection`` has changed, before its COMMIT.

    Once a transaction: indexing each client in its own write would take as long as the rest of the write.
    """
    pending, indexed = connection.execute(PENDING).fetchone()
    if indexed:
        connection.execute(DELETE_PENDING)
    if pending:
        connection.execute(INSERT_PENDING)
        connection.execute("DELETE FROM clients_to_index")


def rebuild(connection: sqlite3.Connection) -> None:
    """Index all clients again: the index is then correct, and has no words of deleted clients."""
    connection.execute("DELETE FROM clients_to_index")
    connection.execute("INSERT INTO clients_search (clients_search) VALUES ('rebuild')")
