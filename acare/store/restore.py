"""Putting a backup in the place of a database."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from acare.errors import DatabaseRefused
from acare.store import file
from acare.store.backup import check_content, check_sum, checksum_file, opened, stamp, temporary, verify

# The bytes that SQLite locks: whoever has a database open in WAL mode holds a share of them.
# (sqlite.org/fileformat.html, "the lock-byte page")
_LOCK_BYTES = (512, 0x40000000)


def restore(backup: Path, database: Path) -> Path | None:
    """Put a backup in the place of the database; where the old one was put, if there was one.

    What is put there is a copy, and it is the copy that is verified. Refuses while anybody has the database
    open. The file of that name is the old database or the new one at every moment, and both are whole.
    """
    verify(backup)
    database = database.resolve()  # where a symbolic link leads, as SQLite does
    try:
        with temporary(database) as fresh, _alone_with(database):
            shutil.copyfile(backup, fresh)
            check_sum(fresh, checksum_file(backup))
            check_content(fresh)
            with opened(fresh) as connection:
                connection.execute("PRAGMA journal_mode = WAL")
            file.sync(fresh)
            with _set_aside(database) as aside:
                os.replace(fresh, database)
        file.sync(database.parent)
    except OSError as error:
        raise DatabaseRefused(f"{database}: {error.strerror or error}") from None
    return aside


@contextlib.contextmanager
def _alone_with(database: Path) -> Iterator[None]:
    """Hold the locks of a database, its log merged in; DatabaseRefused if anybody has it open."""
    if not database.exists():
        yield
        return
    _merge_log(database)
    # SQLite cannot open a damaged file, which may be why it is restored; so the lock is taken by hand.
    # Nothing here has the file open through SQLite now: closing this handle would drop its locks.
    with database.open("r+b") as held:
        try:
            fcntl.lockf(held, fcntl.LOCK_EX | fcntl.LOCK_NB, *_LOCK_BYTES)
        except OSError:
            raise _in_use(database) from None
        yield


def _merge_log(database: Path) -> None:
    """Bring what a killed server left in the log into the database, so that the old one is kept whole."""
    if not database.stat().st_size:
        return  # SQLite would throw the log away, and all that is left may be in it
    try:
        with opened(database) as connection:
            connection.execute("PRAGMA busy_timeout = 0")
            connection.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
            raise _in_use(database) from None
    except sqlite3.DatabaseError:
        pass  # damaged: it is kept as it is, with its log


@contextlib.contextmanager
def _set_aside(database: Path) -> Iterator[Path | None]:
    """Give the old database a second name, and its log too, so that the first one is free to be taken.

    If it is not taken after all, everything is as it was.
    """
    aside = database.with_name(f"{database.name}.before-restore-{stamp()}")
    moved: list[tuple[Path, Path]] = []
    try:
        if database.exists():
            os.link(database, aside)
        for ending in ("-wal", "-journal"):  # not the new database's: SQLite would play them into it
            log, second = (path.with_name(path.name + ending) for path in (database, aside))
            if log.exists():
                os.replace(log, second)
                moved.append((log, second))
        database.with_name(f"{database.name}-shm").unlink(missing_ok=True)
        yield aside if aside.exists() or moved else None
    except BaseException:
        for log, second in moved:
            os.replace(second, log)
        aside.unlink(missing_ok=True)
        raise


def _in_use(database: Path) -> DatabaseRefused:
    return DatabaseRefused(f"{database}: a server or another command has it open; stop it first")
