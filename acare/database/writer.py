"""The writer: one thread, one connection, one commit for all queued writes (group commit).

Most of the cost of a write is to wait for the disk; writes that are queued meanwhile share the next wait.
"""

import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Generic, TypeVar, cast

from acare.database.connection import Functions, as_domain_error, open_writer
from acare.database.disk import beside
from acare.database.file import inode
from acare.database.wal import WriteAheadLog
from acare.errors import StoreUnavailable

T = TypeVar("T")

log = logging.getLogger("acare.database")

#: Seconds to wait after a commit of ``LARGE_BATCH`` writes or more: their callers will soon write again.
BATCH_WINDOW = 0.0005
LARGE_BATCH = 8


class Write(Generic[T]):
    """A queued write and its outcome. (The lock of a ``Future`` would slow writes down.)"""

    def __init__(self, work: Callable[[sqlite3.Connection], T]) -> None:
        self._work = work
        self._outcome: tuple[Any, BaseException | None] = (None, None)  # the value, or the error
        self._answer: SimpleQueue[tuple[Any, BaseException | None]] = SimpleQueue()

    def result(self, timeout: float | None = None) -> T:
        """What the work has returned; or raises its exception, or ``queue.Empty`` after ``timeout`` seconds.

        To be called once.
        """
        value, error = self._answer.get(timeout=timeout)
        if error is not None:
            raise error
        return cast(T, value)

    # --- called by the writer

    def run(self, connection: sqlite3.Connection) -> bool:
        """Run the work. Returns whether the transaction can be committed: not if it failed after a change."""
        before = connection.total_changes
        try:
            self._outcome = self._work(connection), None
        except BaseException as error:
            if not connection.in_transaction:
                raise  # SQLite has rolled back the whole transaction, as it may when the disk is full
            self.fail(as_domain_error(error))
            return connection.total_changes == before
        return True

    def fail(self, error: BaseException) -> None:
        """Let the outcome be an error, until the work runs again."""
        self._outcome = None, error

    def answer(self, failure: BaseException | None = None) -> None:
        """Give the caller the outcome, or the failure of the transaction. No effect if already answered."""
        self._answer.put(self._outcome if failure is None else (None, failure))


class Writer:
    """Runs writes in transactions on the file ``path``.

    The thread is a daemon: a program that ends without ``close()`` still ends.
    """

    def __init__(
        self, path: Path, functions: Functions, before_commit: Callable[[sqlite3.Connection], None]
    ) -> None:
        """``functions`` are for the statements of writes. ``before_commit`` completes a transaction."""
        self._process = os.getpid()
        self._connection = open_writer(path, functions)  # which creates the WAL
        self._files = {str(each): inode(each) for each in (path, beside(path, "-wal"))}
        self.wal = WriteAheadLog(self._connection, path)
        self.before_commit = before_commit
        self.in_use = threading.Lock()  # held while the connections, and the WAL, are used
        self._queue: SimpleQueue[Write[Any] | None] = SimpleQueue()  # None ends the thread
        self._mutex = threading.Lock()  # guards the attribute below, and keeps None last in the queue
        self.closed = False
        self._thread = threading.Thread(target=self._serve, name="acare-writer", daemon=True)
        self._thread.start()

    def submit(self, work: Callable[[sqlite3.Connection], T]) -> Write[T]:
        """See ``Database.submit``."""
        self.check_process()
        write = Write(work)
        with self._mutex:
            if self.closed:
                raise StoreUnavailable("The database is closed.")
            self._queue.put(write)
        return write

    def close(self) -> None:
        """Refuse new writes, finish the queued ones, and close both connections.

        SQLite then checkpoints, unless another process has the file open.
        """
        with self._mutex:
            self.closed = True
            self._queue.put(None)
        self._thread.join()
        with self.in_use:
            for connection in (self.wal.checkpointer, self._connection):
                connection.close()

    def check_process(self) -> None:
        """StoreUnavailable in a child of the process, which does not inherit SQLite's locks."""
        if self._process != os.getpid():
            raise StoreUnavailable("The process was forked after the database was opened.")

    def check_in_place(self) -> None:
        """StoreUnavailable if the file or its WAL was removed or replaced: SQLite would still write to it."""
        for path, there in self._files.items():
            if inode(path) != there:
                raise StoreUnavailable(f"The file {os.path.basename(path)} is missing or was replaced.")

    # --- in the thread

    def _serve(self) -> None:
        """Commit batch after batch. An error is the outcome of each caller, and the thread continues."""
        more = True
        while more:
            batch: list[Write[Any]] = []
            try:
                more = self._take_queue(batch)
                with self.in_use:
                    self._commit(batch)
                    batch.clear()
                    self.wal.committed()
            except BaseException as error:
                self._fail(batch, error)

    def _take_queue(self, batch: list[Write[Any]]) -> bool:
        """Wait for a write, and take all that are queued by then. False if the writer is to stop."""
        write = self._queue.get()
        with suppress(Empty):
            while write is not None:
                batch.append(write)
                write = self._queue.get_nowait()
        return write is not None

    def _commit(self, batch: list[Write[Any]]) -> None:
        """Run the batch in one transaction, and answer its callers when the transaction is on disk.

        If a write failed after a change, or the completion did, the transaction is undone, and each write
        runs again alone.
        """
        if not batch:
            return
        self.check_in_place()
        self.wal.check()
        self._connection.rollback()  # if the last rollback failed
        self._connection.execute("BEGIN IMMEDIATE")
        if all(write.run(self._connection) for write in batch) and self._complete(batch):
            self._connection.execute("COMMIT")
            for write in batch:
                write.answer()
            if len(batch) >= LARGE_BATCH:
                time.sleep(BATCH_WINDOW)
            return
        self._connection.rollback()
        if len(batch) == 1:
            batch[0].answer()
            return
        for write in batch:
            self._commit([write])

    def _complete(self, batch: list[Write[Any]]) -> bool:
        """Complete the transaction of a batch. If that fails, the error is the outcome of its writes."""
        try:
            self.before_commit(self._connection)
        except Exception as error:
            if not self._connection.in_transaction:
                raise  # SQLite has rolled it back, as it may when the disk is full
            failure = as_domain_error(error)
            for write in batch:
                write.fail(failure)
            return False
        return True

    def _fail(self, batch: list[Write[Any]], error: BaseException) -> None:
        """Undo the transaction after an error in a batch or, if it is empty, in the checkpoint after it."""
        self.wal.note_error(error)
        with self.in_use, suppress(sqlite3.Error):
            self._connection.rollback()
        failure = as_domain_error(error)
        for write in batch:
            write.answer(failure)
        if not batch:
            log.warning("the write-ahead log could not be checkpointed: %s", error)
