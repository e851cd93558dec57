"""``acare import``: clients from CSV, JSON lines or another server."""

import os
import re
import tempfile
from argparse import RawDescriptionHelpFormatter
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

from acare import timestamps
from acare.cli.import_report import print_report
from acare.cli.options import argument, command, find_user, open_database, read_database
from acare.cli.output import open_output, show_progress
from acare.config import Settings
from acare.database.database import Database, ReadOnlyDatabase
from acare.errors import Refused, SettingError
from acare.field_types import USER_EMAIL
from acare.fields import ALL_NAMES, FIELD_NAMES
from acare.importing.cells import TARGETS
from acare.importing.download import Download
from acare.importing.importer import Reader, import_rows, open_reader, read_server
from acare.importing.json_lines import JsonReader
from acare.importing.remote import Remote
from acare.importing.rows import UPDATES, Options

_EXIT_CODES = """\
exit codes:
    0  the rows were imported, or would be without --dry-run
    1  problems or duplicates prevented the import, or it failed: nothing was written; or some clients need a
       decision: the last line says what was written
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


def _fields(text: str) -> list[str]:
    names = text.split(",")
    if not set(names) <= ALL_NAMES:
        raise ValueError(f"must be names of fields, separated by commas: {', '.join(sorted(ALL_NAMES))}")
    return names


def _default(text: str) -> tuple[str, object]:
    name, equals, written = text.partition("=")
    if not equals or name not in FIELD_NAMES:
        raise ValueError(f"must be FIELD=VALUE with one of {', '.join(FIELD_NAMES)}")
    return name, TARGETS[name](written)


_DEFAULT = "the value of a field that a row lacks, for example client_type=buyer"
_LENIENT = "move invalid values of optional fields to the notes"
_REJECTS = "write invalid rows and skipped duplicates to FILE, and import the others"
_DUPLICATE = (
    "how to handle clients that already exist, by id, e-mail or phone (default: fail). update takes what has "
    "changed at the source since the last import; of clients changed on both sides, overwrite takes the "
    "source's version, and keep keeps yours from then on"
)
_MAP = f"for CSV: the field for a column, or nothing to ignore the column. Fields: {', '.join(TARGETS)}"
_VALUE = (
    "for CSV: the value for a text in a column, for example 'Lead Status:New=active' or 'Contact owner:Ana "
    "Torres=ana@example.com'; the text * stands for any other text. For JSON and URLs: user_id:UUID=EMAIL"
)
_DOWNLOAD = "for a URL: keep the downloaded clients in FILE, from which an interrupted import continues"
_MISSING = "for a URL: import the clients although the server lacks these fields"
_YES = "let --delete-missing delete more than a tenth of the clients"
_DELETE = "for a URL: delete clients that an earlier import from it created and that it no longer has"


@command(
    argument("source", "a CSV file, a file of JSON lines, or the base URL of a server", "FILE|URL"),
    argument("--user", "the owner of clients whose row names none", "EMAIL", USER_EMAIL.validate),
    argument("--default", _DEFAULT, "FIELD=VALUE", _default, action="append", default=[], dest="defaults"),
    argument("--lenient", _LENIENT, action="store_true"),
    argument("--rejects", _REJECTS, "FILE", Path),
    argument("--on-duplicate", _DUPLICATE, choices=("fail", "skip", "create", *UPDATES), default="fail"),
    argument("--dates", "the order of day and month in dates such as 5/7/2026", choices=("dmy", "mdy")),
    argument("--dry-run", "report problems, and write nothing", action="store_true"),
    argument("--map", _MAP, "COLUMN=FIELD", _mapping, action="append", default=[], dest="chosen"),
    argument("--value", _VALUE, "COLUMN:TEXT=VALUE", _value, action="append", default=[], dest="values"),
    argument("--key-file", "for a URL: the file with the API key", "FILE", Path),
    argument("--download", _DOWNLOAD, "FILE", Path, dest="kept"),
    argument("--proof", "for a URL: write the comparison to FILE, as CSV, a line per client", "FILE", Path),
    argument("--allow-missing", _MISSING, "FIELD,...", _fields, default=[], dest="may_lack"),
    argument("--delete-missing", _DELETE, action="store_true"),
    argument("--yes", _YES, action="store_true", dest="confirmed"),
    epilog=_EXIT_CODES,
    formatter_class=RawDescriptionHelpFormatter,
)
def import_(
    settings: Settings,
    source: str,
    user: str | None,
    defaults: list[tuple[str, object]],
    chosen: list[tuple[str, str]],
    values: list[tuple[str, str, str]],
    rejects: Path | None,
    proof: Path | None,
    key_file: Path | None,
    kept: Path | None,
    **given: Any,  # the other fields of Options
) -> int:
    """Import clients from CSV, JSON lines or another server, or report all problems and import none."""
    options = Options(timestamps.now(), {**dict(defaults), "owner": user}, **given)
    is_url = source.startswith(("http://", "https://"))
    if options.delete_missing and not (is_url and "?" not in source and options.is_update):
        raise SettingError(f"--delete-missing needs a URL without a query, and --on-duplicate {UPDATES[0]}")
    if rejects is not None and rejects.exists():
        raise Refused(f"{rejects}: File exists")
    reader: Reader
    download = None
    opened: AbstractContextManager[Database | ReadOnlyDatabase] = (
        read_database(settings) if options.dry_run else open_database(settings)
    )
    with ExitStack() as stack:
        progress = stack.enter_context(show_progress())
        database = stack.enter_context(opened)
        if user is not None:
            find_user(database, user)
        # Before a download, which can take hours: files that cannot be written are noticed.
        rejected = None
        if rejects is not None:
            rejected = stack.enter_context(open_output(rejects, keep_empty=False))
        compared = stack.enter_context(open_output(proof or Path(os.devnull), keep_empty=False))
        options = replace(options, rejects=rejected, proof=compared)
        if is_url:
            file, remote = stack.enter_context(_private(kept)), _remote(source, key_file)
            download = Download(remote, file, progress)
            reader = JsonReader(download, dict(chosen), values)
            read_server(database, download, reader, options)
            options = replace(options, now=timestamps.now())  # clients can be created during a download
        else:
            reader = open_reader(stack.enter_context(_open(source)), dict(chosen), values)
        result = import_rows(database, reader, options, progress, download)
        if rejected is not None and not result.is_written:
            rejected.truncate(0)
    print_report(result, reader, options)
    return int(result.needs_action(options))


@contextmanager
def _open(source: str) -> Iterator[IO[bytes]]:
    with Path(source).open("rb") as file:
        try:
            yield file
        except Refused as error:
            raise Refused(f"{source}: {error}") from None


def _remote(url: str, key_file: Path | None) -> Remote:
    """The server at a URL, with the key in the file."""
    if key_file is None:
        raise SettingError("a URL needs --key-file, the name of a file with an API key")
    key = key_file.read_text("utf-8", "replace").strip()
    if not re.fullmatch("[!-~]+", key):
        raise Refused(f"{key_file}: the file must have one line: the API key")
    return Remote(url, key)


def _private(path: Path | None) -> IO[bytes]:
    """A file that only its owner can read: new, existing or, without a path, temporary."""
    if path is None:
        return tempfile.TemporaryFile()
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b")
