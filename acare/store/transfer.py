"""Transferring clients from one user to another."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence

from acare.database.connection import NOW
from acare.database.database import Database
from acare.errors import UserError
from acare.store import users

NOT_OWNED = """
SELECT value
FROM json_each(:ids)
WHERE NOT EXISTS (SELECT 1 FROM clients WHERE id = value AND user_id = :owner_id)
LIMIT 1
"""

TRANSFER = f"""
UPDATE clients
SET user_id = :new_owner_id, version = version + 1, updated_at = max(updated_at, {NOW}), made_by = NULL
WHERE user_id = :owner_id AND (:ids IS NULL OR id IN (SELECT value FROM json_each(:ids)))
"""


def transfer(database: Database, owner: str, new_owner: str, ids: Sequence[str] | None = None) -> int:
    """Transfer all clients of a user, or those with these ids, to another user. Returns how many.

    The users are named by e-mail. Each client gets a new version. One transaction: other writers wait
    meanwhile. UserError if a user is unknown, the new owner is disabled, or a client does not belong to the
    owner; then nothing is transferred.
    """

    def work(connection: sqlite3.Connection) -> int:
        return connection.execute(TRANSFER, _check(connection, owner, new_owner, ids)).rowcount

    return database.write(work)


def _check(
    connection: sqlite3.Connection, owner: str, new_owner: str, ids: Sequence[str] | None
) -> dict[str, str | None]:
    """The parameters of the statements."""
    old, _ = users.get(connection, owner)
    new, disabled = users.get(connection, new_owner)
    if old == new:
        raise UserError("both e-mail addresses belong to the same user")
    if disabled:
        raise UserError(f"the user {new.email} is disabled; 'acare user enable {new.email}' enables it")
    values = {"owner_id": old.id, "new_owner_id": new.id, "ids": None if ids is None else json.dumps(ids)}
    for (client_id,) in connection.execute(NOT_OWNED, values).fetchall():
        raise UserError(f"{old.email} has no client with the id {client_id}; nothing was transferred")
    return values
