"""``acare status``: for a monitor or cron."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path

from acare.cli.options import Commands, add_command, argument, existing_database
from acare.cli.output import print_error, print_json, printable
from acare.database.access import size_text
from acare.maintenance.status import Status, read_status
from acare.setting_types import count


def add_to(commands: Commands[argparse.ArgumentParser]) -> None:
    parser = add_command(
        commands, "status", run, "show the state of the database, its keys and its backups",
        description="Show the state of the database and of its newest backup. If something needs attention, "
        "the exit code is 1 and stderr has a line for each reason. Works while a server runs.",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print a JSON object")
    parser.add_argument("--backups", metavar="DIR", type=Path, help="check the newest backup in this folder")
    parser.add_argument(
        "--max-age", metavar="HOURS", type=argument(count(99_999)), default=48,
        help="maximum age of the newest backup, 1 to 99999 (default: 48)",
    )  # fmt: skip


def run(args: argparse.Namespace) -> int:
    path = existing_database(args)
    status = read_status(path, args.backups, args.max_age)
    if args.json:
        print_json(asdict(status))
    else:
        for name, value in _describe(status).items():
            print(printable(f"{name + ':':11}{value}"))
    for line in status.attention:
        print_error(f"{path}: {line}")
    return 1 if status.attention else 0


def _describe(status: Status) -> dict[str, str]:
    opened = ", ".join(map(str, status.processes))
    lines = {
        "database": f"{status.database}, {size_text(status.file_size)}",
        "log": size_text(status.log_size),
        "free disk": size_text(status.disk_free),
        "opened by": f"process {opened}" if opened else "no process",
        "clients": str(status.clients),
        "users": str(status.users),
        "keys": f"{status.keys_active} active, {status.keys_expiring} expiring soon, "
        f"{status.keys_never_used} never used",
        "schema": f"{status.schema} (SQLite {status.sqlite})",
    }
    if status.backup is not None:
        state = {True: "intact", False: "DAMAGED", None: "unreadable"}[status.backup.checksum_ok]
        lines["backup"] = f"{status.backup.file}, {status.backup.age_hours} hours old, {state}"
    return lines
