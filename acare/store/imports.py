"""The second pass of an import.

It writes in short transactions, so that other processes can write in between. Each transaction also notes how
many rows are done: an import that was interrupted goes on exactly there.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from functools import partial
from itertools import chain, islice
from typing import Literal, NamedTuple

from acare import ids
from acare.clients import ImportRow
from acare.errors import UserError
from acare.fields import FIELDS
from acare.store.conflicts import CROSSED, STALE, compare, differs
from acare.store.connection import NOW
from acare.store.database import Database
from acare.store.duplicates import Duplicate, find, find_all

Policy = Literal["fail", "skip", "update", "create"]

#: Seconds that the rows of one transaction may take; its commit comes on top.
BATCH_SECONDS = 0.03

#: Seconds between two transactions, in which other processes get their turn.
PAUSE_SECONDS = 0.01

INSERT_USER = """
INSERT INTO users (id, email, role)
VALUES (iif(:wanted = '' OR EXISTS (SELECT 1 FROM users WHERE id = :wanted), :id, :wanted), :email, 'agent')
ON CONFLICT (email) DO NOTHING
"""

# As INSERT in clients.py: a creation time that is not given is never earlier than that of the client before.
INSERT = f"""
INSERT INTO clients (
    id, user_id, {", ".join(field.name for field in FIELDS)},
    version, created_at, updated_at
)
SELECT
    :id, (SELECT id FROM users WHERE email = :owner), {", ".join(f":{field.name}" for field in FIELDS)},
    :version, coalesce(:created_at, now), coalesce(:updated_at, now)
