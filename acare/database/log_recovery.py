"""Keeps a failed sync from damaging the database later: the record of a failed checkpoint, and a second sync.

When a sync fails, Linux keeps the unwritten content in its cache and never writes it: programs read it until
a power cut removes it.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from acare.database import file
from acare.database.connection import open_file
from acare.errors import DatabaseRefused

#: The error for writes after a failed checkpoint: the cause and what to do.
FAILURE = (
    "A checkpoint failed: the disk has an error. Check the disk, stop every process that has the database "
    "open ('acare status' lists them), and restart the server."
)

_PIECE = 1024 * 1024  # bytes of the log that are written again at a time


def failure_record(database: Path) -> Path:
    """The file that records that a checkpoint has failed, which every process with this database obeys.

    What the checkpoint copied may be lost, and SQLite does not copy it again while a process has the database
    open: it counts what was copied in the ``-shm`` file. So while the record exists, no process may write or
    checkpoint. When all have closed the database, the next one to open it copies the log from its beginning.
    """
    database = database.resolve()  # as SQLite names the files next to it
    return database.with_name(f"{database.name}-checkpoint-failed")


def clear_failure(database: Path) -> None:
    """Before the database is opened, remove the record if no process has it open.

    DatabaseRefused where the system cannot tell: on macOS, or where /proc/locks is hidden.
    """
    record = failure_record(database)
    if not record.exists():
        return
    processes = file.processes_using(database)
    if processes is None:
        raise DatabaseRefused(
            f"{database}: a checkpoint has failed: the disk has an error. Check the disk, stop every process "
            f"that has the database open, and delete {record}"
        )
    if not processes:
        record.unlink(missing_ok=True)


def prevent_checkpoint(connection: sqlite3.Connection) -> None:
    """Keep SQLite from checkpointing when this connection is closed next, even if it is the last one.

    The interrupt lasts until the next statement begins, and the checkpoint of a close is not a statement.
    SQLite does not promise this: README.md lists the versions with which it was tested.
    """
    with suppress(sqlite3.ProgrammingError):  # closed already
        connection.interrupt()


def sync_log(path: Path) -> None:
    """Write the log that a killed process left over itself, and sync it, before SQLite uses it.

    The log may exist only in the cache, but SQLite would take it as committed. Does nothing while a process
    has the database open: that process has done this, or has written the log itself. DatabaseRefused on
    failure.
    """
    if not file.has_wal(path) or file.processes_using(path):
        return
    with file.refusing(path, "its log cannot be written: "), closing(open_file(path)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")  # until the close, no other process writes to the log
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError:
            return  # the file is damaged: its next use reports this
        _write_again(file.log_file(path))


def _write_again(path: Path) -> None:
    # Nothing locks the log itself, so closing this handle releases no lock of SQLite.
    with suppress(FileNotFoundError), path.open("r+b", buffering=0) as log:
        offset = 0
        while content := os.pread(log.fileno(), _PIECE, offset):
            offset += os.pwrite(log.fileno(), content, offset)
        os.fsync(log.fileno())
