"""Replacing a database with a backup."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from acare.errors import DatabaseRefused
from acare.store import file
from acare.store.backup import check_content, check_sha256, checksum_file, temporary, timestamp, verify
from acare.store.connection import open_file

# The bytes that SQLite locks: each connection to a database in WAL mode holds a shared lock on them.
# (sqlite.org/fileformat.html, "the lock-byte page")
_LOCK_BYTES = (512, 0x40000000)


def restore(backup: Path, database: Path) -> Path | None:
    """Replace the database with a copy of a backup; the new name of the old database, None if there was none.

    The copy is verified, not only the backup. DatabaseRefused if any process has the database open. At every
    moment, the file of that name is either the complete old database or the complete new one.
    """
    verify(backup)
    database = database.resolve()  # the target of a symbolic link, as SQLite does
    try:
        with temporary(database) as fresh, _exclusive(database):
            shutil.copyfile(backup, fresh)
            check_sha256(fresh, checksum_file(backup))
            check_content(fresh)
            with closing(open_file(fresh)) as connection:
                connection.execute("PRAGMA journal_mode = WAL")
            file.sync(fresh)
            with _keep(database) as kept:
                os.replace(fresh, database)
        file.sync(database.parent)
    except OSError as error:
        raise DatabaseRefused(f"{database}: {error.strerror or error}") from None
    return kept


@contextlib.contextmanager
def _exclusive(database: Path) -> Iterator[None]:
    """Hold the locks of a database whose WAL is merged; DatabaseRefused if any process has it open."""
    if not database.exists():
        yield
        return
    _merge_wal(database)
    # SQLite cannot open a damaged file, and damage may be why it is restored; so the lock is taken directly.
    # This process has no SQLite connection to the file now: closing this handle would release its locks.
    with database.open("r+b") as held:
        try:
            fcntl.lockf(held, fcntl.LOCK_EX | fcntl.LOCK_NB, *_LOCK_BYTES)
        except OSError:
            raise _in_use(database) from None
        yield


def _merge_wal(database: Path) -> None:
    """Move what a killed server left in the WAL into the database, so that the kept file is complete."""
    if not database.stat().st_size:
        return  # SQLite would delete the WAL, which may hold all that is left
    try:
        with closing(open_file(database)) as connection:
            connection.execute("PRAGMA busy_timeout = 0")
            connection.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
            raise _in_use(database) from None
    except sqlite3.DatabaseError:
        pass  # damaged: it is kept as it is, with its WAL


@contextlib.contextmanager
def _keep(database: Path) -> Iterator[Path | None]:
    """Give the old database and its logs a second name, so that the first one can be replaced.

    If the body fails, the second names are removed again.
    """
    kept = database.with_name(f"{database.name}.before-restore-{timestamp()}")
    renamed: list[tuple[Path, Path]] = []
    try:
        if database.exists():
            os.link(database, kept)
        for suffix in ("-wal", "-journal"):  # SQLite would apply them to the new database
            old, new = (path.with_name(path.name + suffix) for path in (database, kept))
            if old.exists():
                os.replace(old, new)
                renamed.append((old, new))
        database.with_name(f"{database.name}-shm").unlink(missing_ok=True)
        yield kept if kept.exists() or renamed else None
    except BaseException:
        for old, new in renamed:
            os.replace(new, old)
        kept.unlink(missing_ok=True)
        raise


def _in_use(database: Path) -> DatabaseRefused:
    return DatabaseRefused(f"{database}: open in a server or another command; stop it first")
