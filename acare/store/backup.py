"""Backups: making a verified copy, and verifying it again later.

A copy gets the name of a backup only when SQLite has found no error in it, its totals match a count of the
clients and its SHA-256 is on disk in a file next to it. Only the checksum can detect a changed byte in a text
value: to the database it is as valid as the original.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from acare.errors import DatabaseRefused
from acare.store import file
from acare.store.connection import open_file

# Pages copied at a time. The copy reads one snapshot, so writers never wait for it.
_PAGES = 1024

COUNTS = """
SELECT
    (SELECT coalesce(sum(total), 0) FROM client_totals),
    (SELECT count(*) FROM clients)
"""

WRONG_TOTALS = """
SELECT user_id, client_type, status, sum(n) FROM (
    SELECT user_id, client_type, status, 1 AS n FROM clients
    UNION ALL
    SELECT user_id, client_type, status, -total FROM client_totals
)
GROUP BY user_id, client_type, status
HAVING sum(n) <> 0
"""


def back_up(database: Path, folder: Path, keep: int | None = None) -> Path:
    """Make a verified backup of the database in ``folder``; the path of the backup.

    Its checksum is in a ``.sha256`` file next to it. Servers can run and write meanwhile. With ``keep``, only
    that many of the newest backups remain, including this one. DatabaseRefused if anything fails; then there
    is no new file that looks like a backup.
    """
    file.check(database)
    target = folder / f"{database.stem}-{timestamp()}.db"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        copy_verified(database, target)
        if keep is not None:
            _delete_oldest(target, database.stem, keep)
    except OSError as error:
        raise DatabaseRefused(f"{folder}: {error.strerror or error}") from None
    return target


def copy_verified(database: Path, target: Path, version: int | None = None) -> None:
    """Copy a snapshot of the database to a temporary file, verify it, and rename it to ``target``.

    With ``version``, only if the snapshot has that schema version.
    """
    with temporary(target) as copy:
        copied_version, counts = _copy(database, copy)
        if file.check(copy) != copied_version or version not in (None, copied_version):
            raise DatabaseRefused(f"{database}: the backup failed: the schema version changed meanwhile")
        check_content(copy, counts)
        file.sync(copy)
        checksum = checksum_file(target)
        with temporary(checksum) as written:
            written.write_bytes(f"{sha256(copy)}  ".encode() + os.fsencode(target.name) + b"\n")
            file.sync(written)
            os.replace(written, checksum)
        try:
            os.replace(copy, target)
        except BaseException:
            checksum.unlink()
            raise
    file.sync(target.parent)


def _copy(database: Path, target: Path) -> tuple[int, tuple[int, int]]:
    """Copy one snapshot of the database; its schema version, and its counts of clients."""
    try:
        with closing(open_file(database)) as source, closing(open_file(target)) as destination:
            source.execute("BEGIN")
            counts = source.execute(COUNTS).fetchone()
            (version,) = source.execute("PRAGMA user_version").fetchone()
            source.backup(destination, pages=_PAGES)
            destination.execute("PRAGMA journal_mode = DELETE")  # a single file, without a WAL
    except sqlite3.Error as error:
        raise DatabaseRefused(f"{database}: the backup failed: {error}") from None
    return version, counts


def _delete_oldest(newest: Path, stem: str, keep: int) -> None:
    """Delete all but ``keep`` backups of the database, oldest first, and never ``newest``."""
    name = re.compile(rf"{re.escape(stem)}-\d{{8}}T\d{{6}}\.\d{{3}}Z\.db")
    others = sorted(path for path in newest.parent.iterdir() if name.fullmatch(path.name) and path != newest)
    for old in others[: max(0, len(others) - keep + 1)]:
        old.unlink(missing_ok=True)
        checksum_file(old).unlink(missing_ok=True)


def verify(path: Path, *, checksum: bool = True) -> int:
    """Verify a backup: schema, checksum, structure, foreign keys and totals; its number of clients.

    DatabaseRefused says in one line what is wrong. Without ``checksum``, damage within a text value is not
    detected.
    """
    file.check(path)
    if checksum:
        check_sha256(path, checksum_file(path))
    return check_content(path)


def check_content(path: Path, expected: tuple[int, int] | None = None) -> int:
    """Check structure, constraints, foreign keys and totals of a file; its number of clients.

    DatabaseRefused for the first error, or if the counts of clients are not the ``expected`` ones.
    """
    for suffix in ("-journal", "-wal"):
        log = path.with_name(path.name + suffix)
        if log.exists():  # SQLite would apply it to the file
            raise DatabaseRefused(
                f"{path}: incomplete: it has a log, {log.name}; stop the program that writes to it"
            )
    try:
        with closing(open_file(path)) as connection:
            connection.execute("PRAGMA query_only = ON")
            connection.execute("PRAGMA cell_size_check = ON")
            problems = [row[0] for row in connection.execute("PRAGMA integrity_check(1)") if row[0] != "ok"]
            problems += [
                f"foreign key of {row[0]} row {row[1]}"
                for row in connection.execute("PRAGMA foreign_key_check")
            ]
            problems += [f"the total of {row}" for row in connection.execute(WRONG_TOTALS)]
            counts = connection.execute(COUNTS).fetchone()
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise DatabaseRefused(f"{path}: damaged: {error}") from None
    if problems:
        raise DatabaseRefused(f"{path}: damaged: {' '.join(problems[0].split())}")
    if expected is not None and counts != expected:
        raise DatabaseRefused(f"{path}: the copy has {counts[1]} clients, the database {expected[1]}")
    return int(counts[1])


def checksum_file(path: Path) -> Path:
    """The file with the checksum of a backup, in the format that ``sha256sum --check`` reads."""
    return path.with_name(f"{path.name}.sha256")


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hex."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def check_sha256(path: Path, checksum: Path) -> None:
    """DatabaseRefused if the SHA-256 of the file is not the one in the file ``checksum``."""
    try:
        expected = checksum.read_text(encoding="utf-8", errors="replace").split()[:1]
    except FileNotFoundError:
        raise DatabaseRefused(f"{path}: its checksum file {checksum.name} is missing") from None
    except (OSError, ValueError) as error:
        raise DatabaseRefused(f"{checksum}: {error}") from None
    if [sha256(path)] != expected:
        raise DatabaseRefused(f"{path}: damaged: its SHA-256 differs from the one in {checksum.name}")


def timestamp() -> str:
    """The current time for a file name: ``20260715T143210.000Z``. Names sort by time."""
    return datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%f")[:-3] + "Z"


@contextlib.contextmanager
def temporary(target: Path) -> Iterator[Path]:
    """An empty file next to ``target``, mode 0600, that is deleted at the end unless it was renamed."""
    handle, name = tempfile.mkstemp(prefix=f".{target.name}-", dir=target.parent)
    os.close(handle)
    path = Path(name)
    try:
        yield path
    finally:
        for suffix in ("", "-journal", "-wal", "-shm"):
            Path(name + suffix).unlink(missing_ok=True)
