"""Deleted clients: lists of them, restoring one, and erasing permanently.

The record of an erasure has the id of the client and the time, and nothing about the person.
"""

import json
import sqlite3
from collections.abc import Mapping

from acare.auth import Caller
from acare.database.database import Database
from acare.errors import AlreadyExists
from acare.fields import FIELD_NAMES, parse_arguments
from acare.filters import FILTERS
from acare.store import NEXT_VERSION, NOW, STORED_JSON, D, Listing, Store, search
from acare.store.clients import ClientRow
from acare.store.creation import insert
from acare.store.history import require_visible
from acare.store.lists import MAX_SECONDS
from acare.store.users import as_dicts

_SEARCHED = ("first_name", "last_name", "email", "phone", "tags", "preferred_locations", "notes")
_TEXTS = ", ".join(f"stored.json -> '$.{name}'" for name in _SEARCHED)

#: The filters of a list of deleted clients.
DELETED_FILTERS = {name: FILTERS[name] for name in ("q", "email", "user_id", "client_type", "status")}


class DeletedClients(Store[D]):
    """The deleted clients in a database. ``filters``: ``DELETED_FILTERS``; None sets no condition."""

    # The texts of stored versions are not in the full-text index, which would keep their words: each word of
    # a search must occur in one of them; as with LIKE, only the case of ASCII letters is ignored.
    MATCHES = f"""
SELECT position
FROM deleted_clients AS stored
WHERE (:owner_id IS NULL OR json ->> '$.user_id' = :owner_id)
    AND (:user_id IS NULL OR json ->> '$.user_id' = :user_id)
    AND (:client_type IS NULL OR json ->> '$.client_type' = :client_type)
    AND (:status IS NULL OR json ->> '$.status' = :status)
    AND (:email IS NULL OR json ->> '$.email' = :email COLLATE NOCASE)
    AND NOT EXISTS (
        SELECT 1
        FROM json_each(:words) AS word
        WHERE NOT EXISTS (
            SELECT 1
            FROM json_tree(json_array({_TEXTS})) AS text
            WHERE instr(lower(text.atom), lower(word.value))
        )
    )
ORDER BY ended_at DESC, position DESC
"""

    PAGE = f"""
SELECT {STORED_JSON}, json_object('deletedAt', ended_at, 'deletedBy', users.email)
FROM deleted_clients
LEFT JOIN users ON users.id = deleted_by
WHERE position IN (SELECT value FROM json_each(:positions))
ORDER BY ended_at DESC, position DESC
"""

    def page(self, caller: Caller, *, page: int, limit: int, **filters: object) -> Listing[tuple[str, str]]:
        """A page of the deleted clients that the caller can see, last deleted first.

        Each is the client, and ``deletedAt`` and ``deletedBy``, as JSON texts.
        """
        values = _values(caller.owner_id, filters)
        with self._database.read(max_seconds=MAX_SECONDS) as connection:
            connection.execute("BEGIN")
            found = [position for (position,) in connection.execute(self.MATCHES, values)]
            positions = json.dumps(found[(page - 1) * limit : page * limit])
            return Listing(len(found), connection.execute(self.PAGE, {"positions": positions}).fetchall())

    # The values of a deleted client, for its next version. It returns to its position, unless a new client
    # with the same time of creation has it. json_extract returns values as they are stored: text and numbers
    # unchanged, lists and objects as JSON, true as 1.
    GET = f"""
SELECT
    iif(seq IN (SELECT seq FROM clients), NULL, seq) AS seq,
    client_id AS id,
    coalesce(
        (SELECT :author_id FROM users WHERE id = json ->> '$.user_id' AND disabled_at IS NOT NULL),
        json ->> '$.user_id'
    ) AS user_id,
    {", ".join(f"json_extract({STORED_JSON}, '$.{name}') AS {name}" for name in FIELD_NAMES)},
    {NEXT_VERSION} AS version, json_extract(json, '$.created_at') AS created_at, {NOW} AS updated_at
FROM deleted_clients
WHERE client_id = :id
"""

    def restore(self: "DeletedClients[Database]", caller: Caller, client_id: str) -> ClientRow:
        """Restore a deleted client under its id, as its next version. Its time of creation stays.

        The client of a disabled user goes to the caller, unless that is the operator. NotFound if there is
        none that the caller could see, AlreadyExists if it is not deleted.
        """

        def work(connection: sqlite3.Connection) -> ClientRow:
            require_visible(connection, caller, client_id)
            author = {"author_id": caller.author_id}
            deleted = as_dicts(connection.execute(self.GET, {"id": client_id, **author}))
            if not deleted:
                raise AlreadyExists(f"the client {client_id} is not deleted")
            return ClientRow(deleted[0]["version"], insert(connection, {**deleted[0], **author}).json)

        return self._database.write(work)

    ERASED_AT = "SELECT erased_at FROM erasures WHERE client_id = :id"

    def erased_at(self, client_id: str) -> str | None:
        """When the client was erased; None if it was not."""
        with self._database.read() as connection:
            row = connection.execute(self.ERASED_AT, {"id": client_id}).fetchone()
        return None if row is None else row[0]

    RECORD = """
INSERT INTO erasures (client_id)
VALUES (:id)
ON CONFLICT DO NOTHING
"""

    def erase(self: "DeletedClients[Database]", client_id: str) -> None:
        """Delete a client, its history and stored responses, and record the erasure."""

        def work(connection: sqlite3.Connection) -> None:
            connection.execute(self.RECORD, {"id": client_id})
            erase_recorded(connection)

        self._database.write(work)


def _values(owner_id: str | None, filters: Mapping[str, object]) -> dict[str, object]:
    """The values of the conditions; see ``parse_arguments``."""
    values = dict.fromkeys(DELETED_FILTERS) | parse_arguments(DELETED_FILTERS, **filters)
    return {**values, "owner_id": owner_id, "words": json.dumps((values["q"] or "").split())}


ERASE = (
    "DELETE FROM clients WHERE id IN (SELECT client_id FROM erasures)",
    "DELETE FROM client_history WHERE client_id IN (SELECT client_id FROM erasures)",
    "DELETE FROM idempotency_keys WHERE client_id IN (SELECT client_id FROM erasures)",
)


def erase_recorded(connection: sqlite3.Connection) -> None:
    """Delete all rows of the clients in ``erasures``."""
    deleted = [connection.execute(statement).rowcount for statement in ERASE]
    if any(deleted):
        search.index_changes(connection)
        connection.execute(search.OPTIMIZE)  # deletes the words too
