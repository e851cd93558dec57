"""``acare user`` and ``handover``: the users of the agency."""

import sys
from typing import Any

from acare.auth import OPERATOR, ROLES, Role
from acare.cli.options import JSON, argument, command, open_database, read_database
from acare.cli.output import counted, print_rows
from acare.config import Settings
from acare.field_types import USER_EMAIL
from acare.store import keys
from acare.store.clients import ClientStore
from acare.store.users import UserStore

_ROLE = "an agent sees their own clients, a broker sees all clients"
_EMAIL = argument("email", "the user's e-mail address", "EMAIL", USER_EMAIL)


@command(JSON)
def list_(settings: Settings, as_json: bool) -> None:
    """List all users, with the number of their clients."""
    with read_database(settings) as database:
        listed = UserStore(database).list(OPERATOR)
    print_rows(listed, ("email", "role", "clients", "disabled_at", "id"), as_json=as_json)


@command(_EMAIL, argument("--role", f"{_ROLE} (default: agent)", choices=ROLES, default="agent"))
def add(settings: Settings, email: str, role: Role) -> None:
    """Add a user and print the id; 'acare key create' creates a key."""
    with open_database(settings) as database:
        print(UserStore(database).add(email, role).id)
    sys.stderr.write(f"Added {email} ({role}).\n")


@command(_EMAIL, argument("role", _ROLE, choices=ROLES))
def set_role(settings: Settings, email: str, role: Role) -> None:
    """Make a user an agent or a broker, from the next request on."""
    _change(settings, email, f"{email} now has the role {role}.", role=role)


@command(_EMAIL)
def disable(settings: Settings, email: str) -> None:
    """Refuse a user's keys, from the next request on."""
    with open_database(settings) as database:
        UserStore(database).change(email, disabled=True)
        with database.read() as connection:
            made = keys.made_for_others(connection, email)
    rest = f"'acare handover --from {email} --to EMAIL' hands over their clients."
    sys.stderr.write(f"Disabled {email}. {rest}\n")
    if made:
        rest = "that this user made for others can still be used; 'acare key list --json' has their made_by."
        sys.stderr.write(f"{counted(made, 'key')} {rest}\n")


@command(_EMAIL)
def enable(settings: Settings, email: str) -> None:
    """Accept the keys of a disabled user again."""
    _change(settings, email, f"Enabled {email}.", disabled=False)


def _change(settings: Settings, which: str, done: str, **values: Any) -> None:
    with open_database(settings) as database:
        UserStore(database).change(which, **values)
    sys.stderr.write(f"{done}\n")


@command(
    argument("--from", "the owner", "EMAIL", USER_EMAIL, dest="owner", required=True),
    argument("--to", "the new owner", "EMAIL", USER_EMAIL, required=True),
)
def handover(settings: Settings, owner: str, to: str) -> None:
    """Hand over all clients of a user to another user, each with a new version."""
    with open_database(settings) as database:
        moved = ClientStore(database).handover(OPERATOR, owner, to)
    print(f"Handed over {counted(moved, 'client')} from {owner} to {to}.")
