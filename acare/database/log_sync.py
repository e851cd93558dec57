"""Rewriting the log that a killed process left, so that what SQLite recovers from it is on the disk.

When a sync fails, Linux keeps what was not written in its cache and does not write it later. If the process
is then killed, SQLite finds frames in the log that are in the cache only, takes them as committed, and copies
them or continues after them; a power cut removes them. Writing them again brings them onto the disk.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from acare.database import file
from acare.database.access import explain_access
from acare.database.connection import as_domain_error, open_file
from acare.errors import DatabaseRefused

#: The format of the log. (sqlite.org/fileformat.html, "WAL File Format")
HEADER = 32
FRAME_HEADER = 24
_FRAMES = 256  # that are written again at a time

# The next use of the file reports these errors.
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def sync_log(path: Path) -> None:
    """Bring the log of a database onto the disk, before a connection that can checkpoint is opened.

    Does nothing if a process has the database open: it has done this, or has written the log itself.
    DatabaseRefused if it fails.
    """
    if not file.has_wal(path) or file.processes_using(path):
        return
    try:
        with closing(open_file(path)) as connection:
            sync_again(connection)
    except sqlite3.DatabaseError as error:
        if as_domain_error(error) is not error and error.sqlite_errorcode & 0xFF not in _DAMAGED:
            raise DatabaseRefused(
                f"{path}: its log cannot be written: {error}{explain_access(path)}"
            ) from None
    except OSError as error:
        raise DatabaseRefused(f"{path}: its log cannot be written: {error.strerror or error}") from None


def sync_again(connection: sqlite3.Connection) -> bool:
    """Write the frames of the log over themselves and sync them; False if another process writes now.

    The lock of the write transaction keeps other processes from writing to the log meanwhile. OSError if the
    sync fails.
    """
    with busy_timeout(connection, 0):
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            return False
        try:
            with suppress(FileNotFoundError):
                _write_again(log_path(connection))
        finally:
            connection.execute("ROLLBACK")
    return True


def _write_again(path: str) -> None:
    # Nothing locks the log itself, so closing this handle releases no lock of SQLite.
    with open(path, "r+b", buffering=0) as log_file:
        header = log_file.read(HEADER)
        if len(header) < HEADER:
            return
        frame = FRAME_HEADER + int.from_bytes(header[8:12], "big")
        os.pwrite(log_file.fileno(), header, 0)
        offset = HEADER
        while content := os.pread(log_file.fileno(), frame * _FRAMES, offset):
            if content[8:16] != header[16:24]:
                break  # this frame and those after it are older than the last restart of the log
            os.pwrite(log_file.fileno(), content, offset)
            offset += len(content)
        os.fsync(log_file.fileno())


def log_path(connection: sqlite3.Connection) -> str:
    (_, _, path), *_ = connection.execute("PRAGMA database_list").fetchall()
    return str(file.log_file(Path(path)))


@contextmanager
def busy_timeout(connection: sqlite3.Connection, milliseconds: int) -> Iterator[None]:
    """Change the time for which a connection waits for other processes, until the end of the ``with``."""
    (before,) = connection.execute("PRAGMA busy_timeout").fetchone()
    connection.execute(f"PRAGMA busy_timeout = {milliseconds}")
    try:
        yield
    finally:
        connection.execute(f"PRAGMA busy_timeout = {before}")
