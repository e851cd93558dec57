"""Long work in batches: each is a transaction, and other writes run between them."""

import sqlite3
import time
from collections.abc import Callable, Mapping

from acare.database.database import Database

#: Rows that a batch changes, which takes tens of milliseconds.
ROWS = 500

#: Seconds between two batches. A process that waits for SQLite's lock tries again every 0.1 s.
PAUSE = 0.1

#: What the first batch begins after, before every row.
START = -(2**63)

#: Changes the rows after a number, such as that of a row. Returns how many, and what the next batch begins
#: after or None.
Batch = Callable[[sqlite3.Connection, int], tuple[int, int | None]]


def deletion(table: str, condition: str) -> str:
    """A statement for ``repeat``, which deletes the rows of a table that meet a condition."""
    return f"""
DELETE FROM {table}
WHERE rowid IN (SELECT rowid FROM {table} WHERE {condition} LIMIT :rows)
"""


def repeat(
    connection: sqlite3.Connection, after: int, statement: str, values: Mapping[str, object]
) -> tuple[int, int | None]:
    """One batch: run a statement that changes at most ``:rows`` rows and then no longer matches them."""
    changed = connection.execute(statement, {**values, "rows": ROWS}).rowcount
    return changed, after + 1 if changed == ROWS else None


def run(database: Database, batch: Batch, progress: Callable[[], None] = lambda: None) -> int:
    """Run batch after batch, and call ``progress`` after each. Returns the number of changed rows.

    If a batch fails, the changes of earlier ones stay.
    """
    total, after = 0, START

    def work(connection: sqlite3.Connection) -> tuple[int, int | None]:
        return batch(connection, after)

    while True:
        changed, following = database.write(work)
        total += changed
        progress()
        if following is None:
            return total
        after = following
        time.sleep(PAUSE)
