"""The client store: reading and changing one client, and handing over all clients of a user.

Clients are returned as the JSON text that SQLite generated for them.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from acare.auth import Caller
from acare.database.database import Database
from acare.errors import FieldError, InvalidInput, NotFound
from acare.fields import FIELDS, ValidFields, budgets_crossed, parse_client
from acare.store import MAX_SQLITE_INTEGER, NEXT_VERSION, NOW, Store, batches, creation, users
from acare.store.creation import CreatedClient
from acare.store.history import stale_version

VISIBLE = "id = :id AND (:owner_id IS NULL OR user_id = :owner_id)"

# The clock may have been wrong when the client was created or last updated.
_NEW_VERSION = f"""
    version = {NEXT_VERSION}, updated_at = max(created_at, {NOW}), made_by = :author_id, imported_at = NULL
"""


class ClientRow(NamedTuple):
    """A stored client; ``json`` is the record as responses show it."""

    version: int
    json: str


class Precondition(NamedTuple):
    """The versions of a client at which a request may proceed; None: all."""

    allowed: Sequence[int] | None = None
    excluded: Sequence[int] = ()

    def holds(self, version: int) -> bool:
        """Whether the request may proceed when the client is at ``version``."""
        return (self.allowed is None or version in self.allowed) and version not in self.excluded


UNCONDITIONAL = Precondition()


class ClientStore(Store[Database]):
    """Clients in a database.

    Every method records the caller's user with each change. All but ``handover``, which is for brokers, see
    only the clients of the caller.
    """

    def get(self, caller: Caller, client_id: str, precondition: Precondition = UNCONDITIONAL) -> ClientRow:
        """The client. Raises NotFound, or Refused at a version that ``precondition`` excludes."""
        with self._database.read() as connection:
            if precondition is not UNCONDITIONAL:
                connection.execute("BEGIN")  # so that the error, if any, describes the same snapshot
            return _get(connection, caller, client_id, precondition)

    def create(
        self, caller: Caller, client: ValidFields, *, idempotency_key: str | None = None
    ) -> CreatedClient:
        """Store a new client of the caller's user, at version 1.

        If the user has already created a client with this ``idempotency_key``, returns that client. Raises
        Refused if it was created from other values, and NotFound if it has been
        handed over and the caller can no longer see it.
        """
        if not isinstance(client, ValidFields) or len(client) < len(FIELDS):
            raise TypeError("client must come from validate_create")

        def work(connection: sqlite3.Connection) -> CreatedClient:
            return creation.create(connection, caller, client, idempotency_key)

        return self._database.write(work)

    def update(
        self,
        caller: Caller,
        client_id: str,
        changes: ValidFields,
        *,
        version: int | None = None,
        precondition: Precondition = UNCONDITIONAL,
        expected: Mapping[str, object] | None = None,
    ) -> ClientRow:
        """Merge ``changes`` into the client and return it. A change of ``user_id`` hands it over.

        Writes only if the client is at ``version`` (None: any) and ``precondition`` holds. Raises
        NotFound, Refused, or InvalidInput if budget_min would exceed budget_max, if the new owner is unknown
        or disabled, or if a field of the client differs from ``expected``.
        """
        if not isinstance(changes, ValidFields) or not changes:
            raise TypeError("changes must come from validate_update")

        def work(connection: sqlite3.Connection) -> ClientRow:
            if "user_id" in changes:
                users.get_enabled(connection, str(changes["user_id"]), "user_id")
            if precondition is not UNCONDITIONAL or "user_id" in changes or expected:
                client = _get(connection, caller, client_id, precondition)
                if version in (None, client.version) and _has_owner(client, changes, expected or {}):
                    return client  # a hand-over to its owner changes nothing
            return _update(connection, caller, client_id, changes, version)

        return self._database.write(work)

    # In the order of positions: two opposite handovers at the same time would otherwise never end.
    HANDOVER = f"""
