"""Replacing a database with a backup."""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from glob import escape
from pathlib import Path
from typing import NamedTuple

from acare.database.connection import add_functions, open_file
from acare.database.copying import Progress, silent
from acare.database.disk import copy_owner, describe_owner, sync, temporary
from acare.database.file import in_use, is_backup, processes_using, refusing
from acare.database.migrations import migrate_connection
from acare.database.wal import recover
from acare.errors import DatabaseRefused, Refused
from acare.maintenance import folders
from acare.maintenance.backup import check_file, check_sha256
from acare.maintenance.verification import verify_file
from acare.store.lists import count
from acare.store.restoring import Kept, carry_over, is_readable
from acare.store.search import FUNCTIONS


class Restored(NamedTuple):
    """The result of a restore."""

    clients: int
    old: Path | None  # the new name of the old database; None if there was none
    kept: Kept | None  # None if there was no old database with users that could be read


def newest(database: Path, folder: Path) -> Path:
    """The newest backup of a database in a folder.

    Refused if there is none, or if it is later than now: another is restored only if it is named.
    """
    made = folders.backups(database.stem, folder)
    if not made:
        raise Refused(f"{folder}: there is no backup with a name like {database.stem}-TIME.db")
    if (later := folders.later_than_now(database.stem, made)) is not None:
        raise Refused(f"{later}: it {folders.LATER}, or name the file to restore")
    return made[-1]


def restore(backup: Path, database: Path, progress: Progress = silent) -> Restored:
    """Replace the database with a copy of a backup.

    The copy is verified before it replaces anything. Users, keys and erasures remain as they are in the old
    database; users that only the backup has are disabled. The new file has the owner, group and mode of the
    old one. DatabaseRefused if any process has the database open. At every moment, the file of that name is
    either the complete old database or the complete new one.
    """
    check_file(backup, database)
    _check_target(database)
    database = database.resolve()  # the target of a symbolic link, as SQLite does
    with refusing(database, "not restored; it was not changed: "), temporary(database) as fresh:
        with backup.open("rb") as reading, fresh.open("wb") as writing:
            shutil.copyfileobj(reading, writing)
        check_sha256(backup, fresh)
        verify_file(fresh, progress, name=backup)
        with _exclusive(database) as is_readable:
            clients, kept = _update(fresh, backup, database if is_readable else None)
            _copy_owner_and_mode(database, fresh)
            sync(fresh)
            renamed = _replace(database, fresh)
    with refusing(database, "restored, but not synced to the disk: "):
        sync(database.parent)
    return Restored(clients, renamed, kept)


def _check_target(database: Path) -> None:
    """DatabaseRefused unless the target is missing from a folder, a regular file, or a link to one.

    Whatever the file is, it is renamed and kept.
    """
    if database.exists() and not database.is_file():
        raise DatabaseRefused(f"{database}: not a regular file; it was not changed")
    if database.is_symlink() and not database.exists():
        raise DatabaseRefused(f"{database}: a symbolic link whose target is missing; it was not changed")
    if is_backup(database):
        raise DatabaseRefused(f"{database}: a backup, since its checksum is next to it; it was not changed")


def _copy_owner_and_mode(database: Path, fresh: Path) -> None:
    """Give the new file the owner, group and mode of the old one, or the owner and group of the folder.

    DatabaseRefused if the old one belongs to another user, whose programs could not open the new one.
    """
    if not database.exists():
        with suppress(PermissionError):
            copy_owner(database.parent.stat(), fresh)
        return
    try:
        copy_owner(database.stat(), fresh)
        shutil.copymode(database, fresh)
    except PermissionError:
        reason = f"its owner and group cannot be kept; it {describe_owner(database)}"
        raise DatabaseRefused(f"{database}: {reason}") from None


@contextmanager
def _exclusive(database: Path) -> Iterator[bool]:
    """Prevent other processes from using a database. Yields whether it can be read.

    DatabaseRefused if any process has it open. (SQLite cannot lock a damaged file, and damage may be the
    reason for the restore. Then a process is not noticed if the system cannot list its locks.)
    """
    if processes_using(database):
        raise in_use(database, "not restored: ")
    # SQLite would delete the WAL of an empty file, which may hold all that is left.
    if not database.exists() or not database.stat().st_size:
        yield False
        return
    recover(database)
    with closing(open_file(database)) as connection:
        connection.execute("PRAGMA busy_timeout = 0").fetchall()
        try:
            connection.execute("PRAGMA journal_mode = DELETE")  # copies the WAL that a killed server left
            connection.execute("BEGIN EXCLUSIVE")
            can_read = is_readable(connection)
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
                raise
            can_read = False  # damaged: it is kept as it is, with its WAL
        yield can_read


def _update(fresh: Path, backup: Path, replaced: Path | None) -> tuple[int, Kept | None]:
    """Migrate the copy, and carry over what is not restored. Returns also the number of clients.

    DatabaseRefused names the backup if it cannot be migrated, since no server could open it.
    """
    with closing(open_file(fresh)) as connection:
        migrate_connection(connection, backup, FUNCTIONS)
    with closing(open_file(fresh)) as connection:  # without the large cache of a migration
        add_functions(connection, FUNCTIONS)
        kept = carry_over(connection, replaced)
        connection.execute("PRAGMA journal_mode = WAL")
        return count(connection), kept


def _replace(database: Path, fresh: Path) -> Path | None:
    """Give the new file the name of the database. Returns the new name of the old one and of its WALs.

    The old file has both names until then. If this fails, it has only the first one again.
    """
    kept = database.with_name(f"{database.name}.before-restore-{folders.timestamp()}")
    with ExitStack() as undo:
        if database.exists():
            undo.callback(kept.unlink, missing_ok=True)
            os.link(database, kept)
        for suffix in ("-wal", "-journal"):  # SQLite would apply them to the new database
            old, new = (path.with_name(path.name + suffix) for path in (database, kept))
            if old.exists():
                os.replace(old, new)
                undo.callback(os.replace, new, old)
        database.with_name(f"{database.name}-shm").unlink(missing_ok=True)
        sync(database.parent)  # the second name of the old database must be on the disk first
        try:
            os.replace(fresh, database)
        finally:
            if not fresh.exists():  # replaced, also if Ctrl-C came then
                undo.pop_all()
    return kept if any(database.parent.glob(f"{escape(kept.name)}*")) else None
