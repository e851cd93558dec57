"""``acare key``: the API keys of the users."""

import sys
from pathlib import Path

from acare import ids, timestamps
from acare.auth import OPERATOR, RESOURCES, ROLES, NewKey, Role, Scopes, User
from acare.cli.options import JSON, argument, command, open_database, parse_base_url, read_database
from acare.cli.output import counted, print_rows, printable
from acare.config import Settings
from acare.database.database import Database
from acare.errors import Refused, SettingError
from acare.field_types import NAME, USER_EMAIL
from acare.parameters import count
from acare.store import users
from acare.store.keys import INVITATION_DAYS, MAX_INVITATION_DAYS, KeyStore

DEFAULT_SCOPE, FIRST_SCOPE = "clients:read,write", "all:read,write"
_SCOPE = (
    f"a resource ({', '.join(RESOURCES)}) and actions (read, write, delete, create; write includes delete "
    f"and create); may be repeated (default: {DEFAULT_SCOPE}; the first broker's: {FIRST_SCOPE})"
)


def _after_days(text: str) -> str:
    """The time a number of days from now."""
    return timestamps.after(count(365)(text))


def _read_key(path: str) -> str:
    """The content of a file with a key, which the store checks. Errors do not repeat it."""
    with open(path, "rb") as file:
        return file.read(1000).decode("ascii", "replace").strip()


def _parse_scope(text: str) -> tuple[str, list[str]]:
    """``"clients:read,write"`` → ``("clients", ["read", "write"])``."""
    resource, _, actions = text.partition(":")
    return resource, [action.strip() for action in actions.split(",")]


@command(
    argument("--user", "the user of the key", "EMAIL", USER_EMAIL, dest="email", required=True),
    argument("--role", "the role of a new user (default: agent)", choices=ROLES),
    argument("--name", "a label for the key", "TEXT", NAME),
    argument("--scope", _SCOPE, "RESOURCE:ACTIONS", _parse_scope, action="append", dest="scopes"),
    argument(
        "--expires-in-days", "days, 1 to 365 (default: no expiry)", "DAYS", _after_days, dest="expires_at"
    ),
    argument(
        "--invitation",
        "create an invitation, which a person redeems once for a key "
        f"(valid for {INVITATION_DAYS} days by default, {MAX_INVITATION_DAYS} at most)",
        action="store_true",
    ),
    argument("--url", "print the invitation as a link to the web UI at this URL", "URL", parse_base_url),
    argument(
        "--key-file",
        "adopt the key in this file, which programs already use; it is not printed",
        "FILE",
        _read_key,
        dest="adopted",
    ),
)
def create(
    settings: Settings,
    email: str,
    role: Role | None,
    name: str | None,
    scopes: list[tuple[str, list[str]]] | None,
    expires_at: str | None,
    invitation: bool,
    url: str | None,
    adopted: str | None,
) -> None:
    """Create a key, and its user if missing. The key is printed once, on stdout; messages go to stderr."""
    if url is not None and not invitation:
        raise SettingError("--url needs --invitation")
    if adopted is not None and invitation:
        raise SettingError("--key-file cannot be combined with --invitation")
    given: dict[str, list[str]] = {}
    with open_database(settings) as database:
        user = _find_or_add(database, email, role)
        for resource, actions in scopes or [_default_scope(database, user)]:
            given.setdefault(resource, []).extend(actions)
        created = KeyStore(database).create(
            OPERATOR,
            user_id=user.id,
            scopes=given,
            name=name,
            expires_at=expires_at,
            invitation=invitation,
            adopted=adopted,
        )
    _print_created(created, database.path, url, is_adopted=adopted is not None)


def _print_created(created: NewKey, database: Path, url: str | None, is_adopted: bool) -> None:
    key, listed = created
    kind, scopes = "invitation" if listed["invitation"] else "key", _scope_text(listed["scopes"])
    what = f"{kind} {listed['id']} of {listed['email']} ({listed['role']}) with the scopes {scopes}"
    shown = "." if is_adopted else ". It is printed on stdout and not shown again:"
    sys.stderr.write(printable(f"Created {what} in {database.absolute()}{shown}") + "\n")
    if not is_adopted:
        print(key if url is None else f"{url.rstrip('/')}/#invite={key}")


def _find_or_add(database: Database, email: str, role: Role | None) -> User:
    """The user with this address, who is added if new. Refused for another role."""
    with database.read() as connection:
        user = users.find(connection, email)
    if user is None:
        user = users.UserStore(database).add(email, role or "agent")
        sys.stderr.write(f"Created the user {user.email} ({user.role}).\n")
    if role not in (None, user.role):
        raise Refused(f"no key was created: {user.email} has the role {user.role}, not {role}")
    return user


def _default_scope(database: Database, user: User) -> tuple[str, list[str]]:
    """The scope of a key for which none is given: everything, if it is the first key and of a broker."""
    is_first = user.role == "broker" and not KeyStore(database).list(OPERATOR, limit=1).rows
    return _parse_scope(FIRST_SCOPE if is_first else DEFAULT_SCOPE)


def _scope_text(scopes: Scopes) -> str:
    """``clients:read,write keys:read``, as ``--scope`` takes them."""
    return " ".join(f"{resource}:{','.join(actions)}" for resource, actions in scopes.items()) or "none"


@command(JSON)
def list_(settings: Settings, as_json: bool) -> None:
    """List all keys, with their names or first and last characters; --json has their scopes."""
    with read_database(settings) as database:
        keys = KeyStore(database).list(OPERATOR).rows
    if not as_json:
        keys = [
            {
                **key,
                "name": key["name"] or key["preview"],
                "ends": key["expires_at"] and key["expires_at"][:10],
            }
            for key in keys
        ]
    print_rows(keys, ("email", "name", "state", "ends", "id"), as_json=as_json)


@command(
    argument("key_id", "an id from 'acare key list'", "ID", ids.parse),
    argument("--made", "also revoke keys made with it, directly or indirectly", action="store_true"),
)
def revoke(settings: Settings, key_id: str, made: bool) -> None:
    """Revoke a key, from the next request on."""
    with open_database(settings) as database:
        revoked = KeyStore(database).revoke(OPERATOR, key_id, made=made)
    others = f" and {counted(revoked - 1, 'key')} made with it" if made else ""
    sys.stderr.write(f"Revoked key {key_id}{others}.\n")
