"""Folders of backups: which files are backups of a database, and which of them is the newest."""

import re
import sqlite3
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from acare.database.connection import open_to_read
from acare.store import identity

#: What is said of a backup that is of another database.
OTHER = "is of another database: is the disk mounted? Restore that backup, or name another folder"

#: What is said of a backup that is later than now.
LATER = "has a time in its name that is later than now: check the clock, or move the backup to another folder"


def timestamp(**ahead: int) -> str:
    """The current time, or a later one, for a file name: ``20260715T143210.000Z``. Names sort by time."""
    return (datetime.now(UTC) + timedelta(**ahead)).strftime("%Y%m%dT%H%M%S.%f")[:-3] + "Z"


def backups(stem: str, folder: Path) -> list[Path]:
    """The backups in a folder of a database whose file name is ``stem`` and ".db", oldest first."""
    name = re.compile(rf"{re.escape(stem)}-\d{{8}}T\d{{6}}\.\d{{3}}Z\.db")
    found = (path for path in (folder.iterdir() if folder.exists() else ()) if name.fullmatch(path.name))
    return sorted(path for path in found if _is_time(path.name[-23:-3]))


def _is_time(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:  # such as month 13: a name that acare does not give
        return False
    return True


def of_another(own: str | None, made: list[Path]) -> Path | None:
    """The newest backup that can be read, if its database has an id other than ``own``."""
    for path in reversed(made):
        with suppress(sqlite3.Error, OSError), closing(open_to_read(path)) as connection:
            other = identity.read(connection)
            return path if own and other and own != other else None
    return None


def later_than_now(stem: str, made: list[Path]) -> Path | None:
    """The newest backup, if its name is more than a minute later than now: a clock was, or is, wrong."""
    return made[-1] if made and made[-1].name > f"{stem}-{timestamp(minutes=1)}.db" else None
