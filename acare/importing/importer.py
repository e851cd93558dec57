"""Imports clients in one transaction: each row is validated, matched with the clients so far, and written.

If a row has a problem, or is a duplicate and nothing says what to do with it, or for a dry run, the
transaction is rolled back.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from typing import IO

from acare import ids
from acare.database.connection import NOW, as_domain_error, open_writer
from acare.database.database import Database
from acare.database.temporary import temporary
from acare.errors import FieldError, StoreUnavailable, UserError
from acare.field_types import fold_email
from acare.fields import FIELDS
from acare.importing.csv_file import CsvReader
from acare.importing.duplicates import Duplicates
from acare.importing.json_lines import JsonReader
from acare.importing.result import Duplicate, Result
from acare.importing.rows import Options, Row, RowError
from acare.store.clients import next_place_at

#: SQLite's page cache: pages that do not fit are written to the log early, and read again.
CACHE_KIB = 16 * 1024

#: Rows between two calls that show the progress.
ROWS_PER_STEP = 256

USERS = "SELECT email, id FROM users"

INSERT_USER = """
INSERT INTO users (id, email, role)
VALUES (
    iif(:wanted IS NULL OR EXISTS (SELECT 1 FROM users WHERE id = :wanted), :id, :wanted), :email, 'agent'
)
RETURNING id
"""

INSERT = f"""
INSERT INTO clients (
    seq, id, user_id, {", ".join(field.name for field in FIELDS)},
    version, created_at, updated_at, imported_at
)
SELECT
    {next_place_at("at")}, :id, :user_id, {", ".join(f":{field.name}" for field in FIELDS)},
    :version, at, max(at, coalesce(:updated_at, at)), :imported_at
