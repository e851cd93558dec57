"""Folders of backups: which files are backups of a database, and which of them is the newest."""

import re
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from typing import NamedTuple

from acare.database.connection import open_to_read
from acare.store import identity
from acare.store.identity import Identity

#: What is said of a backup that is of another database.
OTHER = "is of another database: is the disk mounted? Restore that backup, or name another folder"


class Backup(NamedTuple):
    """A backup in a folder."""

    path: Path
    identity: Identity | None  # None if it cannot be read


def backups(stem: str, folder: Path) -> list[Backup]:
    """The backups in a folder of a database whose file name is ``stem`` and ".db", oldest first.

    Their numbers are the order, since a clock can be wrong. The name decides for equal numbers, as for all
    files of schema 4, and for a file that cannot be read.
    """
    name = re.compile(rf"{re.escape(stem)}-\d{{8}}T\d{{6}}\.\d{{3}}Z\.db")
    numbers: dict[Backup, int] = {}
    number = 0
    for path in sorted(folder.iterdir() if folder.exists() else ()):
        if name.fullmatch(path.name):
            backup = Backup(path, _read(path))
            number = number if backup.identity is None else backup.identity.backups
            numbers[backup] = number
    return sorted(numbers, key=lambda backup: (numbers[backup], backup.path.name))


def _read(path: Path) -> Identity | None:
    with suppress(sqlite3.Error, OSError), closing(open_to_read(path)) as connection:
        return identity.read(connection)
    return None


def of_another(own: Identity, made: list[Backup]) -> Path | None:
    """The newest backup that can be read, if it is of another database."""
    for path, found in reversed(made):
        if found is not None:
            return None if own.is_of(found) else path
    return None
