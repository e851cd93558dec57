"""``acare status``: for a monitor or cron."""

from __future__ import annotations

import argparse
import json
import re
import sys
from dataclasses import asdict
from pathlib import Path

from acare.cli import progress
from acare.cli.options import Commands, add_flags, existing_database
from acare.database.space import size_text
from acare.maintenance.status import Status, read_status


def add_to(commands: Commands[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "status",
        help="show the state of the database, its keys and its backups",
        description="Show the state of the database and of its newest backup. If something needs attention, "
        "the exit code is 1 and stderr has a line for each reason. Works while a server runs.",
    )
    parser.add_argument("--json", action="store_true", help="print a JSON object")
    parser.add_argument("--backups", metavar="DIR", type=Path, help="check the newest backup in this folder")
    parser.add_argument(
        "--max-age", metavar="HOURS", type=_hours, default=48,
        help="maximum age of the newest backup, 1 to 99999 (default: 48)",
    )  # fmt: skip
    progress.add_flag(parser)
    add_flags(parser, only=("database",))
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    path = existing_database(args)
    with progress.shown(args) as report:
        status = read_status(path, args.backups, args.max_age, report)
    print(json.dumps(asdict(status), indent=2, ensure_ascii=False) if args.json else describe(status))
    for line in status.attention:
        sys.stderr.write(f"acare: {path}: {line}\n")
    return 1 if status.attention else 0


def describe(status: Status) -> str:
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
        state = "intact" if status.backup.checksum_ok else "DAMAGED"
        lines["backup"] = f"{status.backup.file}, {status.backup.age_hours} hours old, {state}"
    return "\n".join(f"{name + ':':11}{value}" for name, value in lines.items())


def _hours(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", text) or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of hours from 1 to 99999")
    return int(text)
