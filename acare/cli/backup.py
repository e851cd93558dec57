"""``acare backup``, ``verify`` and ``restore``."""

from __future__ import annotations

import argparse
from pathlib import Path

from acare.cli.options import Commands, add_command, argument, checked, existing_database, read_settings
from acare.cli.output import counted, print_error, printable, show_progress
from acare.maintenance import backup
from acare.maintenance.restore import restore
from acare.setting_types import count


def add_to(commands: Commands) -> None:
    add_command(
        commands, "backup", run_backup, "make a verified backup, even while the server runs",
        argument("folder", metavar="DIR", nargs="?", type=Path, default=Path("backups"),
                 help="the folder for backups; created if missing (default: backups)"),
        argument("--keep", metavar="N", type=checked(count(999_999)),
                 help="delete all but the newest N backups, 1 to 999999 (default: keep all)"),
    )  # fmt: skip
    add_command(
        commands, "verify", run_verify, "verify backups; stop at the first damaged one",
        argument("files", metavar="FILE", nargs="+", type=Path, help="a backup"),
        settings=(),
    )  # fmt: skip
    add_command(
        commands, "restore", run_restore, "replace the database with a backup; stop the server first",
        argument("file", metavar="FILE", type=Path, help="the backup"),
    )  # fmt: skip


def run_backup(args: argparse.Namespace) -> int:
    with show_progress() as show:
        made = backup.back_up(existing_database(args), args.folder, args.keep, show)
    print(made)
    return 0


def run_verify(args: argparse.Namespace) -> int:
    for path in args.files:
        with show_progress() as show:
            clients = backup.verify(path, show)
        print(printable(f"{path}: OK, {counted(clients, 'client')}"))
    return 0


def run_restore(args: argparse.Namespace) -> int:
    database = read_settings(args).database
    with show_progress() as show:
        done = restore(args.file, database, show)
    print(printable(f"Restored {database} from {args.file}."))
    if done.old is not None:
        print(printable(f"The old database was renamed to {done.old}."))
    if done.unread:
        print_error(
            "the old database could not be read, so keys that were revoked, users who were disabled and "
            "clients that were erased after the backup are as in the backup: repeat these changes"
        )
    return 0
