"""The write-ahead log (WAL): checkpoints (copying it into the database), its maximum length and its recovery.

Only this code checkpoints a database in use, and never while any process commits: SQLite 3.7.0 to 3.51.2 can
lose a commit that coincides with a checkpoint ("the WAL-reset bug", sqlite.org/wal.html). When a sync fails,
Linux keeps the unwritten content in its cache and never writes it: programs read it until a power cut.
"""

import logging
import os
import sqlite3
import struct
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

#: Changed rows after which the WAL is checkpointed: about 650 new clients, and 27 MB of WAL. After a
#: 250th of them, its size is read, which is a system call.
CHECKPOINT_AFTER = 4000

#: Seconds that each attempt to empty the WAL waits for readers; they end by then if it is long.
PAUSES = (0.0, *[1.5 * SHORT_SECONDS] * 6)

#: Seconds between two attempts to empty a long WAL after a commit: other writes wait meanwhile.
ATTEMPT_SECONDS = 5.0

#: The error for writes after a failed checkpoint: the cause and what to do.
FAILURE = (
    "A checkpoint failed: the disk has an error. Check the disk, stop every process that has the database "
    "open ('acare status' lists them), and restart the server."
)

#: Suffix of the file that records a failed checkpoint. While it exists, no process may write or checkpoint.
#: What was copied may be lost, and SQLite copies it again only when all processes have closed the database:
#: until then, the ``-shm`` file counts it as copied.
FAILURE_RECORD = "-checkpoint-failed"

# The WAL (sqlite.org/fileformat2.html, "The WAL File Format"): the salts in its header; the commit mark and
# the salts of each frame, before the content of a page. Frames from before the last restart have other salts.
HEADER = struct.Struct("> 16x 8s 8x")
FRAME = struct.Struct("> 4x I 8s 8x")


def write_one_page(connection: sqlite3.Connection) -> None:
    """Write one page to the WAL without a change: SQLite writes ``user_version`` again."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    connection.execute(f"PRAGMA user_version = {version}")


class WriteAheadLog:
    """The WAL of the database ``path``, which ``connection`` writes. A second connection checkpoints it.

    Only ``read_seconds`` and ``close`` are thread-safe. Call the others outside a transaction.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        # Its limit truncates a WAL that it restarts.
        self.checkpointer = open_file(path, settings=("journal_size_limit = 0",))
        self._path = beside(path, "-wal")
        self._record = beside(path, FAILURE_RECORD)
        self._page_size = int(connection.execute("PRAGMA page_size").fetchone()[0])  # bytes
        # Bytes of the WAL in use, at the last checkpoint. (If another program, such as Litestream, restarts
        # the WAL, the file may stay as long as it was.)
        self._size = os.path.getsize(self._path) if self._path.exists() else 0
        self._copied_rows = self._measured_rows = connection.total_changes  # at the last of each
        self._due_size = CHECKPOINT_SIZE  # bytes of the file
        self._failed = False
        self._next_attempt = 0.0  # seconds of time.monotonic, from which a long WAL is emptied

    @property
    def has_failed(self) -> bool:
        """Whether a checkpoint has failed, in any process; then nothing is written until a restart."""
        self._failed = self._failed or os.path.exists(self._record)
        return self._failed

    def read_seconds(self, max_seconds: float) -> float:
        """The time limit of a read, since its snapshot keeps a long WAL from being emptied."""
        return min(max_seconds, SHORT_SECONDS) if self._size >= MAX_SIZE // 4 else max_seconds

    def committed(self) -> None:
        """Checkpoint if due, after a commit. If it is locked out, a later commit tries again."""
        if self._size >= MAX_SIZE // 4 and time.monotonic() >= self._next_attempt:
            self._next_attempt = time.monotonic() + ATTEMPT_SECONDS
            self.empty()
            return
        if (rows := self._connection.total_changes) - self._measured_rows < CHECKPOINT_AFTER // 250:
            return
        self._measured_rows = rows
        if rows - self._copied_rows >= CHECKPOINT_AFTER or os.path.getsize(self._path) > self._due_size:
            self._copy()

    def check(self) -> None:
        """Raise StoreUnavailable after a failed checkpoint, or if the WAL is too long to continue."""
        if self.has_failed:
            raise StoreUnavailable(FAILURE)
        if self._size >= MAX_SIZE and not self.empty():
            raise StoreUnavailable("The WAL has grown too long: another process keeps an old snapshot.")

    def close(self, connection: sqlite3.Connection) -> None:
        """Close a connection to the database. After a failed checkpoint, SQLite must not checkpoint then."""
        if self.has_failed:
            # The interrupt lasts until the next statement begins, and the checkpoint of the last close is not
            # a statement. SQLite does not promise this: README.md lists the versions that were tested.
            with suppress(sqlite3.ProgrammingError):  # closed already
                connection.interrupt()
        connection.close()

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
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            if self.has_failed:  # only now can no other process be in a checkpoint
                raise StoreUnavailable(FAILURE)
            # The first one is 1, and the others are -1, if another process is in a checkpoint.
            busy, in_log, copied = self.checkpointer.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            self._copied_rows = self._connection.total_changes
            self._size = os.path.getsize(self._path) if busy else in_log * (FRAME.size + self._page_size)
            is_complete = bool(copied == in_log and not busy)
            # The WAL restarts, or grows on.
            self._due_size = CHECKPOINT_SIZE + (0 if is_complete else self._size)
        except sqlite3.OperationalError as error:
            # Where a write is refused, as by a quota, nothing is lost: the next checkpoint copies it again.
            code = error.sqlite_errorcode
            if code & 0xFF == sqlite3.SQLITE_IOERR and code != sqlite3.SQLITE_IOERR_WRITE:
                with suppress(OSError):  # the same disk
                    self._record.touch(mode=0o600)
                self._failed = True
                log.error("%s (%s)", FAILURE, error)
            raise
        finally:
            self._connection.execute("ROLLBACK")
        return is_complete