UPDATE clients
SET user_id = :new_owner_id, {_NEW_VERSION}
WHERE seq IN (
    SELECT seq
    FROM clients INDEXED BY clients_by_user
    WHERE user_id = :owner_id AND seq > :after
    ORDER BY seq
    LIMIT :rows
)
RETURNING seq
"""

    def handover(self, caller: Caller, owner: str, to: str) -> int:
        """Hand over all clients of a user to another user. Returns how many.

        The users are named by id or e-mail address. Works in batches, in the order of creation: if it fails
        or is interrupted, the other clients keep their owner, and can be handed over again. NotFound if
        the owner is unknown, InvalidInput if ``to`` is unknown, disabled or the owner.
        """

        def batch(connection: sqlite3.Connection, after: int) -> tuple[int, int | None]:
            old, new = users.get(connection, owner), users.get_enabled(connection, to, "to")
            if old.id == new.id:
                raise InvalidInput(FieldError("to", f"must be a user other than {owner}"))
            values = {
                "owner_id": old.id,
                "new_owner_id": new.id,
                "author_id": caller.author_id,
                "after": after,
                "rows": batches.ROWS,
            }
            rows = connection.execute(self.HANDOVER, values).fetchall()
            return len(rows), max(rows)[0] if len(rows) == batches.ROWS else None

        return batches.run(self._database, batch)

    DELETE = f"DELETE FROM clients WHERE {VISIBLE}"

    SIGN_DELETION = """
UPDATE client_history
SET deleted_by = :author_id
WHERE client_id = :id AND version = (SELECT max(version) FROM client_history WHERE client_id = :id)
"""

    def delete(self, caller: Caller, client_id: str, precondition: Precondition = UNCONDITIONAL) -> None:
        """Delete the client if ``precondition`` holds. Raises NotFound or Refused."""
        values = {"id": client_id, "owner_id": caller.owner_id, "author_id": caller.author_id}

        def work(connection: sqlite3.Connection) -> None:
            _get(connection, caller, client_id, precondition)
            connection.execute(self.DELETE, values)
            connection.execute(self.SIGN_DELETION, values)

        self._database.write(work)


GET = f"SELECT version, json FROM clients WHERE {VISIBLE}"


def _get(
    connection: sqlite3.Connection, caller: Caller, client_id: str, precondition: Precondition
) -> ClientRow:
    """See ``ClientStore.get``."""
    row = connection.execute(GET, {"id": client_id, "owner_id": caller.owner_id}).fetchone()
    if row is None:
        raise NotFound("client")
    client = ClientRow(*row)
    if not precondition.holds(client.version):
        allowed = precondition.allowed or ()
        attempted = None if client.version in allowed else max(allowed, default=None)
        raise stale_version(connection, "PRECONDITION_FAILED", client_id, attempted)
    return client


def _has_owner(client: ClientRow, changes: ValidFields, expected: Mapping[str, object]) -> bool:
    """Whether the new owner in ``changes``, if any, is the owner. InvalidInput if ``expected`` differs."""
    if not expected and "user_id" not in changes:
        return False
    record = parse_client(client.json)
    if names := [name for name in expected if expected[name] != record[name]]:
        raise InvalidInput(*(FieldError(name, "is set by the server and differs") for name in names))
    return bool(record["user_id"] == changes.get("user_id"))


def constraint_error(
    error: sqlite3.IntegrityError, changes: Mapping[str, object]
) -> InvalidInput | sqlite3.IntegrityError:
    """InvalidInput if the changes put ``budget_min`` above ``budget_max``, or else the error itself."""
    return budgets_crossed(changes) if str(error) == "CHECK constraint failed: budget_order" else error


# The WHERE clause is the lock: check and change are one statement, so no other write can come between them.
UPDATE = f"""
UPDATE clients
SET {{assignments}}, {_NEW_VERSION}
WHERE {VISIBLE} AND (:version IS NULL OR version = :version)
RETURNING version, json
"""


def _update(
    connection: sqlite3.Connection, caller: Caller, client_id: str, changes: ValidFields, version: int | None
) -> ClientRow:
    values = {
        **changes,
        "id": client_id,
        "owner_id": caller.owner_id,
        "author_id": caller.author_id,
        "version": None if version is None else min(version, MAX_SQLITE_INTEGER),
    }
    statement = UPDATE.format(assignments=", ".join(f"{name} = :{name}" for name in changes))
    try:
        rows = connection.execute(statement, values).fetchall()
    except sqlite3.IntegrityError as error:
        raise constraint_error(error, changes) from None
    if not rows:
        _get(connection, caller, client_id, UNCONDITIONAL)
        raise stale_version(connection, "VERSION_CONFLICT", client_id, version)
    return ClientRow._make(rows[0])
