"""Makes verified copies of a database, and runs long statements with progress and Ctrl-C."""

import hashlib
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from acare.database import file
from acare.database.connection import open_file
from acare.database.disk import copy_owner, sync, temporary
from acare.database.log_recovery import failure_record, prevent_checkpoint, recover
from acare.errors import DatabaseRefused

#: Called with the name of a step, the amount done, the total (0: unknown), and their unit: "B" for bytes, a
#: plural such as "rows", or "" if only the ratio is meaningful.
Progress = Callable[[str, int, int, str], None]

_CALL_STEPS = 20_000  # of SQLite's virtual machine, between two calls: a few milliseconds

WRONG_TOTALS = """
SELECT user_id, client_type, status, sum(n) FROM (
    SELECT user_id, client_type, status, 1 AS n FROM clients
    UNION ALL
    SELECT user_id, client_type, status, -total FROM client_totals
)
GROUP BY user_id, client_type, status
HAVING sum(n) <> 0
"""


def silent(step: str, done: int, total: int, unit: str) -> None:
    """Shows no progress."""


def copy_verified(
    database: Path, target: Path, version: int | None = None, progress: Progress = silent
) -> None:
    """Copy a snapshot of the database to a temporary file, verify it, and rename it to ``target``.

    Its SHA-256 is then in a file next to it. Both have the owner of the database. With ``version``, the
    snapshot must have that schema version. DatabaseRefused or OSError on failure; then there is no copy.
    """
    checksum = checksum_file(target)
    with temporary(target) as copy, temporary(checksum) as written:
        _copy(database, copy, progress)
        if version not in (None, file.check(copy)):
            raise DatabaseRefused(f"{database}: no backup was made: the schema version changed meanwhile")
        check_content(copy, progress, name=database)
        written.write_bytes(f"{sha256(copy)}  ".encode() + os.fsencode(target.name) + b"\n")
        for each in (copy, written):
            with suppress(PermissionError):  # only root can give a file to another user
                copy_owner(database.stat(), each)
            sync(each)
        os.replace(written, checksum)
        try:
            os.replace(copy, target)
        except BaseException:
            checksum.unlink()
            raise
    sync(target.parent)


def _copy(database: Path, target: Path, progress: Progress) -> None:
    """Write the content of one snapshot to an empty file. Writers do not wait for it.

    VACUUM INTO leaves out free space, and with it what was deleted earlier.
    """
    recover(database)
    size = database.stat().st_size

    def show() -> None:
        progress("Copying", min(target.stat().st_size, size), size, "B")

    with (
        file.refusing(database, "no backup was made: "),
        closing(open_file(database)) as source,
        interruptible(source, show),
    ):
        source.execute("VACUUM INTO :target", {"target": target.absolute().as_uri()})
        if failure_record(database).exists():
            prevent_checkpoint(source)


def check_content(path: Path, progress: Progress = silent, name: Path | None = None) -> int:
    """Check size, structure, constraints, foreign keys and totals of a file. Returns its number of clients.

    DatabaseRefused for the first error; it names the file, or ``name`` in its place.
    """
    with (
        file.refusing(name or path, "damaged: "),
        closing(open_file(path)) as connection,
        interruptible(connection, lambda: progress("Verifying", 0, 0, "")),
    ):
        problem = next(_problems(connection, path), None)
        if problem is not None:
            raise DatabaseRefused(f"{name or path}: damaged: {' '.join(problem.split())}")
        (clients,) = connection.execute("SELECT count(*) FROM clients").fetchone()
    return int(clients)


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
    for group in connection.execute(WRONG_TOTALS):
        yield f"the total of {group}"


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


def checksum_file(path: Path) -> Path:
    """The file with the checksum of a backup, in the format that ``sha256sum --check`` reads."""
    return path.with_name(f"{path.name}.sha256")


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hex."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
