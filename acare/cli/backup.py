"""``acare backup``, ``verify`` and ``restore``."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from acare.cli.options import Commands, add_flags, existing_database, read_settings
from acare.errors import DatabaseRefused
from acare.store import backup
from acare.store.restore import restore


def add_to(commands: Commands[argparse.ArgumentParser]) -> None:
    make = commands.add_parser(
        "backup",
        help="make a verified backup, also while the server runs",
        description="Copy the database as it is now, prove the copy, and write its SHA-256 beside it. "
        "The server goes on reading and writing.",
    )
    make.add_argument("folder", metavar="DIR", nargs="?", type=Path, default=Path("backups"),
                      help="where to; made if it is not there (backups)")  # fmt: skip
    make.add_argument("--keep", metavar="N", type=_count, help="delete all but the newest N (keep all)")
    make.set_defaults(run=run_backup)

    verify = commands.add_parser(
        "verify",
        help="prove a backup",
        description="Check a backup's SHA-256, its structure, its foreign keys and its totals.",
    )
    verify.add_argument("files", metavar="FILE", nargs="+", type=Path, help="a backup")
    verify.add_argument("--no-checksum", action="store_true",
                        help="go without a .sha256: damage within a text is not seen")  # fmt: skip
    verify.set_defaults(run=run_verify)

    restore = commands.add_parser(
        "restore",
        help="put a backup in the place of the database; stop the server first",
        description="Verify a backup and put it in the place of the database. The old one is kept aside.",
    )
    restore.add_argument("file", metavar="FILE", type=Path, help="the backup")
    restore.set_defaults(run=run_restore)

    for parser in (make, restore):
        add_flags(parser, only=("database",))


def run_backup(args: argparse.Namespace) -> int:
    print(backup.back_up(existing_database(args), args.folder, args.keep))
    return 0


def run_verify(args: argparse.Namespace) -> int:
    code = 0
    for file in args.files:
        try:
            clients = backup.verify(file, checksum=not args.no_checksum)
        except DatabaseRefused as error:
            sys.stderr.write(f"acare: {error}\n")
            code = 1
        else:
            print(f"{file}: whole, with {clients} clients")
    return code


def run_restore(args: argparse.Namespace) -> int:
    database = read_settings(args).database
    aside = restore(args.file, database)
    print(f"Restored {database} from {args.file}.")
    if aside is not None:
        print(f"The database that was there is {aside}.")
    return 0


def _count(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,6}", text) or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)
