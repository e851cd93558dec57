"""API keys: creating, redeeming, listing and revoking them.

A key is 64 lower-case hex characters, 256 random bits, shown once when it is created. Its SHA-256
is stored: the time that a look-up by hash takes reveals nothing about any key, and a key with so much
randomness needs no slow hash. An invitation is a key that can only be redeemed, once, for an ordinary key.
"""

import json
import secrets
import sqlite3
from collections.abc import Mapping
from typing import Any

from acare import ids, timestamps
from acare.auth import Caller, NewKey, Scopes, validate_scopes
from acare.database.database import Database
from acare.errors import (
    AlreadyExists,
    FieldError,
    InsufficientScope,
    InvalidInput,
    InvalidKey,
    NotFound,
    Refused,
)
from acare.field_types import NAME, Type, boolean
from acare.fields import parse_arguments
from acare.store import MAX_SQLITE_INTEGER, NOW, D, Listing, Store, users
from acare.store.callers import KEY, find_key, hash_key, parse_scopes

#: Days after which an invitation expires, and the maximum.
INVITATION_DAYS = 7
MAX_INVITATION_DAYS = 30


class KeyStore(Store[D]):
    """Keys in a database."""

    def create(
        self: "KeyStore[Database]",
        caller: Caller,
        *,
        user_id: str | None = None,
        scopes: Scopes | None = None,
        name: str | None = None,
        expires_at: str | None = None,
        invitation: bool = False,
        adopted: str | None = None,
    ) -> NewKey:
        """Create a key for the caller or another user, by default with the scopes of the caller.

        It expires with the key of the caller at the latest, and an invitation within 30 days. ``adopted`` is
        a key that programs already have. Raises InsufficientScope if the caller lacks one of the scopes,
        Refused if an agent names another user, InvalidInput if the user is unknown or disabled or another
        argument is invalid, AlreadyExists for an adopted key, InvalidKey, or Refused: the user has too many
        keys.
        """
        given = {"user_id": user_id, "name": name, "scopes": scopes, "expires_at": expires_at}
        valid = parse_arguments(PARSERS, **given, invitation=invitation)
        owner_id = valid["user_id"] or caller.user_id
        values = {
            **valid,
            "user_id": owner_id,
            "scopes": json.dumps(_scopes_of_key(caller, owner_id, valid["scopes"])),
            "made_by": caller.author_id,
            "made_with": caller.key_id,
        }
        if invitation:
            values["expires_at"] = _invitation_expiry(valid["expires_at"])
        return self._write(lambda connection: _insert(connection, values, adopted))

    REDEEM = f"""
UPDATE api_keys
SET revoked_at = {NOW}, last_used_at = {NOW}
WHERE id = :id
RETURNING
    user_id, coalesce(:name, name) AS name, scopes, NULL AS expires_at, made_by, made_with, 0 AS invitation
"""

    def redeem(self: "KeyStore[Database]", invitation: str, *, name: str | None = None) -> NewKey:
        """Exchange an invitation for a key of its user, with its scopes, and revoke it.

        The key expires with the key that made the invitation at the latest, but is not revoked with it.
        InvalidKey if the invitation is not valid, InvalidInput for an ordinary key.
        """
        values = parse_arguments(PARSERS, name=name)

        def work(connection: sqlite3.Connection) -> NewKey:
            found = find_key(connection, invitation)
            if isinstance(found, Caller):
                raise InvalidInput(FieldError("X-API-Key", "must be an invitation, not an ordinary key"))
            if found.reason != "invitation":
                raise found
            (redeemed,) = users.as_dicts(connection.execute(self.REDEEM, {**values, "id": found.key_id}))
            return _insert(connection, redeemed)

        return self._write(work)

    COUNT_KEYS = "SELECT count(*) FROM api_keys WHERE :owner_id IS NULL OR user_id = :owner_id"

    LIST_KEYS = """
SELECT keys.*
FROM keys
JOIN api_keys USING (id)
WHERE :owner_id IS NULL OR keys.user_id = :owner_id
ORDER BY state <> 'valid', keys.created_at DESC, api_keys.rowid DESC
LIMIT :limit OFFSET :skipped
"""

    def list(
        self, caller: Caller, *, page: int = 1, limit: int = MAX_SQLITE_INTEGER
    ) -> Listing[dict[str, Any]]:
        """Page number ``page`` of the keys of the caller or, for a broker, of all keys; by default all.

        Valid keys first, then those that ended, newest first; each with its user and state, but without the
        key itself.
        """
        skipped = min((page - 1) * limit, MAX_SQLITE_INTEGER)
        values = {"owner_id": caller.owner_id, "limit": limit, "skipped": skipped}
        with self._database.read() as connection:
            connection.execute("BEGIN")
            (total,) = connection.execute(self.COUNT_KEYS, values).fetchone()
            return Listing(total, read(connection, self.LIST_KEYS, values))

    # Also the invitations that were made with the key, and with :made all keys, directly or indirectly.
    REVOKE = f"""
WITH RECURSIVE revoked (id) AS (
    SELECT id
    FROM api_keys
    WHERE id = :id AND (:owner_id IS NULL OR user_id = :owner_id)
    UNION
    SELECT api_keys.id
    FROM revoked
    JOIN api_keys ON made_with = revoked.id
    WHERE :made OR invitation
)
UPDATE api_keys
SET revoked_at = coalesce(revoked_at, {NOW})
WHERE id IN (SELECT id FROM revoked)
RETURNING id
"""

    def revoke(self: "KeyStore[Database]", caller: Caller, key_id: str, *, made: bool = False) -> int:
        """Revoke the key permanently, and the invitations made with it that were not redeemed.

        With ``made``, also all keys made with it, directly or indirectly, and those from invitations. Returns
        the number of keys. NotFound if the caller sees no key with this id.
        """
        values = {"id": key_id, "owner_id": caller.owner_id, "made": made}
        revoked = self._write(lambda connection: connection.execute(self.REVOKE, values).fetchall())
        if not revoked:
            message = f"there is no key with the id {key_id!r}; 'acare key list' lists the keys"
            raise NotFound("API key", message)
        return len(revoked)


