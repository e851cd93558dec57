"""Transferring clients from one user to another."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence

from acare.auth import Caller
from acare.clients import UNCONDITIONAL, ClientRow, Precondition
from acare.database.connection import NOW
from acare.database.database import Database
from acare.errors import FieldError, InvalidInput, UserError
from acare.store import clients, users
from acare.store.targets import Target

NOT_OWNED = """
SELECT value
FROM json_each(:ids)
WHERE NOT EXISTS (SELECT 1 FROM clients WHERE id = value AND user_id = :owner_id)
LIMIT 1
"""

TRANSFER = f"""
UPDATE clients
SET user_id = :new_owner_id, version = version + 1, updated_at = max(updated_at, {NOW}), made_by = :key_id
WHERE user_id = :owner_id AND (:ids IS NULL OR id IN (SELECT value FROM json_each(:ids)))
"""


class TransferStore:
    """Transfers clients in a database. Each client gets a new version, with the caller's key."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def transfer(self, caller: Caller, owner: str, to: str, ids: Sequence[str] | None = None) -> int:
        """Transfer all clients of a user, or the ones with these ids, to another user. Returns how many.

        The users are named by id or e-mail address. One transaction: other writers wait meanwhile.
        UserNotFound if the owner is unknown, InvalidInput if ``to`` is unknown, disabled or the owner,
        UserError if a client does not belong to the owner. On any error, nothing is transferred.
        """

        def work(connection: sqlite3.Connection) -> int:
            values = _check(connection, owner, to, ids)
            return connection.execute(TRANSFER, {**values, "key_id": caller.key_id}).rowcount

        return self._database.write(work)

    def hand_over(
        self,
        caller: Caller,
        client_id: str,
        user_id: str,
        *,
        version: int | None = None,
        precondition: Precondition = UNCONDITIONAL,
    ) -> ClientRow:
        """Transfer one client to the user, under the conditions of ``ClientStore.update``, and return it.

        Raises ClientNotFound, PreconditionFailed, VersionConflict, or InvalidInput if the user is unknown or
        disabled.
        """
        target = Target(caller, client_id, version, precondition)

        def work(connection: sqlite3.Connection) -> ClientRow:
            owner = users.get_enabled(connection, user_id, "user_id")
            return clients.change(target, {"user_id": owner.id}, connection)

        return self._database.write(work)


def _check(
    connection: sqlite3.Connection, owner: str, to: str, ids: Sequence[str] | None
) -> dict[str, str | None]:
    """The parameters of the statements."""
    old = users.get(connection, owner)
    new = users.get_enabled(connection, to, "to")
    if old.id == new.id:
        raise InvalidInput(FieldError("to", f"must be a user other than {owner}"))
    values = {"owner_id": old.id, "new_owner_id": new.id, "ids": None if ids is None else json.dumps(ids)}
    for (client_id,) in connection.execute(NOT_OWNED, values).fetchall():
        raise UserError(f"{old.email} has no client with the id {client_id}; nothing was transferred")
    return values
