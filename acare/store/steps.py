"""Long work in steps: each is a transaction, and other writes run between them."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from functools import partial

from acare.database.database import Database

#: Rows that a step changes, in some tens of milliseconds.
ROWS = 500

#: Seconds between two steps. A process that waits for SQLite's lock tries again every 0.1 s.
PAUSE = 0.1

#: The position of the first step, before every row.
START = -(2**63)

#: Changes the rows after a position. Returns their number and the next position; None if there are no more.
Step = Callable[[int, sqlite3.Connection], tuple[int, int | None]]


def run(database: Database, step: Step) -> Iterator[int]:
    """Run a step for each position, and yield the numbers of changed rows.

    If a step fails, the changes of earlier ones stay.
    """
    position: int | None = START
    while position is not None:
        if position != START:
            time.sleep(PAUSE)
        changed, position = database.write(partial(step, position))
        yield changed
