"""Safe retries: what a POST with an ``Idempotency-Key`` made, kept to be answered again.

It is written in the transaction that creates the client. So there is no moment, however the server ends,
in which the client is there and its answer is not. (IETF draft "The Idempotency-Key HTTP Header Field")
"""

from __future__ import annotations

import hashlib
import json
import sqlite3

from acare.errors import IdempotencyKeyReused
from acare.fields import Clean
from acare.store.connection import at_offset

# For how long an answer is kept. (our choice)
_KEPT_SINCE = at_offset("'-24 hours'")

RECALL = f"""
SELECT request_sha256, client_id, json, created_at
FROM idempotency_keys
WHERE user_id = :user_id AND key = :key AND created_at > {_KEPT_SINCE}
"""

FORGET = f"""
DELETE FROM idempotency_keys
WHERE created_at <= {_KEPT_SINCE}
"""

FORGET_CLIENT = "DELETE FROM idempotency_keys WHERE client_id = :id"

KEEP = """
INSERT INTO idempotency_keys (user_id, key, request_sha256, client_id, json, created_at)
VALUES (:user_id, :key, :request_sha256, :client_id, :json, :created_at)
"""


def recall(
    connection: sqlite3.Connection, user_id: str, idempotency_key: str, client: Clean
) -> tuple[str, str, str] | None:
    """Id, JSON and creation time of the client that this key created before, or None.

    IdempotencyKeyReused if the key was used for another client.
    """
    found = connection.execute(RECALL, {"user_id": user_id, "key": idempotency_key}).fetchall()
    if not found:
        return None
    request_sha256, *answer = found[0]
    if request_sha256 != _fingerprint(client):
        raise IdempotencyKeyReused
    client_id, text, created_at = answer
    return client_id, text, created_at


def keep(
    connection: sqlite3.Connection,
    user_id: str,
    idempotency_key: str,
    client: Clean,
    made: tuple[str, str, str],
) -> None:
    """Keep id, JSON and creation of the client that was made, and forget what has been kept long enough."""
    client_id, text, created_at = made
    forget_old(connection)
    connection.execute(
        KEEP,
        {
            "user_id": user_id,
            "key": idempotency_key,
            "request_sha256": _fingerprint(client),
            "client_id": client_id,
            "json": text,
            "created_at": created_at,
        },
    )


def forget_old(connection: sqlite3.Connection) -> None:
    """Forget what has been kept long enough."""
    connection.execute(FORGET)


def forget_client(connection: sqlite3.Connection, client_id: str) -> int:
    """Forget what was answered about a client; how many answers that were."""
    return connection.execute(FORGET_CLIENT, {"id": client_id}).rowcount


def _fingerprint(client: Clean) -> bytes:
    return hashlib.sha256(json.dumps(client, sort_keys=True).encode()).digest()
