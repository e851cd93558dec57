"""API keys: every statement about them.

A key is 64 lower-case hex characters, 256 random bits, shown once when it is created. Its SHA-256
is stored: the time that a look-up by hash takes reveals nothing about any key, and a key with so much
randomness needs no slow hash.
"""

import hashlib
import json
import re
import secrets
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from acare import ids, timestamps
from acare.auth import Caller, NewKey, Scopes, is_scope
from acare.database.database import Database
from acare.errors import BrokerRequired, InsufficientScope, InvalidKey, NotFound, TooManyKeys
from acare.store import NOW, Store, at_offset, users

KEY = re.compile("[0-9a-f]{64}")

AUTHENTICATE = """
SELECT users.id, role, api_keys.id, preview, scopes, expires_at, coalesce(revoked_at, disabled_at)
FROM api_keys
JOIN users ON users.id = user_id
WHERE sha256 = :sha256
"""

TOUCH = "UPDATE api_keys SET last_used_at = :minute WHERE id = :id"

#: Valid keys that a user may have.
MAX_VALID_KEYS = 100

COUNT_VALID = f"""
SELECT count(*)
FROM api_keys
WHERE user_id = :user_id AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > {NOW})
"""

# When a key that is made with a key expires: with that key at the latest.
GET_EXPIRY = """
SELECT coalesce(min(expires_at, :expires_at), expires_at, :expires_at)
FROM api_keys
WHERE id = :made_with AND revoked_at IS NULL
"""

INSERT_KEY = """
INSERT INTO api_keys (id, user_id, name, sha256, preview, scopes, expires_at, made_by, made_with)
VALUES (:id, :user_id, :name, :sha256, :preview, :scopes, :expires_at, :made_by, :made_with)
"""

KEYS = f"""
SELECT
    api_keys.id, owner.id AS user_id, owner.email, owner.role, name, preview, scopes,
    api_keys.created_at, expires_at, revoked_at, last_used_at, maker.email AS made_by, made_with,
    CASE
        WHEN revoked_at IS NOT NULL THEN 'revoked'
        WHEN owner.disabled_at IS NOT NULL THEN 'disabled'
        WHEN expires_at <= {NOW} THEN 'expired'
        ELSE 'valid'
    END AS state
FROM api_keys
JOIN users AS owner ON owner.id = user_id
LEFT JOIN users AS maker ON maker.id = made_by
"""

LIST_KEYS = f"{KEYS} WHERE :owner_id IS NULL OR owner.id = :owner_id ORDER BY api_keys.rowid"

GET_KEY = f"{KEYS} WHERE api_keys.id = :id"

# With :made, also the keys that were made with the key, directly or indirectly.
REVOKE = f"""
WITH RECURSIVE revoked (id) AS (
    SELECT id
    FROM api_keys
    WHERE id = :id AND (:owner_id IS NULL OR user_id = :owner_id)
    UNION
    SELECT api_keys.id
    FROM revoked
    JOIN api_keys ON made_with = revoked.id
    WHERE :made
)
UPDATE api_keys
SET revoked_at = coalesce(revoked_at, {NOW})
WHERE id IN (SELECT id FROM revoked)
RETURNING id
"""

# In a file of any schema.
EXPIRING = f"""
SELECT preview, email || coalesce(' (' || name || ')', ''), expires_at
FROM api_keys
JOIN users ON users.id = user_id
WHERE revoked_at IS NULL AND expires_at > {NOW} AND expires_at <= {at_offset(":offset")}
ORDER BY expires_at
"""


