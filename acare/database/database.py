"""One database file: with many readers and one writer, or for a command that only reads."""

import shutil
import sqlite3
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from pathlib import Path
from queue import Empty
from types import MappingProxyType

from acare.database import file
from acare.database.connection import (
    READER_SETTINGS,
    Functions,
    add_functions,
    as_domain_error,
    open_file,
    open_to_read,
    open_writer,
)
from acare.database.copying import copy_to_temporary
from acare.database.migrations import migrate, migrate_connection
from acare.database.schema import SCHEMA_VERSION
from acare.database.wal import recover, write_one_page
from acare.database.writer import T, Write, Writer
from acare.errors import StoreUnavailable

#: Bytes of the disk below which the readiness check fails: a small write may succeed while others do not.
MIN_FREE = 16 * 1024 * 1024

#: Seconds that a readiness check waits for its write.
WRITE_CHECK_SECONDS = 1.0


class ReadableDatabase(ABC):
    """A database that can be read; some can also be written."""

    path: Path

    @abstractmethod
    def read(self, max_seconds: float | None = None) -> AbstractContextManager[sqlite3.Connection]:
        """A read-only connection, for a ``with`` statement.

        Each statement sees one snapshot; ``BEGIN`` holds it for several, until the end of the ``with``. With
        ``max_seconds``, a statement of a server that still runs then, or earlier if the WAL is long, is
        interrupted: StoreUnavailable.
        """


class Database(ReadableDatabase):
    """Opens ``path``, or creates it. DatabaseRefused if it cannot or should not be opened.

    Reads never wait for writes: WAL gives each reader the last commit as a snapshot. Readers are pooled
    connections, at most one for each thread that reads at the same time.
    """

    def __init__(
        self,
        path: Path,
        *,
        functions: Functions = MappingProxyType({}),
        before_commit: Callable[[sqlite3.Connection], None] = lambda connection: None,
    ) -> None:
        """``functions`` are for statements and the schema. ``before_commit`` completes each transaction."""
        version = file.ensure(path)
        recover(path)
        if version < SCHEMA_VERSION:
            migrate(path, functions)
        self.path = path
        self._functions = functions
        self._idle_readers: deque[sqlite3.Connection] = deque()
        with file.refusing(path):
            self._writer = Writer(path, functions, before_commit)

    @contextmanager
    def read(self, max_seconds: float | None = None) -> Iterator[sqlite3.Connection]:
        self._writer.check_process()
        try:
            connection = self._idle_readers.pop()
        except IndexError:
            connection = self._new_reader()
        if max_seconds is not None:
            begun, limit = time.monotonic(), self._writer.wal.read_seconds
            connection.set_progress_handler(
                lambda: time.monotonic() - begun > limit(max_seconds),
                10_000,  # steps of SQLite between two checks: about a millisecond, or a thousand clients
            )
        try:
            yield connection
        except sqlite3.Error as error:
            raise as_domain_error(error) from error
        finally:
            if max_seconds is not None:
                connection.set_progress_handler(None, 0)
            connection.rollback()
            self._idle_readers.append(connection)
            if self._writer.closed:
                self._close_readers()

    def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run ``work`` in a transaction and commit it; if ``work`` raises, its changes are undone.

        On return the changes are on disk. StoreUnavailable if the database cannot be written now. ``work``
        runs in the writer's thread and shares its commit with other writes: it must not commit, must not
        call ``write``, must read its cursors to the end, and can be run twice.
        """
        return self.submit(work).result()

    def submit(self, work: Callable[[sqlite3.Connection], T]) -> Write[T]:
        """Like ``write``, but returns at once; its ``result`` waits until the changes are on disk."""
        return self._writer.submit(work)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """A long transaction on a connection of its own; without ``commit`` it is rolled back at the end.

        Other writers wait meanwhile, and fail after their busy timeout. It does not run in the writer's
        thread, where Ctrl-C would have to wait. The WAL is emptied afterwards. StoreUnavailable if the
        database cannot be written now.
        """
        try:
            self.write(lambda connection: None)  # refused like any write, as after a failed sync
            with closing(open_writer(self.path, self._functions)) as connection:
                connection.execute("PRAGMA cache_size = -12288")  # 12 MiB: others are written, and read again
                connection.execute("BEGIN IMMEDIATE")
                yield connection
        except sqlite3.Error as error:
            raise as_domain_error(error) from error
        finally:
            self.empty_wal()

    def commit(self, connection: sqlite3.Connection) -> None:
        """Complete and commit a ``transaction``."""
        self._writer.before_commit(connection)
        connection.execute("COMMIT")

    def empty_wal(self) -> bool:
        """Checkpoint the WAL and restart it; False if the disk or other processes prevented this."""
        with suppress(StoreUnavailable, sqlite3.OperationalError, FileNotFoundError), self._writer.in_use:
            return self._writer.wal.empty()
        return False

    def check_write(self) -> str:
        """Make a real write, and look for room for the next ones. "ok", or the problem."""
        try:
            self.submit(write_one_page).result(WRITE_CHECK_SECONDS)
            free = shutil.disk_usage(self.path.resolve().parent).free
        except Empty:
            return "A write has not finished yet."
        except (StoreUnavailable, sqlite3.Error, OSError) as error:
            return str(error)
        return "ok" if free >= MIN_FREE else f"Less than {MIN_FREE // 2**20} MiB of the disk is free."

    def close(self) -> None:
        """Finish the queued writes and close all connections. A reader in use closes when it is returned."""
        self._writer.close()
        self._close_readers()

    def _close_readers(self) -> None:
        with suppress(IndexError):  # another thread may empty it too
            while True:
                self._idle_readers.pop().close()

    def _new_reader(self) -> sqlite3.Connection:
        if self._writer.closed:
            raise StoreUnavailable("The database is closed.")
        self._writer.check_in_place()
        try:
            connection = open_file(self.path, settings=READER_SETTINGS)
        except sqlite3.Error as error:
            raise as_domain_error(error) from error
        add_functions(connection, self._functions)
        return connection


class ReadOnlyDatabase(ReadableDatabase):
    """Opens ``path`` for a command that only reads. DatabaseRefused if it is not a database of acare.

    Of a file of an older schema, it reads a migrated copy, in a temporary file. For one thread.
    """

    def __init__(self, path: Path, *, functions: Functions = MappingProxyType({})) -> None:
        version = file.check(path)
        self.path = path
        self._functions = functions
        with file.refusing(path):
            self._connection = open_to_read(path)
            if version < SCHEMA_VERSION:
                with closing(self._connection) as old:
                    self._connection = copy_to_temporary(old)
                migrate_connection(self._connection, path, functions)
        add_functions(self._connection, functions)

    @contextmanager
    def read(self, max_seconds: float | None = None) -> Iterator[sqlite3.Connection]:
        try:
            yield self._connection
        except sqlite3.Error as error:
            raise as_domain_error(error) from error
        finally:
            self._connection.rollback()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """A transaction in a copy, in a temporary file. Other writers do not wait for it."""
        with self.read() as connection, closing(copy_to_temporary(connection)) as copy:
            add_functions(copy, self._functions)
            copy.execute("BEGIN")
            yield copy

    def close(self) -> None:
        self._connection.close()
