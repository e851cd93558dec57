"""Many clients at once, for the operator: the second pass of an import, and the export.

An import writes in short transactions, so that other processes can write in between. Each transaction also
notes how many rows are done: an import that was interrupted goes on exactly there.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Literal, NamedTuple

from acare import ids
from acare.clients import ImportRow
from acare.errors import UserError
from acare.fields import FIELDS
from acare.store.connection import NOW
from acare.store.database import Database
from acare.store.duplicates import NEWEST, Duplicate, Duplicates

Policy = Literal["fail", "skip", "update", "create"]

#: Seconds that the rows of one transaction may take; its commit comes on top.
BATCH_SECONDS = 0.03

#: Seconds between two transactions, in which other processes get their turn.
PAUSE_SECONDS = 0.01

USERS = "SELECT lower(email), id FROM users"

INSERT_USER = """
INSERT INTO users (id, email, role)
VALUES (iif(EXISTS (SELECT 1 FROM users WHERE id = :wanted), :id, :wanted), :email, 'agent')
ON CONFLICT (email) DO NOTHING
"""

# As INSERT in clients.py: a creation time that is not given is never earlier than that of the client before.
INSERT = f"""
INSERT INTO clients (
    id, user_id, {", ".join(field.name for field in FIELDS)},
    version, created_at, updated_at
)
SELECT
    :id, :user_id, {", ".join(f":{field.name}" for field in FIELDS)},
    :version, coalesce(:created_at, now), coalesce(:updated_at, now)
FROM (
    SELECT max({NOW}, coalesce((SELECT created_at FROM clients ORDER BY seq DESC LIMIT 1), '')) AS now
)
RETURNING seq
"""

UPDATE = f"""
UPDATE clients
SET {{assignments}}, version = version + 1, updated_at = max(updated_at, {NOW}), made_by = NULL
WHERE seq = :seq AND ({{differences}})
RETURNING seq
"""

BEGIN_IMPORT = f"""
INSERT INTO imports (key, rows_sha256, newest_before, done, created, updated, skipped, started_at)
VALUES (:key, :rows_sha256, ({NEWEST}), 0, 0, 0, 0, {NOW})
ON CONFLICT (key) DO NOTHING
"""

GET_IMPORT = """
SELECT rows_sha256, newest_before, done, created, updated, skipped, started_at
FROM imports
WHERE key = :key
"""

ADVANCE = """
UPDATE imports
SET done = :done, created = :created, updated = :updated, skipped = :skipped
WHERE key = :key
"""

DELETE_IMPORT = "DELETE FROM imports WHERE key = :key"

EXPORT = """
SELECT json, users.email
FROM clients
JOIN users ON users.id = user_id
WHERE (:user_id IS NULL OR user_id = :user_id)
    AND (:statuses IS NULL OR status IN (SELECT value FROM json_each(:statuses)))