class KeyStore(Store):
    """Keys in a database."""

    def __init__(self, database: Database, now: Callable[[], str] = timestamps.now) -> None:
        super().__init__(database)
        self._now = now
        self._minutes: dict[str | None, str] = {}  # the minute in which the use of each key was last queued

    def authenticate(self, key: str) -> Caller | InvalidKey:
        """The caller who holds the key, or why the key is not valid.

        The use of a key is recorded to the minute, by a queued write that this call does not wait for.
        """
        if not KEY.fullmatch(key):
            return InvalidKey("malformed")
        return self._database.cached(key, self._find)

    def _find(self, connection: sqlite3.Connection, key: str) -> Caller | InvalidKey:
        row = connection.execute(AUTHENTICATE, {"sha256": _hash(key)}).fetchone()
        if row is None:
            return InvalidKey("unknown")
        user_id, role, key_id, preview, scopes, expires_at, revoked_at = row
        if revoked_at is not None:
            return InvalidKey("revoked", key_id, revoked_at)
        if expires_at is not None and expires_at <= self._now():
            return InvalidKey("expired", key_id, expires_at)
        minute = f"{self._now()[: len('2026-07-15T14:32')]}:00.000Z"
        if self._minutes.get(key_id) != minute:
            self._minutes[key_id] = minute  # once a minute, even if the write is delayed or fails
            values = {"id": key_id, "minute": minute}
            self._database.submit(lambda connection: connection.execute(TOUCH, values).rowcount)
        return Caller(user_id, role, key_id, preview, _scopes(scopes))

    def create(
        self,
        caller: Caller,
        *,
        user_id: str | None = None,
        scopes: Scopes | None = None,
        name: str | None = None,
        expires_at: str | None = None,
    ) -> NewKey:
        """Create a key for the caller or another user, by default with the scopes of the caller.

        It expires with the key of the caller at the latest. Raises InsufficientScope if the caller lacks one
        of the scopes, BrokerRequired if an agent names another user, InvalidInput if the user is unknown or
        disabled, TooManyKeys, or InvalidKey.
        """
        owner_id = caller.user_id if user_id is None else user_id
        given = {name: sorted(caller.scopes[name]) for name in caller.scopes} if scopes is None else scopes
        _require_right_to_give(caller, owner_id, given)
        key = secrets.token_hex(32)
        values = {
            "id": ids.new(),
            "user_id": owner_id,
            "name": name,
            "sha256": _hash(key),
            "preview": f"{key[:8]}…{key[-4:]}",
            "scopes": json.dumps(given),
            "expires_at": expires_at,
            "made_by": caller.author_id,
            "made_with": caller.key_id,
        }
        return NewKey(key, self._database.write(partial(_insert, values)))

    def list(self, caller: Caller) -> list[dict[str, Any]]:
        """The keys of the caller or, for a broker, all keys, oldest first.

        Each with its user and state, but without the key itself.
        """
        with self._database.read() as connection:
            return _read(connection, LIST_KEYS, {"owner_id": caller.owner_id})

    def revoke(self, caller: Caller, key_id: str, *, made: bool = False) -> int:
        """Revoke the key permanently; with ``made``, also the keys made with it, directly or indirectly.

        Returns the number of keys. NotFound if the caller sees no key with this id.
        """
        values = {"id": key_id, "owner_id": caller.owner_id, "made": made}
        revoked = self._database.write(lambda connection: connection.execute(REVOKE, values).fetchall())
        if not revoked:
            message = f"there is no key with the id {key_id!r}; 'acare key list' lists the keys"
            raise NotFound("API key", message)
        return len(revoked)


def _require_right_to_give(caller: Caller, user_id: str, scopes: Scopes) -> None:
    """Raise InsufficientScope or BrokerRequired unless the caller may create a key with these scopes.

    A key has at most the scopes of the caller, and only a broker creates keys for others.
    """
    for resource, actions in scopes.items():
        for action in actions:
            if not caller.may(resource, ("read",) if action == "read" else (action, "write")):
                raise InsufficientScope(resource, (action,))
    if caller.owner_id not in (None, user_id):
        raise BrokerRequired


def _insert(values: dict[str, Any], connection: sqlite3.Connection) -> dict[str, Any]:
    """Insert a key and return it as ``KeyStore.list`` shows it."""
    owner = users.get_enabled(connection, values["user_id"], "user_id")
    (valid,) = connection.execute(COUNT_VALID, values).fetchone()
    if valid >= MAX_VALID_KEYS:
        raise TooManyKeys(f"the user {owner.email} has {valid} valid keys, the maximum; revoke one first")
    if values["made_with"] is not None:
        expiry = connection.execute(GET_EXPIRY, values).fetchone()
        if expiry is None:
            raise InvalidKey("revoked")
        values = {**values, "expires_at": expiry[0]}
    connection.execute(INSERT_KEY, values)
    return _read(connection, GET_KEY, values)[0]


def expiring(connection: sqlite3.Connection, days: int) -> list[tuple[str, str, str]]:
    """Preview, owner and name, and time of each key that expires in the next ``days`` days."""
    return connection.execute(EXPIRING, {"offset": f"+{days} days"}).fetchall()


def _read(connection: sqlite3.Connection, statement: str, values: dict[str, Any]) -> list[dict[str, Any]]:
    """The keys that a statement selects."""
    keys = users.as_dicts(connection.execute(statement, values))
    return [{**key, "scopes": _scopes(key["scopes"])} for key in keys]


def _hash(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "replace")).digest()


def _scopes(text: str) -> dict[str, list[str]]:
    """The scopes in the stored JSON. In a file that was edited by hand, invalid ones give no rights."""
    with suppress(ValueError, AttributeError):
        return {name: actions for name, actions in json.loads(text).items() if is_scope(name, actions)}
    return {}
