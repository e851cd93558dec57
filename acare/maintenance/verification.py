"""Verification of a database: its size, structure and content."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from acare import store
from acare.database.connection import add_functions, open_file, open_to_read
from acare.database.copying import Progress, check_integrity, copy_to_temporary, interruptible, silent
from acare.database.file import refusing
from acare.database.schema import SCHEMA_VERSION
from acare.fields import FIELD_NAMES
from acare.store import search
from acare.store.lists import count

#: Statements that find rows that contradict each other, and return a text for each. They are separated by
#: empty lines. ``{json}`` is the expression that generates the JSON of a client, ``{paths}`` are its fields
#: other than id, user_id and version.
CONTRADICTIONS = Path(store.__file__).with_name("verification.sql")

CLIENTS_SQL = "SELECT max(sql) FROM sqlite_schema WHERE name = 'clients'"


def verify_file(path: Path, progress: Progress = silent, name: Path | None = None) -> int:
    """Verify the size of a file, and then like ``check_content``. Returns its number of clients.

    DatabaseRefused for the first error; it names the file, or ``name``.
    """
    with (
        refusing(name or path, "damaged: "),
        closing(_open_to_check(path)) as connection,
        interruptible(connection, lambda: progress("Verifying", 0, 0, "")),
    ):
        in_header = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
        (expected,) = connection.execute(in_header).fetchone()
        size = path.stat().st_size
        if size != expected:
            raise sqlite3.IntegrityError(f"its size is {size} bytes, and {expected} according to its header")
        return check_content(connection)


def _open_to_check(path: Path) -> sqlite3.Connection:
    """A connection that could write: SQLite omits checks for others, even of CHECK constraints."""
    if all(os.access(target, os.W_OK) for target in (path, path.resolve().parent)):
        return open_file(path)
    with closing(open_to_read(path)) as connection:
        return copy_to_temporary(connection)


def check_content(connection: sqlite3.Connection) -> int:
    """Check the structure, constraints, foreign keys and content of a database of any schema.

    Returns its number of clients. sqlite3.DatabaseError for the first error.
    """
    connection.execute("PRAGMA cell_size_check = ON")
    check_integrity(connection)
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    _check_contradictions(connection)
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


def _check_contradictions(connection: sqlite3.Connection) -> None:
    """sqlite3.IntegrityError if rows contradict each other, which SQLite itself cannot see."""
    ((sql,),) = connection.execute(CLIENTS_SQL).fetchall()
    expression = sql.partition(" AS ")[2].partition(" STORED")[0]
    paths = ", ".join(f"'$.{name}'" for name in (*FIELD_NAMES, "created_at", "updated_at"))
    script = CONTRADICTIONS.read_text("utf-8").replace("{json}", expression).replace("{paths}", paths)
    for statement in script.split("\n\n"):
        for (problem,) in connection.execute(statement):
            raise sqlite3.IntegrityError(problem)
