"""Imports clients in one transaction: each row is validated, matched with the clients so far, and written.

If a row has a problem, or is a duplicate and nothing says what to do with it, or for a dry run, the
transaction is rolled back.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from typing import IO

from acare import ids
from acare.database.connection import NOW, as_domain_error, open_writer
from acare.database.database import Database
from acare.errors import FieldError, InvalidInput, StoreUnavailable, UserError
from acare.field_types import fold_email
from acare.fields import FIELDS
from acare.importing import duplicates
from acare.importing.csv_file import CsvReader
from acare.importing.json_lines import JsonReader
from acare.importing.result import Options, Result, RowError
from acare.importing.rows import Row
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

_ABSENT = {"version": 1, "created_at": None, "updated_at": None}

DESCRIBE = """
SELECT format('%s %s (%s)', first_name, last_name, id), imported_at IS :imported_at
FROM clients
WHERE seq = :seq
"""

# A result if the client is newer than the imported row: whether that row equals a replaced version.
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

CROSSED = FieldError("budget_min", "must not be more than budget_max when merged into the client")


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
                reasons = (f"{problem.field} {problem.message}" for problem in problems)
                reader.reject(rejects, row, "; ".join(reasons))
            if result.counts.total() % ROWS_PER_STEP == 0:
                progress(result.counts.total())
        if not result.counts:
            raise UserError("the source has no rows")
        if not options.dry_run and not result.blockers(options):
            if rejects is not None:
                rejects.flush()  # a full disk is an error before the others are written
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
    """A new file for the rejected rows, if it is wanted; it stays if the other rows are written."""
    if options.dry_run or options.rejects is None:
        yield None
        return
    with options.rejects.open("x", encoding="utf-8", errors="surrogateescape", newline="") as file:
        try:
            yield file
        finally:
            if not (result.is_written and result.counts["refused"]):
                options.rejects.unlink()


class _Importer:
    """Matches and writes rows in a transaction."""

    def __init__(self, connection: sqlite3.Connection, options: Options, result: Result) -> None:
        self._connection, self._options, self._result = connection, options, result
        self._owners: dict[str, str] = {fold_email(email): id for email, id in connection.execute(USERS)}
        owner = str(options.defaults["owner"])
        if fold_email(owner) not in self._owners and not options.create_users:
            raise UserError(f"there is no user {owner}; 'acare user list' shows all, --create-users adds one")
        self._named: set[int] = set()  # by the ids of rows

    def add(self, row: Row) -> list[RowError]:
        """Write a row. Returns its problems; then it is not written."""
        problems = row.validate(self._options, self._owners)
        if not problems:
            try:
                self._result.counts[self._write(row)] += 1
                return []
            except InvalidInput as error:
                problems = list(map(row.locate, error.problems))
            except sqlite3.IntegrityError as error:  # the statement alone is undone
                is_crossed = "budget_order" in str(error)
                problems = [row.locate(CROSSED if is_crossed else FieldError("row", f"must fit: {error}"))]
        for problem in problems:
            self._result.add(self._result.problems, problem, f"{problem.field} {problem.message}")
        self._result.counts["refused"] += 1
        return problems

    def _write(self, row: Row) -> str:
        """What was done: created, updated or skipped. InvalidInput if it must not be done."""
        policy = self._options.on_duplicate
        has_id = "id" in row.kept
        found = duplicates.find(self._connection, row) if has_id or policy != "create" else None
        if found is None or policy == "create":
            return self._insert(row, keep_id=has_id and found is None)
        seq, by = found
        client, is_new = self._describe(seq, row)
        done = "skipped"
        if seq is not None and policy == "update":
            if by == "id" and (is_new or seq in self._named):
                raise InvalidInput(REPEATED)
            done = self._merge(row, seq, by)
        duplicate = row.locate(FieldError(by, f"is the same as in {client}"))
        self._result.add(self._result.duplicates, duplicate, f"duplicate by {by}")
        return done

    def _describe(self, seq: int | None, row: Row) -> tuple[str, bool]:
        """The client that a row duplicates, and whether this import has created it."""
        which = {"seq": seq, "imported_at": self._options.now}
        for client, is_new in self._connection.execute(DESCRIBE, which).fetchall():
            return f"{'an earlier row, ' if is_new else 'the client '}{client}", is_new
        return f"a client that was deleted ({row.kept['id']})", False

    def _insert(self, row: Row, *, keep_id: bool) -> str:
        values = {**_ABSENT, **row.client, **row.kept}
        values |= {"user_id": self._owner(row), "imported_at": self._options.now}
        if not keep_id:
            values["id"] = str(ids.new())
        self._connection.execute(INSERT, values)
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

    def _merge(self, row: Row, seq: int, by: str) -> str:
        """Replace the client's values by the values of the row, unless the client is newer than the row."""
        if by == "id":
            self._named.add(seq)
        if not row.changes:
            return "skipped"
        differences = " OR ".join(f"{name} IS NOT :{name}" for name in row.changes)
        values = {**row.changes, **row.kept, "seq": seq}
        if by == "id" and "version" in row.kept:
            equals_history = " AND ".join(
                f"json_extract(json, '$.{name}') IS :{name}" for name in row.changes
            )
            statement = COMPARE.format(equals_history=equals_history, differences=differences)
            for (is_unedited,) in self._connection.execute(statement, values).fetchall():
                if not is_unedited:
                    raise InvalidInput(STALE)
                return "skipped"
        assignments = ", ".join(f"{name} = :{name}" for name in row.changes)
        statement = UPDATE.format(assignments=assignments, differences=differences)
        return "updated" if self._connection.execute(statement, values).rowcount else "skipped"
