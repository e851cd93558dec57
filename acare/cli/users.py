"""``acare user`` and ``acare transfer``: the users of the agency. Both work while a server runs."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from functools import partial

from acare.auth import OPERATOR, ROLES
from acare.cli.options import (
    EMAIL,
    JSON,
    TO_CREATE,
    Argument,
    Commands,
    add_command,
    argument,
    open_database,
    parse_email,
)
from acare.cli.output import counted, print_rows
from acare.store.clients import ClientStore
from acare.store.users import UserStore

COLUMNS = ("id", "role", "clients", "disabled_at", "email")

_ROLE = "an agent sees their own clients, a broker sees all clients"

Change = Callable[[UserStore, argparse.Namespace], object]

# The actions that change a user: the help, the arguments, the call, and the message afterwards.
CHANGES: dict[str, tuple[str, list[Argument], Change, str]] = {
    "add": (
        "add a user and print the id; 'acare key create' creates a key",
        [EMAIL, argument("--role", choices=ROLES, default="agent", help=f"{_ROLE} (default: agent)")],
        lambda users, args: print(users.add(args.email, args.role).id),
        "Added {email} ({role}).",
    ),
    "set-role": (
        "make a user an agent or a broker, from the next request on",
        [EMAIL, argument("role", choices=ROLES, help=_ROLE)],
        lambda users, args: users.change(args.email, role=args.role),
        "{email} now has the role {role}.",
    ),
    "rename": (
        "change the e-mail address of a user, who keeps their clients and keys",
        [EMAIL, argument("new", metavar="NEW", type=parse_email, help="the new e-mail address")],
        lambda users, args: users.change(args.email, email=args.new),
        "Renamed {email} to {new}.",
    ),
    "disable": (
        "refuse a user's keys, from the next request on",
        [EMAIL],
        lambda users, args: users.change(args.email, disabled=True),
        "Disabled {email}. 'acare transfer --from {email} --to EMAIL' transfers their clients.",
    ),
    "enable": (
        "accept the keys of a disabled user again",
        [EMAIL],
        lambda users, args: users.change(args.email, disabled=False),
        "Enabled {email}.",
    ),
}


def add_to(commands: Commands) -> None:
    parser = commands.add_parser("user", help="list, add, change and disable users")
    group = parser.add_subparsers(metavar="ACTION", required=True)
    add_command(group, "list", run_list, "show all users, with the number of their clients", JSON)
    for name, (summary, arguments, change, message) in CHANGES.items():
        add_command(group, name, partial(run_change, change, message), summary, *arguments)
    add_command(
        commands, "transfer", run_transfer, "transfer all clients of a user to another user",
        argument("--from", dest="owner", required=True, type=parse_email, metavar="EMAIL", help="the owner"),
        argument("--to", required=True, type=parse_email, metavar="EMAIL", help="the new owner"),
        description="Transfer all clients of a user to another user. Each client gets a new version.",
    )  # fmt: skip


def run_list(args: argparse.Namespace) -> int:
    with open_database(args, must_exist=True) as database:
        print_rows(UserStore(database).list(OPERATOR), COLUMNS, as_json=args.json)
    return 0


def run_change(change: Change, message: str, args: argparse.Namespace) -> int:
    with open_database(args, must_exist=True, hint=TO_CREATE) as database:
        change(UserStore(database), args)
    sys.stderr.write(f"{message.format(**vars(args))}\n")
    return 0


def run_transfer(args: argparse.Namespace) -> int:
    with open_database(args, must_exist=True) as database:
        moved = ClientStore(database).transfer(OPERATOR, args.owner, args.to)
    print(f"Transferred {counted(moved, 'client')} from {args.owner} to {args.to}.")
    return 0
