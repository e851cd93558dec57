"""Creates clients: for a request, once for each idempotency key, or in an import.

The response to a request with an ``Idempotency-Key`` is stored for its retries, in the transaction that
creates the client, so that a crash never leaves one without the other. (IETF draft "The Idempotency-Key HTTP
Header Field")
"""

import hashlib
import json
import sqlite3
from collections.abc import Mapping
from typing import NamedTuple

from acare import ids, timestamps
from acare.auth import Caller
from acare.errors import Refused
from acare.fields import FIELD_NAMES, FIELDS, ValidFields
from acare.store import at_offset
from acare.store.history import require_visible

# The positions of clients in lists, `clients.seq`, are in the order of creation: each millisecond since 1970
# has a million. The last ones are in the year 2255: more would not fit in an integer. (The milliseconds of a
# timestamp are its characters 21 to 23.)
_POSITIONS = 1_000_000
_MILLISECOND = "unixepoch(:created_at) * 1000 + substr(:created_at, 21, 3)"
_FIRST_POSITION = f"min({_MILLISECOND}, 9000000000000) * {_POSITIONS}"

#: SQL for the position of a client that was created at ``:created_at``.
NEXT_POSITION = f"""
(
    SELECT coalesce(max(seq) + 1, {_FIRST_POSITION})
    FROM clients
    WHERE seq >= {_FIRST_POSITION} AND seq < {_FIRST_POSITION} + {_POSITIONS}
)
"""

# The only statement that adds a client: a new one, an imported one, or one that was deleted.
INSERT = f"""
INSERT INTO clients (
    seq, id, user_id, {", ".join(FIELD_NAMES)},
    version, created_at, updated_at, made_by, imported_at, source_version
)
VALUES (
    coalesce(:seq, {NEXT_POSITION}), :id, :user_id, {", ".join(f":{name}" for name in FIELD_NAMES)},
    :version, :created_at, max(:created_at, coalesce(:updated_at, :created_at)), :author_id, :imported_at,
    :source_version
)
RETURNING id, json, created_at
"""

_NEW: Mapping[str, object] = {
    "seq": None,  # after the last client with the same time of creation
    "version": 1,
    "updated_at": None,  # when it was created
    "author_id": None,
    "imported_at": None,
    "source_version": None,
}


class CreatedClient(NamedTuple):
    """A client as it was created. ``replayed``: by an earlier request with the idempotency key."""

    id: str
    json: str
    created_at: str
    replayed: bool


def insert(connection: sqlite3.Connection, values: Mapping[str, object]) -> CreatedClient:
    """Store a client. ``values`` are its id, owner and fields; anything else in it overrides ``_NEW``."""
    rows = connection.execute(INSERT, {**_NEW, "created_at": timestamps.now(), **values}).fetchall()
    return CreatedClient._make((*rows[0], False))


# Idempotency keys expire after a day.
_VALID_SINCE = at_offset("'-24 hours'")

FIND_RESPONSE = f"""
SELECT request_sha256, client_id, json, created_at
FROM idempotency_keys
WHERE user_id = :user_id AND key = :key AND created_at > {_VALID_SINCE}
"""

DELETE_EXPIRED = f"DELETE FROM idempotency_keys WHERE created_at <= {_VALID_SINCE}"

INSERT_RESPONSE = """
INSERT INTO idempotency_keys (user_id, key, request_sha256, client_id, json, created_at)
VALUES (:user_id, :key, :request_sha256, :id, :json, :created_at)
"""


def create(
    connection: sqlite3.Connection, caller: Caller, client: ValidFields, key: str | None
) -> CreatedClient:
    """See ``ClientStore.create``."""
    values = {**client, "id": ids.new(), "user_id": caller.user_id, "author_id": caller.author_id}
    if key is None:
        return insert(connection, values)
    values["key"] = key
    digest = _digest(client)
    for request_sha256, client_id, text, created_at in connection.execute(FIND_RESPONSE, values).fetchall():
        if request_sha256 != digest:
            text = "this Idempotency-Key was already used with a different body"
            raise Refused(text, "IDEMPOTENCY_KEY_REUSED")
        require_visible(connection, caller, client_id)
        return CreatedClient(client_id, text, created_at, replayed=True)
    created = insert(connection, values)
    connection.execute(DELETE_EXPIRED)
    connection.execute(INSERT_RESPONSE, {**values, **created._asdict(), "request_sha256": digest})
    return created


def _digest(client: ValidFields) -> bytes:
    """The digest of a request. After an upgrade that adds a field of acare alone, it is still the same."""
    fields = {
        field.name: client[field.name]
        for field in FIELDS
        if field.hosted or client[field.name] != field.stored_default
    }
    return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).digest()