ORDER BY seq
"""


class Progress(NamedTuple):
    """How far an import is: ``done`` rows are written. ``newest_before`` is the last client before it."""

    rows_sha256: bytes
    newest_before: int
    done: int
    created: int
    updated: int
    skipped: int
    started_at: str


_UNSET = {field.name: field.unset for field in FIELDS}


class BulkStore:
    """Imports and exports of a database. ``clock`` and ``sleep`` are in seconds."""

    def __init__(
        self,
        database: Database,
        *,
        new_id: Callable[[], object] = ids.new,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._database = database
        self._new_id = new_id
        self._clock = clock
        self._sleep = sleep

    def users(self) -> dict[str, str]:
        """The ids of all users by e-mail address in lower case."""
        with self._database.read() as connection:
            return dict(connection.execute(USERS).fetchall())

    def add_users(self, wanted: Mapping[str, str | None]) -> None:
        """Add the users that are missing as agents, with the id that is wanted if it is free."""

        def work(connection: sqlite3.Connection) -> None:
            for email, user_id in wanted.items():
                new_id = str(self._new_id())
                connection.execute(INSERT_USER, {"email": email, "id": new_id, "wanted": user_id or new_id})

        self._database.write(work)

    def progress(self, key: bytes, rows_sha256: bytes) -> Progress | None:
        """How far the import with this key is; None if it has not begun. UserError if it had other rows."""
        with self._database.read() as connection:
            row = connection.execute(GET_IMPORT, {"key": key}).fetchone()
        if row is None:
            return None
        progress = Progress(*row)
        if progress.rows_sha256 != rows_sha256:
            raise UserError(
                f"this import was begun at {progress.started_at}, and other rows of the file are valid now; "
                "--again begins it anew"
            )
        return progress

    def begin(self, key: bytes, rows_sha256: bytes) -> Progress:
        """Begin an import, or go on with it."""

        def work(connection: sqlite3.Connection) -> Progress:
            connection.execute(BEGIN_IMPORT, {"key": key, "rows_sha256": rows_sha256})
            return Progress(*connection.execute(GET_IMPORT, {"key": key}).fetchall()[0])

        return self._database.write(work)

    def discard(self, key: bytes) -> None:
        """Delete the record of an import, so that the same import can start again."""
        self._database.write(lambda connection: connection.execute(DELETE_IMPORT, {"key": key}).rowcount)

    def known_people(self, newest_before: int | None = None) -> Duplicates:
        """Finds the clients that rows describe; with ``newest_before`` only those up to this one."""
        with self._database.read() as connection:
            return Duplicates(connection, newest_before)

    def find_duplicates(
        self, rows: Iterable[ImportRow], people: Duplicates, policy: Policy
    ) -> Iterator[Duplicate]:
        """The rows that describe a client of the database, or the same one as an earlier row."""
        with self._database.read() as connection:
            for row in rows:
                match = people.find(connection, row)
                if match is None or policy == "update":
                    people.add(-row.line if match is None else match.seq, row)
                if match is not None:
                    yield people.describe(connection, row, match)
        people.remove_lines()

    def write(
        self,
        rows: Iterator[ImportRow],
        key: bytes,
        progress: Progress,
        owners: Mapping[str | None, str],
        policy: Policy,
        people: Duplicates,
    ) -> Iterator[Progress]:
        """Write ``rows``, those after ``progress``, in short transactions; the progress after each of them.

        ``owners`` has the user ids by e-mail address in lower case, and under None the default.
        """
        write = _RowWriter(owners, policy, people, self._new_id)
        for first in rows:
            work = partial(self._write_batch, write, chain([first], rows), key, progress)
            progress = self._database.write(work)
            yield progress
            self._sleep(PAUSE_SECONDS)

    def _write_batch(
        self,
        write: _RowWriter,
        rows: Iterator[ImportRow],
        key: bytes,
        before: Progress,
        connection: sqlite3.Connection,
    ) -> Progress:
        counts = before._asdict()
        write.people.catch_up(connection)
        until = self._clock() + BATCH_SECONDS
        for row in rows:
            counts[write(connection, row)] += 1
            counts["done"] += 1
            if self._clock() >= until:
                break
        connection.execute(ADVANCE, {**counts, "key": key})
        write.people.skip_to_newest(connection)
        return Progress(**counts)

    def export(self, user_id: str | None, statuses: Collection[str]) -> Iterator[tuple[str, str]]:
        """The JSON of each client and the e-mail address of its owner, in the order of insertion.

        All come from one snapshot.
        """
        values = {"user_id": user_id, "statuses": json.dumps([*statuses]) if statuses else None}
        with self._database.read() as connection:
            yield from connection.execute(EXPORT, values)


@dataclass(frozen=True)
class _RowWriter:
    """Writes single rows, in a transaction that is open."""

    owners: Mapping[str | None, str]
    policy: Policy
    people: Duplicates
    new_id: Callable[[], object]

    def __call__(self, connection: sqlite3.Connection, row: ImportRow) -> str:
        """Write a row; the name of the count to add it to."""
        found = None if self.policy == "fail" else self.people.find(connection, row)
        if found is None or self.policy == "create":
            own_id = None if found is not None and found.by == "id" else row.kept.get("id")
            seq = self._insert(connection, row, own_id or str(self.new_id()))
            if self.policy in ("skip", "update"):
                self.people.add(seq, row)
            return "created"
        if self.policy == "skip" or not self._update(connection, row, found.seq):
            return "skipped"
        self.people.add(found.seq, row)
        return "updated"

    def _insert(self, connection: sqlite3.Connection, row: ImportRow, client_id: str) -> int:
        kept, owner = row.kept, row.owner
        created_at = kept.get("created_at")
        values = {
            **_UNSET,
            **row.values,
            "id": client_id,
            "user_id": self.owners[None if owner is None else owner.lower()],
            "version": kept.get("version", 1),
            "created_at": created_at,
            "updated_at": kept.get("updated_at") if created_at else None,
        }
        try:
            return int(connection.execute(INSERT, values).fetchall()[0][0])
        except sqlite3.IntegrityError as error:
            raise UserError(f"line {row.line} cannot be written any more: {error}") from None

    @staticmethod
    def _update(connection: sqlite3.Connection, row: ImportRow, seq: int) -> bool:
        """Merge the row into a client; False if that changes nothing, or the client is deleted."""
        assignments = ", ".join(f"{name} = :{name}" for name in row.values)
        differences = " OR ".join(f"{name} IS NOT :{name}" for name in row.values)
        statement = UPDATE.format(assignments=assignments, differences=differences)
        try:
            return bool(connection.execute(statement, {**row.values, "seq": seq}).fetchall())
        except sqlite3.IntegrityError as error:
            raise UserError(f"line {row.line} cannot be merged any more: {error}") from None
