"""Users and their API keys: every statement about them.

A key is 64 lower-case hex characters, 256 bits of chance, shown once when it is made. (vendor) What is
stored is its SHA-256: looking that up tells a guesser's clock nothing about any key, and a key of so much
chance needs no slow hash.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple

from acare import ids, timestamps
from acare.auth import Caller, Role, Scopes
from acare.errors import UserError
from acare.store.connection import NOW, THIS_MINUTE, at_offset
from acare.store.database import Database

_KEY = re.compile(r"[0-9a-f]{64}")
_MINUTE = len("2026-07-15T14:32")

AUTHENTICATE = """
SELECT users.id, role, api_keys.id, preview, scopes, expires_at, last_used_at
FROM api_keys
JOIN users ON users.id = user_id
WHERE sha256 = :sha256 AND revoked_at IS NULL
"""

TOUCH = f"""
UPDATE api_keys
SET last_used_at = {THIS_MINUTE}
WHERE id = :id AND last_used_at IS NOT {THIS_MINUTE}
"""

ANY_KEY = "SELECT EXISTS (SELECT 1 FROM api_keys)"

GET_USER = "SELECT id, role FROM users WHERE email = :email"

INSERT_USER = "INSERT INTO users (id, email, role) VALUES (:id, :email, :role)"

INSERT_KEY = f"""
INSERT INTO api_keys (id, user_id, name, sha256, preview, scopes, expires_at)
VALUES (
    :id, :user_id, :name, :sha256, :preview, :scopes,
    {at_offset(":expires_in")}
)
"""

LIST_KEYS = f"""
SELECT
    api_keys.id, email, role, name, preview, scopes,
    api_keys.created_at, expires_at, revoked_at, last_used_at,
    CASE
        WHEN revoked_at IS NOT NULL THEN 'revoked'
        WHEN expires_at <= {NOW} THEN 'expired'
        ELSE 'valid'
    END AS state
FROM api_keys
JOIN users ON users.id = user_id
ORDER BY api_keys.rowid
"""

REVOKE = f"""
UPDATE api_keys
SET revoked_at = coalesce(revoked_at, {NOW})
WHERE id = :id
RETURNING id
"""


class _Held(NamedTuple):
    """What is known of a key that is there and not revoked."""

    caller: Caller
    expires_at: str | None
    last_used_at: str | None


@dataclass(frozen=True)
class NewKey:
    """A key that was just made; ``key`` is the only time that it can be read."""

    id: str
    user_id: str
    role: Role
    key: str
    preview: str


class KeyStore:
    """Users and keys in a database. ``new_key`` makes the 64 characters of each that is created."""

    def __init__(
        self,
        database: Database,
        new_id: Callable[[], object] = ids.new,
        new_key: Callable[[], str] = lambda: secrets.token_hex(32),
        now: Callable[[], str] = timestamps.now,
    ) -> None:
        self._database = database
        self._new_id = new_id
        self._new_key = new_key
        self._now = now

    def authenticate(self, key: str) -> Caller | None:
        """Who holds the key; None if it is malformed, unknown, expired or revoked.

        Notes that it was used, to the minute and only when nobody is writing: reading is not to wait.
        """
        if not _KEY.fullmatch(key):
            return None
        held = self._database.cached(_hash(key), self._find)
        now = self._now()
        if held is None or (held.expires_at is not None and held.expires_at <= now):
            return None
        if held.last_used_at is None or held.last_used_at[:_MINUTE] != now[:_MINUTE]:
            key_id = held.caller.key_id
            self._database.write_if_idle(lambda connection: connection.execute(TOUCH, {"id": key_id}))
        return held.caller

    @staticmethod
    def _find(connection: sqlite3.Connection, sha256: bytes) -> _Held | None:
        row = connection.execute(AUTHENTICATE, {"sha256": sha256}).fetchone()
        if row is None:
            return None
        user_id, role, key_id, preview, scopes, expires_at, last_used_at = row
        return _Held(Caller(user_id, role, key_id, preview, _scopes(scopes)), expires_at, last_used_at)

    def any(self) -> bool:
        """Whether there is a key at all, of whatever state."""
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
        """Make a key, and its user (an agent unless ``role`` says otherwise) if the e-mail is new.

        UserError if the user is there with another role.
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
            user_id, is_role = self._user(connection, email, role)
            connection.execute(INSERT_KEY, {**made, "user_id": user_id})
            return NewKey(key_id, user_id, is_role, key, preview)

        return self._database.write(work)

    def _user(self, connection: sqlite3.Connection, email: str, role: Role | None) -> tuple[str, Role]:
        found = connection.execute(GET_USER, {"email": email}).fetchall()
        if not found:
            user: tuple[str, Role] = str(self._new_id()), role or "agent"
            connection.execute(INSERT_USER, {"id": user[0], "email": email, "role": user[1]})
            return user
        user = found[0]
        if role not in (None, user[1]):
            raise UserError(f"the user {email} is there already, as {user[1]}; a key cannot change that")
        return user

    def list(self) -> list[dict[str, Any]]:
        """All keys in the order of their creation, with user and state, without the keys themselves."""
        with self._database.read() as connection:
            cursor = connection.execute(LIST_KEYS)
            names = [column[0] for column in cursor.description]
            keys = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        return [{**key, "scopes": json.loads(key["scopes"])} for key in keys]

    def revoke(self, key_id: str) -> None:
        """Revoke the key, for good. UserError if there is none of this id."""

        def work(connection: sqlite3.Connection) -> None:
            if not connection.execute(REVOKE, {"id": key_id}).fetchall():
                raise UserError(f"there is no key with the id {key_id!r}; 'acare key list' shows them")

        self._database.write(work)


def _hash(key: str) -> bytes:
    return hashlib.sha256(key.encode("ascii")).digest()


@lru_cache(maxsize=1024)
def _scopes(text: str) -> Scopes:
    """The stored JSON, read once for each that there is."""
    return MappingProxyType({resource: frozenset(actions) for resource, actions in json.loads(text).items()})
