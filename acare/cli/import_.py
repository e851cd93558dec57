"""``acare import``: clients from CSV, JSON lines or another server."""

from __future__ import annotations

import argparse
import codecs
import difflib
import hashlib
import os
import re
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from acare import timestamps
from acare.cli import progress
from acare.cli.import_report import ImportReport
from acare.cli.options import Commands, add_flags, open_database, parse_email
from acare.clients import ImportRow
from acare.database.copying import Progress
from acare.database.database import Database
from acare.database.temporary import PREFIX, sync, temporary
from acare.errors import UserError
from acare.field_types import fold_email
from acare.fields import FIELDS
from acare.importing.columns import TARGETS
from acare.importing.csv_file import CsvReader
from acare.importing.imports import Import, add_users
from acare.importing.json_lines import JsonReader
from acare.importing.remote import Remote
from acare.importing.rows import Plan, Rules
from acare.store.users import UserStore

_KINDS = {field.name: field.kind for field in FIELDS}

# What distinguishes an import from others, besides the content of the file.
_DECISIVE = "user targets defaults keep_unknown dates lenient on_duplicate".split()

_EXAMPLE = """\
examples:
    acare import contacts.csv --user ana@example.com --dry-run
    acare import contacts.csv --user ana@example.com --map "Home tel=phone" --skip-bad refused.csv
    acare import clients.jsonl --user ana@example.com --create-users
    acare import https://clients.example.com --key-file key.txt --user ana@example.com

An import that was interrupted is completed by the same command."""


