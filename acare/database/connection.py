"""Opens connections to SQLite, with the settings of each kind, and translates their errors.

Only this module calls ``sqlite3.connect``. No connection creates a database, or checkpoints on its own,
except when the last one to a file is closed.
"""

import os
import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path

from acare.database.disk import beside
from acare.errors import DAMAGED, DatabaseRefused, StoreUnavailable

#: SQL functions by their names. Statements cast stored text to a BLOB: Python refuses text that is not UTF-8.
Functions = Mapping[str, Callable[..., str | bool]]

SQLITE_VERSION = sqlite3.sqlite_version

#: Bytes of WAL (32 MiB) after which it is checkpointed, however few rows were changed. When the WAL restarts,
#: SQLite truncates a longer file to this size.
CHECKPOINT_SIZE = 32 * 1024 * 1024

#: Seconds that a connection waits for another process that holds a lock.
BUSY_SECONDS = 5.0

_SETTINGS = (
    "wal_autocheckpoint = 0",  # only wal.py checkpoints
    "foreign_keys = ON",  # SQLite enforces them only on connections that ask for it
    # Deleted and replaced content is overwritten in the file: it is personal data.
    "secure_delete = ON",
    # A view in schema.sql calls a function of acare. (No file with another schema is written.)
    "trusted_schema = ON",
)

_WRITER_SETTINGS = (
    # Readers and the writer do not wait for each other.
    "journal_mode = WAL",
    # An acknowledged write survives a power failure; NORMAL would sync only at checkpoints.
    "synchronous = FULL",
    # Keeps a statement's rollback data in memory, instead of a file for every transaction.
    "temp_store = MEMORY",
    f"journal_size_limit = {CHECKPOINT_SIZE}",
)

#: The settings of a connection that cannot write.
READER_SETTINGS = (
    "query_only = ON",
    # SQLite's default of 2 MiB per reader would be most of the process's memory; the system caches too.
    "cache_size = -512",
)

_TEMPORARY_FAILURES = {
    sqlite3.SQLITE_BUSY: "Another process is writing to the database.",
    sqlite3.SQLITE_FULL: "The disk is full.",
    sqlite3.SQLITE_IOERR: "The disk cannot be read or written.",
    sqlite3.SQLITE_IOERR_WRITE: "The disk cannot be written: it has an error, or a quota is used up.",
    sqlite3.SQLITE_CANTOPEN: "The database file cannot be opened.",
    sqlite3.SQLITE_READONLY: "The database file is read-only.",
    sqlite3.SQLITE_CORRUPT: DAMAGED,
    sqlite3.SQLITE_NOTADB: DAMAGED,
    sqlite3.SQLITE_INTERRUPT: "The query took too long. Make it more specific, or try later.",
}

# The error for stored text that is damaged, which has no code of its own.
_DAMAGED = "malformed JSON"


def readable_text(stored: bytes) -> str:
    """Stored text. Another program can have stored bytes that are not UTF-8, which are replaced."""
    return stored.decode(errors="replace")


def _taking_bytes(function: Callable[..., str | bool]) -> Callable[..., str | bool]:
    return lambda *values: function(
        *[readable_text(value) if isinstance(value, bytes) else value for value in values]
    )


def open_file(path: Path | None, *, mode: str = "rw", settings: tuple[str, ...] = ()) -> sqlite3.Connection:
    """A connection to a file that exists; any thread may use it, one at a time.

    None is a new file without a name, in SQLite's folder for temporary files. In the mode "ro", ``PRAGMA
    integrity_check`` omits CHECK constraints. "ro&immutable=1" reads the file alone, without its WAL or
    journal, and without locks.
    """
    if sqlite3.sqlite_version_info < (3, 40):  # Debian 12 has it, with all features of the schema
        raise DatabaseRefused(f"SQLite {SQLITE_VERSION} is too old: acare needs 3.40.0 or newer")
    connection = sqlite3.connect(
        "" if path is None else f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
    )
    connection.text_factory = readable_text
    try:
        for setting in (*_SETTINGS, *settings):
            connection.execute(f"PRAGMA {setting}").fetchall()
    except BaseException:
        connection.close()
        raise
    return connection


def add_functions(connection: sqlite3.Connection, functions: Functions) -> None:
    """Let the statements of a connection, and the views of the schema, call functions."""
    for name, function in functions.items():
        connection.create_function(name, -1, _taking_bytes(function), deterministic=True)


def open_writer(path: Path, functions: Functions) -> sqlite3.Connection:
    """The connection that commits all writes of a ``Database``.

    sqlite3.OperationalError if SQLite cannot use a write-ahead log for this file.
    """
    connection = open_file(path, settings=_WRITER_SETTINGS)
    if connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
        connection.close()
        raise sqlite3.OperationalError("SQLite cannot use a write-ahead log here")
    add_functions(connection, functions)
    return connection


def open_to_read(path: Path) -> sqlite3.Connection:
    """A connection for a command that only reads: the file, its WAL and its folder stay as they are.

    It takes SQLite's locks, so that a server that starts meanwhile does not checkpoint.
    """
    mode = "rw"  # when it is closed last, SQLite deletes the empty WAL that it has created
    if beside(path, "-wal").exists() or beside(path, "-journal").exists():
        mode = "ro"  # otherwise SQLite would copy the WAL into the file
    elif not all(os.access(each, os.W_OK) for each in (path, path.resolve().parent)):
        mode = "ro&immutable=1"  # the empty WAL could not be deleted, or not created
    return open_file(path, mode=mode, settings=("query_only = ON",))


def open_locked(path: Path) -> sqlite3.Connection | None:
    """A connection that has the file locked until it is closed; None if the file is in use, or damaged.

    Does not wait: a connection that did would keep a lock that the others wait for.
    """
    connection = open_file(path, settings=("busy_timeout = 0", "locking_mode = EXCLUSIVE"))
    try:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("ROLLBACK")  # which keeps the lock
    except sqlite3.DatabaseError as error:
        connection.close()
        in_use_or_damaged = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
        if error.sqlite_errorcode & 0xFF not in in_use_or_damaged:
            raise
        return None
    return connection


def as_domain_error(error: BaseException) -> BaseException:
    """StoreUnavailable if SQLite failed because of the machine, another process or damage; otherwise the
    error itself.
    """
    if not isinstance(error, sqlite3.Error):
        return error
    damaged = str(error).startswith(_DAMAGED)
    code = getattr(error, "sqlite_errorcode", 0)
    reason = _TEMPORARY_FAILURES.get(code) or _TEMPORARY_FAILURES.get(code & 0xFF)  # the primary code
    if reason is None and not damaged:
        return error
    unavailable = StoreUnavailable(reason or DAMAGED)
    unavailable.__cause__ = error
    return unavailable
