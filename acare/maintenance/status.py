"""The state of a database and its backups, for a monitor. Changes nothing: the file is not even migrated."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from acare.database import file
from acare.database.access import size_text
from acare.database.connection import NOW, SQLITE_VERSION, at_offset, open_unchanged
from acare.database.copying import checksum_file
from acare.database.log import MAX_PAGES
from acare.database.log_recovery import FAILURE, failure_record
from acare.database.schema import SCHEMA_VERSION
from acare.errors import DatabaseRefused
from acare.maintenance.backup import backups, check_sha256

#: A key needs attention this many days before it expires.
EXPIRES_SOON_DAYS = 14

#: The disk needs attention below this number of free bytes.
LOW_DISK = 256 * 1024 * 1024

_ACTIVE = f"revoked_at IS NULL AND (expires_at IS NULL OR expires_at > {NOW})"

COUNTS = f"""
SELECT
    (SELECT coalesce(sum(total), 0) FROM client_totals),
    (SELECT count(*) FROM users),
    count(*) FILTER (WHERE {_ACTIVE}),
    count(*) FILTER (WHERE {_ACTIVE} AND last_used_at IS NULL)
FROM api_keys
"""

EXPIRING = f"""
SELECT preview, name, email, expires_at
FROM api_keys
JOIN users ON users.id = user_id
WHERE {_ACTIVE} AND expires_at <= {at_offset(f"'+{EXPIRES_SOON_DAYS} days'")}
ORDER BY expires_at
"""


@dataclass(frozen=True)
class Backup:
    """The newest backup in a folder."""

    file: str
    age_hours: float
    checksum_ok: bool | None  # None: this user cannot read it


@dataclass
class Status:
    """``attention`` has a line for each problem. Sizes are in bytes."""

    database: str
    file_size: int
    log_size: int
    disk_free: int
    clients: int
    users: int
    keys_active: int
    keys_expiring: int
    keys_never_used: int
    schema: int
    sqlite: str
    processes: list[int]  # that have the file open
    backup: Backup | None = None
    attention: list[str] = field(default_factory=list)


def read_status(path: Path, backups: Path | None = None, max_age_hours: float = 48) -> Status:
    """The status of a database, and of the newest backup in the folder ``backups``.

    DatabaseRefused if it is not a database that acare can open.
    """
    version = file.check(path)
    (clients, users, active, unused), expiring = _read(path)
    real = path.resolve()
    log = file.log_file(path)
    status = Status(
        database=str(path),
        file_size=real.stat().st_size,
        log_size=log.stat().st_size if log.exists() else 0,
        disk_free=shutil.disk_usage(real.parent).free,
        clients=clients,
        users=users,
        keys_active=active,
        keys_expiring=len(expiring),
        keys_never_used=unused,
        schema=version,
        sqlite=SQLITE_VERSION,
        processes=sorted(file.processes_using(real) or ()),
    )
    status.attention += expiring
    _note_attention(status, real)
    if backups is not None:
        _check_backup(status, path, backups, max_age_hours)
    return status


def _read(path: Path) -> tuple[tuple[int, int, int, int], list[str]]:
    """The counts, in the order of ``COUNTS``, and a line for each key that expires soon."""
    try:
        with closing(open_unchanged(path, ignore_wal=not file.has_wal(path))) as connection:
            counts = connection.execute(COUNTS).fetchone()
            keys = connection.execute(EXPIRING).fetchall()
    except sqlite3.Error as error:
        raise DatabaseRefused(f"{path}: {error}") from None
    return counts, [
        f"the key {preview} of {email}{f' ({name})' if name else ''} expires on {expires_at[:10]}"
        for preview, name, email, expires_at in keys
    ]


def _note_attention(status: Status, path: Path) -> None:
    if status.disk_free < LOW_DISK:
        status.attention.append(f"only {size_text(status.disk_free)} are free on the disk")
    if status.log_size > MAX_PAGES * 4096 // 2:
        status.attention.append(
            f"the log has {size_text(status.log_size)}: a process keeps an old snapshot; at "
            f"{size_text(MAX_PAGES * 4096)} writes are refused"
        )
    if status.schema != SCHEMA_VERSION and not status.processes:
        status.attention.append(
            f"the schema is {status.schema}; it is migrated to {SCHEMA_VERSION} when the file is opened"
        )
    if status.processes and failure_record(path).exists():
        status.attention.append(FAILURE)
    if not os.access(path, os.W_OK):
        status.attention.append("this user cannot write to the file")


def _check_backup(status: Status, path: Path, folder: Path, max_age_hours: float) -> None:
    newest = None
    try:
        with suppress(FileNotFoundError):
            newest = max(backups(path.stem, folder), default=None)
    except OSError as error:
        status.attention.append(f"{folder}: {error.strerror}")
        return
    if newest is None:
        status.attention.append(f"there is no backup in {folder}")
        return
    age = _age_hours(newest)
    status.backup = Backup(str(newest), round(age, 1), _checksum_ok(newest, status.attention))
    if age > max_age_hours:
        status.attention.append(f"the newest backup is {age:.0f} hours old")
    if shutil.disk_usage(folder).free < status.file_size:
        status.attention.append(f"there is no room for another backup on the disk of {folder}")


def _checksum_ok(backup: Path, attention: list[str]) -> bool | None:
    """Whether a backup matches its checksum, None if it is unreadable; adds a line if it needs attention."""
    try:
        check_sha256(backup, checksum_file(backup))
    except DatabaseRefused as error:
        attention.append(str(error))
        return False
    except OSError as error:
        attention.append(f"{error.filename}: unreadable: {error.strerror}")
        return None
    return True


def _age_hours(backup: Path) -> float:
    """The age by the time in the name: a copy of the file can have a later modification time."""
    made = datetime.strptime(f"{backup.name[-23:-4]}+0000", "%Y%m%dT%H%M%S.%f%z")
    return (datetime.now(UTC) - made).total_seconds() / 3600
