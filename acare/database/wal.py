"""The write-ahead log (WAL): checkpoints (copying it into the database), its maximum length and its recovery.

Only this code checkpoints a database in use, and never while any process commits: SQLite 3.7.0 to 3.51.2 can
lose a commit that coincides with a checkpoint ("the WAL-reset bug", sqlite.org/wal.html).
"""

import logging
import os
import sqlite3
import time
from contextlib import closing, suppress
from pathlib import Path

from acare.database import file
from acare.database.connection import CHECKPOINT_SIZE, open_file, open_locked
from acare.database.disk import beside, sync
from acare.errors import StoreUnavailable

log = logging.getLogger("acare.database")

#: Bytes of WAL (1 GiB) from which writes are refused until it has been emptied. The WAL grows so long only
#: while readers keep old snapshots open; it must not fill the disk.
MAX_SIZE = 1024 * 1024 * 1024

#: Seconds that a limited read may take from a quarter of MAX_SIZE on.
SHORT_SECONDS = 0.1

#: Changed rows after which the WAL is checkpointed: about 650 new clients, and 27 MB of WAL.
CHECKPOINT_AFTER = 4000

#: Seconds that each attempt to empty the WAL waits for readers; they end by then if it is long.
PAUSES = (0.0, *[1.5 * SHORT_SECONDS] * 6)

#: Seconds between two attempts to empty a long WAL after a commit: other writes wait meanwhile.
ATTEMPT_SECONDS = 5.0

#: The error for writes after a failed sync. Linux reports it once; the content may never reach the disk.
FAILURE = (
    "A sync to the disk failed, so writes are refused until a restart. Check the disk, and restore the "
    "newest backup."
)

_FRAME_HEADER = 24  # bytes before the content of a page (sqlite.org/fileformat2.html, "The WAL File Format")


def write_one_page(connection: sqlite3.Connection) -> None:
    """Write one page to the WAL without a change: SQLite writes ``user_version`` again."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    connection.execute(f"PRAGMA user_version = {version}")


class WriteAheadLog:
    """The WAL of the database ``path``, which ``connection`` writes. A second connection checkpoints it.

    Only ``read_seconds`` is thread-safe. Call the others outside a transaction.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        # Its limit truncates a WAL that it restarts.
        self.checkpointer = open_file(path, settings=("journal_size_limit = 0",))
        self._path = beside(path, "-wal")
        self._page_size = int(connection.execute("PRAGMA page_size").fetchone()[0])  # bytes
        # Bytes of the WAL in use, at the last checkpoint. (If another program, such as Litestream, restarts
        # the WAL, the file may stay as long as it was.)
        self._size = os.path.getsize(self._path) if self._path.exists() else 0
        self._copied_rows = connection.total_changes  # at the last checkpoint
        self._due_size = CHECKPOINT_SIZE  # bytes of the file
        self._sync_failed = False
        self._next_attempt = 0.0  # seconds of time.monotonic, from which a long WAL is emptied

    def read_seconds(self, max_seconds: float) -> float:
        """The time limit of a read, since its snapshot keeps a long WAL from being emptied."""
        return min(max_seconds, SHORT_SECONDS) if self._size >= MAX_SIZE // 4 else max_seconds

    def committed(self) -> None:
        """Checkpoint if due, after a commit. If it is locked out, a later commit tries again."""
        if self._size >= MAX_SIZE // 4 and time.monotonic() >= self._next_attempt:
            self._next_attempt = time.monotonic() + ATTEMPT_SECONDS
            self.empty()
            return
        rows = self._connection.total_changes
        if rows - self._copied_rows >= CHECKPOINT_AFTER or os.path.getsize(self._path) > self._due_size:
            self._copy()

    def check(self) -> None:
        """Raise StoreUnavailable after a failed sync, or if the WAL is too long to continue."""
        if self._sync_failed:
            raise StoreUnavailable(FAILURE)
        if self._size >= MAX_SIZE and not self.empty():
            raise StoreUnavailable("The WAL has grown too long: another process keeps an old snapshot.")

    def note_error(self, error: BaseException) -> None:
        """Refuse writes from now on if the error, of a commit or a checkpoint, is a failed sync."""
        code = getattr(error, "sqlite_errorcode", None)
        if code == sqlite3.SQLITE_IOERR_FSYNC and not self._sync_failed:
            self._sync_failed = True
            log.error("%s (%s)", FAILURE, error)

    def empty(self) -> bool:
        """Checkpoint the complete WAL and restart it with one page. Returns whether readers allowed this.

        (SQLite's own TRUNCATE continues without the lock if it cannot get it, and could meet a commit.)
        """
        for pause in PAUSES:
            time.sleep(pause)  # readers of earlier snapshots end meanwhile
            if self._copy():
                # Reads that begin now do not use the WAL, which is copied; earlier ones end meanwhile.
                time.sleep(pause)
                # The first commit after a complete checkpoint restarts the WAL and truncates its file. If
                # another process was first, the next attempt truncates it.
                write_one_page(self.checkpointer)
                if os.path.getsize(self._path) < 2 * self._page_size:
                    self._size = 0
                    return True
        return False

    def _copy(self) -> bool:
        """Copy up to the oldest reader's snapshot, in a transaction in which no process can commit.

        Returns whether that was all.
        """
        if self._sync_failed:
            raise StoreUnavailable(FAILURE)
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            # The first one is 1, and the others are -1, if another process is in a checkpoint.
            busy, in_log, copied = self.checkpointer.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            self._copied_rows = self._connection.total_changes
            self._size = os.path.getsize(self._path) if busy else in_log * (_FRAME_HEADER + self._page_size)
            is_complete = bool(copied == in_log and not busy)
            # The WAL restarts, or grows on.
            self._due_size = CHECKPOINT_SIZE + (0 if is_complete else self._size)
        except sqlite3.OperationalError as error:
            self.note_error(error)
            raise
        finally:
            self._connection.execute("ROLLBACK")
        return is_complete


def recover(path: Path) -> None:
    """Sync the WAL that a killed process left, and copy it into the database, before that is used.

    The WAL may exist only in the cache, but SQLite would take it as committed. Does nothing while a process
    has the database open, in any container: that process has done this, or has written the WAL itself.
    DatabaseRefused on failure.
    """
    left = beside(path, "-wal")
    if not left.exists():
        return
    with file.refusing(path, "its WAL cannot be written: "):
        connection = open_locked(path)
        if connection is None:
            return
        with closing(connection):
            # Nothing locks the WAL itself, so closing this handle releases no lock of SQLite.
            with suppress(FileNotFoundError):
                sync(left)
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
