"""The write-ahead log: when it is checkpointed (copied into the database), its maximum length, and its cut.

This is the only code that checkpoints, and never while any process commits: SQLite 3.7.0 to 3.51.2 can lose
a commit that meets a checkpoint ("the WAL-reset bug", sqlite.org/wal.html).

When a sync fails, Linux keeps what was not written in its cache and does not write it later. SQLite then
relies on content that a power cut removes. Two rules prevent this: a log is written and synced again before
it is used (``sync_again``), and after a checkpoint that failed there is no other one until a restart.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from acare.errors import DatabaseRefused, StoreUnavailable
from acare.store import file
from acare.store.connection import as_domain_error, open_file

log = logging.getLogger("acare.store")

#: Pages in the log (1 GiB) beyond which writes are refused until it could be checkpointed. It grows so only
#: under a reader that keeps an old snapshot open, and it must not fill the disk.
MAX_PAGES = 262_144

#: Writes after which the log is checkpointed; some 10 MB of log.
CHECKPOINT_AFTER = 256

#: Changed rows that count as one write: the write of a client changes up to 5, a purge some hundreds.
ROWS_PER_WRITE = 8

_FAILURE = "A checkpoint failed: the disk has an error. Check the disk and restart the server."

_RETRY_SECONDS = 0.005

# Reported by whatever uses the file next.
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)

# The format of the log. (sqlite.org/fileformat.html, "WAL File Format")
_HEADER = 32
_FRAME_HEADER = 24
_FRAMES = 256  # that are written again at a time


def write_one_page(connection: sqlite3.Connection) -> None:
    """Write one page into the log, and change nothing: SQLite writes ``user_version`` again."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    connection.execute(f"PRAGMA user_version = {version}")


def sync_log(path: Path) -> None:
    """Bring the log of a database onto the disk, before a connection that can checkpoint is opened.

    Only if no process has the database open: those that have it open did so, or wrote the log themselves.
    DatabaseRefused if it fails.
    """
    if not file.has_wal(path) or file.holders(path):
        return
    try:
        with closing(open_file(path)) as connection:
            sync_again(connection)
    except sqlite3.DatabaseError as error:
        if as_domain_error(error) is not error and error.sqlite_errorcode & 0xFF not in _DAMAGED:
            raise DatabaseRefused(f"{path}: its log cannot be written: {error}") from None
    except OSError as error:
        raise DatabaseRefused(f"{path}: its log cannot be written: {error.strerror or error}") from None


def sync_again(connection: sqlite3.Connection) -> bool:
    """Write the frames of the log over themselves and sync them; False if another process writes now.

    A process whose sync failed may have been killed. SQLite then finds frames in the log that are in the
    system's cache but not on the disk, takes them as committed, and copies them or continues after them.
    Only writing them again brings them onto the disk. The lock of the write transaction keeps other
    processes from writing to the log meanwhile. OSError if the sync fails.
    """
    with _busy_timeout(connection, 0):
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            return False
        try:
            with suppress(FileNotFoundError):
                _write_again(_log_path(connection))
        finally:
            connection.execute("ROLLBACK")
    return True


def _write_again(path: str) -> None:
    # Nothing locks the log itself, so closing this handle releases no lock of SQLite.
    with open(path, "r+b", buffering=0) as log_file:
        header = log_file.read(_HEADER)
        if len(header) < _HEADER:
            return
        frame = _FRAME_HEADER + int.from_bytes(header[8:12], "big")
        os.pwrite(log_file.fileno(), header, 0)
        offset = _HEADER
        while content := os.pread(log_file.fileno(), frame * _FRAMES, offset):
            if content[8:16] != header[16:24]:
                break  # this frame and those behind it are of before the log was started over
            os.pwrite(log_file.fileno(), content, offset)
            offset += len(content)
        os.fsync(log_file.fileno())


def _log_path(connection: sqlite3.Connection) -> str:
    (_, _, path), *_ = connection.execute("PRAGMA database_list").fetchall()
    return f"{path}-wal"


def prevent_checkpoint(connection: sqlite3.Connection) -> None:
    """Keep SQLite from checkpointing when this connection is closed next, even if it is the last one.

    The interrupt holds until the next statement begins, and that checkpoint is none.
    """
    with suppress(sqlite3.ProgrammingError):  # closed already
        connection.interrupt()


