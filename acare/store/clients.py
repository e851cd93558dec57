"""The client store: every statement that the API runs on clients.

Clients are returned as the JSON text that SQLite generated for them.
"""

import sqlite3
from collections.abc import Mapping
from functools import partial

from acare.auth import Caller
from acare.clients import UNCONDITIONAL, ClientRow, CreatedClient, Precondition
from acare.errors import FieldError, InvalidInput, NotFound
from acare.fields import ValidFields, budgets_crossed, parse_client
from acare.store import NOW, batches, creation, users
from acare.store.lists import ClientLists
from acare.store.targets import GET, UNCHANGED, Target

# The clock may have been wrong when the client was created or last updated.
_NEW_VERSION = f"""
    version = version + 1, updated_at = max(created_at, {NOW}), made_by = :author_id, imported_at = NULL
"""

# The WHERE clause is the lock: check and change are one statement, so no other write can come between them.
UPDATE = f"""
UPDATE clients
SET {{assignments}}, {_NEW_VERSION}
WHERE {UNCHANGED}
RETURNING version, json
"""

# The client that the UPDATE will change.
GET_UNCHANGED = f"SELECT version, json FROM clients WHERE {UNCHANGED}"

LATEST_CREATION = "SELECT created_at FROM clients WHERE seq = (SELECT max(seq) FROM clients)"

DELETE = f"DELETE FROM clients WHERE {UNCHANGED}"

SIGN_DELETION = """
UPDATE client_history
SET deleted_by = :author_id
WHERE client_id = :id AND version = (SELECT max(version) FROM client_history WHERE client_id = :id)
"""

# After a position: two opposite handovers at the same time would otherwise never end.
HANDOVER = f"""
UPDATE clients
SET user_id = :new_owner_id, {_NEW_VERSION}
WHERE seq IN (
    SELECT seq
    FROM clients INDEXED BY clients_by_user
    WHERE user_id = :owner_id AND seq > :position
    ORDER BY seq
    LIMIT :rows
)
RETURNING seq
"""


class ClientStore(ClientLists):
    """Clients in a database.

    Every method acts for a caller: it sees only the clients of that caller, and records the caller's user
    with each change.
    """

    def latest_creation(self) -> str:
        """The latest ``created_at``; empty if there is no client."""
        with self._database.read() as connection:
            rows = connection.execute(LATEST_CREATION).fetchall()
        return rows[0][0] if rows else ""

    def get(self, caller: Caller, client_id: str, precondition: Precondition = UNCONDITIONAL) -> ClientRow:
        """The client. Raises NotFound or PreconditionFailed."""
        with self._database.read() as connection:
            if precondition is not UNCONDITIONAL:
                connection.execute("BEGIN")  # so that the error, if any, describes the same snapshot
            row = connection.execute(GET, {"id": client_id, "owner_id": caller.owner_id}).fetchone()
            if row is None:
                raise NotFound("client")
            client = ClientRow(*row)
            if not precondition.holds(client.version):
                raise Target(caller, client_id, None, precondition).explain(connection)
        return client

    def create(
        self, caller: Caller, client: ValidFields, *, idempotency_key: str | None = None
    ) -> CreatedClient:
        """Store a new client of the caller's user, at version 1.

        If the user has already created a client with this ``idempotency_key``, returns that client. Raises
        IdempotencyKeyReused if it was created from other values, and NotFound if it has been
        handed over and the caller can no longer see it.
        """
        work = partial(creation.create, caller, client, idempotency_key)
        return self._database.write(work, keeps_cache=True)

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
        NotFound, PreconditionFailed, VersionConflict, or InvalidInput if budget_min would exceed
        budget_max, if the new owner is unknown or disabled, or if a field of the client differs from
        ``expected``.
        """
        target = Target(caller, client_id, version, precondition)
        return self._database.write(partial(_change, target, changes, expected or {}), keeps_cache=True)

    def handover(self, caller: Caller, owner: str, to: str) -> int:
        """Hand over all clients of a user to another user. Returns how many.

        The users are named by id or e-mail address. Works in batches, in the order of creation: if it fails
        or is interrupted, the other clients keep their owner, and can be handed over again. NotFound if
        the owner is unknown, InvalidInput if ``to`` is unknown, disabled or the owner.
        """

        def batch(position: int, connection: sqlite3.Connection) -> tuple[int, int | None]:
            old, new = users.get(connection, owner), users.get_enabled(connection, to, "to")
            if old.id == new.id:
                raise InvalidInput(FieldError("to", f"must be a user other than {owner}"))
            values = {
                "owner_id": old.id,
                "new_owner_id": new.id,
                "author_id": caller.author_id,
                "position": position,
                "rows": batches.ROWS,
            }
            rows = connection.execute(HANDOVER, values).fetchall()
            return len(rows), max(rows)[0] if len(rows) == batches.ROWS else None

        return batches.run(self._database, batch)

    def delete(self, caller: Caller, client_id: str, precondition: Precondition = UNCONDITIONAL) -> None:
        """Delete the client if ``precondition`` holds. Raises NotFound or PreconditionFailed."""
        target = Target(caller, client_id, None, precondition)
        values = target.values()

        def remove(connection: sqlite3.Connection) -> None:
            if not connection.execute(DELETE, values).rowcount:
                raise target.explain(connection)
            connection.execute(SIGN_DELETION, values)

        self._database.write(remove, keeps_cache=True)


def _change(
    target: Target,
    changes: ValidFields,
    expected: Mapping[str, object],
    connection: sqlite3.Connection,
) -> ClientRow:
    """The client after the changes. Its new owner and ``expected`` are checked in the same transaction."""
    values = {**changes, **target.values()}
    if "user_id" in changes:
        users.get_enabled(connection, str(changes["user_id"]), "user_id")
    if "user_id" in changes or expected:
        for version, text in connection.execute(GET_UNCHANGED, values).fetchall():
            record = parse_client(text)
            if record["user_id"] == changes.get("user_id"):
                return ClientRow(version, text)  # a hand-over to its owner changes nothing
            if names := [name for name in expected if expected[name] != record[name]]:
                raise InvalidInput(*(FieldError(name, "is set by the server and differs") for name in names))
    statement = UPDATE.format(assignments=", ".join(f"{name} = :{name}" for name in changes))
    try:
        rows = connection.execute(statement, values).fetchall()
    except sqlite3.IntegrityError as error:
        if str(error) == "CHECK constraint failed: budget_order":
            raise budgets_crossed(changes) from None
        raise
    if not rows:
        raise target.explain(connection)
    return ClientRow._make(rows[0])
