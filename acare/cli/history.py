"""``acare history``, ``undelete``, ``purge`` and ``erase``: the past of clients, for the operator."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict

from acare.cli.options import Commands, add_flags, open_database, parse_id
from acare.field_types import to_json
from acare.fields import FIELDS
from acare.store.history import HistoryStore


def add_to(commands: Commands[argparse.ArgumentParser]) -> None:
    history = commands.add_parser(
        "history",
        help="who did what to a client, and when",
        description="Show what was done to a client, oldest first: when, by whose key, from what to what. "
        "'acare find NAME --deleted' finds its id.",
    )
    history.add_argument("--json", action="store_true", help="as a JSON list")
    history.set_defaults(run=run_history)

    undelete = commands.add_parser(
        "undelete",
        help="bring a deleted client back",
        description="Bring a deleted client back under its id, at the next version.",
    )
    undelete.set_defaults(run=run_undelete)

    erase = commands.add_parser(
        "erase",
        help="forget a person for good",
        description="Delete a client, its history and stored answers about it, and overwrite their space. "
        "Backups are not touched: delete those that have the person in them.",
    )
    erase.set_defaults(run=run_erase)

    purge = commands.add_parser(
        "purge",
        help="forget old history",
        description="Delete replaced and deleted versions of clients that ended long ago.",
    )
    purge.add_argument("--older-than", metavar="DAYS", type=_days, required=True, help="days, at least 0")
    purge.set_defaults(run=run_purge)

    for parser in (history, undelete, erase):
        parser.add_argument("id", metavar="CLIENT_ID", type=parse_id, help="the client's id")
    for parser in (history, undelete, erase, purge):
        add_flags(parser, only=("database",))


def run_history(args: argparse.Namespace) -> int:
    with _open(args) as history:
        events = history.events(args.id)
    if args.json:
        print(json.dumps([asdict(event) for event in events], indent=2, ensure_ascii=False))
        return 0
    last = events[-1].client
    print(f"{last['first_name']} {last['last_name']}, client of {last['owner']}")
    for event in events:
        who = f"{event.user} ({event.key})" if event.key else "the operator"
        print(f"{event.at}  version {event.version}  {event.action} by {who}")
        for name, (old, new) in event.changes.items():
            print(f"    {name}: {to_json(old)} → {to_json(new)}")
        if event.action in ("created", "deleted"):
            for field in FIELDS:
                if event.client[field.name] not in (None, [], {}):
                    print(f"    {field.name}: {to_json(event.client[field.name])}")
    return 0


def run_undelete(args: argparse.Namespace) -> int:
    with _open(args) as history:
        version = history.undelete(args.id)
    print(f"Client {args.id} is back, at version {version}.")
    return 0


def run_erase(args: argparse.Namespace) -> int:
    with _open(args) as history:
        history.erase(args.id)
    print(f"Client {args.id} is erased.")
    sys.stderr.write(
        "Backups that were made before still have it, and what a restore or an upgrade put aside.\n"
    )
    return 0


def run_purge(args: argparse.Namespace) -> int:
    with _open(args) as history:
        purged = history.purge(args.older_than)
    print(f"Purged {purged} old versions.")
    return 0


@contextmanager
def _open(args: argparse.Namespace) -> Iterator[HistoryStore]:
    with open_database(args, must_exist=True) as database:
        yield HistoryStore(database)


def _days(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of days")
    return int(text)
