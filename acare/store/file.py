"""A database file: making one, and telling whether a file is one that acare may open.

What is refused is refused before SQLite opens it, so that it is left as it was.
"""

from __future__ import annotations

import errno
import fcntl
import os
import sqlite3
import stat
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from acare.errors import DatabaseRefused

#: The oldest SQLite that has all that the schema and the statements use; Debian 12 ships it.
OLDEST_SQLITE = (3, 40, 0)

#: What ``PRAGMA user_version`` says in a file that this version of acare makes.
SCHEMA_VERSION = 1
APPLICATION_ID = 0x61636172  # "acar", as in schema.sql

#: What /proc/mounts calls file systems whose locks cannot be trusted.
NETWORK_FILE_SYSTEMS = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "afs", "ceph"})


def ensure(path: Path) -> None:
    """Make the database if there is none, and refuse what acare should not open.

    Raises DatabaseRefused in one line: what is wrong with the file, and that nothing was changed.
    """
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        raise DatabaseRefused(
            f"SQLite {sqlite3.sqlite_version} is too old: acare needs "
            f"{'.'.join(map(str, OLDEST_SQLITE))} or newer"
        )
    try:
        if not path.parent.exists():
            raise DatabaseRefused(f"{path}: there is no folder {path.parent}")
        _refuse_network(path)
        if path.is_symlink() and not path.exists():
            # Its disk is perhaps not mounted: a new database in its place would be a bad surprise.
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        if _is_empty(path):
            _create(path)
        check(path)
        if not os.access(path, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise DatabaseRefused(f"{path}: {error.strerror or error}") from None


def check(path: Path) -> int:
    """Refuse a file that is no acare database of this schema or an older one; the version of its schema."""
    try:
        if stat.S_ISDIR(path.stat().st_mode):  # what is wrong is told in the system's own words
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if path.stat().st_size == 0:
            raise DatabaseRefused(f"{path}: empty")
        application, version = _read_header(path)
    except OSError as error:
        raise DatabaseRefused(f"{path}: {error.strerror or error}") from None
    except sqlite3.OperationalError as error:
        raise DatabaseRefused(f"{path}: {error}") from None
    except sqlite3.DatabaseError as error:
        corrupt = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_CORRUPT
        what = "damaged" if corrupt else "not an SQLite database"
        raise DatabaseRefused(f"{path}: {what}; it was left as it is") from None
    if application != APPLICATION_ID:
        raise DatabaseRefused(f"{path}: another program's database; it was left as it is")
    if version > SCHEMA_VERSION:
        raise DatabaseRefused(
            f"{path}: made by a newer acare (schema {version}, this one knows {SCHEMA_VERSION}); "
            "it was left as it is"
        )
    return version


def _read_header(path: Path) -> tuple[int, int]:
    """Application id and schema version, read through SQLite and as an immutable file, so that nothing is
    made beside it.

    Never by hand: closing a handle of our own would drop the locks of every connection that this process
    has to the file (sqlite.org/howtocorrupt.html, 2.2).
    """
    try:
        return _ask_header(path, "ro&immutable=1")
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF != sqlite3.SQLITE_CORRUPT:
            raise
        return _ask_header(path, "ro")  # a checkpoint was cut off: without its log the file is not whole


def _ask_header(path: Path, mode: str) -> tuple[int, int]:
    uri = f"{path.absolute().as_uri()}?mode={mode}"
    with closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as connection:
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
    return application, version


def _refuse_network(path: Path) -> None:
    """Refuse a network file system where the machine can tell: locks and logs do not work across one."""
    try:
        mounts = Path("/proc/self/mounts").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return  # not Linux
    place = str(path.absolute().parent.resolve())
    kinds = {}
    for line in mounts.splitlines():
        point, kind = line.split(" ")[1:3]
        point = point.replace("\\040", " ")
        if place == point or place.startswith(point.rstrip("/") + "/"):
            kinds[point] = kind
    if kinds:
        kind = kinds[max(kinds, key=len)]
        if kind in NETWORK_FILE_SYSTEMS:
            raise DatabaseRefused(f"{path}: on a network file system ({kind}); acare needs a local disk")


def _is_empty(path: Path) -> bool:
    """Whether there is no file, or one without a byte in it, as ``mktemp`` leaves them."""
    return not path.exists() or (path.is_file() and path.stat().st_size == 0)


def _create(path: Path) -> None:
    """Make a new database under another name, whole and synced, and then give it its own.

    So a file of this name is never half a database, whenever the power fails, and of two who make it at
    once the second finds the first one's. Mode 0600: it holds people's names and what they can pay.
    """
    path = path.resolve()  # where a symbolic link leads, as SQLite does
    log = path.with_name(f"{path.name}-wal")
    handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    os.close(handle)
    fresh = Path(name)
    try:
        with closing(sqlite3.connect(fresh, isolation_level=None)) as connection:
            connection.execute("PRAGMA synchronous = OFF")  # it is synced below, once and whole
            connection.executescript(f"BEGIN;\n{_schema()}\nCOMMIT;")
            connection.execute("PRAGMA journal_mode = WAL")
        sync(fresh)
        with _locked(path.parent):
            if _is_empty(path):
                if log.exists():
                    # SQLite would play it into the new file.
                    raise DatabaseRefused(f"{path}: is gone, but its log {log.name} is there; move it away")
                os.replace(fresh, path)
                sync(path.parent)
    except sqlite3.Error as error:
        raise DatabaseRefused(f"{path}: cannot be made: {error}") from None
    finally:
        fresh.unlink(missing_ok=True)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keep other acares from giving names in a folder."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def sync(path: Path) -> None:
    """Make the content of a file, or the names in a folder, survive a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _schema() -> str:
    """The text of schema.sql, which a wheel carries inside the package and a checkout beside it."""
    package = Path(__file__).resolve().parent.parent
    for place in (package / "schema.sql", package.parent / "schema.sql"):
        if place.is_file():
            return place.read_text(encoding="utf-8")
    raise DatabaseRefused("schema.sql is missing from this installation of acare; install it again")
