"""``acare key create``, ``list`` and ``revoke``. They work while a server runs on the same file."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from acare.auth import ROLES, parse_scope
from acare.cli.options import (
    Commands,
    add_flags,
    counted,
    open_database,
    parse_email,
    parse_id,
    parse_text,
    read_settings,
)
from acare.field_types import String
from acare.store.keys import KeyStore

DEFAULT_SCOPES = ("clients:read,write",)


def add_to(commands: Commands[argparse.ArgumentParser]) -> None:
    group = commands.add_parser("key", help="create, list and revoke API keys").add_subparsers(
        metavar="ACTION", required=True
    )
    _add_create(group)
    _add_list(group)
    _add_revoke(group)


def _add_create(group: Commands[argparse.ArgumentParser]) -> None:
    parser = group.add_parser(
        "create",
        help="create a key, and its user if new",
        description="Create an API key, and the database if there is none. Only the key is printed on "
        "stdout, once; the rest on stderr.",
    )
    flag = parser.add_argument
    flag("--user", required=True, type=parse_email, metavar="EMAIL", help="the user of the key")
    flag("--role", choices=ROLES, help="the role of a new user (default: agent)")
    flag("--name", type=_name, metavar="TEXT", help="what the key is for")
    flag(
        "--scope",
        dest="scopes",
        action="append",
        type=_scope,
        metavar="RESOURCE:ACTIONS",
        help="clients or all, with read, write, delete; may be repeated; "
        f"'none' creates a key without access (default: {' '.join(DEFAULT_SCOPES)})",
    )
    flag("--expires-in-days", type=_days, metavar="DAYS", help="1 to 365 (default: the key never expires)")
    add_flags(parser, only=("database",))
    parser.set_defaults(run=run_create)


def _add_list(group: Commands[argparse.ArgumentParser]) -> None:
    parser = group.add_parser("list", help="show all keys, by their first and last characters")
    parser.add_argument("--json", action="store_true", help="print a JSON list")
    add_flags(parser, only=("database",))
    parser.set_defaults(run=run_list)


def _add_revoke(group: Commands[argparse.ArgumentParser]) -> None:
    parser = group.add_parser("revoke", help="revoke a key or a user's keys, from the next request on")
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument(
        "id", metavar="ID", nargs="?", type=parse_id, help="the id that 'acare key list' shows"
    )
    which.add_argument("--user", type=parse_email, metavar="EMAIL", help="all keys of this user")
    add_flags(parser, only=("database",))
    parser.set_defaults(run=run_revoke)


def run_create(args: argparse.Namespace) -> int:
    scopes = _merge(args.scopes if args.scopes is not None else map(parse_scope, DEFAULT_SCOPES))
    path = read_settings(args).database
    is_new = not path.exists()
    with _open(args) as keys:
        key = keys.create(
            args.user, scopes, role=args.role, name=args.name, expires_in_days=args.expires_in_days
        )
    if is_new:
        sys.stderr.write(f"Created the database {path.absolute()}: there was none.\n")
    sys.stderr.write(
        f"Created key {key.id} of {key.email} ({key.role}) with the scopes {json.dumps(scopes)} in "
        f"{path.absolute()}.\nIt is printed on stdout, and not shown again:\n"
    )
    print(key.key)
    return 0


def run_list(args: argparse.Namespace) -> int:
    with _open(args, must_exist=True) as keys:
        found = keys.list()
    if args.json:
        print(json.dumps(found, indent=2, ensure_ascii=False))
        return 0
    for key in found:
        print(
            f"{key['id']}  {key['preview']}  {key['state']:8}  {key['role']:6}  {key['email']}  "
            f"{json.dumps(key['scopes'])}  user={key['user_id']}  name={key['name'] or '-'}  "
            f"expires={key['expires_at'] or 'never'}  used={key['last_used_at'] or 'never'}"
        )
    return 0


def run_revoke(args: argparse.Namespace) -> int:
    with _open(args, must_exist=True) as keys:
        if args.user is None:
            keys.revoke(args.id)
            said = f"Revoked key {args.id}."
        else:
            said = f"Revoked {counted(keys.revoke_all(args.user), 'key')} of {args.user}."
    sys.stderr.write(f"{said}\n")
    return 0


@contextmanager
def _open(args: argparse.Namespace, must_exist: bool = False) -> Iterator[KeyStore]:
    with open_database(args, must_exist=must_exist) as database:
        yield KeyStore(database)


def _merge(scopes: Iterable[tuple[str, list[str]]]) -> dict[str, list[str]]:
    """The values of several ``--scope`` as one object; values for the same resource are merged."""
    merged: dict[str, list[str]] = {}
    for resource, actions in scopes:
        listed = merged.setdefault(resource, []) if actions else []
        listed += (action for action in actions if action not in listed)
    return merged


def _scope(text: str) -> tuple[str, list[str]]:
    if text == "none":
        return text, []
    try:
        return parse_scope(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not {error}") from None


def _name(text: str) -> str:
    return parse_text(String(min_length=1, max_length=100), text)


def _days(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,3}", text) or not 1 <= int(text) <= 365:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 to 365")
    return int(text)
