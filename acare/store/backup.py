"""Backups: a copy that was proven, and proving one again.

A copy is only called a backup once SQLite has found nothing wrong in it, its totals agree with a count
and its SHA-256 is on disk beside it. The checksum is what catches a flipped bit in somebody's name, which
no database can know to be wrong.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import sqlite3
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from acare.errors import DatabaseRefused
from acare.store import file

# Pages copied at a time. The copy reads one snapshot, so writers do not wait for it at all.
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
    """Make a verified backup of the database in ``folder``; the file, with its ``.sha256`` beside it.

    Servers may run and write meanwhile. With ``keep``, only so many of the newest stay, this one among
    them. Raises DatabaseRefused, and leaves nothing that looks like a backup, if anything is wrong.
    """
    file.check(database)
    target = folder / f"{database.stem}-{stamp()}.db"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        copy_verified(database, target)
        if keep is not None:
            name = re.compile(rf"{re.escape(database.stem)}-\d{{8}}T\d{{6}}\.\d{{3}}Z\.db")
            others = sorted(path for path in folder.iterdir() if name.fullmatch(path.name) and path != target)
            for old in others[: max(0, len(others) - keep + 1)]:
                old.unlink(missing_ok=True)
                checksum_file(old).unlink(missing_ok=True)
    except OSError as error:
        raise DatabaseRefused(f"{folder}: {error.strerror or error}") from None
    return target


def copy_verified(database: Path, target: Path, schema: int | None = None) -> None:
    """Copy one snapshot of the database to ``target``, prove the copy, and only then give it its name.

    With ``schema``, only if the snapshot is of that version of the schema.
    """
    with temporary(target) as copy:
        try:
            with opened(database) as source, opened(copy) as destination:
                source.execute("BEGIN")
                clients = source.execute(COUNTS).fetchone()
                (version,) = source.execute("PRAGMA user_version").fetchone()
                source.backup(destination, pages=_PAGES)
                destination.execute("PRAGMA journal_mode = DELETE")  # one file, without a log beside it
        except sqlite3.Error as error:
            raise DatabaseRefused(f"{database}: the backup failed: {error}") from None
        if file.check(copy) != version or schema not in (None, version):
            raise DatabaseRefused(f"{database}: the backup failed: its schema is not the one that it was")
        check_content(copy, clients)
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


def verify(path: Path, *, checksum: bool = True) -> int:
    """Prove a backup: checksum, structure, foreign keys, totals. Returns how many clients it has.

    DatabaseRefused says in one line what is wrong. Without ``checksum`` damage to the content of a text
    goes unseen.
    """
    file.check(path)
    if checksum:
        check_sum(path, checksum_file(path))
    return check_content(path)


def check_content(path: Path, expected: tuple[int, int] | None = None) -> int:
    """What SQLite can say of a file: DatabaseRefused if anything in it is not as it should be."""
    for ending in ("-journal", "-wal"):  # SQLite would play it into the file
        log = path.with_name(path.name + ending)
        if log.exists():
            raise DatabaseRefused(f"{path}: not whole: {log.name} is beside it; stop whoever writes to it")
    try:
        with opened(path) as connection:
            connection.execute("PRAGMA query_only = ON")
            connection.execute("PRAGMA cell_size_check = ON")
            problems = [row[0] for row in connection.execute("PRAGMA integrity_check(1)") if row[0] != "ok"]
            problems += [f"{row[0]} row {row[1]}" for row in connection.execute("PRAGMA foreign_key_check")]
            problems += [f"the total of {row}" for row in connection.execute(WRONG_TOTALS)]
            counts = connection.execute(COUNTS).fetchone()
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise DatabaseRefused(f"{path}: damaged: {error}") from None
    if problems:
        raise DatabaseRefused(f"{path}: damaged: {' '.join(problems[0].split())}")
    if expected is not None and counts != expected:
        raise DatabaseRefused(f"{path}: has {counts} clients where the database had {expected}")
    return int(counts[1])


def checksum_file(path: Path) -> Path:
    """Where the checksum of a backup stands, in the form that ``sha256sum --check`` reads."""
    return path.with_name(f"{path.name}.sha256")


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hex."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def check_sum(path: Path, checksum: Path) -> None:
    """DatabaseRefused if the file is not the one whose SHA-256 stands in ``checksum``."""
    try:
        expected = checksum.read_text(encoding="utf-8", errors="replace").split()[:1]
    except FileNotFoundError:
        raise DatabaseRefused(f"{path}: there is no {checksum.name} beside it") from None
    except (OSError, ValueError) as error:
        raise DatabaseRefused(f"{checksum}: {error}") from None
    if [sha256(path)] != expected:
        raise DatabaseRefused(f"{path}: damaged: its SHA-256 is not the one in {checksum.name}")


def stamp() -> str:
    """Now, for a name: ``20260715T143210.000Z``, which sorts as time goes by."""
    return datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%f")[:-3] + "Z"


@contextlib.contextmanager
def temporary(target: Path) -> Iterator[Path]:
    """An empty file beside ``target``, mode 0600, that is gone afterwards unless it got another name."""
    handle, name = tempfile.mkstemp(prefix=f".{target.name}-", dir=target.parent)
    os.close(handle)
    path = Path(name)
    try:
        yield path
    finally:
        for ending in ("", "-journal", "-wal", "-shm"):
            Path(name + ending).unlink(missing_ok=True)


@contextlib.contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection to a file that is there. Not ``mode=ro``: SQLite would then heed no CHECK constraint."""
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None)
    try:
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        yield connection
    finally:
        connection.close()
