"""One database file: many readers, one writer."""

from __future__ import annotations

import os
import sqlite3
import time
from collections import deque
from collections.abc import Callable, Hashable
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any, TypeVar

from acare.database import file
from acare.database.checkpoint_failure import clear_if_over
from acare.database.connection import (
    BUSY_SECONDS,
    as_domain_error,
    open_checkpointer,
    open_reader,
    open_writer,
)
from acare.database.log import prevent_checkpoint
from acare.database.log_sync import sync_log
from acare.database.migrations import migrate
from acare.database.owner import explain_access
from acare.database.readiness import ReadinessChecks
from acare.database.writer import Writer
from acare.errors import DatabaseRefused, StoreUnavailable

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)

#: Seconds for which readers and other processes may delay the emptying of the log.
EMPTY_LOG_SECONDS = 0.6

#: Maximum number of cached results.
MAX_CACHED = 1000

#: Nanoseconds for which the cache is used without looking for commits of other processes.
CHECK_EVERY = 1_000_000


class _Reader:
    """A connection of the pool: ``with`` borrows and returns it. ``version`` is for the cache."""

    __slots__ = ("_give_back", "connection", "version")

    def __init__(self, connection: sqlite3.Connection, give_back: Callable[[_Reader], None]) -> None:
        self.connection = connection
        self.version: int | None = None  # SQLite's data version, as this connection saw it last
        self._give_back = give_back

    def __enter__(self) -> sqlite3.Connection:
        return self.connection

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if self.connection.in_transaction:
            self.connection.rollback()
        self._give_back(self)
        if error is not None and isinstance(error, sqlite3.Error):
            raise as_domain_error(error) from error


class _Cache:
    """Results of reads until any process commits. Thread-safe."""

    def __init__(self) -> None:
        self._results: dict[Any, Any] = {}
        self._commits = -1  # of this process
        self._checked_at = 0

    def get(self, key: object, commits: int, now: int) -> Any:
        """The result; None if it is not cached, or if ``checked`` has to be called first.

        ``commits`` is the number of commits of this process.
        """
        is_checked = commits == self._commits and now - self._checked_at < CHECK_EVERY
        return self._results.get(key) if is_checked else None

    def checked(self, reader: _Reader, commits: int, now: int) -> dict[Any, Any]:
        """The results, without those from before the last commit that ``reader`` sees.

        Each reader has a data version of its own, which changes with every commit, so the first reader that
        is used after a commit discards all results. A caller that reads at that moment adds its result to
        the discarded ones, where it does no harm.
        """
        (version,) = reader.connection.execute("PRAGMA data_version").fetchone()
        if version != reader.version or len(self._results) >= MAX_CACHED:
            reader.version = version
            self._results = {}
        self._commits, self._checked_at = commits, now
        return self._results


class Database:
    """Opens ``path``, and creates it if it is missing. DatabaseRefused if it cannot or should not be opened.

    Reads never wait for writes: WAL gives each reader the last commit as a snapshot. Readers are pooled
    connections, at most one for each thread that reads at the same time.
    """

    def __init__(
        self,
        path: Path,
        *,
        busy_seconds: float = BUSY_SECONDS,
        clock: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        file.ensure(path)
        clear_if_over(path)
        sync_log(path)
        migrate(path)
        self.path = path
        self._identity = file.identity(path)
        self._busy_seconds = busy_seconds
        self._clock = clock
        self._idle_readers: deque[_Reader] = deque()
        self._cache = _Cache()
        self._closed = False
        self.has_written = False  # whether a write of this object was committed
        self._process = os.getpid()
        self._writer = self._open_writer()
        self.readiness = ReadinessChecks(path, self.write, clock)

    def read(self, max_seconds: float | None = None) -> _Reader:
        """A read-only connection, for a ``with`` statement.

        Each statement sees one snapshot; ``BEGIN`` holds it for several, until the end of the ``with``.
        """
        if self._process != os.getpid():  # SQLite's locks do not pass to a child
            raise StoreUnavailable("The process was forked after the database was opened.")
        try:
            return self._idle_readers.pop()
        except IndexError:
            return self._new_reader()

    def cached(self, key: K, find: Callable[[sqlite3.Connection, K], T]) -> T:
        """What ``find`` returns for ``key``, from the cache unless there was a commit since.

        A commit of another process counts after a millisecond at most: reading SQLite's data version, which
        shows it, takes two locks of the file, a tenth of the time of a request.
        """
        commits, now = self._writer.commits, self._clock()
        found: T | None = self._cache.get((find, key), commits, now)
        if found is not None:
            return found
        reader = self.read()
        with reader as connection:
            results = self._cache.checked(reader, commits, now)
            if (find, key) not in results:
                results[find, key] = find(connection, key)
            return results[find, key]  # type: ignore[no-any-return]

    def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run ``work`` in a transaction and commit it; if ``work`` raises, its changes are undone.

        On return the changes are on disk. StoreUnavailable if the database cannot be written now. ``work``
        runs in the writer's thread and shares its commit with other writes: it must not commit, must not
        call ``write``, and must read its cursors to the end.
        """
        result = self._writer.run(work)
        self.has_written = True
        return result

    def submit(self, work: Callable[[sqlite3.Connection], object]) -> bool:
        """Like ``write``, for writes that may be lost: returns at once, and only logs a failure.

        False if ``work`` will not run, because too many writes are queued or the database is closed.
        """
        return self._writer.run_later(work)

    def rewrite(self, tick: Callable[[int], None] = lambda steps: None) -> bool:
        """Rewrite the file without deleted content; False if another process prevented it.

        ``tick`` is called every millisecond or two with the number of SQLite's steps so far.
        """
        return self._writer.rewrite(tick)

    def empty_log(self) -> bool:
        """Checkpoint the log and restart it; False if other processes prevented this for too long."""
        return self._writer.empty_log(EMPTY_LOG_SECONDS)

    def close(self) -> None:
        """Finish the queued writes and close every connection. A reader in use closes when it is returned."""
        self._closed = True
        self._close_readers()
        self._writer.close()

    def _open_writer(self) -> Writer:
        path = self.path
        with ExitStack() as opened:
            try:
                writing = opened.enter_context(closing(open_writer(path, self._busy_seconds)))
                checkpointer = opened.enter_context(closing(open_checkpointer(path, self._busy_seconds)))
            except sqlite3.Error as error:
                raise DatabaseRefused(f"{path}: {error}{explain_access(path)}") from None
            if file.identity(path) != self._identity:
                raise DatabaseRefused(f"{path}: was replaced while it was being opened")
            writer = Writer(writing, checkpointer, self._check_in_place)
            opened.pop_all()  # the writer closes them from here on
        return writer

    def _close_readers(self) -> None:
        with suppress(IndexError):  # another thread may empty it too
            while True:
                connection = self._idle_readers.pop().connection
                if self._writer.failure is not None:
                    prevent_checkpoint(connection)
                connection.close()

    def _new_reader(self) -> _Reader:
        if self._closed:
            raise StoreUnavailable("The database is closed.")
        self._check_in_place()
        try:
            connection = open_reader(self.path, self._busy_seconds)
        except sqlite3.Error as error:
            raise as_domain_error(error) from error
        return _Reader(connection, self._give_back)

    def _give_back(self, reader: _Reader) -> None:
        self._idle_readers.append(reader)
        if self._closed:
            self._close_readers()

    def _check_in_place(self) -> None:
        """SQLite continues to write to a file that was removed or replaced; these writes would be lost."""
        if file.identity(self.path) != self._identity:
            raise StoreUnavailable("The database file is missing or was replaced.")
