"""``acare key create``, ``list`` and ``revoke``, which work while a server runs on the same file."""

from __future__ import annotations

import argparse
import sys
import time

from acare import timestamps
from acare.auth import OPERATOR, RESOURCES, ROLES, NewScopes, parse_scope
from acare.cli.options import (
    JSON,
    Commands,
    add_command,
    argument,
    checked,
    open_database,
    parse_email,
    parse_id,
)
from acare.cli.output import print_rows, printable
from acare.field_types import KEY_NAME
from acare.setting_types import count
from acare.store import users
from acare.store.keys import KeyStore

COLUMNS = "id preview state role email scopes expires_at last_used_at user_id name".split()

DEFAULT_SCOPE = "clients:read,write"


def add_to(commands: Commands) -> None:
    parser = commands.add_parser("key", help="create, list and revoke API keys")
    group = parser.add_subparsers(metavar="ACTION", required=True)
    add_command(
        group, "create", run_create, "create a key, and its user if new",
        argument("--user", required=True, type=parse_email, metavar="EMAIL", help="the user of the key"),
        argument("--role", choices=ROLES, default="agent", help="the role of a new user (default: agent)"),
        argument("--name", type=checked(KEY_NAME.validate), metavar="TEXT", help="what the key is for"),
        argument("--scope", dest="scopes", action="append", type=checked(parse_scope),
                 metavar="RESOURCE:ACTIONS", help=f"one of {', '.join(RESOURCES)} with read, write, delete; "
                 f"may be repeated (default: {DEFAULT_SCOPE})"),
        argument("--expires-in-days", dest="expires_at", type=checked(_after_days), metavar="DAYS",
                 help="1 to 365 (default: the key never expires)"),
        description="Create an API key, and the database if there is none. The key is printed once, "
        "on stdout; messages are printed on stderr.",
    )  # fmt: skip
    add_command(group, "list", run_list, "show all keys, by their first and last characters", JSON)
    add_command(
        group, "revoke", run_revoke, "revoke a key, from the next request on",
        argument("id", metavar="ID", type=parse_id, help="an id from 'acare key list'"),
    )  # fmt: skip


def _after_days(text: str) -> str:
    """The time a number of days from now."""
    return timestamps.at(time.time_ns() + count(365)(text) * 24 * 60 * 60 * 10**9)


def run_create(args: argparse.Namespace) -> int:
    scopes: dict[str, list[str]] = {}
    for resource, actions in args.scopes or [parse_scope(DEFAULT_SCOPE)]:
        scopes[resource] = list(dict.fromkeys([*scopes.get(resource, []), *actions]))
    with open_database(args) as database:
        with database.read() as connection:
            user = users.find(connection, args.user)
        if user is None:
            user = users.UserStore(database).add(args.user, args.role)
            sys.stderr.write(f"Created the user {user.email} ({user.role}).\n")
        key, listed = KeyStore(database).create(
            OPERATOR, user_id=user.id, scopes=scopes, name=args.name, expires_at=args.expires_at
        )
    what = f"key {listed['id']} of {user.email} ({user.role}) with the scopes {_scope_text(scopes)}"
    said = f"Created {what} in {database.path.absolute()}. It is printed on stdout and not shown again:"
    sys.stderr.write(f"{printable(said)}\n")
    print(key)
    return 0


def run_list(args: argparse.Namespace) -> int:
    with open_database(args, must_exist=True) as database:
        keys = KeyStore(database).list(OPERATOR)
    if not args.json:
        keys = [{**key, "scopes": _scope_text(key["scopes"])} for key in keys]
    print_rows(keys, COLUMNS, as_json=args.json)
    return 0


def _scope_text(scopes: NewScopes) -> str:
    """``clients:read,write users:read``, as ``--scope`` takes them."""
    return " ".join(f"{resource}:{','.join(actions)}" for resource, actions in scopes.items()) or "none"


def run_revoke(args: argparse.Namespace) -> int:
    with open_database(args, must_exist=True) as database:
        KeyStore(database).revoke(OPERATOR, args.id)
    sys.stderr.write(f"Revoked key {args.id}.\n")
    return 0
