"""Replacing a database with a backup."""

from __future__ import annotations

import fcntl
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from acare.database.access import copy_owner, describe_owner, explain_access
from acare.database.connection import open_file
from acare.database.copying import Progress, check_content, checksum_file, silent
from acare.database.file import processes_using
from acare.database.log_recovery import sync_log
from acare.database.migrations import migrate_connection
from acare.database.temporary import sync, temporary
from acare.errors import DatabaseRefused
from acare.maintenance import erasures
from acare.maintenance.backup import check_file, check_sha256, timestamp
from acare.store import search
from acare.store.changes import END_CURSORS

# The bytes that SQLite locks: each connection to a database in WAL mode holds a shared lock on them.
# (sqlite.org/fileformat.html, "the lock-byte page")
_LOCK_BYTES = (512, 0x40000000)


class Kept(NamedTuple):
    """The state of the replaced database that a restore keeps."""

    revoked: dict[str, str]  # the ids of revoked keys, and when each was revoked
    disabled: dict[str, str]  # the ids of disabled users, and when each was disabled
    erased: dict[str, str]  # the ids of erased clients, and when each was erased
    as_of: int  # the time of the last change of the file when this was read


class Restored(NamedTuple):
    """The result of a restore."""

    old: Path | None  # the new name of the old database; None if there was none
    revoked: int  # keys that are valid in the backup, and were revoked again
    disabled: int  # users who are enabled in the backup, and were disabled again
    erased: int  # clients that are in the backup, and were erased again
    unread: bool  # the old database could not be read, so its revocations and erasures are unknown


def restore(
    backup: Path, database: Path, *, exact: bool = False, checksum: bool = True, progress: Progress = silent
) -> Restored:
    """Replace the database with a copy of a backup.

    The copy is verified before it replaces anything. Keys that are revoked, users who are disabled and
    clients that are erased in the old database stay so, unless ``exact``. Without ``checksum``, no checksum
    file is needed. The new file has the owner, group and mode of the old one. DatabaseRefused if any process
    has the database open. At every moment, the file of that name is either the complete old database or the
    complete new one.
    """
    check_file(backup)
    _check_target(database)
    database = database.resolve()  # the target of a symbolic link, as SQLite does
    with _refusing_errors(database), temporary(database) as fresh, _exclusive(database) as kept:
        _copy(backup, fresh, progress)
        if checksum:
            check_sha256(fresh, checksum_file(backup), name=backup)
        check_content(fresh, progress, name=backup)
        changes = Kept({}, {}, {}, 0) if exact or kept is None else kept
        revoked, disabled, erased = _apply(changes, fresh, backup)
        old = _replace(database, fresh)
    try:
        sync(database.parent)
    except OSError as error:
        raise DatabaseRefused(f"{database}: restored, but not synced to the disk: {error.strerror}") from None
    return Restored(old, revoked, disabled, erased, unread=kept is None and not exact)


@contextmanager
def _refusing_errors(database: Path) -> Iterator[None]:
    """Report errors of the system and of SQLite as DatabaseRefused."""
    try:
        yield
    except OSError as error:
        named = f": {error.filename}" if error.filename not in (None, str(database)) else ""
        raise DatabaseRefused(f"{database}: {error.strerror or error}{named}; it was not changed") from None
    except sqlite3.Error as error:
        reason = f"{error}{explain_access(database)}"
        raise DatabaseRefused(f"{database}: {reason}; it was not changed") from None


def _check_target(database: Path) -> None:
    """DatabaseRefused if the name is not free, a regular file, or a link to one."""
    if database.exists() and not database.is_file():
        raise DatabaseRefused(f"{database}: not a regular file; it was not changed")
    if database.is_symlink() and not database.exists():
        raise DatabaseRefused(f"{database}: a symbolic link whose target is missing; it was not changed")


def _copy(backup: Path, fresh: Path, progress: Progress) -> None:
    """Copy the bytes in pieces, between which Ctrl-C is noticed."""
    with backup.open("rb") as reading, fresh.open("r+b") as writing:
        total = os.fstat(reading.fileno()).st_size
        while piece := reading.read(1024 * 1024):
            writing.write(piece)
            progress("Copying", writing.tell(), max(total, writing.tell()), "B")


