"""``acare backup``, ``verify`` and ``restore``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from acare.cli import progress
from acare.cli.options import Commands, add_command, argument, counted, existing_database, read_settings
from acare.cli.output import print_error, printable
from acare.database import file
from acare.database.schema import SCHEMA_VERSION
from acare.errors import DatabaseRefused
from acare.maintenance import backup
from acare.maintenance.restore import restore
from acare.setting_types import count


def add_to(commands: Commands[argparse.ArgumentParser]) -> None:
    parser = add_command(commands, "backup", run_backup, "make a verified backup, even while the server runs")
    parser.add_argument(
        "folder", metavar="DIR", nargs="?", type=Path, default=Path("backups"),
        help="the folder for backups; created if missing (default: backups)",
    )  # fmt: skip
    parser.add_argument(
        "--keep", metavar="N", type=argument(count(999_999)),
        help="delete all but the newest N backups, 1 to 999999 (default: keep all)",
    )  # fmt: skip
    progress.add_flag(parser)

    parser = add_command(commands, "verify", run_verify, "verify backups", database=False)
    parser.add_argument("files", metavar="FILE", nargs="+", type=Path, help="a backup")
    _add_no_checksum(parser)
    progress.add_flag(parser)

    summary = "replace the database with a backup; stop the server first"
    parser = add_command(commands, "restore", run_restore, summary)
    parser.add_argument("file", metavar="FILE", type=Path, help="the backup")
    parser.add_argument(
        "--exact", action="store_true",
        help="also undo revocations of keys, disabling of users and erasures that were made after the backup",
    )  # fmt: skip
    _add_no_checksum(parser)
    progress.add_flag(parser)


def _add_no_checksum(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--no-checksum", action="store_true",
        help="do not read the .sha256 file; damage within a text value is then not detected",
    )  # fmt: skip


def run_backup(args: argparse.Namespace) -> int:
    with progress.shown(args) as show:
        made = backup.back_up(existing_database(args), args.folder, args.keep, show)
    print(made)
    return 0


def run_verify(args: argparse.Namespace) -> int:
    code = 0
    for path in args.files:
        try:
            with progress.shown(args) as show:
                clients = backup.verify(path, checksum=not args.no_checksum, progress=show)
            version = file.check(path)
        except DatabaseRefused as error:
            print_error(str(error))
            code = 1
        else:
            older = f"; schema {version}, which is migrated to {SCHEMA_VERSION} when the file is opened"
            ending = older if version < SCHEMA_VERSION else ""
            print(printable(f"{path}: OK, {counted(clients, 'client')}{ending}"))
    return code


def run_restore(args: argparse.Namespace) -> int:
    database = read_settings(args).database
    with progress.shown(args) as show:
        done = restore(args.file, database, exact=args.exact, checksum=not args.no_checksum, progress=show)
    print(printable(f"Restored {database} from {args.file}."))
    if done.revoked or done.disabled or done.erased:
        print(
            f"Kept from the old database: {counted(done.revoked, 'key')} revoked, "
            f"{counted(done.disabled, 'user')} disabled, {counted(done.erased, 'client')} erased. "
            "(With --exact, they are as in the backup.)"
        )
    if done.old is not None:
        print(printable(f"The old database was renamed to {done.old}."))
    if done.unread:
        sys.stderr.write(
            "Warning: the old database could not be read, so keys that were revoked, users who were disabled "
            "and clients that were erased after the backup are as in the backup: repeat these changes.\n"
        )
    return 0
