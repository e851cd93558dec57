"""``acare find``: find clients of all users, for the operator."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict

from acare.cli.options import Commands, add_command, argument, open_database
from acare.cli.output import print_json, printable
from acare.field_types import String
from acare.store import search


def add_to(commands: Commands[argparse.ArgumentParser]) -> None:
    parser = add_command(
        commands, "find", run, "find clients by name, e-mail or phone",
        description="Find clients of all users. Each word must begin a word of the name, e-mail or phone; "
        "case and accents do not count, and a phone number is also found by its digits. Shows id, name, "
        "e-mail, phone, owner and status, newest first.",
        epilog="Example: acare find 'jordan lee' --deleted",
    )  # fmt: skip
    text = argument(String(min_length=1, max_length=200).clean, says="")
    parser.add_argument("text", metavar="TEXT", type=text, help="the words, in quotes if there are several")
    parser.add_argument(
        "--deleted", action="store_true", help="also find clients that were deleted over the API"
    )
    parser.add_argument("--json", action="store_true", help="print a JSON list")


def run(args: argparse.Namespace) -> int:
    with open_database(args, must_exist=True) as database:
        found = list(search.find(database, args.text, deleted=args.deleted))
    if args.json:
        print_json([asdict(client) for client in found])
        return 0
    for each in found:
        state = f"deleted {each.deleted_at}" if each.deleted_at else each.status
        shown = (each.id, each.name, each.email or "-", each.phone or "-", each.owner, state)
        print(printable("  ".join(shown)))
    if not found:
        sys.stderr.write("No clients found.\n")
    elif any(each.deleted_at for each in found):
        sys.stderr.write(
            "'acare history ID' shows what was stored about a client, 'acare erase ID' erases it.\n"
        )
    return 0