FROM (SELECT coalesce(:created_at, {NOW}) AS at)
"""

UPDATE = f"""
UPDATE clients
SET {{assignments}}, version = version + 1, updated_at = max(updated_at, {NOW}), made_by = NULL
WHERE seq = :seq AND ({{differences}})
"""

_ABSENT = {field.name: field.default for field in FIELDS}
_ABSENT |= {"version": 1, "created_at": None, "updated_at": None}

# The line of the row that described a client last, in SQLite's memory: less than in Python's.
CREATE_LINES = "CREATE TEMP TABLE lines (seq INTEGER PRIMARY KEY, line INTEGER NOT NULL)"
REMEMBER = "INSERT OR IGNORE INTO lines (seq, line) VALUES (:seq, :line)"
DESCRIBE = """
SELECT id, first_name || ' ' || last_name, line, imported_at IS :imported_at
FROM clients
LEFT JOIN lines USING (seq)
WHERE seq = :seq
"""

# A row if the client is newer than the row that would change it: whether the row equals a replaced version.
COMPARE = """
SELECT EXISTS (
    SELECT 1
    FROM client_history
    WHERE client_id = :id AND version = :version AND {equals_history}
)
FROM clients
WHERE seq = :seq AND version > :version AND ({differences})
"""

REPEATED = FieldError("id", "must not be the id of an earlier row; clear it if the row is another client")
STALE = FieldError(
    "version",
    "must not be older than the version of the client; export the client again, or clear the version to "
    "overwrite the newer change",
)

# What a row breaks if SQLite's message has this text.
CONSTRAINTS = {
    "budget_order": FieldError("budget_min", "must not be more than budget_max when merged into the client"),
    "clients.seq": FieldError("created_at", "must not be the time of a million other clients"),
}


def import_rows(
    database: Database, reader: CsvReader | JsonReader, options: Options, progress: Callable[[int], None]
) -> Result:
    """Import all valid rows, or none. ``progress`` is called with the number of rows so far.

    UserError if there is no such user as the default owner; StoreUnavailable if the database cannot be
    written now.
    """
    result = Result()
    with _rejects(options, result) as rejects, _transaction(database) as connection:
        importer = _Importer(connection, options, result)
        for row in reader:
            problems = importer.add(row)
            if problems and rejects is not None:
                reasons = (f"{problem.column or problem.field} {problem.message}" for problem in problems)
                reader.reject(rejects, row, "; ".join(reasons))
            if result.counts.total() % ROWS_PER_STEP == 0:
                progress(result.counts.total())
        if not result.counts:
            raise UserError("the source has no rows")
        if not options.dry_run and not result.blockers(options):
            connection.execute("COMMIT")
            result.is_written = True
    return result


@contextmanager
def _transaction(database: Database) -> Iterator[sqlite3.Connection]:
    """A transaction on a connection of its own; what is not committed at the end is rolled back.

    Not in the writer's thread, where a savepoint would keep all replaced pages in memory, and Ctrl-C would
    have to wait. The log is emptied before, which also refuses if no process may write, and after, when it
    has the whole import.
    """
    database.empty_log()
    try:
        with closing(open_writer(database.path)) as connection:
            connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
            connection.execute("BEGIN IMMEDIATE")
            yield connection
    except sqlite3.Error as error:
        raise as_domain_error(error) from error
    finally:
        with suppress(StoreUnavailable):  # the next write tries again
            database.empty_log()


@contextmanager
def _rejects(options: Options, result: Result) -> Iterator[IO[str] | None]:
    """A file for the rejected rows, if it is wanted; it gets its name once the others are on disk."""
    target = None if options.dry_run else options.rejects
    if target is None:
        yield None
        return
    if target.exists():
        raise UserError(f"{target}: exists; name another file for the rejected rows")
    with temporary(target) as path:
        with path.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file:
            yield file
        if result.is_written and result.counts["refused"]:
            os.replace(path, target)


class _Importer:
    """Matches and writes rows in a transaction."""

    def __init__(self, connection: sqlite3.Connection, options: Options, result: Result) -> None:
        self._connection, self._options, self._result = connection, options, result
        self._duplicates = Duplicates(connection, options.now)
        self._owners: dict[str, str] = {fold_email(email): id for email, id in connection.execute(USERS)}
        owner = str(options.defaults["owner"])
        if fold_email(owner) not in self._owners and not options.create_users:
            raise UserError(f"there is no user {owner}; 'acare user list' shows all, --create-users adds one")
        connection.execute(CREATE_LINES)

    def add(self, row: Row) -> list[RowError]:
        """Write a row. Returns its problems; then it is not written."""
        problems = row.validate(self._options, self._owners)
        if not problems:
            try:
                done = self._write(row)
            except sqlite3.IntegrityError as error:  # the statement alone is undone
                broken = (rule for text, rule in CONSTRAINTS.items() if text in str(error))
                done = next(broken, FieldError("row", f"cannot be written: {error}"))
            if isinstance(done, str):
                self._result.counts[done] += 1
                return []
            problems = [RowError(row.line, None, row.name, done.field, done.message)]
        self._result.refuse(problems)
        return problems

    def _write(self, row: Row) -> str | FieldError:
        """What was done: created, updated or skipped; else why not."""
        policy = self._options.on_duplicate
        found = self._duplicates.find_id(row)
        if policy == "create":
            return self._insert(row, keep_id=found is None)
        found = found or self._duplicates.find_person(row)
        if found is None:
            return self._insert(row, keep_id=True)
        seq, by = found
        which = {"seq": seq, "imported_at": self._options.now}
        described = self._connection.execute(DESCRIBE, which).fetchone()
        client, name, line, is_new = described or (row.kept["id"], None, None, False)
        done: str | FieldError = "skipped"
        if seq is not None and policy == "update":
            self._remember(seq, row)
            done = REPEATED if by == "id" and line is not None else self._merge(row, seq, by)
        if isinstance(done, str):
            duplicate = Duplicate(row.line, by, row.name, client, name, line if is_new else None)
            self._result.add_duplicate(duplicate)
        return done

    def _insert(self, row: Row, *, keep_id: bool) -> str:
        values = {**_ABSENT, **row.complete(), **row.kept}
        values |= {"user_id": self._owner(row), "imported_at": self._options.now}
        if not keep_id or "id" not in row.kept:
            values["id"] = str(ids.new())
        self._remember(self._connection.execute(INSERT, values).lastrowid, row)
        return "created"

    def _owner(self, row: Row) -> str:
        """The id of the row's owner, who is created if necessary, with the id in the source if it is free."""
        address = row.kept["owner"]
        folded = fold_email(address)
        if folded not in self._owners:
            user = {"id": str(ids.new()), "wanted": row.kept.get("user_id"), "email": address}
            ((user_id,),) = self._connection.execute(INSERT_USER, user).fetchall()
            self._owners[folded] = str(user_id)
        return self._owners[folded]

    def _merge(self, row: Row, seq: int, by: str) -> str | FieldError:
        """Replace the client's values by the values of the row, unless the client is newer than the row."""
        if not row.values:
            return "skipped"
        differences = " OR ".join(f"{name} IS NOT :{name}" for name in row.values)
        values = {**row.values, **row.kept, "seq": seq}
        if by == "id" and "version" in row.kept:
            equals_history = " AND ".join(f"json_extract(json, '$.{name}') IS :{name}" for name in row.values)
            statement = COMPARE.format(equals_history=equals_history, differences=differences)
            for (is_unedited,) in self._connection.execute(statement, values).fetchall():
                return "skipped" if is_unedited else STALE
        assignments = ", ".join(f"{name} = :{name}" for name in row.values)
        statement = UPDATE.format(assignments=assignments, differences=differences)
        return "updated" if self._connection.execute(statement, values).rowcount else "skipped"

    def _remember(self, seq: int | None, row: Row) -> None:
        self._connection.execute(REMEMBER, {"seq": seq, "line": row.line})
