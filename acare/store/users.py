"""Users: every statement about them, apart from their keys."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from functools import partial
from typing import Any

from acare import ids
from acare.auth import FULL_ACCESS, HOST, Caller, Role, User
from acare.database.connection import NOW
from acare.database.database import Database
from acare.errors import UserError

VISIBLE = """
SELECT id, email, role
FROM users
WHERE disabled_at IS NULL AND (:owner_id IS NULL OR id = :owner_id)
ORDER BY email
"""

GET = "SELECT id, email, role FROM users WHERE id = :id"

FIND = "SELECT id, email, role, disabled_at FROM users WHERE email = :email"

INSERT = "INSERT INTO users (id, email, role) VALUES (:id, :email, :role)"

LIST = """
SELECT
    id, email, role, created_at, disabled_at,
    (SELECT coalesce(sum(total), 0) FROM client_totals WHERE user_id = users.id) AS clients
FROM users
ORDER BY email
"""

RENAME = "UPDATE users SET email = :new WHERE email = :email RETURNING id"

SET_ROLE = "UPDATE users SET role = :role WHERE email = :email RETURNING id"

SET_DISABLED = f"""
UPDATE users
SET disabled_at = iif(:disabled, coalesce(disabled_at, {NOW}), NULL)
WHERE email = :email
RETURNING id
"""

FIND_HOST_KEY = f"""
SELECT users.id, role, api_keys.id
FROM users
LEFT JOIN api_keys ON user_id = users.id AND preview = '{HOST}'
WHERE users.email = :email AND disabled_at IS NULL
"""

INSERT_HOST_KEY = f"""
INSERT INTO api_keys (id, user_id, name, sha256, preview, scopes)
SELECT :id, :user_id, 'embedding app', randomblob(32), '{HOST}', '{{}}'
WHERE NOT EXISTS (SELECT 1 FROM api_keys WHERE user_id = :user_id AND preview = '{HOST}')
"""


class UserStore:
    """Users in a database. ``new_id`` generates the ids."""

    def __init__(self, database: Database, new_id: Callable[[], object] = ids.new) -> None:
        self._database = database
        self._new_id = new_id

    def visible_to(self, caller: Caller) -> list[User]:
        """The enabled users whose clients the caller can see, by e-mail."""
        with self._database.read() as connection:
            rows = connection.execute(VISIBLE, {"owner_id": caller.owner_id}).fetchall()
        return [User._make(row) for row in rows]

    def get(self, caller: Caller) -> User:
        """The caller's user."""
        with self._database.read() as connection:
            return User._make(connection.execute(GET, {"id": caller.user_id}).fetchone())

    def caller(self, email: str) -> Caller | None:
        """The caller for a user of the embedding app; None if unknown or disabled.

        In the history, a key of its own represents it; no request can be authenticated with that key.
        """
        found = self._database.cached(email, _find_caller)
        if found is None or found.key_id is not None:
            return found
        self._database.write(partial(_insert_host_key, str(self._new_id()), found.user_id))
        return self._database.cached(email, _find_caller)

    def list(self) -> list[dict[str, Any]]:
        """All users by e-mail, with role, state and number of clients."""
        with self._database.read() as connection:
            return as_dicts(connection.execute(LIST))

    def add(self, email: str, role: Role) -> User:
        """Add a user. UserError if the e-mail address is in use."""
        user_id = str(self._new_id())

        def work(connection: sqlite3.Connection) -> User:
            if find(connection, email) is not None:
                raise already_exists(email)
            return insert(connection, User(user_id, email, role))

        return self._database.write(work)

    def rename(self, email: str, new: str) -> None:
        """Change the e-mail address. UserError for an unknown user, or if another user has the address."""
        try:
            self._change(RENAME, email=email, new=new)
        except sqlite3.IntegrityError:
            raise already_exists(new) from None

    def set_role(self, email: str, role: Role) -> None:
        """Change the role, also for existing keys. UserError if there is no such user."""
        self._change(SET_ROLE, email=email, role=role)

    def disable(self, email: str) -> None:
        """Make the user's keys invalid. UserError if there is no such user."""
        self._change(SET_DISABLED, email=email, disabled=True)

    def enable(self, email: str) -> None:
        """Make the user's keys valid again. UserError if there is no such user."""
        self._change(SET_DISABLED, email=email, disabled=False)

    def _change(self, statement: str, email: str, **values: object) -> None:
        def work(connection: sqlite3.Connection) -> None:
            if not connection.execute(statement, {**values, "email": email}).fetchall():
                raise no_such_user(email)

        self._database.write(work)


def insert(connection: sqlite3.Connection, user: User) -> User:
    """Insert a user, inside a transaction."""
    connection.execute(INSERT, user._asdict())
    return user


def find(connection: sqlite3.Connection, email: str) -> tuple[User, bool] | None:
    """The user, and whether it is disabled; None if there is none with this e-mail address."""
    rows = connection.execute(FIND, {"email": email}).fetchall()
    return (User._make(rows[0][:3]), rows[0][3] is not None) if rows else None


def get(connection: sqlite3.Connection, email: str) -> tuple[User, bool]:
    """Like ``find``. UserError if there is no such user."""
    found = find(connection, email)
    if found is None:
        raise no_such_user(email)
    return found


def no_such_user(email: str) -> UserError:
    """The error for an e-mail address that no user has."""
    return UserError(f"there is no user {email}; 'acare user list' lists the users")


def already_exists(email: str) -> UserError:
    """The error for an e-mail address that a user has already."""
    return UserError(f"the user {email} already exists")


def as_dicts(cursor: sqlite3.Cursor) -> list[dict[str, Any]]:
    """The rows of a cursor, each by the names of the columns."""
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _find_caller(connection: sqlite3.Connection, email: str) -> Caller | None:
    rows = connection.execute(FIND_HOST_KEY, {"email": email}).fetchall()
    if not rows:
        return None
    user_id, role, key_id = rows[0]
    return Caller(user_id, role, key_id, HOST, FULL_ACCESS)


def _insert_host_key(key_id: str, user_id: str, connection: sqlite3.Connection) -> None:
    connection.execute(INSERT_HOST_KEY, {"id": key_id, "user_id": user_id})
