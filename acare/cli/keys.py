"""``acare key create``, ``list`` and ``revoke``. They work while a server runs on the same file."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable

from acare.auth import ROLES, parse_scope
from acare.cli.options import (
    Commands,
    add_command,
    argument,
    counted,
    open_database,
    parse_email,
    parse_id,
    read_settings,
)
from acare.cli.output import print_json, printable
from acare.field_types import String
from acare.setting_types import count
from acare.store import users
from acare.store.keys import KeyStore

DEFAULT_SCOPES = ("clients:read,write",)


def add_to(commands: Commands[argparse.ArgumentParser]) -> None:
    group = commands.add_parser("key", help="create, list and revoke API keys").add_subparsers(
        metavar="ACTION", required=True
    )
    _add_create(group)

    parser = add_command(group, "list", run_list, "show all keys, by their first and last characters")
    parser.add_argument("--json", action="store_true", help="print a JSON list")

    summary = "revoke a key or a user's keys, from the next request on"
    which = add_command(group, "revoke", run_revoke, summary).add_mutually_exclusive_group(required=True)
    which.add_argument("id", metavar="ID", nargs="?", type=parse_id, help="an id from 'acare key list'")
    which.add_argument("--user", type=parse_email, metavar="EMAIL", help="all keys of this user")


def _add_create(group: Commands[argparse.ArgumentParser]) -> None:
    flag = add_command(
        group, "create", run_create, "create a key, and its user if new",
        description="Create an API key, and the database if there is none. Only the key is printed on "
        "stdout, once; the rest on stderr.",
    ).add_argument  # fmt: skip
    flag("--user", required=True, type=parse_email, metavar="EMAIL", help="the user of the key")
    flag("--role", choices=ROLES, help="the role of a new user (default: agent)")
    name = argument(String(min_length=1, max_length=100).validate, says="")
    flag("--name", type=name, metavar="TEXT", help="what the key is for")
    flag("--scope", dest="scopes", action="append", type=argument(_scope), metavar="RESOURCE:ACTIONS",
         help="clients or all, with read, write, delete; may be repeated; 'none' creates a key without "
         f"access (default: {' '.join(DEFAULT_SCOPES)})")  # fmt: skip
    flag("--expires-in-days", type=argument(count(365)), metavar="DAYS",
         help="1 to 365 (default: the key never expires)")  # fmt: skip


def run_create(args: argparse.Namespace) -> int:
    scopes = _merge(args.scopes if args.scopes is not None else map(parse_scope, DEFAULT_SCOPES))
    path = read_settings(args).database
    is_new = not path.exists()
    with open_database(args) as database:
        with database.read() as connection:
            is_new_user = users.find(connection, args.user) is None
        key = KeyStore(database).create(
            args.user, scopes, role=args.role, name=args.name, expires_in_days=args.expires_in_days
        )
    what = f"key {key.id} of {key.email} ({key.role}) with the scopes {json.dumps(scopes)}"
    said = [f"Created {what} in {path.absolute()}. It is printed on stdout, and not shown again:"]
    if is_new_user:
        said.insert(0, f"Created the user {key.email} ({key.role}).")
    if is_new:
        said.insert(0, f"Created the database {path.absolute()}: there was none.")
    sys.stderr.writelines(f"{printable(line)}\n" for line in said)
    print(key.key)
    return 0


def run_list(args: argparse.Namespace) -> int:
    with open_database(args, must_exist=True) as database:
        found = KeyStore(database).list()
    if args.json:
        print_json(found)
        return 0
    for key in found:
        line = (
            f"{key['id']}  {key['preview']}  {key['state']:8}  {key['role']:6}  {key['email']}  "
            f"{json.dumps(key['scopes'])}  user={key['user_id']}  name={key['name'] or '-'}  "
            f"expires={key['expires_at'] or 'never'}  used={key['last_used_at'] or 'never'}"
        )
        print(printable(line))
    return 0


def run_revoke(args: argparse.Namespace) -> int:
    with open_database(args, must_exist=True) as database:
        keys = KeyStore(database)
        if args.user is None:
            keys.revoke(args.id)
            said = f"Revoked key {args.id}."
        else:
            said = f"Revoked {counted(keys.revoke_all(args.user), 'key')} of {args.user}."
    sys.stderr.write(f"{said}\n")
    return 0


def _merge(scopes: Iterable[tuple[str, list[str]]]) -> dict[str, list[str]]:
    """The values of several ``--scope`` as one object; values for the same resource are merged."""
    merged: dict[str, list[str]] = {}
    for resource, actions in scopes:
        listed = merged.setdefault(resource, []) if actions else []
        listed += (action for action in actions if action not in listed)
    return merged


def _scope(text: str) -> tuple[str, list[str]]:
    return (text, []) if text == "none" else parse_scope(text)
