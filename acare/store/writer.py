"""The one connection that writes, with one commit for all who wait: group commit.

A write that survives a power cut has to wait until the disk says so, and that wait is most of its cost.
While one thread waits for it, others bring their writes. So whoever finds the writer idle becomes its
leader: it takes all writes that are queued, runs them in one transaction, commits once, and tells their
threads how it went. What was queued meanwhile gets the next leader.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Generic, TypeVar

from acare.errors import StoreUnavailable
from acare.store.connection import as_domain_error
from acare.store.wal import MAX_PAGES, WriteAheadLog, no_busy_timeout

T = TypeVar("T")

#: Seconds that a leader waits for others to join, if several writes have shared a commit lately: it saves
#: them a wait for the disk of about as long. A caller who writes alone does not wait.
BATCH_WINDOW = 0.001

#: Seconds that are lately.
BATCH_MEMORY = 0.05


class _Write(Generic[T]):
    """A write that waits for its turn, and then what came of it."""

    def __init__(self, work: Callable[[sqlite3.Connection], T]) -> None:
        self.work = work
        self.result: T | None = None
        self.error: BaseException | None = None
        self.done = False
        self._news = threading.Lock()  # held until there is news: the cheapest event there is
        self._news.acquire()

    def wait(self) -> None:
        """Wait until the write is done, or it is this thread's turn to lead."""
        self._news.acquire()

    def wake(self) -> None:
        self._news.release()

    def outcome(self) -> T:
        if self.error is not None:
            raise self.error
        return self.result  # type: ignore[return-value]  # without an error it is what work returned


class Writer:
    """Runs writes in transactions on ``connection``; ``checkpointer`` is a second one to the same file."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        checkpointer: sqlite3.Connection,
        check: Callable[[], None],
        max_log_pages: int = MAX_PAGES,
    ) -> None:
        """``check`` is called before each transaction and raises if it would be in vain."""
        self._connection = connection
        self._checkpointer = checkpointer
        self._log = WriteAheadLog(connection, checkpointer, max_log_pages)
        self._check = check
        self._in_company_until = 0.0  # the instant after which nobody is waited for
        self._mutex = threading.Lock()  # guards the three below
        self._queue: list[_Write[Any]] = []
        self._led = False
        self._closed = False
        self._idle = threading.Condition(self._mutex)

    def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run ``work`` in a transaction; when this returns, it is on disk.

        What ``work`` raises is raised here, and then nothing of it is written.
        """
        write = _Write(work)
        with self._mutex:
            if self._closed:
                raise StoreUnavailable("The database is closed.")
            self._queue.append(write)
            follows = self._led
            self._led = True
        if follows:
            write.wait()
        if not write.done:
            self._lead()
        return write.outcome()

    def run_if_idle(self, work: Callable[[sqlite3.Connection], object]) -> bool:
        """Run ``work`` if nobody, in any process, is writing now; never waits. Says whether it ran."""
        with self._mutex:
            if self._led or self._closed:
                return False
            self._led = True
        write = _Write(work)
        try:
            self._log.checkpoint_if_due()
            with no_busy_timeout(self._connection):
                self._commit([write])
        finally:
            self._pass_on()
        return write.error is None

    def rewrite(self) -> bool:
        """Write the whole file anew, and begin the log anew: what was deleted is then in neither.

        Says whether that could be done: somebody who reads, or another process that writes, may be in the
        way for too long.
        """
        with self._mutex:
            self._idle.wait_for(lambda: not self._led)
            self._led = True
        try:
            self._connection.execute("VACUUM")
            return self._log.cut()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                return False
            raise as_domain_error(error) from None
        finally:
            self._pass_on()

    def close(self) -> None:
        """Let what is queued be done, take nothing more, and close both connections.

        SQLite then checkpoints if nobody else has the file open.
        """
        with self._mutex:
            self._closed = True
            self._idle.wait_for(lambda: not self._led)
        self._checkpointer.close()
        self._connection.close()

    def _lead(self) -> None:
        """Commit all that is queued. The first of those who came meanwhile leads before anyone is told."""
        batch: list[_Write[Any]] = []
        try:
            self._log.checkpoint_if_due()
            if time.monotonic() < self._in_company_until:
                time.sleep(BATCH_WINDOW)
            batch = self._take_queue()
            if len(batch) > 1:
                self._in_company_until = time.monotonic() + BATCH_MEMORY
            self._commit(batch)
        except BaseException as error:  # an interrupt: whoever waits is told, as nobody leads them now
            batch += self._take_queue()
            for write in batch:
                write.error = error
            raise
        finally:
            self._pass_on()  # so that the next commit waits for the disk while these answers are written
            for write in batch:
                write.done = True
                write.wake()

    def _take_queue(self) -> list[_Write[Any]]:
        with self._mutex:
            batch, self._queue = self._queue, []
        return batch

    def _pass_on(self) -> None:
        with self._mutex:
            self._led = bool(self._queue)
            if self._led:
                self._queue[0].wake()
            else:
                self._idle.notify_all()

    def _commit(self, batch: list[_Write[Any]]) -> None:
        """One transaction for the whole batch: if it fails, each write in it has failed."""
        connection = self._connection
        try:
            self._check()
            self._log.check_length()
            if connection.in_transaction:
                connection.rollback()  # one that could not be rolled back when it failed
            connection.execute("BEGIN IMMEDIATE")
            if not self._run_together(batch):
                connection.execute("ROLLBACK")
                connection.execute("BEGIN IMMEDIATE")
                self._run_apart(batch)
            connection.execute("COMMIT")
            self._log.count(len(batch))
        except BaseException as error:
            for write in batch:
                write.error = as_domain_error(error)
            with suppress(sqlite3.Error):
                connection.rollback()

    def _run_together(self, batch: list[_Write[Any]]) -> bool:
        """Run one write after the other. False if one failed that had changed something: all is to be undone.

        Nearly every one that fails has changed nothing, as when a version is stale; and a savepoint for
        each would make SQLite keep a copy of every page that it changes.
        """
        connection = self._connection
        for write in batch:
            changes = connection.total_changes
            try:
                write.result = write.work(connection)
            except Exception as error:
                if not connection.in_transaction:
                    raise  # SQLite has given up the whole transaction: the disk is full
                if connection.total_changes != changes:
                    return False
                write.error = as_domain_error(error)
        return True

    def _run_apart(self, batch: list[_Write[Any]]) -> None:
        """Run each write in a savepoint of its own, so that one that fails is undone alone."""
        connection = self._connection
        for write in batch:
            write.error = None
            connection.execute("SAVEPOINT one")
            try:
                write.result = write.work(connection)
            except Exception as error:
                if not connection.in_transaction:
                    raise
                connection.execute("ROLLBACK TO one")
                write.error = as_domain_error(error)
            connection.execute("RELEASE one")
