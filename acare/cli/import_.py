"""``acare import``: clients from CSV, JSON lines or another server."""

from __future__ import annotations

import argparse
import codecs
import os
import re
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO

from acare import timestamps
from acare.cli import import_report
from acare.cli.options import Commands, add_flags, open_database, parse_email
from acare.cli.output import print_json, show_progress
from acare.database.connection import open_temporary
from acare.database.copying import Progress
from acare.errors import UserError
from acare.fields import FIELDS
from acare.importing.columns import TARGETS
from acare.importing.csv_file import CsvReader
from acare.importing.importer import import_rows
from acare.importing.json_lines import JsonReader
from acare.importing.remote import Remote
from acare.importing.result import Options
from acare.importing.rows import MAX_LINE

_TYPES = {field.name: field.kind for field in FIELDS}

_EXAMPLE = """\
examples:
    acare import contacts.csv --user ana@example.com --dry-run
    acare import contacts.csv --user ana@example.com --map "Home tel=phone" --rejects rejects.csv
    acare import clients.jsonl --user ana@example.com --create-users
    acare import https://clients.example.com --key-file key.txt --user ana@example.com"""


def add_to(commands: Commands) -> None:
    parser = commands.add_parser(
        "import",
        help="import clients from CSV, JSON lines or another server",
        description="Import all clients, or report all problems and import none.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    flag = parser.add_argument
    flag("source", metavar="FILE|URL", help="a CSV file, a file of JSON lines, or the base URL of a server")
    flag("--user", required=True, type=parse_email, metavar="EMAIL", help="the default owner of clients")
    flag("--create-users", action="store_true", help="create a user, an agent, for each unknown owner")
    flag("--default", action="append", default=[], type=_default, metavar="FIELD=VALUE", dest="defaults",
         help="the value of a field missing in a new client, for example client_type=buyer")  # fmt: skip
    flag("--lenient", action="store_true", help="move invalid values of optional fields to the notes")
    flag("--rejects", type=Path, metavar="FILE", help="write invalid rows to FILE and import the others")
    flag("--on-duplicate", choices=("fail", "skip", "update", "create"), default="fail",
         help="how to handle clients that exist, by id, e-mail, phone or name (default: fail)")  # fmt: skip
    flag("--dry-run", action="store_true", help="report only, write nothing")
    flag("--json", action="store_true", help="print the report as a JSON object")
    add_flags(parser, only=("database",))
    parser.set_defaults(run=run)
    flag = parser.add_argument_group("for CSV").add_argument
    flag("--map", action="append", default=[], type=_mapping, metavar="COLUMN=FIELD", dest="targets",
         help=f"the field of a column; no FIELD: ignore it. Fields: {', '.join(TARGETS)}")  # fmt: skip
    flag("--extra-columns", action="store_true", help="keep unknown columns in property_preferences")
    flag("--dates", choices=("dmy", "mdy"), help="the order of day and month in dates such as 5/7/2026")
    flag = parser.add_argument_group("for a URL").add_argument
    flag("--key-file", type=Path, metavar="FILE", help="the file with the API key")


def _mapping(text: str) -> tuple[str, str]:
    column, equals, target = text.rpartition("=")
    if not equals or (target and target not in TARGETS):
        raise argparse.ArgumentTypeError(f"{text!r} must be COLUMN=FIELD with one of {', '.join(TARGETS)}")
    return column, target


def _default(text: str) -> tuple[str, object]:
    name, equals, written = text.partition("=")
    if not equals or name not in _TYPES:
        raise argparse.ArgumentTypeError(f"{text!r} must be FIELD=VALUE with one of {', '.join(_TYPES)}")
    value = TARGETS[name](written)
    try:
        _TYPES[name].validate(value)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r}: {name} {error}") from None
    return name, value


def run(args: argparse.Namespace) -> int:
    with (
        open_database(args, must_exist=not args.create_users) as database,
        show_progress() as progress,
        _source(args, progress) as (reader, progress_at),
    ):
        options = Options(
            now=timestamps.now(),  # after the download, during which clients can be created
            defaults={**dict(args.defaults), "owner": args.user},
            on_duplicate=args.on_duplicate,
            create_users=args.create_users,
            lenient=args.lenient,
            rejects=args.rejects,
            dry_run=args.dry_run,
        )
        result = import_rows(database, reader, options, progress_at)
    if args.json:
        print_json(import_report.as_object(result, options, reader.columns))
    else:
        if args.dry_run:
            import_report.print_columns(reader.layout, reader.columns)
        import_report.print_text(result, options, reader)
    return 1 if result.blockers(options) else 0


@contextmanager
def _source(
    args: argparse.Namespace, progress: Progress
) -> Iterator[tuple[CsvReader | JsonReader, Callable[[int], None]]]:
    """The rows to import, and a function that shows the progress after a number of rows."""
    if args.source.startswith(("http://", "https://")):
        with closing(open_temporary()) as storage:
            remote = Remote(args.source, _key(args.key_file), storage)
            total = remote.download(lambda done, total: progress("Downloading", done, total, "clients"))
            yield JsonReader(remote.lines()), lambda done: progress("Importing", done, total, "clients")
        return
    with Path(args.source).open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        yield _file_reader(args, file), lambda done: progress("Importing", file.tell(), size, "B")


def _file_reader(args: argparse.Namespace, file: IO[bytes]) -> CsvReader | JsonReader:
    if not file.seekable():
        raise UserError(f"{args.source}: is a pipe; write it to a file, and import the file")
    is_json = file.read(1024).removeprefix(codecs.BOM_UTF8).lstrip().startswith(b"{")
    file.seek(0)
    if is_json:
        return JsonReader(iter(lambda: file.readline(MAX_LINE), b""))
    try:
        return CsvReader(file, dict(args.targets), extra_columns=args.extra_columns, dates=args.dates)
    except UserError as error:
        raise UserError(f"{args.source}: {error}") from None


def _key(path: Path | None) -> str:
    if path is None:
        raise UserError("a URL needs --key-file, the name of a file with an API key")
    key = path.read_text("utf-8", "replace").strip()
    if not re.fullmatch("[!-~]+", key):
        raise UserError(f"{path}: the file must have one line, the API key")
    return key
