"""A database file: creating one, and checking whether acare may open it.

A file is inspected through connections that cannot change it.
"""

import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from acare.database import schema
from acare.database.connection import open_file, open_to_read
from acare.database.disk import (
    beside,
    explain_access,
    is_read_only,
    remove_temporary_files,
    sync,
    temporary,
)
from acare.errors import DatabaseRefused

#: ``PRAGMA application_id`` of every acare database: "acar", as in schema.sql.
APPLICATION_ID = 0x61636172


@contextmanager
def refusing(path: Path, failed: str = "") -> Iterator[None]:
    """Raise errors of the system and of SQLite as DatabaseRefused, with the file and the reason.

    ``failed`` comes before the reason: ``"its WAL cannot be written: "``.
    """
    try:
        yield
    except (OSError, sqlite3.Error, UnicodeDecodeError) as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY:
            raise in_use(path, failed) from None
        reason = " ".join(str(getattr(error, "strerror", None) or error).split())
        raise DatabaseRefused(f"{path}: {failed}{reason}{explain_access(path)}") from None


def ensure(path: Path) -> int:
    """Create the database if it does not exist, and refuse a file that acare should not write.

    Returns its schema version. DatabaseRefused, with the reason in one line, leaves its content as it is.
    """
    with refusing(path):
        if path.is_symlink():
            # The disk of its target may not be mounted: a new, empty database would hide that.
            path.stat()
        remove_temporary_files(path.resolve().parent)
        if not path.exists():
            _create(path)
        if beside(path, "-journal").exists() and not is_backup(path) and is_acare(path):
            # A killed restore, or a migration, left it: SQLite undoes it.
            with closing(open_file(path)) as connection:
                connection.execute("PRAGMA user_version").fetchone()
        version = check(path)
        if is_backup(path):
            raise DatabaseRefused(
                f"{path}: a backup, since its checksum {checksum_file(path).name} is next to it; "
                "'acare restore' copies it to a database that can be written"
            )
        if not os.access(path, os.W_OK):
            raise PermissionError("Read-only file system" if is_read_only(path) else "Permission denied")
        return version


def check(path: Path, restored_to: Path | None = None) -> int:
    """The schema version of an acare database; DatabaseRefused for any other file.

    It is the current version or an older one. A file of the current version must also match schema.sql.
    The error for a newer one names the older file that a migration of the database has left: that database is
    ``restored_to`` for a backup.
    """
    with refusing(path):
        if path.is_dir():
            raise IsADirectoryError("Is a directory")
        if path.stat().st_size == 0:
            raise DatabaseRefused(f"{path}: the file is empty, so it is not a database of acare")
        # Through SQLite: closing a handle of our own would release the locks of every SQLite connection that
        # this process has to the file (sqlite.org/howtocorrupt.html, 2.2).
        with closing(open_to_read(path)) as connection:
            return _check(path, connection, restored_to or path)


def _check(path: Path, connection: sqlite3.Connection, database: Path) -> int:
    (application_id,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if application_id != APPLICATION_ID:
        raise DatabaseRefused(f"{path}: a database of another program; it was not changed")
    if version < schema.OLDEST_VERSION:
        raise DatabaseRefused(
            f"{path}: its schema {version} is older than {schema.OLDEST_VERSION}: first open or restore it "
            "once with the commit 3b46be3c of acare, which migrates the schemas 2 and 3; it was not changed"
        )
    if version > schema.SCHEMA_VERSION:
        before = beside(database, f".schema-{schema.SCHEMA_VERSION}.db")
        advice = f"; {before}, made before its migration, can be restored" if before.exists() else ""
        raise DatabaseRefused(
            f"{path}: created by a newer version of acare (its schema is {version}, "
            f"this version supports up to {schema.SCHEMA_VERSION}); it was not changed{advice}"
        )
    if version == schema.SCHEMA_VERSION and (difference := schema.difference(connection)) is not None:
        raise DatabaseRefused(f"{path}: not a database of schema {version}: {difference}; it was not changed")
    return int(version)


def processes_using(path: Path) -> list[int]:
    """The ids of the processes that have the database open, by SQLite's lock on it.

    Empty where the system cannot tell. Processes in other containers are not seen. A file with the same inode
    on another disk is not told apart, since ``/proc/locks`` has another device than ``stat`` on btrfs.
    """
    with suppress(OSError):
        locks = Path("/proc/locks").read_text(encoding="ascii", errors="replace")
        found = re.findall(rf"POSIX .* (\d+) \S+:{path.stat().st_ino} (\d+) \d+$", locks, re.MULTILINE)
        # The bytes that SQLite locks. (sqlite.org/fileformat.html, "the lock-byte page")
        return sorted({int(pid) for pid, start in found if 0 <= int(start) - 0x40000000 < 512})
    return []


def in_use(path: Path, failed: str) -> DatabaseRefused:
    """The error that other processes use the database. It names them. See ``refusing``."""
    others = [f"process {pid}" for pid in processes_using(path) if pid != os.getpid()]
    named = ", ".join(others) or "this process or another container"
    return DatabaseRefused(f"{path}: {failed}in use by {named}: stop it, or wait until it ends")


def checksum_file(path: Path) -> Path:
    """The file with the checksum of a backup, in the format that ``sha256sum --check`` reads."""
    return path.with_name(f"{path.name}.sha256")


def is_backup(path: Path) -> bool:
    """Whether a file is a backup, which is only read: its checksum is next to it."""
    return checksum_file(path.resolve()).exists()


def is_acare(path: Path) -> bool:
    """Whether a file is a database of acare, by the file alone. SQLite then does not change it."""
    with closing(open_file(path, mode="ro&immutable=1")) as connection:
        return bool(connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,))


def _create(path: Path) -> None:
    """Create a complete, synced database under a temporary name and then give it the name.

    So a power failure never leaves an incomplete file, and if two processes create it at once, the second one
    uses the file of the first. Mode 0600: it holds personal and financial data.
    """
    path = path.resolve()  # the target of a symbolic link, as SQLite does
    if beside(path, "-wal").exists() and not path.exists():
        # SQLite would apply the WAL to the new file.
        raise DatabaseRefused(f"{path}: missing, but its WAL {path.name}-wal is here: put the file back")
    with temporary(path) as fresh:
        with closing(open_file(fresh)) as connection:  # synced by SQLite: its default is FULL
            connection.executescript(f"BEGIN;\n{schema.text()}\nCOMMIT;")
            connection.execute("PRAGMA journal_mode = WAL")
        with suppress(FileExistsError):
            os.link(fresh, path)
        sync(path.parent)


def inode(path: Path | str) -> tuple[int, int] | None:
    """The device and inode of a file, which change when it is replaced; None if it is missing."""
    try:  # cheaper than ``suppress``: each commit asks
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino
