"""The writer: one thread, one connection, one commit for all queued writes (group commit).

A write that survives a power cut waits for the disk, and that wait is most of its cost. Writes that arrive
meanwhile are queued; the thread then runs them all in one transaction, so that they share the next wait.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, Generic, TypeVar

from acare.database.connection import as_domain_error
from acare.database.copying import interruptible
from acare.database.log import MAX_PAGES, WriteAheadLog
from acare.errors import StoreUnavailable

T = TypeVar("T")

log = logging.getLogger("acare.database")

#: Queue length at which ``run_later`` drops writes, so that a stuck disk does not fill the memory.
#: A write with a caller is always queued: each caller has one at most.
MAX_QUEUED = 1000

#: Seconds for which the writer waits for further writes after a commit of at least ``LARGE_BATCH`` writes:
#: their callers write again, and one commit for all of them costs less than two. (PostgreSQL: commit_delay)
BATCH_WINDOW = 0.0005
LARGE_BATCH = 8


class _Write(Generic[T]):
    """A queued write, and its outcome: a result or an error.

    Simpler than a Future, which may have many waiters and time-outs and takes twice the time.
    """

    __slots__ = ("_lock", "error", "is_done", "is_late", "result", "work")

    def __init__(self, work: Callable[[sqlite3.Connection], T], is_late: bool) -> None:
        """``is_late``: no caller waits for the outcome."""
        self.work = work
        self.is_late = is_late
        self.is_done = False
        self.result: T | None = None
        self.error: BaseException | None = None
        self._lock = threading.Lock()  # held until there is an outcome
        self._lock.acquire()

    def wait(self) -> T:
        """Wait for the outcome: return the result or raise the error. Call it once."""
        self._lock.acquire()
        if self.error is not None:
            raise self.error
        return self.result  # type: ignore[return-value]  # there is a result if there is no error

    def done(self) -> None:
        self.is_done = True
        self._lock.release()


class Writer:
    """Runs writes in transactions on ``connection``; ``checkpointer`` is a second one to the same file.

    The thread starts with the first write. It is a daemon: a program that ends without ``close()`` still
    ends. A child process must open the database itself: SQLite's locks do not pass to it.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        checkpointer: sqlite3.Connection,
        check: Callable[[], None],
        max_log_pages: int = MAX_PAGES,
    ) -> None:
        """``check`` is called before each transaction and raises an error to refuse writes."""
        self._connection = connection
        self._checkpointer = checkpointer
        self._log = WriteAheadLog(connection, checkpointer, max_log_pages)
        self._check = check
        self.commits = 0  # transactions on disk
        self._last_batch = 0  # number of writes in the last of them
        self._in_use = threading.Lock()  # held while the connections are used
        self._queue: SimpleQueue[_Write[Any] | None] = SimpleQueue()  # None ends the thread
        self._late_failed = False  # whether the last write of run_later failed
        self._mutex = threading.Lock()  # guards the two below
        self._thread: threading.Thread | None = None
        self._closed = False
        self._process = os.getpid()

    def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run ``work`` in a transaction; when this returns, the transaction is on disk.

        An exception from ``work`` undoes its changes and is raised here. A caller that is interrupted
        while it waits does not stop the write.
        """
        return self._enqueue(work, is_late=False).wait()

    def run_later(self, work: Callable[[sqlite3.Connection], object]) -> bool:
        """Queue ``work`` and return at once. False if the queue is full or closed: it will not run.

        A failure is logged, with one line for consecutive failures.
        """
        if self._queue.qsize() >= MAX_QUEUED:
            return False
        try:
            self._enqueue(work, is_late=True)
        except StoreUnavailable:
            return False
        return True

    @property
    def failure(self) -> str | None:
        """Why nothing may be written until a restart; None if all is well."""
        return self._log.failure

    def rewrite(self, progress: Callable[[], None] = lambda: None) -> bool:
        """Rewrite the file and its log (VACUUM), so that neither has any deleted content.

        False if readers or other processes prevented it for too long. ``progress`` is called every few
        milliseconds. The temporary copy is where SQLite puts temporary files.
        """
        try:
            with self._in_use, interruptible(self._connection, progress):
                self._log.check()
                # VACUUM makes a complete copy first: in a file, not in memory.
                self._connection.execute("PRAGMA temp_store = FILE").fetchall()
                try:
                    self._connection.execute("VACUUM")
                finally:
                    self._connection.execute("PRAGMA temp_store = MEMORY").fetchall()
                return self._log.empty()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                return False
            raise as_domain_error(error) from None

    def empty_log(self, seconds: float) -> bool:
        """Checkpoint the log and restart it; False if other processes prevented this for ``seconds``."""
        try:
            with self._in_use:
                self._log.check()
                return self._log.empty(seconds)
        except sqlite3.Error as error:
            raise as_domain_error(error) from None

    def close(self) -> None:
        """Refuse new writes, finish the queued ones, and close both connections.

        SQLite then checkpoints, unless another process has the file open or a checkpoint has failed.
        """
        with self._mutex:
            if not self._closed:
                self._closed = True
                self._queue.put(None)
        if self._thread is not None:
            self._thread.join()
        with self._in_use:
            self._log.close()

    def _enqueue(self, work: Callable[[sqlite3.Connection], T], is_late: bool) -> _Write[T]:
        write = _Write(work, is_late)
        with self._mutex:
            if self._closed:
                raise StoreUnavailable("The database is closed.")
            if self._process != os.getpid():  # SQLite's locks do not pass to a child
                raise StoreUnavailable("The process was forked after the database was opened.")
            if self._thread is None:
                thread = threading.Thread(target=self._serve, name="acare-writer", daemon=True)
                thread.start()
                self._thread = thread
            self._queue.put(write)
        return write

    # --- in the thread

    def _serve(self) -> None:
        """Commit batch after batch. After an error, each caller has an outcome and the thread continues."""
        more = True
        while more:
            batch: list[_Write[Any]] = []
            try:
                more = self._take_queue(batch)
                with self._in_use:
                    self._commit(batch)
            except BaseException as error:
                self._fail(batch, error)

    def _take_queue(self, batch: list[_Write[Any]]) -> bool:
        """Wait for a write, and take all that are queued by then. False if the writer is to stop."""
        if self._last_batch >= LARGE_BATCH:
            time.sleep(BATCH_WINDOW)
        write = self._queue.get()
        with suppress(Empty):
            while write is not None:
                batch.append(write)
                write = self._queue.get_nowait()
        return write is not None

    def _commit(self, batch: list[_Write[Any]]) -> None:
        """Run the batch in one transaction, and answer its callers when the transaction is on disk."""
        if batch:
            self._begin()
            for write in batch:
                self._run(write)
            self._connection.execute("COMMIT")
            self.commits += 1
            self._last_batch = len(batch)
            for write in batch:
                self._answer(write)
            self._log.committed(len(batch))

    def _answer(self, write: _Write[Any]) -> None:
        write.done()
        if write.is_late:
            if write.error is not None and not self._late_failed:
                log.warning("a queued write failed: %s", write.error)
            self._late_failed = write.error is not None

    def _fail(self, batch: list[_Write[Any]], error: BaseException) -> None:
        """Undo the transaction: each write of the batch has failed."""
        with suppress(sqlite3.Error):
            self._connection.rollback()
        waiting = [write for write in batch if not write.is_done]
        for write in waiting:
            write.error = as_domain_error(error)
            self._answer(write)
        if not waiting:
            log.error("the writer failed between two transactions", exc_info=error)

    def _begin(self) -> None:
        self._check()
        self._log.check()
        if self._connection.in_transaction:
            self._connection.rollback()  # the last rollback failed
        self._connection.execute("BEGIN IMMEDIATE")

    def _run(self, write: _Write[Any]) -> None:
        """Run one write in a savepoint, so that a failure undoes it alone. The commit is still to come."""
        connection = self._connection
        connection.execute("SAVEPOINT one_write")
        try:
            write.result = write.work(connection)
        except BaseException as error:
            if not connection.in_transaction:
                raise  # SQLite has rolled back the whole transaction, as it may when the disk is full
            connection.execute("ROLLBACK TO one_write")
            write.error = as_domain_error(error)
        connection.execute("RELEASE one_write")
