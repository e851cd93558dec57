"""``acare import``: clients from CSV, JSON lines or another server."""

from __future__ import annotations

import argparse
import codecs
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from acare import timestamps
from acare.cli.options import Commands, add_flags, open_database, parse_email
from acare.cli.output import counted, printable, show_progress
from acare.database.copying import Progress
from acare.errors import UserError
from acare.fields import FIELDS
from acare.importing.columns import TARGETS
from acare.importing.csv_file import CsvReader
from acare.importing.importer import Result, import_rows
from acare.importing.json_lines import JsonReader
from acare.importing.remote import Remote
from acare.importing.rows import Options

_TYPES = {field.name: field.kind for field in FIELDS}

_EXAMPLE = """\
examples:
    acare import contacts.csv --user ana@example.com --dry-run
    acare import contacts.csv --user ana@example.com --map "Home tel=phone" --rejects rejects.csv
    acare import clients.jsonl --user ana@example.com
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
    flag("--default", action="append", default=[], type=_default, metavar="FIELD=VALUE", dest="defaults",
         help="the value of a field that a row lacks, for example client_type=buyer")  # fmt: skip
    flag("--lenient", action="store_true", help="move invalid values of optional fields to the notes")
    flag("--rejects", type=Path, metavar="FILE", help="write invalid rows to FILE and import the others")
    flag("--on-duplicate", choices=("fail", "skip", "create"), default="fail",
         help="how to handle clients that exist, by id, e-mail, phone or name (default: fail)")  # fmt: skip
    flag("--dry-run", action="store_true", help="report only, write nothing")
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
        open_database(args, must_exist=True) as database,
        show_progress() as progress,
        _open(args, progress) as file,
    ):
        reader = _reader(args, file)
        size = os.fstat(file.fileno()).st_size
        options = Options(
            now=timestamps.now(),  # after the download, during which clients can be created
            defaults={**dict(args.defaults), "owner": args.user},
            on_duplicate=args.on_duplicate,
            lenient=args.lenient,
            rejects=args.rejects,
            dry_run=args.dry_run,
        )
        result = import_rows(
            database, reader, options, lambda _: progress("Importing", file.tell(), size, "B")
        )
    _print_columns(reader, with_fields=args.dry_run)
    _print_result(result)
    return 1 if result.is_blocked(options) else 0


@contextmanager
def _open(args: argparse.Namespace, progress: Progress) -> Iterator[IO[bytes]]:
    """The file to import. The clients of a server are downloaded into a temporary file without a name before
    the import begins: other writers never wait for the network.
    """
    if not args.source.startswith(("http://", "https://")):
        with Path(args.source).open("rb") as file:
            yield file
        return
    remote = Remote(args.source, _key(args.key_file))
    with tempfile.TemporaryFile() as file:
        file.writelines(remote.lines(lambda done, total: progress("Downloading", done, total, "clients")))
        file.seek(0)
        yield file


def _reader(args: argparse.Namespace, file: IO[bytes]) -> CsvReader | JsonReader:
    if not file.seekable():
        raise UserError(f"{args.source}: is a pipe; write it to a file, and import the file")
    is_json = file.read(1024).removeprefix(codecs.BOM_UTF8).lstrip().startswith(b"{")
    file.seek(0)
    if is_json:
        return JsonReader(file)
    try:
        return CsvReader(file, dict(args.targets), extra_columns=args.extra_columns, dates=args.dates)
    except UserError as error:
        raise UserError(f"{args.source}: {error}") from None


def _print_columns(reader: CsvReader | JsonReader, *, with_fields: bool) -> None:
    """Print the unknown columns, or the field of each column."""
    if with_fields:
        for column, target in reader.columns.items():
            print(f"    {printable(column)} -> {'unknown' if target is None else target or 'ignored'}")
    elif unknown := [column for column, target in reader.columns.items() if target is None]:
        print(printable(f"Unknown columns: {', '.join(unknown)} (--map and --extra-columns use them)"))


def _print_result(result: Result) -> None:
    """Print each kind of problem, the steps that are required if nothing was written, and the counts."""
    for kind, number in result.kinds.items():
        print(printable(f"{kind}: {counted(number, 'row')} ({', '.join(result.examples[kind])})"))
    counts = result.counts
    if result.is_written:
        print(f"{counts['created']} created, {counts['skipped']} skipped, {counts['refused']} refused.")
        return
    if counts["refused"]:
        print(
            "Correct the refused rows, move invalid optional values to the notes (--lenient), or write these "
            "rows to a file and import the others (--rejects FILE)."
        )
    if counts["duplicate"]:
        print("Choose what to do with duplicates: --on-duplicate skip or create.")
    valid = counts["created"] + counts["skipped"]
    print(
        f"{valid} valid, {counts['refused']} refused, {counted(counts['duplicate'], 'duplicate')}; "
        "nothing was written."
    )


def _key(path: Path | None) -> str:
    if path is None:
        raise UserError("a URL needs --key-file, the name of a file with an API key")
    key = path.read_text("utf-8", "replace").strip()
    if not re.fullmatch("[!-~]+", key):
        raise UserError(f"{path}: the file must have one line, the API key")
    return key