def add_to(commands: Commands[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "import",
        help="import clients from CSV, JSON lines or another server",
        description="Check every row, report all problems, and import the clients if there are none.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    flag = parser.add_argument
    flag("source", metavar="FILE|URL", help="a CSV file, a file of JSON lines, or the base URL of a server")
    flag("--user", required=True, type=parse_email, metavar="EMAIL", help="the owner of clients without one")
    flag("--create-users", action="store_true", help="create a user, an agent, for each unknown owner")
    flag("--default", action="append", default=[], type=_default, metavar="FIELD=VALUE", dest="defaults",
         help="the value of a field that a new client lacks, for example client_type=buyer")  # fmt: skip
    flag("--lenient", action="store_true", help="move invalid values of optional fields to the notes")
    flag("--skip-bad", type=Path, metavar="FILE", help="write refused rows to FILE and import the others")
    flag("--on-duplicate", choices=("fail", "skip", "update", "create"), default="fail",
         help="what to do with clients that exist, by id, e-mail, phone or name (default: fail)")  # fmt: skip
    flag("--again", action="store_true", help="download and import again, from the beginning")
    flag("--dry-run", action="store_true", help="report only, write nothing")
    flag("--json", action="store_true", help="print the report as a JSON object")
    progress.add_flag(parser)
    add_flags(parser, only=("database",))
    parser.set_defaults(run=run)
    _add_source_flags(parser)


def _add_source_flags(parser: argparse.ArgumentParser) -> None:
    flag = parser.add_argument_group("for CSV").add_argument
    flag("--map", action="append", default=[], type=_mapping, metavar="COLUMN=FIELD", dest="targets",
         help=f"the field of a column; no FIELD: ignore it. Fields: {', '.join(TARGETS)}")  # fmt: skip
    flag("--keep-unknown", action="store_true", help="keep unknown columns in property_preferences")
    flag("--dates", choices=("dmy", "mdy"),
         help="the order of day and month, as in 5/7/2026 (default: that of other dates)")  # fmt: skip
    flag = parser.add_argument_group("for a URL").add_argument
    flag("--key-file", type=Path, metavar="FILE", help="the file with the API key")


def _mapping(text: str) -> tuple[str, str]:
    column, equals, target = text.rpartition("=")
    if not equals or (target and target not in TARGETS):
        raise argparse.ArgumentTypeError(f"{text!r} must be COLUMN=FIELD with one of {', '.join(TARGETS)}")
    return column, target


def _default(text: str) -> tuple[str, object]:
    name, equals, written = text.partition("=")
    if not equals or name not in _KINDS:
        raise argparse.ArgumentTypeError(f"{text!r} must be FIELD=VALUE with one of {', '.join(_KINDS)}")
    value = TARGETS[name](written)
    try:
        _KINDS[name].validate(value)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r}: {name} {error}") from None
    return name, value


def run(args: argparse.Namespace) -> int:
    began = time.monotonic()
    with open_database(args, must_exist=not args.create_users) as database, progress.shown(args) as tell:
        report = _Run(args, database, tell).run()
    report.seconds = round(time.monotonic() - began, 1)
    report.print_json() if args.json else report.print_text(layout=args.dry_run)
    return 1 if report.to_do else 0


@dataclass
class _Run:
    """One run of the command. ``owners`` maps the address of each owner to the user_id in the source."""

    args: argparse.Namespace
    database: Database
    tell: Progress
    report: ImportReport = field(default_factory=ImportReport)
    owners: dict[str, str | None] = field(default_factory=dict)

    def run(self) -> ImportReport:
        """Read, check and write. Returns what there is to report."""
        args = self.args
        rules = self._rules()
        is_url = args.source.startswith(("http://", "https://"))
        path = self._download() if is_url else Path(args.source)
        with path.open("rb") as file, tempfile.TemporaryFile(prefix="acare-import-") as rows:
            fingerprint = hashlib.file_digest(file, "sha256")
            fingerprint.update(repr([getattr(args, name) for name in _DECISIVE]).encode())
            plan = Plan(rows, newest_first=is_url)
            try:
                reader = self._reader(file, is_url)
                self._read(file, reader, rules, plan)
            except UserError as error:
                raise UserError(f"{path}: {error}") from None
            if not (plan or self.report.refused or is_url):
                raise UserError(f"{path}: the file has no rows")
            importing = Import(self.database, fingerprint.digest(), args.on_duplicate)
            self._write(reader, plan, importing)
        if is_url and self.report.created is not None and not args.dry_run:
            path.unlink(missing_ok=True)
        return self.report

    def _download(self) -> Path:
        """The clients of a server, in a file that is kept until they are imported."""
        args = self.args
        if args.key_file is None:
            raise UserError("a URL needs --key-file, the name of a file with an API key")
        key = args.key_file.read_text("utf-8", "replace").strip()
        if not re.fullmatch("[!-~]+", key):
            raise UserError(f"{args.key_file}: the file must have one line, the API key")
        name = hashlib.sha256(f"{args.source} {key}".encode()).hexdigest()[:12]
        path = self.database.path.resolve().with_name(f"{PREFIX}{name}.jsonl")
        complete = path.with_suffix(".complete.jsonl")
        if args.again:
            complete.unlink(missing_ok=True)
        if complete.exists():
            at = timestamps.at(complete.stat().st_mtime_ns)
            self.report.note = f"These clients were downloaded at {at}; --again downloads them again."
            return complete
        remote = Remote(args.source, key)
        remote.download(path, lambda done, total: self.tell("Downloading", done, total, "clients"))
        sync(path)
        os.replace(path, complete)
        sync(path.parent)
        return complete

    def _rules(self) -> Rules:
        args = self.args
        users = {fold_email(user["email"]) for user in UserStore(self.database).list()}
        if fold_email(args.user) not in users and not args.create_users:
            close = difflib.get_close_matches(fold_email(args.user), users, 1, 0.9)
            hint = f"is it {close[0]}? " if close else ""
            raise UserError(
                f"there is no user {args.user}; {hint}'acare user list' shows all, --create-users adds one"
            )
        owners = None if args.create_users else users
        return Rules(timestamps.now(), owners, {**dict(args.defaults), "owner": args.user}, args.lenient)

    def _reader(self, file: IO[bytes], is_url: bool) -> JsonReader | CsvReader:
        args = self.args
        file.seek(0)
        if is_url or file.read(1024).removeprefix(codecs.BOM_UTF8).lstrip().startswith(b"{"):
            return JsonReader(file)
        return CsvReader(file, dict(args.targets), args.keep_unknown, args.dates)

    def _read(self, file: IO[bytes], reader: JsonReader | CsvReader, rules: Rules, plan: Plan) -> None:
        """The first pass: every row into the plan, or its problems into the report."""
        report, size = self.report, os.fstat(file.fileno()).st_size
        for number, draft in enumerate(reader):
            row = draft.finish(rules)
            if isinstance(row, ImportRow):
                plan.add(row)
                self.owners.setdefault(row.kept["owner"], row.kept.get("user_id"))
            else:
                report.problems += row
                report.refused += 1
            if number % 256 == 0:
                self.tell("Reading", file.tell(), size, "B")
        report.valid, report.layout, report.columns = len(plan), reader.layout, reader.columns
        report.unknown_columns = [name for name, target in reader.columns.items() if target is None]

    def _write(self, reader: JsonReader | CsvReader, plan: Plan, importing: Import) -> None:
        """Report duplicates and conflicts among the rows that are not written yet, and write these rows."""
        args, report = self.args, self.report
        if args.again and not args.dry_run:
            importing.restart()
        done = importing.progress(plan.sha256())
        if done.started_at is not None and done.done == len(plan):
            report.note = f"These clients were imported at {done.started_at}; --again imports them again."
            report.count(done)
            return
        if args.on_duplicate != "create":
            for found in importing.duplicates(plan.rows(), done):
                report.add_duplicate(found)
        report.decide(args.on_duplicate, skip_bad=args.skip_bad is not None, lenient=args.lenient)
        if report.to_do or args.dry_run:
            return
        if report.problems:
            self._write_refused(reader)
        if args.create_users:
            add_users(self.database, self.owners)
        report.count(done)
        for now in importing.write(plan.rows(), done, {problem.line for problem in report.problems}):
            report.count(now)
            self.tell("Writing", now.done, len(plan), "clients")

    def _write_refused(self, reader: JsonReader | CsvReader) -> None:
        """Write the refused rows to a file, unless it has them already, from before an interruption."""
        target: Path = self.args.skip_bad
        reasons: dict[int, str] = {}
        for problem in self.report.problems:
            before = f"{reasons[problem.line]}; " if problem.line in reasons else ""
            reasons[problem.line] = f"{before}{problem.column or problem.field} {problem.message}"
        with temporary(target) as path:
            with path.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file:
                reader.write_refused(file, reasons)
            if not target.exists():
                os.replace(path, target)
            elif not {*path.read_bytes().splitlines()} <= {*target.read_bytes().splitlines()}:
                raise UserError(f"{target}: exists; name another file for the refused rows")
