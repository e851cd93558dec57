"""One database file: many readers, one writer."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections import deque
from collections.abc import Callable, Hashable
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any, TypeVar

from acare.errors import DatabaseRefused, StoreUnavailable
from acare.store import file
from acare.store.connection import (
    BUSY_SECONDS,
    as_domain_error,
    open_checkpointer,
    open_reader,
    open_writer,
)
from acare.store.migrations import migrate
from acare.store.writer import Writer

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)

#: Bytes on the disk below which /readyz says no: the log and a checkpoint want some room.
MIN_FREE = 16 * 1024 * 1024

#: Things that a reader remembers at most.
MAX_CACHED = 1000


class _Reader:
    """A connection on loan: ``with`` gives it out, and back when it is done with.

    It remembers what was found until anybody, in any process, has committed anything.
    """

    __slots__ = ("_give_back", "_memory", "_version", "connection")

    def __init__(self, connection: sqlite3.Connection, give_back: Callable[[_Reader], None]) -> None:
        self.connection = connection
        self._give_back = give_back
        self._memory: dict[Any, Any] = {}
        self._version: object = None

    def cached(self, key: K, find: Callable[[sqlite3.Connection, K], T]) -> T:
        (version,) = self.connection.execute("PRAGMA data_version").fetchone()
        if version != self._version or len(self._memory) >= MAX_CACHED:
            self._memory, self._version = {}, version
        if key not in self._memory:
            self._memory[key] = find(self.connection, key)
        return self._memory[key]  # type: ignore[no-any-return]  # what find gave for this key

    def __enter__(self) -> sqlite3.Connection:
        return self.connection

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if self.connection.in_transaction:
            self.connection.rollback()
        self._give_back(self)
        if isinstance(error, sqlite3.Error):
            raise as_domain_error(error) from error


class Database:
    """Opens ``path``, making it if it is not there. DatabaseRefused if it cannot or should not be opened.

    Reading never waits for writing: WAL gives each reader the last commit as a snapshot. Readers are
    connections that are kept for the next one, never more than there are threads that read at once.
    """

    def __init__(self, path: Path, *, busy_seconds: float = BUSY_SECONDS) -> None:
        file.ensure(path)
        migrate(path)
        self.path = path
        self._inode = self._file_identity()
        self._busy_seconds = busy_seconds
        self._idle_readers: deque[_Reader] = deque()
        self._closed = False
        with ExitStack() as opened:
            try:
                writing = opened.enter_context(closing(open_writer(path, busy_seconds)))
                checkpointer = opened.enter_context(closing(open_checkpointer(path, busy_seconds)))
            except sqlite3.Error as error:
                raise DatabaseRefused(f"{path}: {error}") from None
            if self._file_identity() != self._inode:
                raise DatabaseRefused(f"{path}: was replaced while it was being opened")
            self._writer = Writer(writing, checkpointer, self._check_in_place)
            opened.pop_all()  # from here on they are the writer's to close

    def read(self) -> _Reader:
        """A connection that only reads, for a ``with`` statement.

        Each statement sees one snapshot; ``BEGIN`` holds it for several, until the end of the ``with``.
        """
        try:
            return self._idle_readers.pop()
        except IndexError:
            return self._new_reader()

    def cached(self, key: K, find: Callable[[sqlite3.Connection, K], T]) -> T:
        """What ``find`` reads for ``key``, or what it read before if nothing was committed since.

        Asking SQLite whether anything was takes a quarter of the time that looking up a key does.
        """
        reader = self.read()
        with reader:
            return reader.cached(key, find)

    def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run ``work`` in a transaction of its own and commit; what it raises undoes it all.

        On return it is on disk. StoreUnavailable if that cannot be had now. ``work`` may share its commit
        with others, so it must not commit itself, and leave no statement half read.
        """
        return self._writer.run(work)

    def write_if_idle(self, work: Callable[[sqlite3.Connection], object]) -> bool:
        """The same for a write that may as well not be: it is left out rather than waited for."""
        return self._writer.run_if_idle(work)

    def rewrite(self) -> bool:
        """Write the file anew, without what was deleted; False if somebody was in the way of the log."""
        return self._writer.rewrite()

    def run_checks(self) -> dict[str, str]:
        """What a write takes, each "ok" or what is wrong: "write" begins one, "disk" looks for room."""
        try:
            self.write(lambda connection: None)
            write = "ok"
        except (StoreUnavailable, sqlite3.Error) as error:
            write = str(error)
        return {"write": write, "disk": self._check_disk()}

    def close(self) -> None:
        """Close every connection. Whoever reads now closes theirs when done."""
        self._closed = True
        self._close_readers()
        self._writer.close()

    def _close_readers(self) -> None:
        with suppress(IndexError):  # another thread may do the same
            while True:
                self._idle_readers.pop().connection.close()

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

    def _check_disk(self) -> str:
        try:
            free = shutil.disk_usage(self.path.parent).free
        except OSError as error:
            return f"The folder of the database cannot be seen: {error.strerror}."
        return "ok" if free >= MIN_FREE else f"Only {free // 2**20} MiB are free on the disk."

    def _check_in_place(self) -> None:
        """SQLite would go on writing into a file that was removed or replaced, and it would be lost."""
        if self._file_identity() != self._inode:
            raise StoreUnavailable("The database file is gone or was replaced.")

    def _file_identity(self) -> tuple[int, int] | None:
        try:
            status = os.stat(self.path)
        except OSError:
            return None
        return status.st_dev, status.st_ino
