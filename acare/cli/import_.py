"""``acare import``: clients from CSV, JSON lines or another server."""

import os
import re
import shlex
import tempfile
from argparse import RawDescriptionHelpFormatter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Literal

from acare import timestamps
from acare.cli.options import argument, command, open_database, require_user
from acare.cli.output import counted, printable, show_progress
from acare.config import Settings
from acare.database.copying import Progress
from acare.errors import Refused, SettingError
from acare.field_types import USER_EMAIL
from acare.fields import FIELD_NAMES
from acare.importing.cells import TARGETS
from acare.importing.csv_file import Column, CsvReader
from acare.importing.formats import open_reader
from acare.importing.importer import ProblemSummary, Result, import_rows
from acare.importing.json_lines import JsonReader
from acare.importing.remote import Remote
from acare.importing.rows import OPTIONAL, Options

# The fields whose values differ between programs, each with a word for a value in acare.
_MEANINGS = {"client_type": "TYPE", "status": "STATUS", "owner": "EMAIL"}

# The options that fix a problem with a field; after a semicolon, what only CSV needs.
_NAME = "--lenient for names of one word, --rejects FILE for others; --map COLUMN=full_name for full names"
_FIXES = {
    "client_type": "--default client_type=buyer for rows without one, or --rejects FILE; "
    "--map COLUMN=client_type if a column has it",
    "owner": "--user EMAIL for rows without one, and 'acare user add' adds a user",
    "first_name": _NAME,
    "last_name": _NAME,
    "created_at": "--dates dmy or --dates mdy for dates such as 5/7/2026, --lenient for others",
    "phone": "--lenient, or --rejects FILE; format a column with E+ as text in the spreadsheet",
    "duplicate": "--on-duplicate skip or create",
    "same": "a warning only",
}

_EXIT_CODES = """\
exit codes:
    0  the rows were imported, or would be without --dry-run
    1  problems or duplicates prevented the import, or it failed; nothing was written
    2  an argument is invalid"""


def _mapping(text: str) -> tuple[str, str]:
    column, equals, target = text.rpartition("=")
    if not equals or (target and target not in TARGETS):
        raise ValueError(f"must be COLUMN=FIELD with one of {', '.join(TARGETS)}")
    return column, target


def _value(text: str) -> tuple[str, str, str]:
    left, equals, value = text.rpartition("=")
    column, colon, written = left.partition(":")
    if not equals or not colon:
        raise ValueError("must be COLUMN:TEXT=VALUE")
    return column.strip(), written.strip(), value.strip()


def _default(text: str) -> tuple[str, object]:
    name, equals, written = text.partition("=")
    if not equals or name not in FIELD_NAMES:
        raise ValueError(f"must be FIELD=VALUE with one of {', '.join(FIELD_NAMES)}")
    return name, TARGETS[name](written)


_DEFAULT = "the value of a field that a row lacks, for example client_type=buyer"
_LENIENT = (
    "move invalid values of optional fields to the notes, and use a name of one word as the last name, with "
    "the first name -"
)
_DUPLICATE = "how to handle clients that already exist, by id, e-mail or phone (default: fail)"
_MAP = f"the field of a column, or nothing to ignore it. Fields: {', '.join(TARGETS)}"
_VALUE = (
    "the value for a text in a column, for example 'Lead Status:New=active' or 'Contact owner:Ana Torres="
    "ana@example.com'; the text * stands for any other text"
)