#: The arguments of a new key that are checked, each with its parser.
PARSERS: Mapping[str, Type] = {
    "user_id": ids.parse,
    "name": NAME,
    "expires_at": timestamps.parse,
    "scopes": validate_scopes,
    "invitation": boolean,
}


def _scopes_of_key(caller: Caller, user_id: str, scopes: Scopes | None) -> Scopes:
    """The scopes of a key that the caller creates for a user: at most and by default those of the caller.

    Raises InsufficientScope, or Refused: only a broker creates keys for others.
    """
    if scopes is None:
        scopes = {name: sorted(caller.scopes[name]) for name in caller.scopes}
    for resource, actions in scopes.items():
        for action in actions:
            if not caller.may(resource, ("read",) if action == "read" else (action, "write")):
                raise InsufficientScope(resource, (action,))
    if caller.owner_id not in (None, user_id):
        raise Refused("only a broker can create keys for other users", "BROKER_REQUIRED")
    return scopes


def _invitation_expiry(expires_at: str | None) -> str:
    """When an invitation expires. InvalidInput for a time that is too far away."""
    if expires_at is not None and expires_at > timestamps.after(MAX_INVITATION_DAYS):
        message = f"of an invitation must be within {MAX_INVITATION_DAYS} days"
        raise InvalidInput(FieldError("expires_at", message))
    return expires_at or timestamps.after(INVITATION_DAYS)


#: Valid keys that a user may have.
MAX_VALID_KEYS = 100

COUNT_VALID = "SELECT count(*) FROM keys WHERE user_id = :user_id AND state = 'valid'"

# When a key that is made with a key expires: with that key at the latest.
GET_EXPIRY = """
SELECT coalesce(min(expires_at, :expires_at), expires_at, :expires_at)
FROM api_keys
WHERE id = :made_with AND revoked_at IS NULL
"""

INSERT_KEY = """
INSERT INTO api_keys
    (id, user_id, name, sha256, preview, scopes, expires_at, made_by, made_with, invitation)
VALUES (:id, :user_id, :name, :sha256, :preview, :scopes, :expires_at, :made_by, :made_with, :invitation)
ON CONFLICT (sha256) DO NOTHING
"""


def _insert(connection: sqlite3.Connection, given: dict[str, Any], adopted: str | None = None) -> NewKey:
    """Store a new key with the ``given`` values, or the ``adopted`` one."""
    if adopted is not None and KEY.fullmatch(adopted) is None:
        raise InvalidInput(FieldError("adopted", "must be one key, of 64 lower-case hex digits"))
    key = adopted or secrets.token_hex(32)
    values = {**given, "id": ids.new(), "sha256": hash_key(key), "preview": f"{key[:8]}…{key[-4:]}"}
    owner = users.get_enabled(connection, values["user_id"], "user_id")
    (valid,) = connection.execute(COUNT_VALID, values).fetchone()
    if valid >= MAX_VALID_KEYS:
        text = f"the user {owner.email} has {valid} valid keys, the maximum; revoke one first"
        raise Refused(text, "TOO_MANY_KEYS")
    if values["made_with"] is not None:
        expiry = connection.execute(GET_EXPIRY, values).fetchone()
        if expiry is None:
            raise InvalidKey("revoked", values["made_with"])
        values["expires_at"] = expiry[0]
    if not connection.execute(INSERT_KEY, values).rowcount:
        raise AlreadyExists("the key already exists")
    return NewKey(key, read(connection, "SELECT * FROM keys WHERE id = :id", values)[0])


def read(connection: sqlite3.Connection, statement: str, values: dict[str, Any]) -> list[dict[str, Any]]:
    """The keys that a statement selects."""
    keys = users.as_dicts(connection.execute(statement, values))
    return [
        {**key, "scopes": parse_scopes(key["scopes"]), "invitation": bool(key["invitation"])} for key in keys
    ]


COUNT_MADE = """
SELECT count(*)
FROM keys
WHERE made_by = :email AND state = 'valid'
"""


def made_for_others(connection: sqlite3.Connection, email: str) -> int:
    """How many valid keys of others a disabled user has made, also by invitations."""
    (made,) = connection.execute(COUNT_MADE, {"email": email}).fetchone()
    return int(made)
