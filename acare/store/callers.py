"""Callers: the users behind keys, and those who are signed in without one."""

import hashlib
import json
import re
import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress

from acare import timestamps
from acare.auth import Caller, caller_without_key, is_scope
from acare.database.database import Database
from acare.errors import InvalidKey
from acare.store import Store, users

#: Nanoseconds for which a caller is cached, even if another process changes users or keys meanwhile.
CACHE_NANOSECONDS = 10_000_000

KEY = re.compile("[0-9a-f]{64}")


#: Finds a caller by a key or an e-mail address.
Find = Callable[[sqlite3.Connection, str], Caller | InvalidKey | None]

#: The callers by what found them.
Cache = dict[tuple[Find, str], Caller | InvalidKey | None]


class Callers(Store[Database]):
    """Finds callers, and caches them for ``CACHE_NANOSECONDS``. Changes of users and keys call ``forget``."""

    def __init__(self, database: Database, clock: Callable[[], int] = time.monotonic_ns) -> None:
        """``clock`` returns nanoseconds."""
        super().__init__(database)
        self._clock = clock
        self._cached: tuple[int, Cache] = (-1, {})  # with its period
        self._minutes: dict[str | None, str] = {}  # the minute in which the use of each key was last queued

    def forget(self) -> None:
        """Clear the cache."""
        self._cached = (-1, {})

    def _cache(self) -> Cache:
        period = self._clock() // CACHE_NANOSECONDS
        cached = self._cached
        if cached[0] != period:
            cached = self._cached = period, {}
        return cached[1]

    def with_key(self, key: str) -> Caller | InvalidKey:
        """The caller who holds the key, or why the key is not valid.

        The use of a key is recorded to the minute, by a queued write that this call does not wait for.
        """
        found = self._find(self._cache(), key, self._find_key)
        assert found is not None
        return found

    def with_email(self, email: str) -> Caller | None:
        """The caller for a user who is signed in without a key; None if unknown or disabled."""
        if "@" not in email:  # an id is not an e-mail address
            return None
        found = self._find(self._cache(), email, _find_user)
        return found if isinstance(found, Caller) else None

    def _find(self, cache: Cache, name: str, find: Find) -> Caller | InvalidKey | None:
        try:
            return cache[find, name]
        except KeyError:  # ``suppress`` is slower
            pass
        with self._database.read() as connection:
            found = cache[find, name] = find(connection, name)
        return found

    TOUCH = "UPDATE api_keys SET last_used_at = :minute WHERE id = :id"

    def _find_key(self, connection: sqlite3.Connection, key: str) -> Caller | InvalidKey:
        if not KEY.fullmatch(key):
            return InvalidKey("malformed")
        found = find_key(connection, key)
        if isinstance(found, Caller):
            minute = f"{timestamps.now()[: len('2026-07-15T14:32')]}:00.000Z"
            if self._minutes.get(found.key_id) != minute:
                self._minutes[found.key_id] = minute  # once a minute, even if the write is delayed or fails
                values = {"id": found.key_id, "minute": minute}
                self._database.submit(lambda connection: connection.execute(self.TOUCH, values).rowcount)
        return found


AUTHENTICATE = """
SELECT user_id, role, id, preview, scopes, invitation, state, ended_at
FROM keys
WHERE id = (SELECT id FROM api_keys WHERE sha256 = :sha256)
"""


def find_key(connection: sqlite3.Connection, key: str) -> Caller | InvalidKey:
    """The caller who holds the key, or why the key is not valid."""
    row = connection.execute(AUTHENTICATE, {"sha256": hash_key(key)}).fetchone()
    if row is None:
        return InvalidKey("unknown")
    user_id, role, key_id, preview, scopes, is_invitation, state, ended_at = row
    if state != "valid":
        return InvalidKey("expired" if state == "expired" else "revoked", key_id, ended_at)
    if is_invitation:
        return InvalidKey("invitation", key_id)
    return Caller(user_id, role, key_id, preview, parse_scopes(scopes))


def hash_key(key: str) -> bytes:
    """What is stored of a key."""
    return hashlib.sha256(key.encode("utf-8", "replace")).digest()


def parse_scopes(text: str) -> dict[str, list[str]]:
    """The scopes in the stored JSON. In a file that was edited by hand, invalid ones give no rights."""
    with suppress(ValueError, AttributeError):
        return {name: actions for name, actions in json.loads(text).items() if is_scope(name, actions)}
    return {}


def _find_user(connection: sqlite3.Connection, email: str) -> Caller | None:
    user = users.find(connection, email)
    return None if user is None or user.disabled_at is not None else caller_without_key(user.id, user.role)