class WriteAheadLog:
    """The log of the database that ``connection`` writes to; ``checkpointer`` is a second one to it.

    Not thread-safe, and to be called outside a transaction.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        checkpointer: sqlite3.Connection,
        max_pages: int = MAX_PAGES,
    ) -> None:
        self._connection = connection
        self._checkpointer = checkpointer
        self._max_pages = max_pages
        self._writes = 0  # since the last checkpoint
        self._rows = connection.total_changes
        self.failure: str | None = None  # why nothing may be written or checkpointed until a restart
        self._pages_left = 0  # in the log after a checkpoint that could not copy them all

    def committed(self, writes: int) -> None:
        """Count so many writes, and checkpoint if that is due. Does not wait for other processes."""
        rows = self._connection.total_changes
        self._writes += max(writes, (rows - self._rows) // ROWS_PER_WRITE)
        self._rows = rows
        if self._writes >= CHECKPOINT_AFTER and self.failure is None:
            self._checkpoint()

    def check(self) -> None:
        """StoreUnavailable after a failed checkpoint, or if the log is too long and stays so."""
        if self._pages_left > self._max_pages:
            self._checkpoint()
        if self.failure is not None:
            raise StoreUnavailable(self.failure)
        if self._pages_left > self._max_pages:
            raise StoreUnavailable(
                "The log has grown too long: another process keeps an old snapshot, or keeps writing."
            )

    def close(self) -> None:
        """Close both connections. After a failed checkpoint, SQLite must not checkpoint now either."""
        for connection in (self._checkpointer, self._connection):
            if self.failure is not None:
                prevent_checkpoint(connection)
            connection.close()

    def cut(self, seconds: float | None = None) -> bool:
        """Checkpoint the whole log and start it over, with one page in its file.

        Readers and writers of other processes may be in the way: tries for so many seconds, by default as
        long as the busy timeout, and returns whether it was done. SQLite's own TRUNCATE goes on without the
        lock if it cannot have it, and its checkpoint could meet a commit.
        """
        (milliseconds,) = self._connection.execute("PRAGMA busy_timeout").fetchone()
        (limit,) = self._connection.execute("PRAGMA journal_size_limit").fetchone()
        if seconds is None:
            seconds = milliseconds / 1000
        give_up = time.monotonic() + seconds
        self._connection.execute("PRAGMA journal_size_limit = 0").fetchone()
        try:
            with _busy_timeout(self._connection, min(milliseconds, int(seconds * 1000))):
                while not self._try_to_cut(limit):
                    if time.monotonic() >= give_up:
                        return False
                    time.sleep(_RETRY_SECONDS)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                return False
            raise
        finally:
            self._connection.execute(f"PRAGMA journal_size_limit = {limit}").fetchone()
        return True

    def _try_to_cut(self, limit: int) -> bool:
        before = self._bytes()
        self._copy()
        if self._pages_left:
            return False
        # The first commit after a complete checkpoint starts the log over, and only it cuts the file.
        write_one_page(self._connection)
        # If another process committed first, the file is cut to that process's limit at best; unless that
        # process cut the log like this itself.
        after = self._bytes()
        return after < min(before, limit) or after == self._one_page()

    def _one_page(self) -> int:
        """The bytes of a log with one page in it."""
        (page,) = self._connection.execute("PRAGMA page_size").fetchone()
        return _HEADER + _FRAME_HEADER + int(page)

    def _bytes(self) -> int:
        return os.path.getsize(_log_path(self._connection))

    def _checkpoint(self) -> None:
        try:
            with _busy_timeout(self._connection, 0):
                self._copy()
        except (sqlite3.Error, MemoryError) as error:  # the next write tries again
            log.warning("the write-ahead log could not be checkpointed: %s", error)

    def _copy(self) -> None:
        """Copy what no reader needs any more, in a transaction of our own that keeps all from committing."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            _, in_log, copied = self._checkpointer.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            self._writes = 0
            self._pages_left = in_log if copied < in_log else 0  # all copied: the log starts over
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_IOERR:
                self.failure = _FAILURE
                log.error("%s (%s)", _FAILURE, error)
            raise
        finally:
            self._connection.execute("ROLLBACK")


@contextmanager
def _busy_timeout(connection: sqlite3.Connection, inside: int) -> Iterator[None]:
    """Inside, the connection waits so many milliseconds for other processes."""
    (milliseconds,) = connection.execute("PRAGMA busy_timeout").fetchone()
    connection.execute(f"PRAGMA busy_timeout = {inside}")
    try:
        yield
    finally:
        connection.execute(f"PRAGMA busy_timeout = {milliseconds}")
