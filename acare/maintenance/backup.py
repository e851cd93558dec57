"""Backups: making a verified copy, and verifying it again later.

A copy gets the name of a backup only when SQLite has found no error in it, its totals match a count of the
clients and its SHA-256 is on disk in a file next to it. Only the checksum can detect a changed byte in a text
value: to the database it is as valid as the original.
"""

from __future__ import annotations

import os
import re
import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from acare.database import file
from acare.database.connection import open_file
from acare.database.copying import (
    SYNC_BYTES,
    Report,
    in_background,
    interruptible,
    sha256,
    silent,
)
from acare.database.log_recovery import failure_record, prevent_checkpoint, sync_log
from acare.database.owner import explain_access
from acare.database.temporary import make_folder, remove_leftovers, sync, temporary
from acare.errors import DatabaseRefused

# Pages copied at a time. The copy reads one snapshot, so writers never wait for it. It pauses after each
# piece for as long as the piece took, and syncs often, because a server writes to the same disk. But the log
# grows while the snapshot is held, so the pauses are limited, and only the checks run in the background.
_PAGES = 256
_MAX_PAUSE = 0.01
_MAX_PAUSES = 10.0

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


def back_up(database: Path, folder: Path, keep: int | None = None, report: Report = silent) -> Path:
    """Make a verified backup of the database in ``folder``. Returns its path.

    Its checksum is in a ``.sha256`` file next to it. Servers can run and write meanwhile. With ``keep``, only
    that many of the newest backups remain, including this one. Removes what a killed backup left in the
    folder. DatabaseRefused if anything fails: either no backup was made, or it was made and an old one could
    not be deleted.
    """
    file.check(database)
    target = folder / f"{database.stem}-{timestamp()}.db"
    try:
        make_folder(folder)
        remove_leftovers(folder)
        copy_verified(database, target, report=report)
    except OSError as error:
        raise DatabaseRefused(f"{folder}: no backup was made: {error.strerror or error}") from None
    if keep is not None:
        _delete_oldest(target, database.stem, keep)
    return target


def copy_verified(database: Path, target: Path, version: int | None = None, report: Report = silent) -> None:
    """Copy a snapshot of the database to a temporary file, verify it, and rename it to ``target``.

    With ``version``, only if the snapshot has that schema version.
    """
    with temporary(target) as copy:
        copied_version, counts = _copy(database, copy, report)
        if file.check(copy) != copied_version or version not in (None, copied_version):
            raise DatabaseRefused(f"{database}: no backup was made: the schema version changed meanwhile")
        in_background(partial(check_content, copy, counts, report))
        checked = in_background(partial(sha256, copy, report))
        sync(copy)
        checksum = checksum_file(target)
        with temporary(checksum) as written:
            written.write_bytes(f"{checked}  ".encode() + os.fsencode(target.name) + b"\n")
            sync(written)
            os.replace(written, checksum)
        try:
            os.replace(copy, target)
        except BaseException:
            checksum.unlink()
            raise
    sync(target.parent)


def _copy(database: Path, target: Path, report: Report) -> tuple[int, tuple[int, int]]:
    """Copy one snapshot of the database. Returns its schema version and its counts of clients."""
    sync_log(database)
    try:
        with (
            closing(open_file(database)) as source,
            closing(open_file(target)) as destination,
        ):
            source.execute("BEGIN")
            counts = source.execute(COUNTS).fetchone()
            (version,) = source.execute("PRAGMA user_version").fetchone()
            (page_size,) = source.execute("PRAGMA page_size").fetchone()
            destination.execute("PRAGMA synchronous = OFF")  # synced here, and at the end
            destination.execute("PRAGMA journal_mode = OFF")  # undoing it would take long for a large file
            source.backup(destination, pages=_PAGES, progress=_Throttle(target, page_size, report))
            destination.execute("PRAGMA journal_mode = DELETE")  # a single file, without a WAL
            if failure_record(database).exists():
                prevent_checkpoint(source)
    except sqlite3.Error as error:
        reason = f"{error}{explain_access(target) or explain_access(database)}"
        raise DatabaseRefused(f"{database}: no backup was made: {reason}") from None
    return version, counts


