"""The writer: one thread, one connection, one commit for all queued writes (group commit).

A write that survives a power cut waits for the disk, and that wait is most of its cost. Writes that arrive
meanwhile are queued; the thread then runs them all in one transaction, so that they share the next wait.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple, TypeVar

from acare.errors import StoreUnavailable
from acare.store.connection import as_domain_error
from acare.store.wal import MAX_PAGES, WriteAheadLog

T = TypeVar("T")

log = logging.getLogger("acare.store")

#: Queue length at which ``run_later`` drops writes, so that a stuck disk does not fill the memory.
#: A write with a caller is always queued: each caller has one at most.
MAX_QUEUED = 1000


#: Changed rows that count as one write for the checkpoints: an import has thousands in one.
CHANGES_PER_WRITE = 8


class _Write(NamedTuple):
    work: Callable[[sqlite3.Connection], Any]
    outcome: Future[Any]


class Writer:
    """Runs writes in transactions on ``connection``; ``checkpointer`` is a second one to the same file.

    The thread starts with the first write. It is a daemon: a program that ends without ``close()`` still
    ends. A child process must open the database anew: SQLite's locks do not pass to it.
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
        self._in_use = threading.Lock()  # held while the connections are used
        self._queue: SimpleQueue[_Write | None] = SimpleQueue()  # None ends the thread
        self._late_failed = False  # the last write of run_later failed, which is logged
        self._mutex = threading.Lock()  # guards the two below
        self._thread: threading.Thread | None = None
        self._closed = False
        self._process = os.getpid()

    def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run ``work`` in a transaction; when this returns, the transaction is on disk.

        An exception from ``work`` undoes its changes and is raised here. A caller that is interrupted
        while it waits does not stop the write.
        """
        return self._enqueue(work).result()

    def run_later(self, work: Callable[[sqlite3.Connection], object]) -> bool:
        """Queue ``work`` and return at once. False if the queue is full or closed: it will not run.

        A failure is logged, with one line for consecutive failures.
        """
        if self._queue.qsize() >= MAX_QUEUED:
            return False
        try:
            self._enqueue(work).add_done_callback(self._log_failure)
        except StoreUnavailable:
            return False
        return True

    def rewrite(self) -> bool:
        """Rewrite the file and its log (VACUUM), so that neither has any deleted content.

        False if readers or other processes prevented it for too long.
        """
        try:
            with self._in_use:
                self._connection.execute("VACUUM")
                return self._log.cut()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                return False
            raise as_domain_error(error) from None

    def close(self) -> None:
        """Refuse new writes, finish the queued ones, and close both connections.

        SQLite then checkpoints, unless another process has the file open.
        """
        with self._mutex:
            if not self._closed:
                self._closed = True
                self._queue.put(None)
        if self._thread is not None:
            self._thread.join()
        self._checkpointer.close()
        self._connection.close()

    def _enqueue(self, work: Callable[[sqlite3.Connection], T]) -> Future[T]:
        outcome: Future[T] = Future()
        with self._mutex:
            if self._closed:
                raise StoreUnavailable("The database is closed.")
            if self._process != os.getpid():  # SQLite's locks do not pass to a child
                raise StoreUnavailable("The process was forked after the database was opened.")
            if self._thread is None:
                thread = threading.Thread(target=self._serve, name="acare-writer", daemon=True)
                thread.start()
                self._thread = thread
            self._queue.put(_Write(work, outcome))
        return outcome

    def _log_failure(self, outcome: Future[Any]) -> None:
        error = outcome.exception()
        if error is not None and not self._late_failed:
            log.warning("a queued write failed: %s", error)
        self._late_failed = error is not None

    # --- in the thread

    def _serve(self) -> None:
        """Commit batch after batch. Whatever goes wrong, no caller is left waiting and the thread goes on."""
        more = True
        while more:
            batch: list[_Write] = []
            try:
                more = self._take_queue(batch)
                with self._in_use:
                    self._commit(batch)
            except BaseException as error:
                self._fail(batch, error)

    def _take_queue(self, batch: list[_Write]) -> bool:
        """Wait for a write, and take all that are queued by then; False if the end is queued."""
        write = self._queue.get()
        with suppress(Empty):
            while write is not None:
                batch.append(write)
                write = self._queue.get_nowait()
        return write is not None

    def _commit(self, batch: list[_Write]) -> None:
        """Run the batch in one transaction, and answer its callers when the transaction is on disk."""
        if batch:
            self._begin()
            before = self._connection.total_changes
            answers = [self._run(write) for write in batch]
            self._connection.execute("COMMIT")
            for answer in answers:
                answer()
            changes = self._connection.total_changes - before
            self._log.committed(max(len(batch), changes // CHANGES_PER_WRITE))

    def _fail(self, batch: list[_Write], error: BaseException) -> None:
        """Undo the transaction: each write of the batch has failed."""
        with suppress(sqlite3.Error):
            self._connection.rollback()
        waiting = [write for write in batch if not write.outcome.done()]
        for write in waiting:
            write.outcome.set_exception(as_domain_error(error))
        if not waiting:
            log.error("the writer failed between two transactions", exc_info=error)

    def _begin(self) -> None:
        self._check()
        self._log.check_length()
        if self._connection.in_transaction:
            self._connection.rollback()  # the last rollback failed
        self._connection.execute("BEGIN IMMEDIATE")

    def _run(self, write: _Write) -> Callable[[], None]:
        """Run one write in a savepoint, so that a failure undoes it alone.

        Returns the call that answers the caller, to be made after the commit.
        """
        connection = self._connection
        connection.execute("SAVEPOINT one_write")
        try:
            result = write.work(connection)
        except BaseException as error:
            if not connection.in_transaction:
                raise  # SQLite has rolled back the whole transaction, as it may when the disk is full
            connection.execute("ROLLBACK TO one_write")
            connection.execute("RELEASE one_write")
            return partial(write.outcome.set_exception, as_domain_error(error))
        connection.execute("RELEASE one_write")
        return partial(write.outcome.set_result, result)
