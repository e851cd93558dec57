"""``acare find``, ``history`` and ``undelete``: the clients of all users, for the operator."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import asdict

from acare.cli.erase import describe
from acare.cli.options import Commands, add_command, argument, open_database, parse_id
from acare.cli.output import print_json, printable
from acare.field_types import String, to_json
from acare.fields import FIELDS
from acare.store import search
from acare.store.history import Event, HistoryStore


def add_to(commands: Commands[argparse.ArgumentParser]) -> None:
    parser = add_command(
        commands, "find", run_find, "find clients by name, e-mail or phone",
        description="Find clients of all users. Each word must begin a word of the name, e-mail or phone; "
        "case and accents do not count, and a phone number is also found by its digits. Shows id, name, "
        "e-mail, phone, owner and status, newest first.",
        epilog="Example: acare find 'jordan lee' --deleted",
    )  # fmt: skip
    text = argument(String(min_length=1, max_length=200).validate, says="")
    parser.add_argument("text", metavar="TEXT", type=text, help="the words, in quotes if there are several")
    parser.add_argument(
        "--deleted", action="store_true", help="also find clients that were deleted over the API"
    )
    parser.add_argument("--json", action="store_true", help="print a JSON list")

    parser = add_command(commands, "history", run_history, "show who changed what in a client, and when")
    parser.add_argument("id", metavar="CLIENT_ID", type=parse_id, help="the client's id")
    parser.add_argument("--json", action="store_true", help="print a JSON list")

    summary = "restore a deleted client under its id, at the next version"
    parser = add_command(commands, "undelete", run_undelete, summary)
    parser.add_argument("id", metavar="CLIENT_ID", type=parse_id, help="the client's id")


def run_find(args: argparse.Namespace) -> int:
    with open_database(args, must_exist=True) as database:
        found = search.find(database, args.text, deleted=args.deleted)
        if args.json:
            print_json([asdict(client) for client in found])
            return 0
        states = {_print_found(client) for client in found}  # one by one: they may be a million
    if not states:
        sys.stderr.write("No clients found.\n")
    elif states != {"current"}:
        sys.stderr.write(
            "'acare history ID' shows what was stored about a client, 'acare erase ID' erases it.\n"
        )
    return 0


def _print_found(client: search.Found) -> str:
    """Print a client in one line. Returns "deleted" or "current"."""
    state = f"deleted {client.deleted_at}" if client.deleted_at else client.status
    shown = (client.id, client.name, client.email or "-", client.phone or "-", client.owner, state)
    print(printable("  ".join(shown)))
    return "deleted" if client.deleted_at else "current"


def run_history(args: argparse.Namespace) -> int:
    with open_database(args, must_exist=True) as database:
        events = HistoryStore(database).events(args.id)
    if args.json:
        print_json([asdict(event) for event in events])
        return 0
    last = events[-1].client
    print(printable(f"{last['first_name']} {last['last_name']}, client of {last['owner']}"))
    for event in events:
        for line in _lines(event):
            print(printable(line))
    return 0


def _lines(event: Event) -> Iterator[str]:
    """What changed, by whom; for a new or deleted client all of its fields."""
    who = f"{event.user} ({event.key})" if event.key else "the operator"
    yield f"{event.at}  version {event.version}  {event.action} by {who}"
    for name, (old, new) in event.changes.items():
        yield f"    {name}: {to_json(old)} → {to_json(new)}"
    if event.action in ("created", "imported", "deleted"):
        for field in FIELDS:
            if event.client[field.name] not in (None, [], {}):
                yield f"    {field.name}: {to_json(event.client[field.name])}"


def run_undelete(args: argparse.Namespace) -> int:
    with open_database(args, must_exist=True) as database:
        history = HistoryStore(database)
        version = history.undelete(args.id)
        about = describe(history.events(args.id)[-1].client)
    print(printable(f"Undeleted {about} (client {args.id}), at version {version}."))
    return 0
