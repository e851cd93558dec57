"""``acare user`` and ``acare transfer``: the users of the agency. They work while a server runs."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

from acare.auth import ROLES
from acare.cli.options import Commands, add_command, counted, open_database, parse_email, parse_id
from acare.cli.output import print_json, printable
from acare.store.transfer import transfer
from acare.store.users import UserStore

# The actions that change a user: the call, the message afterwards, and the help.
CHANGES: dict[str, tuple[Callable[[UserStore, argparse.Namespace], object], str, str]] = {
    "add": (
        lambda users, args: print(users.add(args.email, args.role).id),
        "Added {email} ({role}).",
        "add a user and print the id; 'acare key create' creates a key",
    ),
    "set-role": (
        lambda users, args: users.set_role(args.email, args.role),
        "{email} now has the role {role}.",
        "make a user an agent or a broker, from the next request on",
    ),
    "rename": (
        lambda users, args: users.rename(args.email, args.new),
        "Renamed {email} to {new}.",
        "change the e-mail address of a user, who keeps their clients and keys",
    ),
    "disable": (
        lambda users, args: users.disable(args.email),
        "Disabled {email}. 'acare transfer --from {email} --to EMAIL' hands their clients over.",
        "refuse a user's keys, from the next request on",
    ),
    "enable": (
        lambda users, args: users.enable(args.email),
        "Enabled {email}.",
        "accept the keys of a disabled user again",
    ),
}

_ROLE_HELP = "an agent sees only their own clients, a broker all"


def add_to(commands: Commands[argparse.ArgumentParser]) -> None:
    summary = "list, add, change and disable users"
    group = commands.add_parser("user", help=summary).add_subparsers(metavar="ACTION", required=True)
    parser = add_command(group, "list", run_list, "show all users, with the number of their clients")
    parser.add_argument("--json", action="store_true", help="print a JSON list")
    for name, (_, _, summary) in CHANGES.items():
        parser = add_command(group, name, run_change, summary)
        parser.set_defaults(change=name)
        parser.add_argument("email", metavar="EMAIL", type=parse_email, help="the user's e-mail address")
        if name == "add":
            role = f"{_ROLE_HELP} (default: agent)"
            parser.add_argument("--role", choices=ROLES, default="agent", help=role)
        if name == "set-role":
            parser.add_argument("role", choices=ROLES, help=_ROLE_HELP)
        if name == "rename":
            parser.add_argument("new", metavar="NEW", type=parse_email, help="the new e-mail address")
    _add_transfer(commands)


def _add_transfer(commands: Commands[argparse.ArgumentParser]) -> None:
    flag = add_command(
        commands, "transfer", run_transfer, "hand clients over to another user",
        description="Transfer all clients of a user, or those named, to another. Each gets a new version.",
        epilog="Example: acare transfer --from ana@example.com --to ben@example.com",
    ).add_argument  # fmt: skip
    flag("--from", dest="owner", required=True, type=parse_email, metavar="EMAIL", help="the owner")
    flag("--to", required=True, type=parse_email, metavar="EMAIL", help="the new owner")
    flag("--client", dest="clients", action="append", type=parse_id, metavar="ID",
         help="a client to transfer; may be repeated (default: all)")  # fmt: skip


def run_list(args: argparse.Namespace) -> int:
    with open_database(args, must_exist=True) as database:
        found = UserStore(database).list()
    if args.json:
        print_json(found)
        return 0
    for user in found:
        state = "disabled" if user["disabled_at"] else "enabled"
        clients = counted(user["clients"], "client")
        print(printable(f"{user['id']}  {user['role']:6}  {state:8}  {clients:>14}  {user['email']}"))
    return 0


def run_change(args: argparse.Namespace) -> int:
    change, message, _ = CHANGES[args.change]
    with open_database(args, must_exist=True) as database:
        change(UserStore(database), args)
    sys.stderr.write(f"{message.format(**vars(args))}\n")
    return 0


def run_transfer(args: argparse.Namespace) -> int:
    with open_database(args, must_exist=True) as database:
        moved = transfer(database, args.owner, args.to, args.clients)
    print(f"Transferred {counted(moved, 'client')} from {args.owner} to {args.to}.")
    return 0
