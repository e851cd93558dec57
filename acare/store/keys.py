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
from collections.abc import Callable
from contextlib import suppress
from types import MappingProxyType
from typing import Any, NamedTuple

from acare import ids, timestamps
from acare.auth import OPERATOR, Caller, NewScopes, is_scope, require_right_to_give
from acare.database.connection import NOW
from acare.database.database import Database
from acare.errors import KeyNotFound
from acare.store import users

#: Characters of a key.
KEY_LENGTH = 64

AUTHENTICATE = """
SELECT users.id, role, api_keys.id, preview, scopes, expires_at
FROM api_keys
JOIN users ON users.id = user_id
WHERE sha256 = :sha256 AND revoked_at IS NULL AND disabled_at IS NULL
"""

TOUCH = "UPDATE api_keys SET last_used_at = :minute WHERE id = :id"

INSERT_KEY = """
INSERT INTO api_keys (id, user_id, name, sha256, preview, scopes, expires_at)
VALUES (:id, :user_id, :name, :sha256, :preview, :scopes, :expires_at)
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
WHERE (:owner_id IS NULL OR users.id = :owner_id)
    AND (:id IS NULL OR api_keys.id = :id)
ORDER BY api_keys.rowid
"""

REVOKE = f"""
UPDATE api_keys
SET revoked_at = coalesce(revoked_at, {NOW})
WHERE id = :id AND (:owner_id IS NULL OR user_id = :owner_id)
RETURNING id
"""


class NewKey(NamedTuple):
    """A key that was just created. ``key`` is the key itself, which is not available later."""

    key: str
    listed: dict[str, Any]  # as ``KeyStore.list`` shows it


class KeyStore:
    """Keys in a database."""

    def __init__(self, database: Database, now: Callable[[], str] = timestamps.now) -> None:
        self._database = database
        self._now = now
        self._noted: dict[str | None, str] = {}  # the minute in which the use of each key was last queued

    def authenticate(self, key: str) -> Caller | None:
        """The caller who holds the key; None if it is malformed, unknown, expired or revoked.

        The use of a key is recorded to the minute, by a queued write that this call does not wait for.
        """
        if len(key) != KEY_LENGTH:
            return None
        caller, expires_at = self._database.cached(key, _find)
        now = self._now()
        if caller is None or (expires_at is not None and expires_at <= now):
            return None
        minute = f"{now[: len('2026-07-15T14:32')]}:00.000Z"
        if self._noted.get(caller.key_id) != minute:
            self._noted[caller.key_id] = minute  # once a minute, even if the write is delayed or fails
            values = {"id": caller.key_id, "minute": minute}
            self._database.submit(lambda connection: connection.execute(TOUCH, values).rowcount)
        return caller

    def create(
        self,
        caller: Caller,
        *,
        user_id: str | None = None,
        scopes: NewScopes | None = None,
        name: str | None = None,
        expires_at: str | None = None,
    ) -> NewKey:
        """Create a key for the caller or another user, by default with the scopes of the caller.

        Raises InsufficientScope if the caller lacks one of the scopes, BrokerRequired if an agent names
        another user, or InvalidInput if the user is unknown or disabled.
        """
        owner_id = caller.user_id if user_id is None else user_id
        given = {name: sorted(caller.scopes[name]) for name in caller.scopes} if scopes is None else scopes
        require_right_to_give(caller, owner_id, given)
        key, key_id = secrets.token_hex(KEY_LENGTH // 2), ids.new()
        values = {
            "id": key_id,
            "name": name,
            "sha256": _hash(key),
            "preview": f"{key[:8]}…{key[-4:]}",
            "scopes": json.dumps(given),
            "expires_at": expires_at,
        }

        def work(connection: sqlite3.Connection) -> NewKey:
            user = users.get_enabled(connection, owner_id, "user_id")
            connection.execute(INSERT_KEY, {**values, "user_id": user.id})
            return NewKey(key, *_list(connection, OPERATOR, key_id))

        return self._database.write(work)

    def list(self, caller: Caller) -> list[dict[str, Any]]:
        """The keys of the caller or, for a broker, all keys, oldest first.

        Each with its user and state, but without the key itself.
        """
        with self._database.read() as connection:
            return _list(connection, caller)

    def revoke(self, caller: Caller, key_id: str) -> None:
        """Revoke the key permanently. KeyNotFound if the caller sees no key with this id."""
        values = {"id": key_id, "owner_id": caller.owner_id}

        def work(connection: sqlite3.Connection) -> None:
            if not connection.execute(REVOKE, values).fetchall():
                raise KeyNotFound(f"there is no key with the id {key_id!r}; 'acare key list' lists the keys")

        self._database.write(work)


def _list(connection: sqlite3.Connection, caller: Caller, key_id: str | None = None) -> list[dict[str, Any]]:
    """The keys that the caller can see, or the one with this id."""
    keys = users.as_dicts(connection.execute(LIST_KEYS, {"owner_id": caller.owner_id, "id": key_id}))
    return [{**key, "scopes": _scopes(key["scopes"])} for key in keys]


def _find(connection: sqlite3.Connection, key: str) -> tuple[Caller | None, str | None]:
    """The holder of a key that is not revoked, and when the key expires."""
    row = connection.execute(AUTHENTICATE, {"sha256": _hash(key)}).fetchone()
    if row is None:
        return None, None
    user_id, role, key_id, preview, scopes, expires_at = row
    given = {resource: frozenset(actions) for resource, actions in _scopes(scopes).items()}
    return Caller(user_id, role, key_id, preview, MappingProxyType(given)), expires_at


def _hash(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "replace")).digest()


def _scopes(text: str) -> dict[str, list[str]]:
    """The scopes in the stored JSON. In a file that was edited by hand, invalid ones give no rights."""
    with suppress(ValueError):
        return {name: actions for name, actions in json.loads(text).items() if is_scope(name, actions)}
    return {}
