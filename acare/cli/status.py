"""``acare status``: for a monitor or cron."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path

from acare.cli.options import JSON, Commands, add_command, argument, checked, existing_database
from acare.cli.output import print_error, print_json, printable
from acare.database.access import size_text
from acare.maintenance.status import Status, read_status
from acare.setting_types import count


def add_to(commands: Commands) -> None:
    add_command(
        commands, "status", run, "show the state of the database, its keys and its backups",
        JSON,
        argument("--backups", metavar="DIR", type=Path, help="check the newest backup in this folder"),
        argument("--max-age", metavar="HOURS", type=checked(count(99_999)), default=48,
                 help="maximum age of the newest backup, 1 to 99999 (default: 48)"),
        description="Show the state of the database and of its newest backup. If something needs attention, "
        "the exit code is 1 and stderr has a line for each reason. Works while a server runs.",
    )  # fmt: skip


def run(args: argparse.Namespace) -> int:
    path = existing_database(args)
    status = read_status(path, args.backups, args.max_age)
    if args.json:
        print_json(asdict(status))
    else:
        _print(status)
    for line in status.attention:
        print_error(f"{path}: {line}")
    return 1 if status.attention else 0


def _print(status: Status) -> None:
    """A line for each fact; what needs attention is printed as errors."""
    for name, value in asdict(status).items():
        if name in ("file_size", "log_size", "disk_free"):
            value = size_text(value)
        elif name == "processes":
            value = ", ".join(map(str, value)) or "none"
        elif name == "backup":
            found = status.backup
            value = "none" if found is None else f"{found.file}, {found.age_hours} hours old"
        if name != "attention":
            print(printable(f"{name.replace('_', ' ') + ':':17}{value}"))
