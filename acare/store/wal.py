"""The write-ahead log: when it is copied into the database, how long it may get, and how it is cut.

This is the only place that checkpoints, and never while anyone commits, this process or another: SQLite
3.7.0 to 3.51.2 can lose a commit that meets a checkpoint ("the WAL-reset bug", sqlite.org/wal.html).
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

#: Pages in the log (1 GiB) beyond which nothing is written until it could be checkpointed: only a reader
#: that keeps an old snapshot open lets it grow so, and it must not fill the disk.
MAX_PAGES = 262_144

#: Writes after which the log is copied into the database; some 10 MB of log.
CHECKPOINT_AFTER = 256

_RETRY_SECONDS = 0.005


class WriteAheadLog:
    """The log of the database that ``connection`` writes to; ``checkpointer`` is a second one to it.

    All of it is for whoever leads the writer, one thread at a time, and outside a transaction.
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
        self._pages_left = 0  # in the log after a checkpoint that could not copy them all

    def count(self, writes: int) -> None:
        """So many writes were committed."""
        self._writes += writes

    def check_length(self) -> None:
        """StoreUnavailable if the log is too long to write more into it, and cannot be copied."""
        if self._pages_left > self._max_pages:
            self._checkpoint()
        if self._pages_left > self._max_pages:
            raise StoreUnavailable(
                "The log has grown too long: somebody keeps an old snapshot, or keeps writing."
            )

    def checkpoint_if_due(self) -> None:
        """Copy the log after so many writes. It waits for nobody; what is in the way now is later not."""
        if self._writes >= CHECKPOINT_AFTER:
            self._checkpoint()

    def cut(self) -> bool:
        """Copy the whole log and begin it anew, with nothing in its file but the last page.

        Tries for as long as a write would wait, as somebody who reads, or another process that writes, may
        be in the way; says whether it was done. SQLite's own TRUNCATE would then go on without the lock,
        and its checkpoint could meet a commit.
        """
        (patience,) = self._connection.execute("PRAGMA busy_timeout").fetchone()
        (limit,) = self._connection.execute("PRAGMA journal_size_limit").fetchone()
        give_up = time.monotonic() + patience / 1000
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
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        # A commit that finds all of the log copied begins it anew, and only it cuts the file.
        self._connection.execute(f"PRAGMA user_version = {version}")
        # It was not that one if another process came first, which cuts down to the limit at most; unless it
        # has cut the log like this itself.
        after = self._bytes()
        return after < min(before, limit) or after == self._one_page()

    def _one_page(self) -> int:
        """The bytes of a log with one page in it. (sqlite.org/fileformat.html, "WAL File Format")"""
        (page,) = self._connection.execute("PRAGMA page_size").fetchone()
        return 32 + 24 + int(page)

    def _bytes(self) -> int:
        (_, _, path), *_ = self._connection.execute("PRAGMA database_list").fetchall()
        return os.path.getsize(f"{path}-wal")

    def _checkpoint(self) -> None:
        try:
            with no_busy_timeout(self._connection):
                self._copy()
        except sqlite3.Error as error:
            log.warning("the write-ahead log could not be checkpointed: %s", error)

    def _copy(self) -> None:
        """Copy what no reader needs any more, while a transaction of our own keeps all from committing."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            _, in_log, copied = self._checkpointer.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            self._writes = 0
            self._pages_left = in_log if copied < in_log else 0  # all copied: the log starts over
        finally:
            self._connection.execute("ROLLBACK")


@contextmanager
def no_busy_timeout(connection: sqlite3.Connection) -> Iterator[None]:
    """While this lasts, the connection does not wait for other processes."""
    (patience,) = connection.execute("PRAGMA busy_timeout").fetchone()
    connection.execute("PRAGMA busy_timeout = 0")
    try:
        yield
    finally:
        connection.execute(f"PRAGMA busy_timeout = {patience}")