def _replace(database: Path, fresh: Path) -> Path | None:
    """Give the new file the name of the database. Returns the new name of the old one."""
    with closing(open_file(fresh)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    _copy_owner_and_mode(database, fresh)
    sync(fresh)
    with _rename_old(database) as old:
        sync(database.parent)  # the old name of the old database must not be the only one on disk
        os.replace(fresh, database)
    return old


def _copy_owner_and_mode(database: Path, fresh: Path) -> None:
    """Give the new file owner, group and mode of the old one; without one, owner and group of the folder.

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
        raise DatabaseRefused(
            f"{database}: {describe_owner(database)}; run the command as that user or as root"
        ) from None


@contextmanager
def _exclusive(database: Path) -> Iterator[Kept | None]:
    """Merge the WAL of a database and hold its locks; yields what to keep of it, None if it is unreadable.

    DatabaseRefused if any process has it open.
    """
    if not database.exists():
        yield Kept({}, {}, {}, 0)
        return
    kept = _merge_wal(database)
    # SQLite cannot open a damaged file, and damage may be why it is restored; so the lock is taken directly.
    # This process has no SQLite connection to the file now: closing this handle would release its locks.
    with database.open("r+b") as held:
        try:
            fcntl.lockf(held, fcntl.LOCK_EX | fcntl.LOCK_NB, *_LOCK_BYTES)
        except OSError:
            raise _in_use(database) from None
        if kept is not None and database.stat().st_mtime_ns != kept.as_of:
            raise _in_use(database)  # a process has opened it, written and closed it since
        yield kept


def _merge_wal(database: Path) -> Kept | None:
    """Copy the WAL that a killed server left into the database, so that the kept file is complete."""
    if not database.stat().st_size:
        return None  # SQLite would delete the WAL, which may hold all that is left
    sync_log(database)
    try:
        with closing(open_file(database)) as connection:
            connection.execute("PRAGMA busy_timeout = 0")
            connection.execute("PRAGMA journal_mode = DELETE")
            return _read_kept(connection, database)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
            raise _in_use(database) from None
    except (sqlite3.DatabaseError, UnicodeDecodeError):
        pass  # damaged: it is kept as it is, with its WAL
    return None


def _read_kept(connection: sqlite3.Connection, database: Path) -> Kept:
    connection.execute("BEGIN")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    erased, disabled = (
        connection.execute(statement).fetchall() if version >= erasures.SINCE_SCHEMA else []
        for statement in (erasures.LIST, erasures.LIST_DISABLED)
    )
    revoked = connection.execute(erasures.LIST_REVOKED).fetchall()
    # No process can commit while this transaction reads, since the file has no log now.
    return Kept(dict(revoked), dict(disabled), dict(erased), database.stat().st_mtime_ns)


def _apply(kept: Kept, fresh: Path, backup: Path) -> tuple[int, int, int]:
    """Migrate the copy and repeat the changes in it. Returns how many keys, users and clients this affected.

    The cursors of the feed end: after the same revision, the backup has other changes than the old database.
    DatabaseRefused names the backup if it cannot be migrated: then no server could open it.
    """
    with closing(open_file(fresh)) as connection:
        connection.execute("PRAGMA secure_delete = ON").fetchall()
        migrate_connection(connection, backup)
        connection.execute("BEGIN")
        revoked, disabled = (
            sum(connection.execute(statement, {"id": each, "at": at}).rowcount for each, at in ids.items())
            for statement, ids in (
                (erasures.REVOKE_AGAIN, kept.revoked),
                (erasures.DISABLE_AGAIN, kept.disabled),
            )
        )
        erased = sum(erasures.erase(connection, client_id, at) > 0 for client_id, at in kept.erased.items())
        if erased:
            search.erase_deleted_words(connection)
        connection.execute(END_CURSORS)
        connection.execute("COMMIT")
    return revoked, disabled, erased


@contextmanager
def _rename_old(database: Path) -> Iterator[Path | None]:
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
    others = sorted((processes_using(database) or set()) - {os.getpid()})
    known = f" (process {', '.join(map(str, others))})" if others else ""
    return DatabaseRefused(f"{database}: open in a server or another command{known}; stop it first")
