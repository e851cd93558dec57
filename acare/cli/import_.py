"""``acare import``: clients out of CSV, JSON lines or another server."""

from __future__ import annotations

import argparse
import hashlib
import time
from dataclasses import dataclass, field
from pathlib import Path

from acare import timestamps
from acare.cli import progress
from acare.cli.import_report import ImportReport
from acare.cli.import_source import Source, open_source, refused_file
from acare.cli.options import Commands, add_flags, open_database, parse_email
from acare.errors import UserError
from acare.exchange.mapping import TARGETS
from acare.exchange.plan import Plan
from acare.exchange.rows import CellProblem, Refused, Rules
from acare.fields import FIELDS
from acare.store.bulk import BulkStore, Progress
from acare.store.copying import Report
from acare.store.duplicates import Duplicate, Duplicates

FIELD_NAMES = tuple(field.name for field in FIELDS)

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
    flag(
        "--user",
        required=True,
        type=parse_email,
        metavar="EMAIL",
        help="the owner of clients that have none",
    )
    flag("--create-users", action="store_true", help="make a user, an agent, of each unknown owner")
    flag("--map", action="append", default=[], type=_mapping, metavar="COLUMN=FIELD", dest="targets",
         help=f"what a column of the CSV is; no FIELD: ignore it. Fields: {', '.join(TARGETS)}")  # fmt: skip
    flag("--default", action="append", default=[], type=_default, metavar="FIELD=VALUE", dest="defaults",
         help="the value of a field where a row has none, for example client_type=buyer")  # fmt: skip
    flag("--keep-unknown", action="store_true", help="keep unknown columns in property_preferences")
    flag("--day-first", action="store_true", help="read 5/7/2026 as the 5th of July")
    flag(
        "--encoding",
        metavar="NAME",
        help="the encoding of the CSV, for example mac_roman (default: detected)",
    )
    flag("--lenient", action="store_true", help="move invalid values of optional fields to the notes")
    flag("--skip-bad", type=Path, metavar="FILE", help="write invalid rows to FILE and import the others")
    flag("--on-duplicate", choices=("fail", "skip", "update", "create"), default="fail",
         help="what to do with clients that exist, by e-mail, phone or name (default: fail)")  # fmt: skip
    flag("--key-file", type=Path, metavar="FILE", help="the file with the API key for the URL")
    flag("--again", action="store_true", help="import anew what was imported with the same command before")
    flag("--dry-run", action="store_true", help="report only, write nothing")
    flag("--json", action="store_true", help="the report as a JSON object")
    progress.add_flag(parser)
    add_flags(parser, only=("database",))
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    with (
        open_database(args, must_exist=not args.create_users) as database,
        progress.shown(args) as tell,
        Plan() as plan,
    ):
        store = BulkStore(database)
        users = store.users()
        if args.user.lower() not in users and not args.create_users:
            raise UserError(f"there is no user {args.user}; --create-users makes one")
        owners = None if args.create_users else users.keys()
        rules = Rules(timestamps.now(), owners, args.lenient, dict(args.defaults))
        with open_source(args, rules, database.path, tell) as source:
            report = _Import(args, store, source, plan, tell).run()
    report.print_json() if args.json else report.print_text()
    complete = report.written is not None or (args.dry_run and report.can_be_written)
    return 0 if complete else 1


@dataclass(frozen=True)
class _Import:
    """One run of the command."""

    _args: argparse.Namespace
    _store: BulkStore
    _source: Source
    _plan: Plan
    _tell: Report
    _report: ImportReport = field(default_factory=ImportReport)

    def run(self) -> ImportReport:
        """Read, check and write; what there is to report."""
        began = time.monotonic()
        report = self._report
        self._read()
        if not report.refused or self._args.skip_bad:
            key = self._key()
            if self._args.again and not self._args.dry_run:
                self._store.discard(key)
            before = self._store.progress(key, self._plan.sha256())
            if before is not None and before.done == len(self._plan):
                report.note = f"This was imported at {before.started_at}; --again imports it anew."
                report.written = before
            else:
                people = self._check_duplicates(before)
                if report.can_be_written and not self._args.dry_run:
                    report.written = self._write(key, people)
        report.seconds = time.monotonic() - began
        return report

    def _read(self) -> None:
        """The first pass: every row into the plan or the report."""
        source = self._source
        with refused_file(source, None if self._args.dry_run else self._args.skip_bad) as write_refused:
            for number, row in enumerate(source.reader):
                if isinstance(row, Refused):
                    self._report.refuse(row.problems)
                    write_refused(row)
                else:
                    self._plan.add(row)
                if number % 256 == 0:
                    self._tell("Reading", source.position(), source.size, "B")
        self._plan.sort(reverse=source.newest_first)
        self._report.rows = len(self._plan)
        self._report.unknown = source.unknown()

    def _check_duplicates(self, before: Progress | None) -> Duplicates:
        """Report the duplicates among the rows that are not written yet."""
        policy = self._args.on_duplicate
        if policy == "create":
            self._report.can_be_written = True
            return self._store.known_people(0)
        # Two clients of an export may have one address: only those that were there before can be duplicates.
        newest = before.newest_before if before is not None and self._source.keeps_ids else None
        people = self._store.known_people(newest)
        for found in self._store.find_duplicates(
            self._plan.rows(before.done if before else 0), people, policy
        ):
            self._report.duplicates.append(found)
        if policy == "update":
            self._report.problems += [_crossed(found) for found in self._report.duplicates if found.crossed]
        self._report.can_be_written = not (
            self._report.duplicates
            if policy == "fail"
            else any(found.crossed for found in self._report.duplicates)
        )
        return people

    def _write(self, key: bytes, people: Duplicates) -> Progress:
        """The second pass."""
        args, plan, store = self._args, self._plan, self._store
        if args.create_users:
            store.add_users({**plan.owners, args.user: plan.owners.get(args.user)})
        users = store.users()
        owners: dict[str | None, str] = {None: users[args.user.lower()]}
        owners.update(users)
        done = store.begin(key, plan.sha256())
        batches = store.write(plan.rows(done.done), key, done, owners, args.on_duplicate, people)
        for done in batches:
            self._tell("Writing", done.done, len(plan), "clients")
        return done

    def _key(self) -> bytes:
        """What tells this import from others: the source, and all that decides about its rows."""
        args = self._args
        rules = (args.user.lower(), args.targets, args.defaults, args.keep_unknown, args.day_first,
                 args.encoding, args.lenient, bool(args.skip_bad), args.on_duplicate)  # fmt: skip
        return hashlib.sha256(self._source.sha256 + repr(rules).encode()).digest()


def _crossed(found: Duplicate) -> CellProblem:
    message = f"must not be more than the budget_max of client {found.client} after the update"
    return CellProblem(found.line, None, "", "budget_min", message)


def _mapping(text: str) -> tuple[str, str | None]:
    column, equals, target = text.rpartition("=")
    if not equals or (target and target not in TARGETS):
        raise argparse.ArgumentTypeError(f"{text!r} is not COLUMN=FIELD with one of {', '.join(TARGETS)}")
    return column, target or None


def _default(text: str) -> tuple[str, object]:
    name, equals, value = text.partition("=")
    if not equals or name not in FIELD_NAMES:
        raise argparse.ArgumentTypeError(f"{text!r} is not FIELD=VALUE with one of {', '.join(FIELD_NAMES)}")
    return name, TARGETS[name](value)
