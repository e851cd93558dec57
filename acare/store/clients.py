"""The client store: reading and changing one client, and handing over all clients of a user.

Clients are returned as the JSON text that SQLite generated for them.
"""

import json
import sqlite3
from collections.abc import Mapping
from typing import NamedTuple

from acare.auth import Caller
from acare.database.database import Database
from acare.errors import FieldError, InvalidInput, NotFound, Refused
from acare.fields import FIELDS, UNLOCKED, Lock, ValidFields, budgets_crossed
from acare.store import MAX_SQLITE_INTEGER, NEXT_VERSION, NOW, Store, creation, users
from acare.store.creation import CreatedClient
from acare.store.history import stale_version

VISIBLE = "id = :id AND (:owner_id IS NULL OR user_id = :owner_id)"

# The WHERE clause is the lock: check and change are one statement, so no other write can come between them.
LOCKED = f"""{VISIBLE}
    AND (:version IS NULL OR version = :version)
    AND (:if_match IS NULL OR version IN (SELECT value FROM json_each(:if_match)))"""

# The clock may have been wrong when the client was created or last updated.
_NEW_VERSION = f"""
    version = {NEXT_VERSION}, updated_at = max(created_at, {NOW}), made_by = :author_id, imported_at = NULL
"""


class ClientRow(NamedTuple):
    """A stored client; ``json`` is the record as responses show it."""

    version: int
    json: str


class ClientStore(Store[Database]):
    """Clients in a database.

    Every method records the caller's user with each change. All but ``handover``, which is for brokers, see
    only the clients of the caller.
    """

    def get(self, caller: Caller, client_id: str) -> ClientRow:
        """The client. Raises NotFound."""
        with self._database.read() as connection:
            return _get(connection, caller, client_id)

    def create(
        self, caller: Caller, client: ValidFields, *, idempotency_key: str | None = None
    ) -> CreatedClient:
        """Store a new client of the caller's user, at version 1.

        If the user has already created a client with this ``idempotency_key``, returns that client. Raises
        Refused if it was created from other values, and NotFound if it has been handed over and the caller
        can no longer see it.
        """
        if not isinstance(client, ValidFields) or len(client) < len(FIELDS):
            raise TypeError("client must come from validate_create")

        def work(connection: sqlite3.Connection) -> CreatedClient:
            return creation.create(connection, caller, client, idempotency_key)

        return self._database.write(work)

    UPDATE = f"""
UPDATE clients
SET {{assignments}}, {_NEW_VERSION}
WHERE {LOCKED}
RETURNING version, json
"""

    def update(
        self, caller: Caller, client_id: str, changes: ValidFields, lock: Lock = UNLOCKED
    ) -> ClientRow:
        """Merge ``changes`` into the client and return it. A broker's change of ``user_id`` hands it over.

        Writes only at a version that ``lock`` allows. Raises NotFound, Refused, or InvalidInput if
        budget_min would exceed budget_max, or if the new owner is unknown or disabled.
        """
        if not isinstance(changes, ValidFields) or not changes:
            raise TypeError("changes must come from validate_update")
        if "user_id" in changes:
            _require_broker(caller)
        values = {**changes, **_values(caller, client_id, lock)}
        statement = self.UPDATE.format(assignments=", ".join(f"{name} = :{name}" for name in changes))

        def work(connection: sqlite3.Connection) -> ClientRow:
            if "user_id" in changes:
                users.get_enabled(connection, str(changes["user_id"]), "user_id")
                if len(changes) == 1 and (owned := connection.execute(GET_OWNED, values).fetchone()):
                    return ClientRow(*owned)
            try:
                rows = connection.execute(statement, values).fetchall()
            except sqlite3.IntegrityError as error:
                raise constraint_error(error, changes) from None
            if not rows:
                raise _refusal(connection, caller, client_id, lock)
            return ClientRow._make(rows[0])

        return self._database.write(work)

    HANDOVER = f"""
UPDATE clients
SET user_id = :new_owner_id, {_NEW_VERSION}
WHERE user_id = :owner_id
"""

    def handover(self, caller: Caller, owner: str, to: str) -> int:
        """Hand over all clients of a user to another user. Returns how many.

        The users are named by id or e-mail address. NotFound if the owner is unknown, InvalidInput if ``to``
        is unknown, disabled or the owner, Refused for an agent.
        """
        _require_broker(caller)

        def work(connection: sqlite3.Connection) -> int:
            old, new = users.get(connection, owner), users.get_enabled(connection, to, "to")
            if old.id == new.id:
                raise InvalidInput(FieldError("to", f"must be a user other than {owner}"))
            values = {"owner_id": old.id, "new_owner_id": new.id, "author_id": caller.author_id}
            return connection.execute(self.HANDOVER, values).rowcount

        return self._database.write(work)

    DELETE = f"DELETE FROM clients WHERE {LOCKED}"

    SIGN_DELETION = """
UPDATE client_history
SET deleted_by = :author_id
WHERE client_id = :id AND version = (SELECT max(version) FROM client_history WHERE client_id = :id)
"""

    def delete(self, caller: Caller, client_id: str, lock: Lock = UNLOCKED) -> None:
        """Delete the client, only at a version that ``lock`` allows. Raises NotFound or Refused."""
        values = _values(caller, client_id, lock)

        def work(connection: sqlite3.Connection) -> None:
            if not connection.execute(self.DELETE, values).rowcount:
                raise _refusal(connection, caller, client_id, lock)
            connection.execute(self.SIGN_DELETION, values)

        self._database.write(work)


def _require_broker(caller: Caller) -> None:
    if caller.role != "broker":
        raise Refused("only a broker can hand over clients", "BROKER_REQUIRED")


def _values(caller: Caller, client_id: str, lock: Lock) -> dict[str, object]:
    """The values of ``LOCKED``, and the author of the change."""
    return {
        "id": client_id,
        "owner_id": caller.owner_id,
        "author_id": caller.author_id,
        "version": None if lock.version is None else min(lock.version, MAX_SQLITE_INTEGER),
        "if_match": None if lock.if_match is None else json.dumps(lock.if_match),
    }


GET = f"SELECT version, json FROM clients WHERE {VISIBLE}"

# The client, if the new owner is its owner: then a handover changes nothing.
GET_OWNED = f"SELECT version, json FROM clients WHERE {LOCKED} AND user_id = :user_id"


def _get(connection: sqlite3.Connection, caller: Caller, client_id: str) -> ClientRow:
    """See ``ClientStore.get``."""
    row = connection.execute(GET, {"id": client_id, "owner_id": caller.owner_id}).fetchone()
    if row is None:
        raise NotFound("client")
    return ClientRow(*row)


def _refusal(connection: sqlite3.Connection, caller: Caller, client_id: str, lock: Lock) -> Refused:
    """The error for a client at a version that ``lock`` does not allow. NotFound if there is no client."""
    current = _get(connection, caller, client_id).version
    if lock.if_match is None or current in lock.if_match:
        return stale_version(connection, "VERSION_CONFLICT", client_id, lock.version)
    return stale_version(connection, "PRECONDITION_FAILED", client_id, max(lock.if_match, default=None))


def constraint_error(
    error: sqlite3.IntegrityError, changes: Mapping[str, object]
) -> InvalidInput | sqlite3.IntegrityError:
    """InvalidInput if the changes put ``budget_min`` above ``budget_max``, or else the error itself."""
    return budgets_crossed(changes) if str(error) == "CHECK constraint failed: budget_order" else error
