"""``acare status``: checks for a monitor."""

from __future__ import annotations

import argparse
from pathlib import Path

from acare.cli.options import JSON, Commands, add_command, argument, checked, existing_database
from acare.cli.output import print_error, print_json, print_text
from acare.errors import SettingError
from acare.maintenance.status import CHECKS, read_status
from acare.setting_types import count

_NEEDED = {"backup": "backups", "server": "url"}  # the option that each check needs


def add_to(commands: Commands) -> None:
    add_command(
        commands, "status", run, "check the database, its backups and its server",
        JSON,
        argument("--backups", metavar="DIR", type=Path, help="check the newest backup in this folder"),
        argument("--max-age", metavar="HOURS", type=checked(count(99_999)), default=48,
                 help="maximum age of the newest backup, 1 to 99999 (default: 48)"),
        argument("--url", help="check the server at this URL, such as http://127.0.0.1:8080"),
        argument("--fail-on", metavar="CHECKS", type=checked(_names),
                 help=f"the checks that set the exit code: {','.join(CHECKS)} (default: all)"),
        description="Check the database, its backups and its server. If a check fails, the exit code is 1 "
        "and stderr has a line for each reason. Works while a server runs, and changes nothing.",
    )  # fmt: skip


def _names(text: str) -> list[str]:
    names = text.split(",")
    if unknown := [name for name in names if name not in CHECKS]:
        raise ValueError(f"{', '.join(unknown)} is not one of {', '.join(CHECKS)}")
    return names


def run(args: argparse.Namespace) -> int:
    fail_on = CHECKS if args.fail_on is None else args.fail_on
    for name in args.fail_on or ():
        if name in _NEEDED and getattr(args, _NEEDED[name]) is None:
            raise SettingError("--fail-on", f"{name} needs --{_NEEDED[name]}")
    path = existing_database(args)
    checks = read_status(path, args.backups, args.max_age, args.url)
    found = {name: {"problems": problems, **figures} for name, problems, figures in checks}
    if args.json:
        print_json(found)
    else:
        print_text([found])
    for name, problems, _ in checks:
        for problem in problems:
            print_error(f"{path}: {name}: {problem}")
    return int(any(problems and name in fail_on for name, problems, _ in checks))
