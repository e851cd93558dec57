"""Backups: making a verified copy in a folder, deleting old ones, and verifying one again later.

The checksum detects every changed byte. SQLite accepts many changes in a text value.
"""

import os
from contextlib import closing, suppress
from pathlib import Path

from acare.database import file
from acare.database.connection import open_to_read
from acare.database.copying import Progress, copy_verified, sha256, silent
from acare.database.file import checksum_file
from acare.database.wal import recover
from acare.errors import DatabaseRefused
from acare.maintenance import folders
from acare.maintenance.verification import check_content, verify_file
from acare.store import identity
from acare.store.lists import count


def back_up(database: Path, folder: Path, keep: int | None = None, progress: Progress = silent) -> Path:
    """Make a verified backup of the database in ``folder``, which must exist. Returns its path.

    Its checksum is in a ``.sha256`` file next to it. Servers can run and write meanwhile. With ``keep``, only
    that many of the newest backups remain, including this one. DatabaseRefused if anything fails, if the
    folder may be that of another disk, or if the newest backup is later than now: either no backup was made,
    or it was made and old ones could not be deleted.
    """
    file.check(database)
    if os.access(database, os.W_OK) and not file.is_backup(database):
        with suppress(DatabaseRefused):  # on a full disk: the copy has the content of the WAL, too
            recover(database)
    target = folder / f"{database.stem}-{folders.timestamp()}.db"
    with file.refusing(folder, "no backup was made: "):
        _refuse_another_disk(database, folder, is_kept=keep is not None)
        copy_verified(database, target, check_content, progress)
    if keep is not None:
        _delete_old(database.stem, target, keep)
    return target


def _refuse_another_disk(database: Path, folder: Path, is_kept: bool) -> None:
    """DatabaseRefused if the newest backup in the folder is of another database, or if a folder in which
    backups are kept has none of a database with clients."""
    with file.refusing(database), closing(open_to_read(database)) as connection:
        own, clients = identity.read(connection), count(connection)
    made = folders.backups(database.stem, folder)
    if (other := folders.of_another(own, made)) is not None:
        raise DatabaseRefused(f"{database}: no backup was made: {other} {folders.OTHER}")
    if is_kept and clients and not made:
        none = f"{folder} has none: is its disk mounted? Make the first one without --keep"
        raise DatabaseRefused(f"{database}: no backup was made: {none}")


def _delete_old(stem: str, target: Path, keep: int) -> None:
    """Delete all but the newest backups, the last of which is ``target``."""
    made = folders.backups(stem, target.parent)
    if (later := folders.later_than_now(stem, made)) is not None:
        raise DatabaseRefused(
            f"{later}: the new backup is {target}, and no old one was deleted, since this one {folders.LATER}"
        )
    for old in made[:-keep]:
        with file.refusing(old, f"the new backup is {target}, and this old one cannot be deleted: "):
            old.unlink(missing_ok=True)
            checksum_file(old).unlink(missing_ok=True)


def verify(path: Path, progress: Progress = silent) -> int:
    """Verify a backup: schema, checksum, structure and content.

    Returns its number of clients. DatabaseRefused says in one line what is wrong.
    """
    check_file(path)
    check_sha256(path)
    return verify_file(path, progress)


def check_file(path: Path, restored_to: Path | None = None) -> int:
    """The schema version of a backup; DatabaseRefused unless it is a single file with an acare database."""
    for suffix in ("-journal", "-wal"):
        wal = Path(f"{path}{suffix}")
        if wal.exists() and wal.stat().st_size:  # SQLite would apply it to the file
            raise DatabaseRefused(
                f"{path}: incomplete: it has a WAL, {wal.name}; stop the program that writes to it"
            )
    return file.check(path, restored_to)


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
