"""API keys: every statement about them.

A key is 64 lower-case hex characters, 256 random bits, shown once when it is created. Its SHA-256
is stored: the time that a look-up by hash takes reveals nothing about any key, and a key with so much
randomness needs no slow hash.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any

from acare import ids, timestamps
from acare.auth import HOST, Caller, Role, Scopes, User
from acare.database.connection import NOW, THIS_MINUTE, at_offset
from acare.database.database import Database
from acare.errors import UserError
from acare.store import users

#: Characters of a key.
KEY_LENGTH = 64

_MINUTE = len("2026-07-15T14:32")

AUTHENTICATE = """
SELECT users.id, role, api_keys.id, preview, scopes, expires_at, last_used_at
FROM api_keys
JOIN users ON users.id = user_id
WHERE sha256 = :sha256 AND revoked_at IS NULL AND disabled_at IS NULL
"""

TOUCH = f"""
UPDATE api_keys
SET last_used_at = {THIS_MINUTE}
WHERE id = :id AND last_used_at IS NOT {THIS_MINUTE}
"""

ANY_KEY = f"SELECT EXISTS (SELECT 1 FROM api_keys WHERE preview <> '{HOST}')"

INSERT_KEY = f"""
INSERT INTO api_keys (id, user_id, name, sha256, preview, scopes, expires_at)
VALUES (
    :id, :user_id, :name, :sha256, :preview, :scopes,
    {at_offset(":expires_in")}
)
"""

LIST_KEYS = f"""
SELECT
    api_keys.id, users.id AS user_id, email, role, name, preview, scopes,
    api_keys.created_at, expires_at, revoked_at, last_used_at,
    CASE
        WHEN revoked_at IS NOT NULL THEN 'revoked'
        WHEN disabled_at IS NOT NULL THEN 'disabled'
        WHEN expires_at <= {NOW} THEN 'expired'
        ELSE 'valid'
    END AS state
FROM api_keys
JOIN users ON users.id = user_id
WHERE preview <> '{HOST}'
ORDER BY api_keys.rowid
"""

REVOKE = f"""
UPDATE api_keys
SET revoked_at = coalesce(revoked_at, {NOW})
WHERE id = :id
RETURNING id
"""

REVOKE_ALL = f"""
UPDATE api_keys
SET revoked_at = {NOW}
WHERE user_id = :user_id AND revoked_at IS NULL AND preview <> '{HOST}'
"""


@dataclass(frozen=True)
class NewKey:
    """A key that was just created. ``key`` is the key itself, which is not available later."""

    id: str
    user_id: str
    email: str  # in the spelling that the database has
    role: Role
    key: str
    preview: str


class KeyStore:
    """Keys in a database. ``new_key`` generates the 64 characters of a new key."""

    def __init__(
        self,
        database: Database,
        new_id: Callable[[], object] = ids.new,
        new_key: Callable[[], str] = lambda: secrets.token_hex(KEY_LENGTH // 2),
        now: Callable[[], str] = timestamps.now,
    ) -> None:
        self._database = database
        self._new_id = new_id
        self._new_key = new_key
        self._now = now
        self._noted: dict[str | None, str] = {}  # the minute in which the use of each key was last queued

    def authenticate(self, key: str) -> Caller | None:
        """The caller who holds the key; None if it is malformed, unknown, expired or revoked.

        The use of a key is recorded to the minute, by a queued write that this call does not wait for.
        """
        if len(key) != KEY_LENGTH:
            return None
        caller, expires_at, last_used_at = self._database.cached(_hash(key), _find)
        now = self._now()
        if caller is None or (expires_at is not None and expires_at <= now):
            return None
        minute = now[:_MINUTE]
        if (last_used_at or "")[:_MINUTE] != minute and self._noted.get(caller.key_id) != minute:
            self._noted[caller.key_id] = minute  # once a minute, even if the write is delayed or fails
            self._database.submit(partial(_touch, caller.key_id))
        return caller

    def any(self) -> bool:
        """Whether there is any key, in any state."""
        with self._database.read() as connection:
            return bool(connection.execute(ANY_KEY).fetchone()[0])

    def create(
        self,
        email: str,
        scopes: Mapping[str, Sequence[str]],
        *,
        role: Role | None = None,
        name: str | None = None,
        expires_in_days: int | None = None,
    ) -> NewKey:
        """Create a key, and its user if the e-mail address is new; ``role`` defaults to agent.

        UserError if the user exists with another role, or is disabled.
        """
        key, key_id = self._new_key(), str(self._new_id())
        preview = f"{key[:8]}…{key[-4:]}"
        made = {
            "id": key_id,
            "name": name,
            "sha256": _hash(key),
            "preview": preview,
            "scopes": json.dumps(scopes),
            "expires_in": None if expires_in_days is None else f"+{expires_in_days} days",
        }

        def work(connection: sqlite3.Connection) -> NewKey:
            user = self._user(connection, email, role)
            connection.execute(INSERT_KEY, {**made, "user_id": user.id})
            return NewKey(key_id, user.id, user.email, user.role, key, preview)

        return self._database.write(work)

    def _user(self, connection: sqlite3.Connection, email: str, role: Role | None) -> User:
        found = users.find(connection, email)
        if found is None:
            return users.insert(connection, User(str(self._new_id()), email, role or "agent"))
        user, disabled = found
        if disabled:
            raise UserError(f"the user {email} is disabled; 'acare user enable {email}' enables it")
        if role not in (None, user.role):
            raise UserError(f"the user {email} has the role {user.role}; 'acare user set-role' changes it")
        return user

    def list(self) -> list[dict[str, Any]]:
        """All keys in the order of their creation, with user and state; never the key itself."""
        with self._database.read() as connection:
            keys = users.as_dicts(connection.execute(LIST_KEYS))
        return [{**key, "scopes": json.loads(key["scopes"])} for key in keys]

    def revoke(self, key_id: str) -> None:
        """Revoke the key permanently. UserError if no key has this id."""

        def work(connection: sqlite3.Connection) -> None:
            if not connection.execute(REVOKE, {"id": key_id}).fetchall():
                raise UserError(f"there is no key with the id {key_id!r}; 'acare key list' lists the keys")

        self._database.write(work)

    def revoke_all(self, email: str) -> int:
        """Revoke all keys of a user. Returns how many were not revoked yet. UserError for an unknown user."""

        def work(connection: sqlite3.Connection) -> int:
            user, _ = users.get(connection, email)
            return connection.execute(REVOKE_ALL, {"user_id": user.id}).rowcount

        return self._database.write(work)


def _find(connection: sqlite3.Connection, sha256: bytes) -> tuple[Caller | None, str | None, str | None]:
    """The holder of a key that is not revoked, when the key expires, and when it was last used."""
    row = connection.execute(AUTHENTICATE, {"sha256": sha256}).fetchone()
    if row is None:
        return None, None, None
    user_id, role, key_id, preview, scopes, expires_at, last_used_at = row
    return Caller(user_id, role, key_id, preview, _scopes(scopes)), expires_at, last_used_at


def _touch(key_id: str | None, connection: sqlite3.Connection) -> None:
    connection.execute(TOUCH, {"id": key_id})


def _hash(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "replace")).digest()


def _scopes(text: str) -> Scopes:
    """The scopes in the stored JSON."""
    return MappingProxyType({resource: frozenset(actions) for resource, actions in json.loads(text).items()})