# --- recovery: what a killed process or a failed sync left is made safe before the database is used


def recover(path: Path) -> None:
    """Copy the WAL that a killed process left into the database, from its beginning, before it is used.

    The WAL may exist only in the cache, but SQLite would take it as committed: it is first written over
    itself and synced. If it is damaged, it is kept. Does nothing while a process has the database open, in
    any container: that process has done this, or has written the WAL itself. DatabaseRefused on failure.
    """
    record, left = beside(path, FAILURE_RECORD), beside(path, "-wal")
    if not record.exists() and not left.exists():
        return
    with file.refusing(path, "its WAL cannot be written: "):
        connection = open_locked(path)
        if connection is None:
            return
        with closing(connection):
            (page_size,) = connection.execute("PRAGMA page_size").fetchone()
            commits = _write_again(left, FRAME.size + page_size)
            _, in_log, _ = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            lost = sum(frames > in_log for frames in commits)
            # Each commit is on the disk before the next one is written: a power cut damages only the last.
            if lost > 1:
                now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
                damaged = left.with_name(f"{left.name}-damaged-{now}-{lost}-commits-lost")
                os.link(left, damaged)  # SQLite deletes the other name
                sync(damaged.parent)
                log.error("%s is damaged: %d commits cannot be read; it is kept as %s", left, lost, damaged)
            record.unlink(missing_ok=True)


def _write_again(path: Path, frame_size: int) -> list[int]:
    """Write a WAL over itself, and sync it. Returns the number of frames up to each commit."""
    frames, commits = 0, []
    # Nothing locks the WAL itself, so closing this handle releases no lock of SQLite.
    with suppress(FileNotFoundError), path.open("r+b", buffering=0) as log_file:
        header = log_file.read(HEADER.size)
        (salts,) = HEADER.unpack(header.ljust(HEADER.size))
        offset = os.pwrite(log_file.fileno(), header, 0)
        while len(frame := os.pread(log_file.fileno(), frame_size, offset)) == frame_size:
            offset += os.pwrite(log_file.fileno(), frame, offset)
            frames += 1
            is_commit, frame_salts = FRAME.unpack_from(frame)
            if is_commit and frame_salts == salts:
                commits.append(frames)
        os.fsync(log_file.fileno())
    return commits
