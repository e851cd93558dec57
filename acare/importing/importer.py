"""Imports clients in one transaction: each row is validated, compared with the clients so far, and written.

If a row has a problem, or is a duplicate and nothing says what to do with it, or for a dry run, the
transaction is rolled back. An import never changes a client that exists.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from typing import IO

from acare import ids
from acare.database.connection import NOW, as_domain_error, open_writer
from acare.database.database import Database
from acare.errors import FieldError, StoreUnavailable, UserError
from acare.field_types import fold_email
from acare.fields import FIELDS
from acare.importing import duplicates
from acare.importing.csv_file import CsvReader
from acare.importing.json_lines import JsonReader
from acare.importing.rows import Options, Row
from acare.store.clients import next_place_at

#: SQLite's page cache: pages that do not fit are written to the log early, and read again.
CACHE_KIB = 16 * 1024

#: Rows between two calls that show the progress.
ROWS_PER_STEP = 256

_MAX_KINDS = 100  # that are told apart: a rule names the invalid items of a list
_MAX_EXAMPLES = 3
_MAX_SHOWN = 60  # characters of a cell

USERS = "SELECT email, id FROM users"

INSERT = f"""
INSERT INTO clients (
    seq, id, user_id, {", ".join(field.name for field in FIELDS)},
    version, created_at, updated_at, imported_at
)
SELECT
    {next_place_at("at")}, :id, :owner, {", ".join(f":{field.name}" for field in FIELDS)},
    :version, at, max(at, coalesce(:updated_at, at)), :imported_at
FROM (SELECT coalesce(:created_at, {NOW}) AS at)
"""

_ABSENT = {"version": 1, "created_at": None, "updated_at": None}


@dataclass
class Result:
    """The result of an import.

    ``counts`` has the rows that were created, skipped and refused, and the duplicates that prevent the
    import. ``kinds`` counts the problems and duplicates of each kind; ``examples`` has the first of each.
    """

    counts: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)
    is_written: bool = False

    def add(self, kind: str, line: int, text: str) -> None:
        """Count a problem or a duplicate; ``text`` is what the row has."""
        kind = kind if kind in self.kinds or len(self.kinds) < _MAX_KINDS else "others"
        self.kinds[kind] += 1
        examples = self.examples.setdefault(kind, [])
        if len(examples) < _MAX_EXAMPLES:
            shown = text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}..."
            examples.append(f'line {line}: "{shown}"' if text else f"line {line}")

    def is_blocked(self, options: Options) -> bool:
        """Whether refused rows or duplicates prevent the import."""
        return bool(self.counts["duplicate"] or (self.counts["refused"] and options.rejects is None))


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
        if not options.dry_run and not result.is_blocked(options):
            if rejects is not None:
                rejects.flush()  # a full disk is an error before the others are written
            connection.execute("COMMIT")
            result.is_written = True
    return result


@contextmanager
def _transaction(database: Database) -> Iterator[sqlite3.Connection]:
    """A transaction on a connection of its own; what is not committed at the end is rolled back.

    Not in the writer's thread, where Ctrl-C would have to wait. The log is emptied before, which also refuses
    if no process may write, and after, when it has the whole import.
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
    """Writes rows in a transaction."""

    def __init__(self, connection: sqlite3.Connection, options: Options, result: Result) -> None:
        self._connection, self._options, self._result = connection, options, result
        self._owners: dict[str, str] = {fold_email(email): id for email, id in connection.execute(USERS)}
        owner = str(options.defaults["owner"])
        if fold_email(owner) not in self._owners:
            raise UserError(
                f"there is no user {owner}; 'acare user list' shows all, 'acare user add' adds one"
            )

    def add(self, row: Row) -> list[FieldError]:
        """Write a row. Returns its problems; then it is not written."""
        problems = row.validate(self._options, self._owners)
        for problem in problems:
            self._result.add(f"{problem.field} {problem.message}", row.line, row.text(problem.field))
        self._result.counts["refused" if problems else self._write(row)] += 1
        return problems

    def _write(self, row: Row) -> str:
        """What the row is now: created, skipped, or a duplicate that prevents the import."""
        policy = self._options.on_duplicate
        has_id = "id" in row.kept
        found = duplicates.find(self._connection, row) if has_id or policy != "create" else None
        if found is not None and policy != "create":
            by, name = found
            self._result.add(f"duplicate by {by}", row.line, name)
            return "skipped" if policy == "skip" else "duplicate"
        values = {**_ABSENT, **row.client, **row.kept, "imported_at": self._options.now}
        if not has_id or found is not None:
            values["id"] = str(ids.new())
        self._connection.execute(INSERT, values)
        return "created"
