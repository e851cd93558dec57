"""Idempotency keys: the response to a POST with an ``Idempotency-Key`` is stored for its retries.

The response is written in the transaction that creates the client, so that a crash never leaves one without
the other. (IETF draft "The Idempotency-Key HTTP Header Field")
"""

import hashlib
import json
import sqlite3
from collections.abc import Mapping

from acare.auth import Caller
from acare.clients import CreatedClient
from acare.database.connection import at_offset
from acare.errors import IdempotencyKeyReused, NotFound
from acare.fields import ValidFields
from acare.store import steps
from acare.store.insertion import insert
from acare.store.targets import last_owner

# Keys expire after a day.
_VALID_SINCE = at_offset("'-24 hours'")

FIND = f"""
SELECT request_sha256, client_id, json, created_at
FROM idempotency_keys
WHERE user_id = :user_id AND key = :key AND created_at > {_VALID_SINCE}
"""

# Not all at once: a million would stall all writers.
DELETE_EXPIRED = steps.deletion("idempotency_keys", f"created_at <= {_VALID_SINCE}")

# Replaces an expired key that is not deleted yet; FIND, in the same transaction, has found no valid one.
INSERT = """
INSERT OR REPLACE INTO idempotency_keys (user_id, key, request_sha256, client_id, json, created_at)
VALUES (:user_id, :key, :request_sha256, :id, :json, :created_at)
"""


def create(
    caller: Caller, client: ValidFields, values: Mapping[str, object], connection: sqlite3.Connection
) -> CreatedClient:
    """The client that an earlier request with the ``key`` in ``values`` has created, or else a new one.

    Raises what ``ClientStore.create`` raises.
    """
    digest = hashlib.sha256(json.dumps(client, sort_keys=True).encode()).digest()
    for request_sha256, client_id, text, created_at in connection.execute(FIND, values).fetchall():
        if request_sha256 != digest:
            raise IdempotencyKeyReused
        owner = last_owner(connection, client_id)
        if owner is not None and caller.owner_id not in (None, owner):
            raise NotFound("client")
        return CreatedClient(client_id, text, created_at, replayed=True)
    created = insert(connection, values)
    connection.execute(DELETE_EXPIRED, {"rows": steps.ROWS})
    connection.execute(INSERT, {**values, **created._asdict(), "request_sha256": digest})
    return created
