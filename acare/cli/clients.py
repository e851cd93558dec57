"""``acare find``, ``history`` and ``undelete``: the clients of all users, for the operator."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict

from acare.auth import OPERATOR
from acare.cli.options import (
    CLIENT_ID,
    JSON,
    Commands,
    add_command,
    argument,
    checked,
    open_database,
    parse_id,
)
from acare.cli.output import print_json, print_rows, print_text
from acare.database.database import Database
from acare.field_types import String
from acare.store.deleted import DeletedStore
from acare.store.history import HistoryStore
from acare.store.lists import ListStore
from acare.store.users import UserStore

#: Seconds that a search among deleted clients may take.
MAX_SECONDS = 60.0

COLUMNS = ("id", "status", "deleted_at", "owner", "phone", "email", "first_name", "last_name")


def add_to(commands: Commands) -> None:
    text = checked(String(min_length=1, max_length=200).validate)
    add_command(
        commands, "find", run_find, "find clients by name, phone or other words",
        argument("text", metavar="TEXT", type=text, help="the words, in quotes if there are several"),
        argument("--deleted", action="store_true", help="also find clients that were deleted over the API"),
        JSON,
        description="Find clients of all users, newest first. Each word must begin a word of the name, "
        "e-mail, phone, tags, locations or notes; a phone number is found in any notation.",
    )  # fmt: skip
    add_command(
        commands, "history", run_history, "show everything that is stored about clients",
        argument("ids", metavar="CLIENT_ID", nargs="+", type=parse_id, help="a client, which may be deleted"),
        JSON,
        description="Show clients and their history: who changed what, and when; and the responses that are "
        "stored for repeated requests.",
    )  # fmt: skip
    summary = "restore a deleted client under its id, as its next version"
    add_command(commands, "undelete", run_undelete, summary, CLIENT_ID)


def run_find(args: argparse.Namespace) -> int:
    with open_database(args, must_exist=True) as database:
        print_rows(_found(database, args.text, args.deleted), COLUMNS, as_json=args.json)
    return 0


def _found(database: Database, text: str, deleted: bool) -> Iterator[dict[str, object]]:
    """Matching clients, newest first; with ``deleted``, deleted clients follow, last deleted first."""
    owners = {user["id"]: user["email"] for user in UserStore(database).list()}

    def row(record: str, deleted_at: str | None = None) -> dict[str, object]:
        client = json.loads(record)
        return {**client, "owner": owners[client["user_id"]], "deleted_at": deleted_at}

    for record, _ in ListStore(database).all(OPERATOR, sys.maxsize, q=text):
        yield row(record)
    if deleted:
        page = DeletedStore(database, MAX_SECONDS).page(OPERATOR, page=1, limit=sys.maxsize, q=text)
        for record, deletion in zip(page.rows, page.deletions, strict=True):
            yield row(record, json.loads(deletion)["deletedAt"])


def run_history(args: argparse.Namespace) -> int:
    with open_database(args, must_exist=True) as database:
        clients = [HistoryStore(database).stored(client_id) for client_id in args.ids]
        emails = {user["id"]: user["email"] for user in UserStore(database).list()}
    stored = [{"owner": emails[each.client["user_id"]], **asdict(each)} for each in clients]
    (print_json if args.json else print_text)(stored)
    return 0


def run_undelete(args: argparse.Namespace) -> int:
    with open_database(args, must_exist=True) as database:
        client = HistoryStore(database).restore(OPERATOR, args.id)
    print(f"Undeleted the client {args.id}, at version {client.version}.")
    return 0
