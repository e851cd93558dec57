"""``acare history`` and ``undelete``: the changes of a client, and restoring a deleted one."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict

from acare.cli.erase import describe
from acare.cli.options import Commands, add_flags, open_database, parse_id
from acare.field_types import to_json
from acare.fields import FIELDS
from acare.store.erasures import ErasureStore
from acare.store.history import HistoryStore


def add_to(commands: Commands[argparse.ArgumentParser]) -> None:
    history = commands.add_parser(
        "history",
        help="show who changed what in a client, and when",
        description="Show the changes of a client, oldest first: when, with which key, and the values before "
        "and after. 'acare find NAME --deleted' finds its id.",
    )
    history.add_argument("--json", action="store_true", help="print a JSON list")
    history.set_defaults(run=run_history)

    undelete = commands.add_parser(
        "undelete",
        help="restore a deleted client",
        description="Restore a deleted client under its id, at the next version.",
    )
    undelete.set_defaults(run=run_undelete)

    for parser in (history, undelete):
        parser.add_argument("id", metavar="CLIENT_ID", type=parse_id, help="the client's id")
        add_flags(parser, only=("database",))


def run_history(args: argparse.Namespace) -> int:
    with open_database(args, must_exist=True) as database:
        events = HistoryStore(database).events(args.id)
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
        if event.action in ("created", "imported", "deleted"):
            for field in FIELDS:
                if event.client[field.name] not in (None, [], {}):
                    print(f"    {field.name}: {to_json(event.client[field.name])}")
    return 0


def run_undelete(args: argparse.Namespace) -> int:
    with open_database(args, must_exist=True) as database:
        version = HistoryStore(database).undelete(args.id)
        person = ErasureStore(database).find(args.id)
    about = describe(person) if person else "client"
    print(f"Undeleted {about} (client {args.id}), at version {version}.")
    return 0
