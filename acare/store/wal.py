"""The write-ahead log: checkpoints (copying it into the database), its maximum length, and truncating it.

This is the only code that checkpoints, and never while any process commits: SQLite 3.7.0 to 3.51.2 can lose
a commit that coincides with a checkpoint ("the WAL-reset bug", sqlite.org/wal.html).
"""

from __future__ import annotations

import logging
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager

from acare.errors import StoreUnavailable

log = logging.getLogger("acare.store")

#: Pages in the log (1 GiB) above which writes are refused until a checkpoint succeeds. The log grows so
#: long only while a reader keeps an old snapshot open; it must not fill the disk.
MAX_PAGES = 262_144

#: Writes after which the log is checkpointed; some 10 MB of log.
CHECKPOINT_AFTER = 256

_RETRY_SECONDS = 0.005


def write_one_page(connection: sqlite3.Connection) -> None:
    """Write one page to the log without a change: SQLite writes ``user_version`` again."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    connection.execute(f"PRAGMA user_version = {version}")


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
        (_, _, path), *_ = connection.execute("PRAGMA database_list").fetchall()
        self._path = f"{path}-wal"
        self._page_size = int(connection.execute("PRAGMA page_size").fetchone()[0])
        self._limit = int(connection.execute("PRAGMA journal_size_limit").fetchone()[0])  # bytes
        self._writes = 0  # since the last checkpoint
        self._pages_left = 0  # in the log after a checkpoint that could not copy them all

    def committed(self, writes: int) -> None:
        """Count ``writes`` more writes, and checkpoint if due. Does not wait for other processes."""
        self._writes += writes
        if self._writes >= CHECKPOINT_AFTER:
            self._checkpoint()

    def check_length(self) -> None:
        """StoreUnavailable if the log is too long to be written to, and cannot be checkpointed."""
        if self._pages_left > self._max_pages:
            self._checkpoint()
        if self._pages_left > self._max_pages:
            raise StoreUnavailable(
                "The log has grown too long: another process keeps an old snapshot, or keeps writing."
            )

    def cut(self) -> bool:
        """Checkpoint the complete log and restart it, with one page in its file.

        Readers and writers of other processes can prevent this: tries for as long as the busy timeout, and
        returns whether it succeeded. SQLite's own TRUNCATE continues without the lock if it cannot get it,
        and its checkpoint could coincide with a commit.
        """
        (milliseconds,) = self._connection.execute("PRAGMA busy_timeout").fetchone()
        (limit,) = self._connection.execute("PRAGMA journal_size_limit").fetchone()
        give_up = time.monotonic() + milliseconds / 1000
        self._connection.execute("PRAGMA journal_size_limit = 0").fetchone()
        try:
            while not self._try_to_cut(limit):
                if time.monotonic() >= give_up:
                    return False
                time.sleep(_RETRY_SECONDS)
        finally:
            self._connection.execute(f"PRAGMA journal_size_limit = {limit}").fetchone()
        return True

    def _try_to_cut(self, limit: int) -> bool:
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
        """The bytes of a log with so many pages. (sqlite.org/fileformat.html, "WAL File Format")"""
        return 32 + pages * (24 + self._page_size)

    def _bytes(self) -> int:
        return os.path.getsize(self._path)

    def _checkpoint(self) -> None:
        try:
            with _no_busy_timeout(self._connection):
                self._copy()
        except (sqlite3.Error, MemoryError) as error:  # the next write tries again
            log.warning("the write-ahead log could not be checkpointed: %s", error)

    def _copy(self) -> None:
        """Copy what no reader needs any more, in a transaction that keeps all processes from committing."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            _, in_log, copied = self._checkpointer.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            self._writes = 0
            self._pages_left = in_log if copied < in_log else 0  # all copied: the log restarts
            self._trim(in_log)
        finally:
            self._connection.execute("ROLLBACK")


@contextmanager
def _no_busy_timeout(connection: sqlite3.Connection) -> Iterator[None]:
    """Inside, the connection does not wait for other processes."""
    (milliseconds,) = connection.execute("PRAGMA busy_timeout").fetchone()
    connection.execute("PRAGMA busy_timeout = 0")
    try:
        yield
    finally:
        connection.execute(f"PRAGMA busy_timeout = {milliseconds}")
