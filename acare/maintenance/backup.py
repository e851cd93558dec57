"""Backups: making a verified copy in a folder, deleting old ones, and verifying one again later.

The checksum detects every changed byte. SQLite accepts many changes in a text value.
"""

import os
from contextlib import closing, suppress
from datetime import UTC, datetime
from glob import escape
from pathlib import Path

from acare.database import file
from acare.database.connection import open_to_read
from acare.database.copying import Progress, copy_verified, sha256, silent
from acare.database.database import Database
from acare.database.file import checksum_file
from acare.database.wal import recover
from acare.errors import DatabaseRefused, StoreUnavailable
from acare.maintenance import folders
from acare.maintenance.verification import check_content, verify_file
from acare.store import identity


def back_up(database: Path, folder: Path, keep: int | None = None, progress: Progress = silent) -> Path:
    """Make a verified backup of the database in ``folder``, which must exist. Returns its path.

    Its checksum is in a ``.sha256`` file next to it. Servers can run and write meanwhile. With ``keep``, only
    that many of the newest backups remain, including this one. DatabaseRefused if anything fails, or if the
    newest backup is of another database: either no backup was made, or it was made and an old one could not
    be deleted.
    """
    file.check(database)
    if os.access(database, os.W_OK) and not file.is_backup(database):
        with suppress(DatabaseRefused):  # on a full disk: the copy has the content of the WAL, too
            recover(database)
    target = folder / f"{database.stem}-{timestamp()}.db"
    with file.refusing(folder, "no backup was made: "):
        _count(database, folder)
        copy_verified(database, target, check_content, progress)
    if keep is not None:
        made = [path for path, _ in folders.backups(database.stem, folder)]
        oldest = min(path.name for path in made[-keep:])
        # Of a killed run, the checksum alone can be left.
        checksums = folder.glob(f"{escape(database.stem)}-????????T??????.???Z.db.sha256")
        left = [path.with_suffix("") for path in checksums if path.name < oldest]
        for old in {*made[:-keep], *left}:
            with file.refusing(old, f"the new backup is {target}, and this old one cannot be deleted: "):
                old.unlink(missing_ok=True)
                checksum_file(old).unlink(missing_ok=True)
    return target


def _count(database: Path, folder: Path) -> None:
    """Give the database the number of its next backup, greater than any in the folder.

    DatabaseRefused if the newest backup there is of another database. If the database cannot be written now,
    its next backup has the number of the last one, and its name decides which is newer.
    """
    made = folders.backups(database.stem, folder)
    with file.refusing(database), closing(open_to_read(database)) as connection:
        own = identity.read(connection)
    if (other := folders.of_another(own, made)) is not None:
        raise DatabaseRefused(f"{database}: no backup was made: {other} {folders.OTHER}")
    if own.id is None or file.is_backup(database) or not os.access(database, os.W_OK):
        return
    newest = max((each.identity.backups for each in made if each.identity is not None), default=0)
    with suppress(DatabaseRefused, StoreUnavailable), closing(Database(database)) as counting:
        counting.write(lambda connection: identity.count_backup(connection, newest))


def verify(path: Path, progress: Progress = silent) -> int:
    """Verify a backup: schema, checksum, structure and content.

    Returns its number of clients. DatabaseRefused says in one line what is wrong.
    """
    check_file(path)
    check_sha256(path)
    return verify_file(path, progress)


def check_file(path: Path) -> int:
    """The schema version of a backup; DatabaseRefused unless it is a single file with an acare database."""
    for suffix in ("-journal", "-wal"):
        wal = Path(f"{path}{suffix}")
        if wal.exists() and wal.stat().st_size:  # SQLite would apply it to the file
            raise DatabaseRefused(
                f"{path}: incomplete: it has a WAL, {wal.name}; stop the program that writes to it"
            )
    return file.check(path)


def check_sha256(backup: Path, copy: Path | None = None) -> None:
    """DatabaseRefused unless a backup, or its ``copy``, has the SHA-256 in its checksum file."""
    checksum = checksum_file(backup)
    try:
        if not checksum.exists():
            raise DatabaseRefused(
                f"{backup}: its checksum file {checksum.name} is missing; copy it next to the backup, or "
                "make a new one with sha256sum (not for a database in use: a backup cannot be written)"
            )
        expected = checksum.read_text(encoding="utf-8", errors="replace").split()[:1]
        found = sha256(copy or backup)
    except OSError as error:
        raise DatabaseRefused(f"{error.filename or backup}: unreadable: {error.strerror}") from None
    if [found] != expected:
        raise DatabaseRefused(f"{backup}: damaged: its SHA-256 differs from the one in {checksum.name}")


def timestamp() -> str:
    """The current time for a file name: ``20260715T143210.000Z``. Names sort by time."""
    return datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%f")[:-3] + "Z"
