"""``acare key``, ``user`` and ``handover``: the users of the agency and their keys."""

import sys
import time
from argparse import Namespace
from collections.abc import Callable
from functools import partial

from acare import timestamps
from acare.auth import OPERATOR, RESOURCES, ROLES, SCOPES_ALLOWED, Scopes, is_scope
from acare.cli.options import JSON, Argument, CommandParser, argument, open_database, parse_id
from acare.cli.output import counted, print_rows, printable
from acare.errors import InvalidInput, Refused
from acare.field_types import NAME, USER_EMAIL, count
from acare.store import users
from acare.store.clients import ClientStore
from acare.store.keys import KeyStore
from acare.store.users import UserStore

KEY_COLUMNS = (
    "id preview state role email scopes expires_at last_used_at user_id made_by made_with name"
).split()

DEFAULT_SCOPE = "clients:read,write"

_ROLE = "an agent sees their own clients, a broker sees all clients"

Change = Callable[[UserStore, Namespace], object]

# The actions that change a user: the help, the call, the message afterwards, and further arguments.
CHANGES: dict[str, tuple[str, Change, str, *tuple[Argument, ...]]] = {
    "add": (
        "add a user and print the id; 'acare key create' creates a key",
        lambda users, args: print(users.add(args.email, args.role).id),
        "Added {email} ({role}).",
        argument("--role", f"{_ROLE} (default: agent)", choices=ROLES, default="agent"),
    ),
    "set-role": (
        "make a user an agent or a broker, from the next request on",
        lambda users, args: users.change(args.email, role=args.role),
        "{email} now has the role {role}.",
        argument("role", _ROLE, choices=ROLES),
    ),
    "rename": (
        "change the e-mail address of a user, who keeps their clients and keys",
        lambda users, args: users.change(args.email, email=args.new),
        "Renamed {email} to {new}.",
        argument("new", "the new e-mail address", "NEW", USER_EMAIL.validate),
    ),
    "disable": (
        "refuse a user's keys, from the next request on",
        lambda users, args: users.change(args.email, disabled=True),
        "Disabled {email}. 'acare handover --from {email} --to EMAIL' hands over their clients.",
    ),
    "enable": (
        "accept the keys of a disabled user again",
        lambda users, args: users.change(args.email, disabled=False),
        "Enabled {email}.",
    ),
    "remove": (
        "remove a user added by mistake, who has never had a client, used a key or changed anything",
        lambda users, args: users.remove(args.email),
        "Removed {email}, and all keys of this user.",
    ),
}


def add_to(commands: CommandParser) -> None:
    group = commands.add_group("user", "list, add, change and disable users")
    group.add("list", run_list_users, "list all users, with the number of their clients", JSON)
    email = argument("email", "the user's e-mail address", "EMAIL", USER_EMAIL.validate)
    for name, (summary, change, message, *others) in CHANGES.items():
        group.add(name, partial(run_change, change, message), summary, email, *others)
    commands.add(
        "handover", run_handover, "hand over all clients of a user to another user",
        argument("--from", "the owner", "EMAIL", USER_EMAIL.validate, dest="owner", required=True),
        argument("--to", "the new owner", "EMAIL", USER_EMAIL.validate, required=True),
        description="Hand over all clients of a user to another user. Each client gets a new version.",
    )  # fmt: skip
    group = commands.add_group("key", "create, list and revoke API keys")
    group.add(
        "create", run_create_key, "create a key, and its user if new",
        argument("--user", "the user of the key", "EMAIL", USER_EMAIL.validate, required=True),
        argument("--role", "the role of a new user (default: agent)", choices=ROLES),
        argument("--name", "a label for the key", "TEXT", NAME.validate),
        argument("--scope", f"a resource ({', '.join(RESOURCES)}) and actions (read, write, delete, create; "
                 f"write includes delete and create); may be repeated (default: {DEFAULT_SCOPE})",
                 "RESOURCE:ACTIONS", _parse_scope, action="append"),
        argument("--expires-in-days", "1 to 365 (default: the key never expires)",
                 "DAYS", _after_days, dest="expires_at"),
        description="Create an API key. The key is printed once, on stdout; messages are printed on stderr.",
    )  # fmt: skip
    group.add("list", run_list_keys, "list all keys, with their first and last characters", JSON)
    group.add(
        "revoke", run_revoke_key, "revoke a key, from the next request on",
        argument("id", "an id from 'acare key list'", "ID", parse_id),
        argument("--made", "also revoke keys made with it, directly or indirectly", action="store_true"),
    )  # fmt: skip


