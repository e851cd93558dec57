"""Makes verified copies of a database, and runs long statements with progress and Ctrl-C."""

import hashlib
import os
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext, suppress
from pathlib import Path

from acare.database import file
from acare.database.connection import open_file, open_temporary, open_to_read
from acare.database.disk import copy_owner, sync, temporary
from acare.database.schema import SCHEMA_VERSION
from acare.errors import DatabaseRefused

#: Called with the name of a step, the amount done, the total (0: unknown), and their unit: "B" for bytes, a
#: plural such as "rows", or "" if only the ratio is meaningful.
Progress = Callable[[str, int, int, str], None]

_COPIED_PAGES = 4096  # between two checks for Ctrl-C

_CALL_STEPS = 20_000  # of SQLite's virtual machine, between two calls: a few milliseconds

#: Statements that find rows that contradict each other, and return a text for each. They are separated by
#: empty lines. ``{json}`` is the expression that generates the JSON of a client, ``{paths}`` are its fields
#: other than id, user_id and version.
CONTRADICTIONS = Path(__file__).with_name("verification.sql")

CLIENTS_SQL = "SELECT max(sql) FROM sqlite_schema WHERE name = 'clients'"

# The expression that generates the JSON of a client, and the lines in it that begin with the name of a field.
_GENERATED = re.compile(r"AS (\(json_object\(.*\)\)) STORED", re.DOTALL)
_FIELD = re.compile(r"^\s*'(?!id'|user_id'|version')(\w+)', ", re.MULTILINE)

# An error if the index does not match the words in the rows. (sqlite.org/fts5.html, 6.4)
COMPARE_INDEX = "INSERT INTO clients_search (clients_search, rank) VALUES ('integrity-check', 1)"

# Other programs can insert a client, which is not indexed until the next write.
IS_INDEXED = "SELECT NOT EXISTS (SELECT 1 FROM clients_to_index)"


def silent(step: str, done: int, total: int, unit: str) -> None:
    """Shows no progress."""


def copy_verified(
    database: Path, target: Path, progress: Progress = silent, source: sqlite3.Connection | None = None
) -> None:
    """Copy a snapshot of the database to a temporary file, verify it, and rename it to ``target``.

    Its SHA-256 is then in a file next to it. Both have the owner of the database. ``source`` is the
    connection to read from, if one has the database locked. DatabaseRefused or OSError on failure; then there
    is no copy.
    """
    checksum = file.checksum_file(target)
    with temporary(target) as copy, temporary(checksum) as written:
        _copy(database, copy, progress, source)
        check_content(copy, progress, name=database)
        written.write_bytes(f"{sha256(copy)}  ".encode() + os.fsencode(target.name) + b"\n")
        for temporary_file in (copy, written):
            with suppress(PermissionError):  # only root can give a file to another user
                copy_owner(database.stat(), temporary_file)
            sync(temporary_file)
        os.replace(written, checksum)
        try:
            os.replace(copy, target)
        except BaseException:
            checksum.unlink()
            raise
    sync(target.parent)


def _copy(database: Path, target: Path, progress: Progress, source: sqlite3.Connection | None) -> None:
    """Write the content of one snapshot to an empty file. Writers do not wait for it.

    VACUUM INTO leaves out free space, and with it what was deleted earlier.
    """
    size = database.stat().st_size

    def show() -> None:
        progress("Copying", min(target.stat().st_size, size), size, "B")

    with (
        file.refusing(database, "no backup was made: "),
        closing(open_to_read(database)) if source is None else nullcontext(source) as connection,
        interruptible(connection, show),
    ):
        connection.execute("PRAGMA query_only = OFF")  # of the source, nothing is written
        connection.execute("VACUUM INTO :target", {"target": target.absolute().as_uri()})


def check_content(path: Path, progress: Progress = silent, name: Path | None = None) -> int:
    """Check size, structure, constraints, foreign keys and totals of a file. Returns its number of clients.

    DatabaseRefused for the first error; it names the file, or ``name`` in its place.
    """
    with (
        file.refusing(name or path, "damaged: "),
        closing(_open_to_check(path)) as connection,
        interruptible(connection, lambda: progress("Verifying", 0, 0, "")),
    ):
        problem = next(_problems(connection, path), None)
        if problem is not None:
            raise DatabaseRefused(f"{name or path}: damaged: {' '.join(problem.split())}")
        (clients,) = connection.execute("SELECT count(*) FROM clients").fetchone()
    return int(clients)


def _open_to_check(path: Path) -> sqlite3.Connection:
    """A connection that could write: SQLite omits checks for others, even of CHECK constraints."""
    if os.access(path, os.W_OK):
        return open_file(path)
    with closing(open_to_read(path)) as connection:
        return copy_to_temporary(connection)


def _problems(connection: sqlite3.Connection, path: Path) -> Iterator[str]:
    """The errors in a database, found one by one."""
    connection.execute("PRAGMA cell_size_check = ON")
    (size,) = connection.execute("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
    if size != (path.stat().st_size,):
        yield f"its size is {path.stat().st_size} bytes, and {size[0]} according to its header"
    for (line,) in connection.execute("PRAGMA integrity_check(1)"):
        if line != "ok":
            yield str(line)
    for table, row, *_ in connection.execute("PRAGMA foreign_key_check"):
        yield f"the foreign key of {table} row {row}"
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    yield from _contradictions(connection, version)
    if version == SCHEMA_VERSION and connection.execute(IS_INDEXED).fetchone() == (1,):
        connection.execute("BEGIN")
        try:
            connection.execute(COMPARE_INDEX)
        except sqlite3.OperationalError:
            raise  # interrupted
        except sqlite3.DatabaseError as error:
            yield f"the full-text index, which 'acare compact' makes anew: {error}"
        connection.execute("ROLLBACK")


def _contradictions(connection: sqlite3.Connection, version: int) -> Iterator[str]:
    """Rows that contradict each other, which the integrity check cannot see."""
    ((sql,),) = connection.execute(CLIENTS_SQL).fetchall()
    expression = " ".join(_GENERATED.findall(sql))
    paths = ", ".join(f"'$.{name}'" for name in _FIELD.findall(expression))
    script = CONTRADICTIONS.read_text("utf-8").replace("{json}", expression).replace("{paths}", paths)
    for statement in script.split("\n\n"):
        if version > 2 or "client_changes" not in statement:  # a table that schema 2 lacks
            for (problem,) in connection.execute(statement):
                yield problem


@contextmanager
def interruptible(connection: sqlite3.Connection, progress: Callable[[], None]) -> Iterator[None]:
    """Let Ctrl-C interrupt the statements of a connection in the ``with``, if this is the main thread.

    ``progress`` is called every few milliseconds: Python runs its signal handlers only between its own
    instructions, and none of them run during a statement except in ``progress``.
    """
    connection.set_progress_handler(progress, _CALL_STEPS)
    try:
        yield
    except sqlite3.OperationalError as error:
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT:
            raise KeyboardInterrupt from None  # the sqlite3 module dropped the exception
        raise
    finally:
        connection.set_progress_handler(None, 0)


def copy_to_temporary(connection: sqlite3.Connection) -> sqlite3.Connection:
    """A copy of a snapshot, in a file without a name, which SQLite deletes when the copy is closed."""
    copy = open_temporary()
    connection.execute("BEGIN")
    connection.execute("PRAGMA user_version").fetchone()  # begins the snapshot
    connection.backup(copy, pages=_COPIED_PAGES, progress=lambda *_: None)
    connection.rollback()
    return copy


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hex."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
