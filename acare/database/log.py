"""The write-ahead log: checkpoints (copying it into the database), its maximum length, and truncating it.

This is the only code that checkpoints, and never while any process commits: SQLite 3.7.0 to 3.51.2 can lose
a commit that coincides with a checkpoint ("the WAL-reset bug", sqlite.org/wal.html).

After a failed checkpoint, nothing is written or checkpointed until all processes have closed the database
(checkpoint_failure.py): the failed sync may have lost pages that an earlier checkpoint had copied, and a
later checkpoint would not copy them again.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import time
from contextlib import suppress

from acare.database import checkpoint_failure
from acare.database.checkpoint_failure import FAILURE
from acare.database.log_sync import FRAME_HEADER, HEADER, busy_timeout, log_path
from acare.errors import StoreUnavailable

log = logging.getLogger("acare.database")

#: Pages in the log (1 GiB) above which writes are refused until a checkpoint succeeds. The log grows so
#: long only while a reader keeps an old snapshot open; it must not fill the disk.
MAX_PAGES = 262_144

#: Writes after which the log is checkpointed; some 10 MB of log.
CHECKPOINT_AFTER = 256

#: Changed rows that count as one write: the write of a client changes up to 5, a purge some hundreds.
ROWS_PER_WRITE = 8

_RETRY_SECONDS = 0.005


def write_one_page(connection: sqlite3.Connection) -> None:
    """Write one page to the log without a change: SQLite writes ``user_version`` again."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    connection.execute(f"PRAGMA user_version = {version}")


def prevent_checkpoint(connection: sqlite3.Connection) -> None:
    """Keep SQLite from checkpointing when this connection is closed next, even if it is the last one.

    The interrupt lasts until the next statement begins, and the checkpoint of a close is not a statement.
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
        self._path = log_path(connection)
        self._database = self._path.removesuffix("-wal")
        self._page_size = int(connection.execute("PRAGMA page_size").fetchone()[0])
        self._limit = int(connection.execute("PRAGMA journal_size_limit").fetchone()[0])  # bytes
        self._writes = 0  # since the last checkpoint
        self._rows = connection.total_changes
        self._failed = False
        self._pages_left = 0  # in the log after a checkpoint that could not copy them all

    @property
    def failure(self) -> str | None:
        """Why nothing may be written or checkpointed until a restart: a checkpoint failed, in any process."""
        if not self._failed and checkpoint_failure.is_recorded(self._database):
            self._note_failure("in another process")
        return FAILURE if self._failed else None

    def _note_failure(self, reason: object) -> None:
        self._failed = True
        log.error("%s (%s)", FAILURE, reason)

    def committed(self, writes: int) -> None:
        """Count ``writes`` more writes, and checkpoint if due. Does not wait for other processes."""
        rows = self._connection.total_changes
        self._writes += max(writes, (rows - self._rows) // ROWS_PER_WRITE)
        self._rows = rows
        if self._writes >= CHECKPOINT_AFTER and not self._failed:
            self._checkpoint()

    def check(self) -> None:
        """StoreUnavailable after a failed checkpoint, or if the log is too long and stays so."""
        self._refuse_after_failure()
        if self._pages_left > self._max_pages:
            self._checkpoint()
            self._refuse_after_failure()
        if self._pages_left > self._max_pages:
            raise StoreUnavailable(
                "The log has grown too long: another process keeps an old snapshot, or keeps writing."
            )

    def _refuse_after_failure(self) -> None:
        failure = self.failure
        if failure is not None:
            raise StoreUnavailable(failure)

    def close(self) -> None:
        """Close both connections. After a failed checkpoint, SQLite must not checkpoint now either."""
        for connection in (self._checkpointer, self._connection):
            if self.failure is not None:
                prevent_checkpoint(connection)
            connection.close()

    def empty(self, seconds: float | None = None) -> bool:
        """Checkpoint the complete log and restart it, so that its file has only one page.

        Readers and writers of other processes can prevent this. It is retried for ``seconds``, by default the
        busy timeout; returns whether it succeeded. SQLite's own TRUNCATE continues without the lock if it
        cannot get it, and its checkpoint could coincide with a commit.
        """
        (milliseconds,) = self._connection.execute("PRAGMA busy_timeout").fetchone()
        (limit,) = self._connection.execute("PRAGMA journal_size_limit").fetchone()
        if seconds is None:
            seconds = milliseconds / 1000
        give_up = time.monotonic() + seconds
        self._connection.execute("PRAGMA journal_size_limit = 0").fetchone()
        try:
            with busy_timeout(self._connection, min(milliseconds, int(seconds * 1000))):
                while not self._try_to_empty(limit):
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

    def _try_to_empty(self, limit: int) -> bool:
        before = self._bytes()
        self._copy()
        if self._pages_left:
            return False
        # The first commit after a complete checkpoint restarts the log, and only it truncates the file.
        write_one_page(self._connection)
        # If another process committed first, the file was truncated to the limit of that process, if at all;
        # or, if that process was in this method too, to one page.
        after = self._bytes()
        return after < min(before, limit) or after == self._size_of(1)

    def _trim(self, pages: int) -> None:
        """Truncate the file to its size limit, but keep the ``pages`` in use. Requires our transaction.

        SQLite does so only if the process that restarts the log has a limit; Litestream has none.
        """
        size = max(self._limit, self._size_of(pages))
        if pages > 0 and self._bytes() > size:
            os.truncate(self._path, size)

    def _size_of(self, pages: int) -> int:
        """The size in bytes of a log with ``pages`` pages."""
        return HEADER + pages * (FRAME_HEADER + self._page_size)

    def _bytes(self) -> int:
        return os.path.getsize(self._path)

    def _checkpoint(self) -> None:
        try:
            with busy_timeout(self._connection, 0):
                self._copy()
        except (sqlite3.Error, StoreUnavailable, MemoryError) as error:  # the next write tries again
            log.warning("the write-ahead log could not be checkpointed: %s", error)

    def _copy(self) -> None:
        """Copy what no reader needs any more, in a transaction that keeps all processes from committing."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            self._refuse_after_failure()  # only now can no other process be in a checkpoint
            _, in_log, copied = self._checkpointer.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            self._writes = 0
            self._pages_left = in_log if copied < in_log else 0  # all copied: the log restarts
            self._trim(in_log)
        except sqlite3.OperationalError as error:
            # Where a write is refused, as by a quota, nothing is lost: the next checkpoint copies it again.
            code = error.sqlite_errorcode
            if code & 0xFF == sqlite3.SQLITE_IOERR and code != sqlite3.SQLITE_IOERR_WRITE:
                checkpoint_failure.record(self._database)
                self._note_failure(error)
            raise
        finally:
            self._connection.execute("ROLLBACK")
