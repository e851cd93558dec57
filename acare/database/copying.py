"""Makes verified copies of a database, and runs long statements with progress and Ctrl-C."""

import hashlib
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext, suppress
from pathlib import Path

from acare.database import file
from acare.database.connection import open_file, open_to_read
from acare.database.disk import copy_owner, sync, temporary

#: Called with the name of a step, the amount done, the total (0: unknown), and their unit: "B" for bytes, a
#: plural such as "rows", or "" if only the ratio is meaningful.
Progress = Callable[[str, int, int, str], None]

_CALL_STEPS = 20_000  # of SQLite's virtual machine, between two calls: a few milliseconds


def silent(step: str, done: int, total: int, unit: str) -> None:
    """Shows no progress."""


def copy_verified(
    database: Path,
    target: Path,
    check: Callable[[sqlite3.Connection], object],
    progress: Progress = silent,
    source: sqlite3.Connection | None = None,
) -> None:
    """Copy a snapshot of the database to a temporary file, verify it, and rename it to ``target``.

    Its SHA-256 is then in a file next to it. Both have the owner of the database. ``check`` gets the copy
    open. ``source`` is the connection that has the database locked, if one has. DatabaseRefused or OSError
    on failure; then there is no copy.
    """
    checksum = file.checksum_file(target)
    with temporary(target) as copy, temporary(checksum) as written:
        with file.refusing(database, f"no backup was made in {target.parent}: "):
            _copy(database, copy, progress, source)
        with (
            file.refusing(database, "damaged: "),
            closing(open_file(copy)) as made,
            interruptible(made, lambda: progress("Verifying", 0, 0, "")),
        ):
            check(made)
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
    # Before 3.46, it cannot copy a generated column from a file that is open to be read: it copies a copy.
    is_old = sqlite3.sqlite_version_info < (3, 46)
    with (
        closing(open_to_read(database)) if source is None else nullcontext(source) as opened,
        closing(copy_to_temporary(opened)) if is_old else nullcontext(opened) as connection,
        interruptible(connection, lambda: progress("Copying", min(target.stat().st_size, size), size, "B")),
    ):
        connection.execute("PRAGMA query_only = OFF")  # of the source, nothing is written
        connection.execute("VACUUM INTO :target", {"target": target.absolute().as_uri()})


def check_integrity(connection: sqlite3.Connection) -> None:
    """sqlite3.IntegrityError for the first error in structure, constraints and foreign keys."""
    (problem,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    if problem != "ok":
        raise sqlite3.IntegrityError(problem)
    for table, row, *_ in connection.execute("PRAGMA foreign_key_check"):
        raise sqlite3.IntegrityError(f"the foreign key of {table} row {row}")


@contextmanager
def interruptible(connection: sqlite3.Connection, progress: Callable[[], None]) -> Iterator[None]:
    """Let Ctrl-C interrupt the statements of a connection in the ``with``, if this is the main thread.

    ``progress`` is called every few milliseconds: Python runs its signal handlers only between its own
    instructions, and during a statement only ``progress`` has any.
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
    copy = open_file(None)
    connection.execute("BEGIN")
    connection.execute("PRAGMA user_version").fetchone()  # begins the snapshot
    connection.backup(copy, pages=4096, progress=lambda *_: None)  # the calls let Ctrl-C end it
    connection.rollback()
    return copy


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hex."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