class _Throttle:
    """Called after each piece of the copy: syncs, pauses and reports."""

    def __init__(self, target: Path, page_size: int, report: Report) -> None:
        self._target, self._page_size, self._report = target, page_size, report
        self._copied = 0  # bytes
        self._pauses = 0.0  # seconds in all
        self._resumed = time.monotonic()

    def __call__(self, status: int, remaining: int, total: int) -> None:
        self._report("Copying", (total - remaining) * self._page_size, total * self._page_size, "B")
        self._copied += _PAGES * self._page_size
        if not remaining:
            return
        if self._copied % SYNC_BYTES == 0:
            sync(self._target)
        if self._pauses < _MAX_PAUSES:
            pause = min(time.monotonic() - self._resumed, _MAX_PAUSE)
            time.sleep(pause)
            self._pauses += pause
        self._resumed = time.monotonic()


def backups(stem: str, folder: Path) -> list[Path]:
    """The backups in a folder of a database whose file name is ``stem`` and ".db", oldest first."""
    name = re.compile(rf"{re.escape(stem)}-\d{{8}}T\d{{6}}\.\d{{3}}Z\.db")
    return sorted(path for path in folder.iterdir() if name.fullmatch(path.name))


def _delete_oldest(newest: Path, stem: str, keep: int) -> None:
    """Delete all but ``keep`` backups of the database, oldest first, and never ``newest``.

    DatabaseRefused if one cannot be deleted.
    """
    others = [path for path in backups(stem, newest.parent) if path != newest]
    for old in others[: max(0, len(others) - keep + 1)]:
        try:
            old.unlink(missing_ok=True)
            checksum_file(old).unlink(missing_ok=True)
        except OSError as error:
            reason = f"{error.strerror}; the new backup is {newest}"
            raise DatabaseRefused(f"{old}: the old backup cannot be deleted: {reason}") from None


def verify(path: Path, *, checksum: bool = True, report: Report = silent) -> int:
    """Verify a backup: schema, checksum, structure, foreign keys and totals. Returns its number of clients.

    DatabaseRefused says in one line what is wrong. Without ``checksum``, damage within a text value is not
    detected.
    """
    file.check(path)
    if checksum:
        check_sha256(path, checksum_file(path), report)
    return check_content(path, report=report)


def check_content(path: Path, expected: tuple[int, int] | None = None, report: Report = silent) -> int:
    """Check structure, constraints, foreign keys and totals of a file. Returns its number of clients.

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
            problems = _find_problems(connection, report)
            counts = connection.execute(COUNTS).fetchone()
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise DatabaseRefused(f"{path}: damaged: {error}") from None
    if problems:
        raise DatabaseRefused(f"{path}: damaged: {' '.join(problems[0].split())}")
    if expected is not None and counts != expected:
        raise DatabaseRefused(f"{path}: the copy has {counts[1]} clients, the database {expected[1]}")
    return int(counts[1])


def _find_problems(connection: sqlite3.Connection, report: Report) -> list[str]:
    connection.execute("PRAGMA query_only = ON")
    connection.execute("PRAGMA cell_size_check = ON")
    with interruptible(connection, lambda: report("Verifying", 0, 0, "")):
        problems = [row[0] for row in connection.execute("PRAGMA integrity_check(1)") if row[0] != "ok"]
        problems += [
            f"foreign key of {row[0]} row {row[1]}" for row in connection.execute("PRAGMA foreign_key_check")
        ]
        problems += [f"the total of {row}" for row in connection.execute(WRONG_TOTALS)]
    return problems


def checksum_file(path: Path) -> Path:
    """The file with the checksum of a backup, in the format that ``sha256sum --check`` reads."""
    return path.with_name(f"{path.name}.sha256")


def check_sha256(path: Path, checksum: Path, report: Report = silent, *, found: str | None = None) -> None:
    """DatabaseRefused if the SHA-256 of the file is not the one in the file ``checksum``.

    ``found`` is the SHA-256 of the file if it is known already.
    """
    try:
        expected = checksum.read_text(encoding="utf-8", errors="replace").split()[:1]
    except FileNotFoundError:
        raise DatabaseRefused(
            f"{path}: its checksum file {checksum.name} is missing; copy it next to the backup, or use "
            "--no-checksum"
        ) from None
    except (OSError, ValueError) as error:
        raise DatabaseRefused(f"{checksum}: {error}") from None
    if [found or sha256(path, report)] != expected:
        raise DatabaseRefused(f"{path}: damaged: its SHA-256 differs from the one in {checksum.name}")


def timestamp() -> str:
    """The current time for a file name: ``20260715T143210.000Z``. Names sort by time."""
    return datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%f")[:-3] + "Z"
