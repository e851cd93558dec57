"""``acare backup``, ``verify`` and ``restore``."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from acare.cli import progress
from acare.cli.options import Commands, add_flags, counted, existing_database, read_settings
from acare.database import file
from acare.database.schema import SCHEMA_VERSION
from acare.errors import DatabaseRefused
from acare.maintenance import backup
from acare.maintenance.restore import restore


def add_to(commands: Commands[argparse.ArgumentParser]) -> None:
    _add_backup(commands)
    _add_verify(commands)
    _add_restore(commands)


def _add_backup(commands: Commands[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "backup",
        help="make a verified backup, even while the server runs",
        description="Copy the current state of the database, verify the copy, and write its SHA-256 to a "
        "file next to it. The server continues to read and write.",
    )
    parser.add_argument(
        "folder", metavar="DIR", nargs="?", type=Path, default=Path("backups"),
        help="the folder for backups; created if missing (default: backups)",
    )  # fmt: skip
    parser.add_argument(
        "--keep",
        metavar="N",
        type=_count,
        help="delete all but the newest N backups, 1 to 999999 (default: keep all)",
    )
    progress.add_flag(parser)
    add_flags(parser, only=("database",))
    parser.set_defaults(run=run_backup)


def _add_verify(commands: Commands[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "verify",
        help="verify backups",
        description="Check the schema, SHA-256, structure, foreign keys and totals of backups.",
    )
    parser.add_argument("files", metavar="FILE", nargs="+", type=Path, help="a backup")
    _add_no_checksum(parser)
    progress.add_flag(parser)
    parser.set_defaults(run=run_verify)


def _add_restore(commands: Commands[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "restore",
        help="replace the database with a backup; stop the server first",
        description="Verify a backup and replace the database with it. The old database is renamed and kept.",
    )
    parser.add_argument("file", metavar="FILE", type=Path, help="the backup")
    parser.add_argument(
        "--exact",
        action="store_true",
        help="also undo revocations of keys, disabling of users and erasures that were made after the backup",
    )
    _add_no_checksum(parser)
    progress.add_flag(parser)
    add_flags(parser, only=("database",))
    parser.set_defaults(run=run_restore)


def _add_no_checksum(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--no-checksum",
        action="store_true",
        help="do not read the .sha256 file; damage within a text value is then not detected",
    )


def run_backup(args: argparse.Namespace) -> int:
    with progress.shown(args) as report:
        made = backup.back_up(existing_database(args), args.folder, args.keep, report)
    print(made)
    return 0


def run_verify(args: argparse.Namespace) -> int:
    code = 0
    for path in args.files:
        try:
            with progress.shown(args) as report:
                clients = backup.verify(path, checksum=not args.no_checksum, report=report)
            version = file.check(path)
        except DatabaseRefused as error:
            sys.stderr.write(f"acare: {error}\n")
            code = 1
        else:
            print(f"{path}: OK, {counted(clients, 'client')}{_if_older(version)}")
    return code


def _if_older(version: int) -> str:
    if version == SCHEMA_VERSION:
        return ""
    return f"; schema {version}, which is migrated to {SCHEMA_VERSION} when the file is opened"


def run_restore(args: argparse.Namespace) -> int:
    database = read_settings(args).database
    if args.no_checksum:
        sys.stderr.write("Warning: without the checksum, damage within a text value is not detected.\n")
    with progress.shown(args) as report:
        done = restore(args.file, database, exact=args.exact, checksum=not args.no_checksum, report=report)
    print(f"Restored {database} from {args.file}.")
    if done.revoked or done.disabled or done.erased:
        print(
            f"Kept from the old database: {counted(done.revoked, 'key')} revoked, "
            f"{counted(done.disabled, 'user')} disabled, {counted(done.erased, 'client')} erased. "
            "(With --exact, they are as in the backup.)"
        )
    if done.old is not None:
        print(f"The old database was renamed to {done.old}.")
    if done.unread:
        sys.stderr.write(
            "Warning: the old database could not be read, so keys that were revoked, users who were disabled "
            "and clients that were erased after the backup are as in the backup: repeat these changes.\n"
        )
    return 0


def _count(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,6}", text) or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 to 999999")
    return int(text)
