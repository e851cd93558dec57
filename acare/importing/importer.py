"""Imports clients in one transaction: each row is validated, compared with the clients so far, and written.

The transaction is rolled back for a dry run, and if a row has a problem or is a duplicate, unless an option
allows this. An import never changes a client that exists.
"""

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO

from acare import ids
from acare.database.database import Database
from acare.errors import FieldError, InvalidInput, Refused
from acare.importing.csv_file import CsvReader
from acare.importing.json_lines import JsonReader
from acare.importing.rows import Options, Row
from acare.store.creation import ImportStore

_MAX_EXAMPLES = 3
_MAX_SHOWN = 60  # characters of a cell


@dataclasses.dataclass
class ProblemSummary:
    """The rows with one kind of problem: their number, and the first with different cells.

    ``field`` is the field with the problem, ``duplicate``, or for a warning ``same``; ``column`` is its
    column in the first row where it is not empty. ``examples`` has the cell for the text of each row.
    """

    field: str
    column: str = ""
    count: int = 0
    examples: dict[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class Result:
    """The result of an import.

    ``counts`` has the rows that were created, skipped and refused, and the duplicates that prevent the
    import. ``summaries`` has the problems, duplicates and warnings by text, in order of the first line.
    """

    counts: Counter[str] = dataclasses.field(default_factory=Counter)
    summaries: dict[str, ProblemSummary] = dataclasses.field(default_factory=dict)
    is_written: bool = False

    def is_blocked(self, options: Options) -> bool:
        """Whether refused rows or duplicates prevent the import."""
        return bool(self.counts["duplicate"] or (self.counts["refused"] and options.rejects is None))

    def add_problem(self, row: Row, field: str, message: str, text: str) -> None:
        """Count a problem, duplicate or warning; ``text`` is shown with the row."""
        shown = text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}..."
        place = f'line {row.line}: "{shown}"' if text else f"line {row.line}"
        summary = self.summaries.setdefault(f"{field} {message}", ProblemSummary(field))
        summary.column = summary.column or row.sources.get(field, ("",))[0]
        summary.count += 1
        if len(summary.examples) < _MAX_EXAMPLES and not (text and shown in summary.examples.values()):
            summary.examples[place] = shown


def import_rows(
    database: Database, reader: CsvReader | JsonReader, options: Options, progress: Callable[[], None]
) -> Result:
    """Import all valid rows, or none. ``progress`` is called after each row.

    StoreUnavailable if the database cannot be written now. Ctrl-C has no effect after the commit.
    """
    result = Result()
    try:
        with _rejects(options, result) as rejects, database.transaction() as connection:
            store = ImportStore(connection)
            for row in reader:
                problems = _import(row, store, options, result)
                if problems and rejects is not None:
                    reader.reject(rejects, row, str(InvalidInput(*problems)))
                progress()
            if not result.counts:
                raise Refused("the source has no rows")
            if options.dry_run or result.is_blocked(options):
                return result
            if rejects is not None:
                rejects.flush()  # a full disk must fail before the commit
            try:
                database.commit(connection)
                result.is_written = True
            except KeyboardInterrupt:  # after the COMMIT, if Ctrl-C came during it
                result.is_written = not connection.in_transaction
                raise
    except KeyboardInterrupt:
        if not result.is_written:
            raise
    return result


@contextmanager
def _rejects(options: Options, result: Result) -> Iterator[IO[str] | None]:
    """A private file for rejected rows, or None. It is deleted if it has no rows or nothing is imported."""
    if options.dry_run or options.rejects is None:
        yield None
        return
    options.rejects.touch(0o600, exist_ok=False)
    with options.rejects.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        try:
            yield file
        finally:
            if not (result.is_written and result.counts["refused"]):
                options.rejects.unlink()


def _import(row: Row, store: ImportStore, options: Options, result: Result) -> list[FieldError]:
    """Write a row, unless it has problems. Returns the problems."""
    problems = row.validate(options, store.owners)
    for problem in problems:
        result.add_problem(row, problem.field, problem.message, row.text(problem.field))
    result.counts["refused" if problems else _write(row, store, options, result)] += 1
    return problems


def _write(row: Row, store: ImportStore, options: Options, result: Result) -> str:
    """Write a valid row. Returns created, skipped, or duplicate, which prevents the import."""
    policy = options.on_duplicate
    client_id = row.given.get("id")
    match = store.find(row.client, client_id) if client_id or policy != "create" else None
    by, name = match or (None, "")
    if by == "name":
        result.add_problem(row, "same", "name as another client, without e-mail and phone", name)
    elif by is not None and policy != "create":
        result.add_problem(row, "duplicate", f"of this client by {by}", name)
        return "skipped" if policy == "skip" else "duplicate"
    values = {**row.client, **row.given, "user_id": row.given["owner"], "imported_at": options.now}
    if client_id is None or by is not None:
        values["id"] = ids.new()
    store.add(values)
    return "created"
