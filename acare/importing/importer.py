"""Imports clients in one transaction: each row is validated, compared with the clients so far, and written.

The transaction is rolled back for a dry run, and if a row has a problem or is a duplicate, unless an option
allows this.
"""

import codecs
import dataclasses
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import IO, Any

from acare import ids
from acare.database.copying import Progress, silent
from acare.database.database import Database, ReadOnlyDatabase
from acare.errors import InvalidInput, Refused
from acare.fields import HOSTED_NAMES
from acare.importing.csv_reader import CsvReader
from acare.importing.download import Download
from acare.importing.json_lines import JsonReader
from acare.importing.proof import Proof, prove
from acare.importing.rows import MAX_LINE, Options, Row
from acare.importing.second_import import update
from acare.store.imports import ImportStore

Reader = CsvReader | JsonReader

_MAX_EXAMPLES = 3
_MAX_SHOWN = 60  # characters of a cell


@dataclasses.dataclass
class ProblemSummary:
    """How often a problem occurs, and up to three rows whose cells differ, by the cell.

    ``field`` is the field with the problem, ``duplicate``, or ``possible`` for a duplicate that is imported.
    """

    field: str
    count: int = 0
    examples: dict[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class Result:
    """The result of an import.

    ``counts`` has the rows by outcome: see ``second_import``, and ``created``, ``skipped``, ``refused``, and
    ``duplicate``. ``summaries`` has the problems and duplicates by text, in order of the first line.
    ``conflicts`` has the id and name of clients that are left to a person. ``missing`` has the fields that
    the server lacks, with the number of clients. ``proof``: from a server.
    """

    counts: Counter[str] = dataclasses.field(default_factory=Counter)
    summaries: dict[str, ProblemSummary] = dataclasses.field(default_factory=dict)
    conflicts: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    missing: Counter[str] = dataclasses.field(default_factory=Counter)
    proof: Proof | None = None
    is_written: bool = False

    def is_blocked(self, options: Options) -> bool:
        """Whether refused rows, duplicates or missing fields prevent the import."""
        is_wrong = options.rejects is None and (self.counts["duplicate"] or self.counts["refused"])
        return bool(is_wrong or self.missing.keys() - set(options.may_lack))

    def needs_action(self, options: Options) -> bool:
        """Whether the import was blocked, or a person must decide about some clients."""
        is_rejected = self.counts.keys() <= {"refused", "duplicate"}
        return self.is_blocked(options) or is_rejected or bool(self.conflicts)

    def add_problem(self, row: Row, field: str, message: str, text: str) -> None:
        """Count a problem or duplicate; ``text`` is shown with the row."""
        shown = text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}..."
        place = f'line {row.line}: "{shown}"' if text else f"line {row.line}"
        summary = self.summaries.setdefault(f"{field} {message}", ProblemSummary(field))
        summary.count += 1
        if len(summary.examples) < _MAX_EXAMPLES:
            summary.examples.setdefault(shown or place, place)


def open_reader(file: IO[bytes], chosen: Mapping[str, str], values: Sequence[tuple[str, str, str]]) -> Reader:
    """The rows of a file. ``chosen`` and ``values``: see ``csv_reader.find_columns``."""
    start = file.read(1024).removeprefix(codecs.BOM_UTF8).lstrip()
    file.seek(0)
    if re.match(rb"{|\[\s*{", start):  # a list of records is refused as JSON, not as CSV
        return JsonReader(iter(lambda: file.readline(MAX_LINE), b""), chosen, values)
    return CsvReader(file, chosen, values)


def import_rows(
    database: Database | ReadOnlyDatabase,
    reader: Reader,
    options: Options,
    progress: Progress = silent,
    download: Download | None = None,
) -> Result:
    """Import all valid rows, or none. ``download`` has the rows of a server.

    StoreUnavailable if the database cannot be written now.
    """
    result = Result()
    with database.transaction() as connection:
        store = ImportStore(connection)
        for number, row in enumerate(reader, 1):
            if download is not None:
                result.missing.update(HOSTED_NAMES - row.record.keys())
            reasons = _import(row, store, options, result)
            if reasons and options.rejects is not None:
                reader.reject(options.rejects, row, reasons)
            progress("Importing", number, 0, "rows")
        if not result.counts:
            raise Refused("the source has no rows")
        if isinstance(reader, JsonReader) and download is not None:
            if result.is_blocked(options):
                connection.rollback()  # the proof is of what is here after the import
            result.proof = prove(download, reader, store, options)
        if options.dry_run or isinstance(database, ReadOnlyDatabase) or result.is_blocked(options):
            return result
        if options.rejects is not None:
            options.rejects.flush()  # a full disk must fail before the commit
        database.commit(connection)
        result.is_written = True
    return result


def _import(row: Row, store: ImportStore, options: Options, result: Result) -> str:
    """Write a row, unless it has problems or is a duplicate. Returns the reasons against it."""
    try:
        client = row.validated(options, store.owners)
        outcome = update(row, client, store, options) if options.is_update and "id" in client else None
        if outcome is None:
            return _create(row, client, store, options, result)
        result.counts[outcome] += 1
        if outcome == "conflict":
            result.conflicts.append((client["id"], f"{client['first_name']} {client['last_name']}"))
        return ""
    except InvalidInput as error:
        for problem in error.problems:
            result.add_problem(row, problem.field, problem.message, row.text(problem.field))
        result.counts["refused"] += 1
        return str(error)


def _create(row: Row, client: dict[str, Any], store: ImportStore, options: Options, result: Result) -> str:
    """Create the client of a valid row, unless it is a duplicate. Returns why not."""
    policy, client_id = options.on_duplicate, client.get("id")
    match = store.find(client, client_id) if client_id or policy != "create" else None
    by, name = match or ("", "")
    if by == "phone alone":
        result.add_problem(row, "possible", f"duplicate of this client by {by}", name)
    elif by and policy != "create":
        result.add_problem(row, "duplicate", f"of this client by {by}", name)
        result.counts["skipped" if policy == "skip" else "duplicate"] += 1
        return f"duplicate of this client by {by}: {name}"
    is_copy = client_id is None or bool(by)
    client["imported_at"] = options.now
    if is_copy:
        client["id"] = ids.new()
    else:  # the id may have been used before a restore
        client["source_version"] = client.get("version")
        client["version"] = max(client.get("version", 1), store.floor + 1)
    store.add(client)
    result.counts["created"] += 1
    return ""