def run_list_users(args: Namespace) -> None:
    with open_database(args, read_only=True) as database:
        listed = UserStore(database).list(OPERATOR)
    print_rows(listed, ("id", "role", "clients", "disabled_at", "email"), as_json=args.json)


def run_change(change: Change, message: str, args: Namespace) -> None:
    with open_database(args) as database:
        change(UserStore(database), args)
    sys.stderr.write(f"{message.format(**vars(args))}\n")


def run_handover(args: Namespace) -> None:
    with open_database(args) as database:
        try:
            moved = ClientStore(database).handover(OPERATOR, args.owner, args.to)
        except InvalidInput as error:  # about ``to``
            raise Refused(f"--{error}") from None
    print(f"Handed over {counted(moved, 'client')} from {args.owner} to {args.to}.")


def _after_days(text: str) -> str:
    """The time a number of days from now."""
    return timestamps.at(time.time_ns() + count(365)(text) * 24 * 60 * 60 * 10**9)


def _parse_scope(text: str) -> tuple[str, list[str]]:
    """``"clients:read,write"`` → ``("clients", ["read", "write"])``. ValueError states the format."""
    resource, _, listed = text.partition(":")
    actions = [action.strip() for action in listed.split(",")]
    if not is_scope(resource, actions):
        raise ValueError(f"must be RESOURCE:ACTION[,ACTION] with {SCOPES_ALLOWED}")
    return resource, actions


def run_create_key(args: Namespace) -> None:
    scopes: dict[str, list[str]] = {}
    for resource, actions in args.scope or [_parse_scope(DEFAULT_SCOPE)]:
        scopes[resource] = list(dict.fromkeys([*scopes.get(resource, []), *actions]))
    with open_database(args) as database:
        with database.read() as connection:
            user = users.find(connection, args.user)
        if user is None:
            user = UserStore(database).add(args.user, args.role or "agent")
            sys.stderr.write(f"Created the user {user.email} ({user.role}).\n")
        elif args.role not in (None, user.role):
            raise Refused(f"no key was created: {user.email} has the role {user.role}, not {args.role}")
        key, listed = KeyStore(database).create(
            OPERATOR, user_id=user.id, scopes=scopes, name=args.name, expires_at=args.expires_at
        )
    what = f"key {listed['id']} of {user.email} ({user.role}) with the scopes {_scope_text(scopes)}"
    said = f"Created {what} in {database.path.absolute()}. It is printed on stdout and not shown again:"
    sys.stderr.write(f"{printable(said)}\n")
    print(key)


def run_list_keys(args: Namespace) -> None:
    with open_database(args, read_only=True) as database:
        keys = KeyStore(database).list(OPERATOR)
    if not args.json:
        keys = [{**key, "scopes": _scope_text(key["scopes"])} for key in keys]
    print_rows(keys, KEY_COLUMNS, as_json=args.json)


def _scope_text(scopes: Scopes) -> str:
    """``clients:read,write users:read``, as ``--scope`` takes them."""
    return " ".join(f"{resource}:{','.join(actions)}" for resource, actions in scopes.items()) or "none"


def run_revoke_key(args: Namespace) -> None:
    with open_database(args) as database:
        revoked = KeyStore(database).revoke(OPERATOR, args.id, made=args.made)
    made = f" and {counted(revoked - 1, 'key')} made with it" if args.made else ""
    sys.stderr.write(f"Revoked key {args.id}{made}.\n")
