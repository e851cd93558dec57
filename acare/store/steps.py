"""Long work in steps: each is a transaction, and other writes run between them."""

import sqlite3
import time
from collections.abc import Callable, Mapping
from functools import partial

from acare.database.database import Database

#: Rows that a step changes, which takes tens of milliseconds.
ROWS = 500

#: Seconds between two steps. A process that waits for SQLite's lock tries again every 0.1 s.
PAUSE = 0.1

#: The position of the first step, before every row.
START = -(2**63)

#: Changes the rows after a position. Returns their number, and the next position or None.
Step = Callable[[int, sqlite3.Connection], tuple[int, int | None]]


def deletion(table: str, condition: str) -> str:
    """A statement for ``repeat``, which deletes the rows of a table that meet a condition."""
    return f"""
DELETE FROM {table}
WHERE rowid IN (SELECT rowid FROM {table} WHERE {condition} LIMIT :rows)
"""


def repeat(
    statement: str, values: Mapping[str, object], position: int, connection: sqlite3.Connection
) -> tuple[int, int | None]:
    """A step of a statement that changes ``:rows`` rows at most, and does not find them again."""
    changed = connection.execute(statement, {**values, "rows": ROWS}).rowcount
    return changed, position + 1 if changed == ROWS else None


def run(database: Database, step: Step, progress: Callable[[], None] = lambda: None) -> int:
    """Run a step for each position, and call ``progress`` after it. Returns the number of changed rows.

    If a step fails, the changes of earlier ones stay.
    """
    total, position = 0, START
    while True:
        changed, following = database.write(partial(step, position))
        total += changed
        progress()
        if following is None:
            return total
        position = following
        time.sleep(PAUSE)
