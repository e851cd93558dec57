"""The second pass of an import.

It writes in short transactions, so that other processes can write in between. Each transaction also notes how
many rows are done: an import that was interrupted continues exactly there.
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
from acare.database.connection import NOW
from acare.database.database import Database
from acare.errors import UserError
from acare.fields import FIELDS
from acare.importing.conflicts import CROSSED, STALE, compare, differs
from acare.importing.duplicates import Duplicate, Finder, find_all
from acare.store.clients import NEXT_PLACE, next_place_at

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

INSERT = f"""
INSERT INTO clients (
    seq, id, user_id, {", ".join(field.name for field in FIELDS)},
    version, created_at, updated_at, imported_at
)
VALUES (
    :seq, :id, (SELECT id FROM users WHERE email = :owner), {", ".join(f":{field.name}" for field in FIELDS)},
    :version, :created_at, max(:created_at, coalesce(:updated_at, :created_at)), :import_id
)
"""

UPDATE = f"""
UPDATE clients
SET {{assignments}}, version = version + 1, updated_at = max(updated_at, {NOW}), made_by = NULL
WHERE seq = :seq AND ({{differences}})
RETURNING seq
"""

GET_IMPORT = """
SELECT rows_sha256, id, done, created, updated, skipped, started_at
FROM imports
WHERE fingerprint = :fingerprint
"""

ADD_IMPORT = f"""
INSERT INTO imports (fingerprint, rows_sha256, done, created, updated, skipped, started_at)
VALUES (:fingerprint, :rows_sha256, 0, 0, 0, 0, {NOW})
RETURNING id
"""

SAVE_IMPORT = """
UPDATE imports
SET done = :done, created = :created, updated = :updated, skipped = :skipped
WHERE id = :import_id
"""

DELETE_IMPORT = "DELETE FROM imports WHERE fingerprint = :fingerprint"

_DEFAULTS = {field.name: field.default for field in FIELDS} | {"version": 1, "updated_at": None}


class Progress(NamedTuple):
    """How far an import is: ``done`` rows are written. ``import_id`` is that of its clients; 0: none yet."""

    rows_sha256: bytes
    import_id: int = 0
    done: int = 0
    created: int = 0
    updated: int = 0
    skipped: int = 0
    started_at: str | None = None


def add_users(database: Database, wanted: Mapping[str, str | None]) -> None:
    """Add missing users, as agents. ``wanted`` maps each address to an id, which is used if it is free."""
    users = [{"email": email, "wanted": wanted[email] or "", "id": str(ids.new())} for email in wanted]
    database.write(lambda connection: connection.executemany(INSERT_USER, users).rowcount)


class Import:
    """The import that ``fingerprint``, 32 bytes, identifies. ``clock`` and ``sleep`` are in seconds."""

    def __init__(
        self,
        database: Database,
        fingerprint: bytes,
        policy: Policy,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._database, self._policy = database, policy
        self._fingerprint = {"fingerprint": fingerprint}
        self._clock, self._sleep = clock, sleep
        self._finder = Finder()

    def progress(self, rows_sha256: bytes) -> Progress:
        """How far the import is. UserError if it was begun with other rows."""
        with self._database.read() as connection:
            progress = self._stored(connection, rows_sha256)
        if progress.rows_sha256 != rows_sha256:
            raise UserError(
                f"this import began at {progress.started_at}, but now other rows of the file are valid; "
                "--again starts it from the beginning"
            )
        return progress

    def _stored(self, connection: sqlite3.Connection, rows_sha256: bytes) -> Progress:
        row = connection.execute(GET_IMPORT, self._fingerprint).fetchone()
        return Progress(rows_sha256) if row is None else Progress(*row)

    def restart(self) -> None:
        """Delete the progress, so that the import starts from the beginning."""
        self._database.write(lambda connection: connection.execute(DELETE_IMPORT, self._fingerprint).rowcount)

    def duplicates(self, rows: Iterable[ImportRow], progress: Progress) -> Iterator[Duplicate]:
        """The rows after ``progress`` that describe a client of the database, or that of an earlier row."""
        merging = self._policy == "update"
        with self._database.read() as connection:
            connection.execute("BEGIN")  # so that what is found is still there to be described
            yield from find_all(connection, rows, progress.import_id, done=progress.done, merging=merging)

    def write(
        self, rows: Iterable[ImportRow], progress: Progress, without: Container[int] = ()
    ) -> Iterator[Progress]:
        """Write the rows after ``progress``, in short transactions; the progress after each.

        Skips the rows in the lines ``without``.
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
        import_id = self._begin(connection, progress)
        counts = {**progress._asdict(), "import_id": import_id}
        until = self._clock() + BATCH_SECONDS
        for row in rows:
            if row.line not in without:
                try:
                    counts[self._write_row(connection, row, import_id)] += 1
                except sqlite3.IntegrityError as error:
                    crosses = "budget_order" in str(error)
                    raise _cannot_be_written(row, f"budget_min {CROSSED}" if crosses else error) from None
            counts["done"] += 1
            if self._clock() >= until:
                break
        connection.execute(SAVE_IMPORT, counts)
        return Progress(**counts)

    def _begin(self, connection: sqlite3.Connection, progress: Progress) -> int:
        """The id of the import. UserError if another process has written rows of it."""
        stored = self._stored(connection, progress.rows_sha256)
        if stored[:3] != progress[:3]:
            raise UserError(
                "another process is writing the same import; when it has ended, run the command again, which "
                "completes the import if necessary"
            )
        if stored.import_id:
            return stored.import_id
        values = {**self._fingerprint, "rows_sha256": progress.rows_sha256}
        return int(connection.execute(ADD_IMPORT, values).fetchall()[0][0])

    def _write_row(self, connection: sqlite3.Connection, row: ImportRow, import_id: int) -> str:
        """Write a row; the name of the count to add it to. UserError if it conflicts with the client now."""
        found = None
        if self._policy != "create" or "id" in row.kept:
            found = self._finder.find(connection, row, import_id)
        if found is None or self._policy == "create":
            self._insert(connection, row, import_id, keep_id=found is None or found[1] != "id")
            return "created"
        seq, by = found
        if self._policy != "update" or seq is None:
            return "skipped"
        state = compare(connection, row, seq) if by == "id" else None
        if state == "stale":
            raise _cannot_be_written(row, f"its version {STALE}")
        return "updated" if state is None and _update(connection, row, seq) else "skipped"

    def _insert(
        self, connection: sqlite3.Connection, row: ImportRow, import_id: int, *, keep_id: bool
    ) -> None:
        values = {**_DEFAULTS, **row.complete(), **row.kept, "import_id": import_id}
        if not keep_id or "id" not in row.kept:
            values["id"] = str(ids.new())
        place = (
            f"SELECT {next_place_at(':created_at')}, :created_at" if "created_at" in row.kept else NEXT_PLACE
        )
        found = connection.execute(place, row.kept).fetchall()
        values["seq"], values["created_at"] = found[0]
        connection.execute(INSERT, values)


def _cannot_be_written(row: ImportRow, reason: object) -> UserError:
    return UserError(f"line {row.line} can no longer be written: {reason}; then run the command again")


def _update(connection: sqlite3.Connection, row: ImportRow, seq: int) -> bool:
    """Merge a row into a client; False if that changes nothing."""
    if not row.values:
        return False
    assignments = ", ".join(f"{name} = :{name}" for name in row.values)
    statement = UPDATE.format(assignments=assignments, differences=differs(row.values))
    return bool(connection.execute(statement, {**row.values, "seq": seq}).fetchall())
