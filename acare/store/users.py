"""Users: listing, adding and changing them."""

import sqlite3
from typing import Any

from acare import ids
from acare.auth import USER_CHANGES, USER_FIELDS, Caller, Role, User
from acare.database.database import Database
from acare.errors import AlreadyExists, FieldError, InvalidInput, NotFound, Refused
from acare.fields import parse_arguments, parse_each
from acare.store import NOW, D, Store


class UserStore(Store[D]):
    """Users in a database."""

    def get(self, which: str) -> User:
        """The user with this id or e-mail address. NotFound if there is none."""
        with self._database.read() as connection:
            return get(connection, which)

    LIST = """
SELECT
    id, email, role, created_at, disabled_at,
    (SELECT coalesce(sum(total), 0) FROM client_totals WHERE user_id = users.id) AS clients
FROM users
WHERE (disabled_at IS NULL OR :disabled) AND (:owner_id IS NULL OR id = :owner_id)
ORDER BY email
"""

    def list(self, caller: Caller, *, disabled: bool = True) -> list[dict[str, Any]]:
        """The users whose clients the caller can see, by e-mail, with role, state and number of clients."""
        values = {"owner_id": caller.owner_id, "disabled": disabled}
        with self._database.read() as connection:
            return as_dicts(connection.execute(self.LIST, values))

    # No row if another user has the address.
    INSERT = "INSERT OR IGNORE INTO users (id, email, role) VALUES (:id, :email, :role)"

    def add(self: "UserStore[Database]", email: str, role: Role) -> User:
        """Add a user. InvalidInput for an invalid value, AlreadyExists if the e-mail address is in use."""
        user = User(ids.new(), **parse_each({"email": email, "role": role}, USER_FIELDS))
        values = user._asdict()
        if not self._write(lambda connection: connection.execute(self.INSERT, values).rowcount):
            raise AlreadyExists(f"the user {user.email} already exists")
        return user

    CHANGE = f"""
UPDATE OR IGNORE users
SET email = coalesce(:email, email),
    role = coalesce(:role, role),
    disabled_at = CASE
        WHEN :disabled IS NULL THEN disabled_at
        WHEN :disabled THEN coalesce(disabled_at, {NOW})
    END
WHERE id = :id
"""

    ENABLED_BROKERS = "SELECT id FROM users WHERE role = 'broker' AND disabled_at IS NULL"

    def change(
        self: "UserStore[Database]",
        which: str,
        *,
        email: str | None = None,
        role: Role | None = None,
        disabled: bool | None = None,
    ) -> User:
        """Change the given values of the user with this id or e-mail address, from the next request on.

        The keys of a disabled user are not valid. Raises InvalidInput for an invalid value, NotFound,
        AlreadyExists if another user has the new address, or Refused: LAST_BROKER.
        """
        values = parse_arguments(USER_CHANGES, email=email, role=role, disabled=disabled)

        def work(connection: sqlite3.Connection) -> User:
            before = get(connection, which)
            if not connection.execute(self.CHANGE, {**values, "id": before.id}).rowcount:
                raise AlreadyExists(f"the user {email} already exists")
            was_broker = before.role == "broker" and before.disabled_at is None
            if was_broker and not connection.execute(self.ENABLED_BROKERS).fetchall():
                text = f"the only broker is {before.email}; make another user a broker first"
                raise Refused(text, "LAST_BROKER")
            return get(connection, before.id)

        return self._write(work)


# An e-mail address has an @, so it never equals an id.
FIND = """
SELECT id, email, role, disabled_at
FROM users
WHERE id = :which OR email = :which
"""


def find(connection: sqlite3.Connection, which: str) -> User | None:
    """The user with this id or e-mail address; None if there is none."""
    rows = connection.execute(FIND, {"which": which}).fetchall()
    return User(*rows[0]) if rows else None


def get(connection: sqlite3.Connection, which: str) -> User:
    """Like ``find``. NotFound if there is no such user."""
    user = find(connection, which)
    if user is None:
        raise NotFound("user", f"there is no user {which}; 'acare user list' lists the users")
    return user


def get_enabled(connection: sqlite3.Connection, which: str, field: str) -> User:
    """Like ``find``. InvalidInput for the field if the user is unknown or disabled."""
    user = find(connection, which)
    if user is None or user.disabled_at is not None:
        name = which if user is None else user.email
        raise InvalidInput(FieldError(field, f"must be an enabled user; {name} is disabled or unknown"))
    return user


def as_dicts(cursor: sqlite3.Cursor) -> list[dict[str, Any]]:
    """The rows of a cursor, each by the names of the columns."""
    cursor.row_factory = sqlite3.Row
    return [dict(row) for row in cursor.fetchall()]