@command(
    "import",
    "import clients from CSV, JSON lines or another server",
    argument("source", "a CSV file, a file of JSON lines, or the base URL of a server", "FILE|URL"),
    argument("--user", "the owner of clients whose row has none", "EMAIL", USER_EMAIL.validate),
    argument("--default", _DEFAULT, "FIELD=VALUE", _default, action="append", default=[], dest="defaults"),
    argument("--lenient", _LENIENT, action="store_true"),
    argument("--rejects", "write invalid rows to FILE and import the others", "FILE", Path),
    argument("--on-duplicate", _DUPLICATE, choices=("fail", "skip", "create"), default="fail"),
    argument("--dates", "the order of day and month in dates such as 5/7/2026", choices=("dmy", "mdy")),
    argument("--dry-run", "report problems, and write nothing", action="store_true"),
    argument("--map", _MAP, "COLUMN=FIELD", _mapping, "for CSV", action="append", default=[], dest="chosen"),
    argument(
        "--value", _VALUE, "COLUMN:TEXT=VALUE", _value, "for CSV", action="append", default=[], dest="values"
    ),
    argument("--key-file", "the file with the API key", "FILE", Path, "for a URL"),
    description="Import all clients, or report all problems and import none.",
    epilog=_EXIT_CODES,
    formatter_class=RawDescriptionHelpFormatter,
)
def import_(
    settings: Settings,
    source: str,
    user: str | None,
    defaults: list[tuple[str, object]],
    lenient: bool,
    rejects: Path | None,
    on_duplicate: Literal["fail", "skip", "create"],
    dates: str | None,
    dry_run: bool,
    chosen: list[tuple[str, str]],
    values: list[tuple[str, str, str]],
    key_file: Path | None,
) -> int:
    with open_database(settings, read_only=dry_run) as database, show_progress() as progress:
        if user is not None:
            require_user(database, user)
        with _open(source, key_file, progress) as file:
            reader = open_reader(file, dict(chosen), values)
            size = os.fstat(file.fileno()).st_size
            options = Options(
                now=timestamps.now(),  # after the download, during which clients can be created
                defaults={**dict(defaults), "owner": user},
                on_duplicate=on_duplicate,
                lenient=lenient,
                dates=dates,
                rejects=rejects,
                dry_run=dry_run,
            )
            result = import_rows(
                database, reader, options, lambda: progress("Importing", file.tell(), size, "B")
            )
    _print_report(result, reader, dry_run)
    is_done = result.counts["created"] or result.counts["skipped"]  # else all rows were refused
    return 0 if is_done and not result.is_blocked(options) else 1


@contextmanager
def _open(source: str, key_file: Path | None, progress: Progress) -> Iterator[IO[bytes]]:
    """The file to import. Clients of a server are downloaded first: no writer waits for the network."""
    if not source.startswith(("http://", "https://")):
        with Path(source).open("rb") as file:
            try:
                yield file
            except Refused as error:
                raise Refused(f"{source}: {error}") from None
        return
    if key_file is None:
        raise SettingError("a URL needs --key-file, the name of a file with an API key")
    key = key_file.read_text("utf-8", "replace").strip()
    if not re.fullmatch("[!-~]+", key):
        raise Refused(f"{key_file}: the file must have one line: the API key")
    remote = Remote(source, key)
    with tempfile.TemporaryFile() as file:
        file.writelines(remote.lines(lambda done, total: progress("Downloading", done, total, "clients")))
        file.seek(0)
        yield file


def _print_report(result: Result, reader: CsvReader | JsonReader, dry_run: bool) -> None:
    """Print the field of each column for a dry run, the unknown names, the problems, and the counts."""
    columns = reader.columns
    if dry_run:
        for column in columns:
            field = "unknown" if column.field is None else column.field or "ignored"
            print(f"    {printable(column.name)} -> {field}")
    if reader.unknown:
        kind, hint = ("columns", "; --map COLUMN=notes imports one") if columns else ("fields", "")
        print(printable(f"Unknown {kind}: {', '.join(reader.unknown)} (not imported{hint})"))
    for text, summary in result.summaries.items():
        more = ", ..." if summary.count > len(summary.examples) else ""
        rows = f"{counted(summary.count, 'row')} ({', '.join(summary.examples)}{more})"
        is_skipped = summary.field == "duplicate" and result.counts["skipped"]
        print(printable(f"{text}: {rows}; {'skipped' if is_skipped else _fix(summary, columns)}"))
    counts = result.counts
    duplicates = counted(counts["duplicate"] + counts["skipped"], "duplicate")
    done = "the valid rows were imported" if counts["created"] else "no row was imported"
    print(
        f"{counts['created']:,} valid, {counts['refused']:,} refused, {duplicates}; "
        f"{done if result.is_written else 'nothing was written'}."
    )


def _fix(summary: ProblemSummary, columns: Sequence[Column]) -> str:
    """The options that fix a problem. JSON lines have no columns."""
    cells = summary.examples.values()
    cell = next(filter(None, cells), "")
    other = f"{'--lenient, or ' if summary.field in OPTIONAL else ''}--rejects FILE for the other rows"
    fix, meaning = _FIXES.get(summary.field, other), _MEANINGS.get(summary.field, "")
    if not columns:
        fix = fix.partition(";")[0]
    one, others = (shlex.quote(f"{summary.column}:{text}={meaning}") for text in (cell, "*"))
    if meaning and columns and cell and "@" not in cell:
        values = f"--value {one}, for all others --value {others}"
        return f"{values}; {fix}" if "" in cells else values
    same = [
        column.name for column in columns if column.field == summary.field and column.name != summary.column
    ]
    if cell and same and not meaning:
        fix += f"; --value {one} or --map {shlex.quote(f'{same[0]}={summary.field}')} to use another column"
    return fix