FROM (
    SELECT max({NOW}, coalesce((SELECT created_at FROM clients ORDER BY seq DESC LIMIT 1), '')) AS now
)
"""

UPDATE = f"""
UPDATE clients
SET {{assignments}}, version = version + 1, updated_at = max(updated_at, {NOW}), made_by = NULL
WHERE seq = :seq AND ({{differences}})
RETURNING seq
"""

NEWEST = "SELECT coalesce(max(seq), 0) FROM clients"

GET_IMPORT = """
SELECT rows_sha256, newest_before, done, created, updated, skipped, started_at
FROM imports
WHERE key = :key
"""

SAVE_IMPORT = f"""
INSERT INTO imports (key, rows_sha256, newest_before, done, created, updated, skipped, started_at)
VALUES (:key, :rows_sha256, :newest_before, :done, :created, :updated, :skipped, {NOW})
ON CONFLICT (key) DO UPDATE
SET done = excluded.done, created = excluded.created, updated = excluded.updated, skipped = excluded.skipped
"""

DELETE_IMPORT = "DELETE FROM imports WHERE key = :key"

_UNSET = {field.name: field.unset for field in FIELDS} | {
    "version": 1,
    "created_at": None,
    "updated_at": None,
}


class Progress(NamedTuple):
    """How far an import is: ``done`` rows are written. ``newest_before`` is the last client before it."""

    rows_sha256: bytes
    newest_before: int
    done: int = 0
    created: int = 0
    updated: int = 0
    skipped: int = 0
    started_at: str | None = None


def add_users(database: Database, wanted: Mapping[str, str | None]) -> None:
    """Add the users that are missing as agents, with the id that is wanted if it is free."""
    users = [{"email": email, "wanted": wanted[email] or "", "id": str(ids.new())} for email in wanted]
    database.write(lambda connection: connection.executemany(INSERT_USER, users).rowcount)


class Import:
    """An import that ``key`` tells from others, 32 bytes. ``clock`` and ``sleep`` are in seconds."""

    def __init__(
        self,
        database: Database,
        key: bytes,
        policy: Policy,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._database, self._key, self._policy = database, key, policy
        self._clock, self._sleep = clock, sleep

    def progress(self, rows_sha256: bytes) -> Progress:
        """How far the import is. UserError if it was begun with other rows."""
        with self._database.read() as connection:
            row = connection.execute(GET_IMPORT, {"key": self._key}).fetchone()
            if row is None:
                return Progress(rows_sha256, *connection.execute(NEWEST).fetchone())
        progress = Progress(*row)
        if progress.rows_sha256 != rows_sha256:
            raise UserError(
                f"this import was begun at {progress.started_at}, and other rows of the file are valid now; "
                "--again starts it again"
            )
        return progress

    def restart(self) -> None:
        """Let the import begin again."""
        self._database.write(
            lambda connection: connection.execute(DELETE_IMPORT, {"key": self._key}).rowcount
        )

    def duplicates(self, rows: Iterable[ImportRow], progress: Progress) -> Iterator[Duplicate]:
        """The rows after ``progress`` that describe a client of the database, or that of an earlier row."""
        merging = self._policy == "update"
        with self._database.read() as connection:
            connection.execute("BEGIN")  # so that what is found is still there to be described
            yield from find_all(connection, rows, progress.newest_before, done=progress.done, merging=merging)

    def write(
        self, rows: Iterable[ImportRow], progress: Progress, without: Container[int] = ()
    ) -> Iterator[Progress]:
        """Write the rows after ``progress``, in short transactions; the progress after each.

        Rows in the lines ``without`` are passed over.
        """
        rows = islice(rows, progress.done, None)
        for first in rows:
            progress = self._database.write(
                partial(self._write_batch, chain([first], rows), progress, without)
            )
            yield progress
            self._sleep(PAUSE_SECONDS)

    def _write_batch(
        self,
        rows: Iterator[ImportRow],
        progress: Progress,
        without: Container[int],
        connection: sqlite3.Connection,
    ) -> Progress:
        self._check_alone(connection, progress)
        counts = progress._asdict()
        until = self._clock() + BATCH_SECONDS
        for row in rows:
            if row.line not in without:
                try:
                    counts[self._write_row(connection, row, progress.newest_before)] += 1
                except sqlite3.IntegrityError as error:
                    raise _cannot_be_written(
                        row, f"budget_min {CROSSED}" if "budget_order" in str(error) else error
                    ) from None
            counts["done"] += 1
            if self._clock() >= until:
                break
        connection.execute(SAVE_IMPORT, {**counts, "key": self._key})
        return Progress(**counts)

    def _check_alone(self, connection: sqlite3.Connection, progress: Progress) -> None:
        """UserError if another process has written rows of this import."""
        row = connection.execute(GET_IMPORT, {"key": self._key}).fetchone()
        stored = progress._replace(done=0) if row is None else Progress(*row)
        if stored[:3] != progress[:3]:
            raise UserError(
                "another process writes the same import; when it has ended, run the command again to see "
                "whether the import is complete"
            )

    def _write_row(self, connection: sqlite3.Connection, row: ImportRow, newest_before: int) -> str:
        """Write a row; the name of the count to add it to. UserError if it conflicts with the client now."""
        found = None
        if self._policy != "create" or "id" in row.kept:
            found = find(connection, row, newest_before)
        if found is None or self._policy == "create":
            _insert(connection, row, keep_id=found is None or found[1] != "id")
            return "created"
        seq, by = found
        state = compare(connection, row, seq) if self._policy == "update" and by == "id" else None
        if state == "stale":
            raise _cannot_be_written(row, f"its version {STALE}")
        merged = self._policy == "update" and state is None and _update(connection, row, seq)
        return "updated" if merged else "skipped"


def _cannot_be_written(row: ImportRow, reason: object) -> UserError:
    return UserError(f"line {row.line} cannot be written any more: {reason}; then run the command again")


def _insert(connection: sqlite3.Connection, row: ImportRow, *, keep_id: bool) -> None:
    values = {**_UNSET, **row.complete(), **row.kept}
    if not keep_id or "id" not in row.kept:
        values["id"] = str(ids.new())
    if values["created_at"] is None:
        values["updated_at"] = None
    connection.execute(INSERT, values)


def _update(connection: sqlite3.Connection, row: ImportRow, seq: int) -> bool:
    """Merge a row into a client; False if that changes nothing, or the client is deleted."""
    if not row.values:
        return False
    assignments = ", ".join(f"{name} = :{name}" for name in row.values)
    statement = UPDATE.format(assignments=assignments, differences=differs(row.values))
    return bool(connection.execute(statement, {**row.values, "seq": seq}).fetchall())
