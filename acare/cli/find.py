"""``acare find``: find clients of all users, for the operator."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict

from acare.cli.options import Commands, add_flags, open_database, parse_text
from acare.field_types import String
from acare.store import search


def add_to(commands: Commands[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "find",
        help="find clients by name, e-mail or phone",
        description="Find clients of all users. Each word must begin a word of the name, e-mail or phone; "
        "case and accents do not count, and a phone number is also found by its digits. Shows id, name, "
        "e-mail, phone, owner and status, newest first.",
        epilog="Example: acare find 'jordan lee' --deleted",
    )
    parser.add_argument("text", metavar="TEXT", type=_text, help="the words, in quotes if there are several")
    parser.add_argument(
        "--deleted", action="store_true", help="also find clients that were deleted over the API"
    )
    parser.add_argument("--json", action="store_true", help="print a JSON list")
    parser.set_defaults(run=run)
    add_flags(parser, only=("database",))


def run(args: argparse.Namespace) -> int:
    with open_database(args, must_exist=True) as database:
        found = search.find(database, args.text, deleted=args.deleted)
        if args.json:
            print(json.dumps([asdict(client) for client in found], indent=2, ensure_ascii=False))
            return 0
        states = {_show(client) for client in found}
    if not states:
        sys.stderr.write("No clients found.\n")
    elif True in states:
        sys.stderr.write(
            "'acare history ID' shows what was stored about a client, 'acare erase ID' erases it.\n"
        )
    return 0


def _show(client: search.Found) -> bool:
    """Print a client. Returns whether it is deleted."""
    state = f"deleted {client.deleted_at}" if client.deleted_at else client.status
    print("  ".join((client.id, client.name, client.email or "-", client.phone or "-", client.owner, state)))
    return client.deleted_at is not None


def _text(text: str) -> str:
    return parse_text(String(min_length=1, max_length=200), text)
