"""A database file: creating one, and deciding whether acare may open a file.

A file that is refused is not changed: it is inspected through connections that cannot change it.
"""

from __future__ import annotations

import errno
import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

from acare.database import schema
from acare.database.access import explain_access
from acare.database.connection import MIN_SQLITE, has_fts5, open_file, open_unchanged
from acare.database.temporary import remove_temporary_files, sync, temporary
from acare.errors import DatabaseRefused

#: ``PRAGMA application_id`` of every acare database: "acar", as in schema.sql.
APPLICATION_ID = 0x61636172

#: The names in /proc/mounts of file systems whose locks are unreliable.
NETWORK_FILE_SYSTEMS = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "afs", "ceph"})

#: Why a command that does not create a database refuses an empty file.
EMPTY = "the file is empty, so it is not a database of acare"


class _Inspection(NamedTuple):
    application_id: int
    version: int
    difference: str | None  # from schema.sql, if the version is the current one


def ensure(path: Path) -> None:
    """Create the database if it does not exist, and refuse a file that acare should not open.

    DatabaseRefused gives the reason in one line. The file is then unchanged.
    """
    try:
        _check_sqlite()
        if not path.parent.exists():
            raise DatabaseRefused(f"{path}: the folder {path.parent} does not exist")
        _refuse_network(path)
        if path.is_symlink() and not path.exists():
            # Perhaps its disk is not mounted: creating a new, empty database would hide that.
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        remove_temporary_files(path.resolve().parent)
        if _is_empty(path):
            _create(path)
        check(path)
        if not os.access(path, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise DatabaseRefused(f"{path}: {error.strerror or error}{explain_access(path)}") from None
    except sqlite3.Error as error:
        raise DatabaseRefused(f"{path}: {error}{explain_access(path)}") from None


def _check_sqlite() -> None:
    """DatabaseRefused if the SQLite library lacks what acare needs."""
    if sqlite3.sqlite_version_info < MIN_SQLITE:
        raise DatabaseRefused(
            f"SQLite {sqlite3.sqlite_version} is too old: acare needs "
            f"{'.'.join(map(str, MIN_SQLITE))} or newer"
        )
    if not has_fts5():
        raise DatabaseRefused(
            f"the SQLite {sqlite3.sqlite_version} of this Python has no FTS5, which the search needs"
        )


def check(path: Path) -> int:
    """The schema version of an acare database; DatabaseRefused for any other file.

    It is the current version or an older one. A file of the current version must also match schema.sql.
    """
    try:
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if path.stat().st_size == 0:
            raise DatabaseRefused(f"{path}: {EMPTY}")
        found = _inspect(path)
    except OSError as error:
        raise DatabaseRefused(f"{path}: {error.strerror or error}{explain_access(path)}") from None
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise DatabaseRefused(f"{path}: {_describe(error)}{explain_access(path)}") from None
    if found.application_id != APPLICATION_ID:
        raise DatabaseRefused(f"{path}: a database of another program; it was not changed")
    if found.version > schema.SCHEMA_VERSION:
        raise DatabaseRefused(
            f"{path}: created by a newer version of acare (its schema is {found.version}, "
            f"this version supports up to {schema.SCHEMA_VERSION}); it was not changed"
        )
    if found.difference is not None:
        raise DatabaseRefused(
            f"{path}: not a database of schema {found.version}: {found.difference}; it was not changed"
        )
    return found.version


def _inspect(path: Path) -> _Inspection:
    """Read what identifies a file, through SQLite and without changing the file.

    Never by opening the file ourselves: closing our handle would release the locks of every SQLite connection
    that this process has to the file (sqlite.org/howtocorrupt.html, 2.2).
    """
    try:
        found = _read(path, ignore_wal=True)
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF != sqlite3.SQLITE_CORRUPT or not has_wal(path):
            raise
        return _read(path, ignore_wal=False)  # a checkpoint was interrupted; the WAL completes the file
    if found.application_id == APPLICATION_ID and has_wal(path):
        return _read(path, ignore_wal=False)  # a migration may only be in the WAL
    return found


def _read(path: Path, *, ignore_wal: bool) -> _Inspection:
    with closing(open_unchanged(path, ignore_wal=ignore_wal)) as connection:
        (application_id,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        comparable = application_id == APPLICATION_ID and version == schema.SCHEMA_VERSION
        return _Inspection(application_id, version, schema.difference(connection) if comparable else None)


def _describe(error: Exception) -> str:
    """Why SQLite cannot read a file."""
    if isinstance(error, sqlite3.OperationalError):
        return str(error)
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT)
    damaged = code & 0xFF == sqlite3.SQLITE_CORRUPT
    return f"{'damaged' if damaged else 'not an SQLite database'}; it was not changed"


def processes_using(path: Path) -> set[int] | None:
    """The ids of the processes that have the database open, by SQLite's lock on it.

    None where the system cannot tell. Processes in other containers are not seen.
    """
    try:
        inode = path.stat().st_ino
        locks = Path("/proc/locks").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return None
    found = set()
    for line in locks:
        _, kind, *_, pid, where, start, end = line.split()
        if kind == "POSIX" and int(where.rpartition(":")[2]) == inode and _is_shared_lock(start, end):
            found.add(int(pid))
    return found


def _is_shared_lock(start: str, end: str) -> bool:
    """Whether a range of bytes is in the 512 that SQLite locks. (sqlite.org/fileformat.html, "the lock-byte
    page")
    """
    return int(start) >= 0x40000000 and end != "EOF" and int(end) < 0x40000000 + 512


def log_file(path: Path) -> Path:
    """The write-ahead log of a database: next to the target of a symbolic link, as SQLite has it."""
    path = path.resolve()
    return path.with_name(f"{path.name}-wal")


def has_wal(path: Path) -> bool:
    """Whether the write-ahead log of the database has content."""
    try:
        return log_file(path).stat().st_size > 0
    except FileNotFoundError:
        return False


def _refuse_network(path: Path) -> None:
    """Refuse a network file system where it can be detected: locks and WAL do not work on one."""
    try:
        mounts = Path("/proc/self/mounts").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return  # not Linux
    folder = str(path.absolute().parent.resolve())
    types = {}
    for line in mounts.splitlines():
        mount_point, file_system = line.split(" ")[1:3]
        mount_point = mount_point.replace("\\040", " ")
        if folder == mount_point or folder.startswith(mount_point.rstrip("/") + "/"):
            types[mount_point] = file_system
    if types:
        file_system = types[max(types, key=len)]
        if file_system in NETWORK_FILE_SYSTEMS:
            raise DatabaseRefused(
                f"{path}: on a network file system ({file_system}); acare needs a local disk"
            )


def _is_empty(path: Path) -> bool:
    """Whether the file does not exist or has no content, as after ``mktemp``."""
    return not path.exists() or (path.is_file() and path.stat().st_size == 0)


def _create(path: Path) -> None:
    """Create a complete, synced database under a temporary name and then rename it.

    So a power failure never leaves an incomplete file, and if two processes create the database at once, the
    second one uses the file of the first. Mode 0600: it holds personal and financial data.
    """
    path = path.resolve()  # the target of a symbolic link, as SQLite does
    wal = log_file(path)
    try:
        with temporary(path) as fresh:
            with closing(open_file(fresh)) as connection:
                connection.execute("PRAGMA synchronous = OFF")  # synced once, below
                connection.executescript(f"BEGIN;\n{schema.text()}\nCOMMIT;")
                connection.execute("PRAGMA journal_mode = WAL")
            sync(fresh)
            with _locked(path.parent):
                if _is_empty(path):
                    if wal.exists():
                        # SQLite would apply it to the new file.
                        raise DatabaseRefused(
                            f"{path}: missing, but its log {wal.name} exists; move the log away"
                        )
                    os.replace(fresh, path)
                    sync(path.parent)
    except sqlite3.Error as error:
        raise DatabaseRefused(f"{path}: cannot be created: {error}{explain_access(path)}") from None


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keep other acare processes from renaming files in a folder."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def identity(path: Path) -> tuple[int, int] | None:
    """The device and inode of a file, which change when it is replaced; None if it is missing."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino
