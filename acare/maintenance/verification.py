"""Verification of a database: its structure, constraints and full-text index."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from acare.database.connection import add_functions, open_file, open_to_read
from acare.database.copying import Progress, check_integrity, copy_to_temporary, interruptible, silent
from acare.database.file import refusing
from acare.database.schema import SCHEMA_VERSION
from acare.store import search
from acare.store.lists import count


def verify_file(path: Path, progress: Progress = silent, name: Path | None = None) -> int:
    """Verify a file like ``check_content``. Returns its number of clients.

    DatabaseRefused for the first error; it names the file, or ``name``.
    """
    with (
        refusing(name or path, "damaged: "),
        closing(_open_to_check(path)) as connection,
        interruptible(connection, lambda: progress("Verifying", 0, 0, "")),
    ):
        return check_content(connection)


def _open_to_check(path: Path) -> sqlite3.Connection:
    """A connection that could write: SQLite omits checks for others, even of CHECK constraints."""
    if all(os.access(target, os.W_OK) for target in (path, path.resolve().parent)):
        return open_file(path)
    with closing(open_to_read(path)) as connection:
        return copy_to_temporary(connection)


def check_content(connection: sqlite3.Connection) -> int:
    """Check the structure, constraints, foreign keys and index of a database of any schema.

    Returns its number of clients. sqlite3.DatabaseError for the first error.
    """
    connection.execute("PRAGMA cell_size_check = ON")
    check_integrity(connection)
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version == SCHEMA_VERSION and connection.execute(search.PENDING).fetchone() == (0, 0):
        _check_index(connection)
    return count(connection)


def _check_index(connection: sqlite3.Connection) -> None:
    add_functions(connection, search.FUNCTIONS)
    connection.execute("BEGIN")
    try:
        connection.execute(search.COMPARE)
    except sqlite3.OperationalError:
        raise  # interrupted
    except sqlite3.DatabaseError as error:
        reason = f"the full-text index, which 'acare compact' rebuilds: {error}"
        raise sqlite3.IntegrityError(reason) from None
    connection.execute("ROLLBACK")
