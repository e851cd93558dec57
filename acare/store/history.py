"""The history of clients: who changed what, restoring deleted clients, and purging old versions."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from typing import Any, TypedDict

from acare.auth import OPERATOR, Caller
from acare.clients import ClientRow
from acare.database.connection import NOW, at_offset
from acare.database.copying import Progress, interruptible, silent
from acare.database.database import Database
from acare.errors import AlreadyExists, ClientNotFound
from acare.fields import FIELDS
from acare.store import changes, idempotency, search
from acare.store.clients import MAX_SECONDS, next_position_at
from acare.store.targets import last_owner

# The last versions of one client, the current one last, with the users who made and deleted them.
VERSIONS = """
SELECT version, json, imported_at, maker.email, ended_at, deleted, deleter.email
FROM (
    SELECT client_id, version, json, imported_at, made_by, ended_at, deleted, deleted_by
    FROM client_history
    WHERE client_id = :id
    UNION ALL
    SELECT id, version, json, imported_at, made_by, NULL, 0, NULL
    FROM clients
    WHERE id = :id
    ORDER BY version DESC
    LIMIT :max_versions
)
LEFT JOIN users AS maker ON maker.id = made_by
LEFT JOIN users AS deleter ON deleter.id = deleted_by
ORDER BY version
"""

# json_extract returns values as they are stored: text and numbers unchanged, lists and objects as JSON,
# true as 1.
RESTORE = f"""
INSERT INTO clients (
    seq, id, user_id, {", ".join(field.name for field in FIELDS)},
    version, created_at, updated_at, made_by, imported_at
)
SELECT
    {next_position_at("client_history.json ->> '$.created_at'")}, client_id, json_extract(json, '$.user_id'),
    {", ".join(f"json_extract(json, '$.{field.name}')" for field in FIELDS)},
    version + 1, json_extract(json, '$.created_at'), max(ended_at, {NOW}), :author_id, imported_at
FROM client_history
WHERE client_id = :id AND deleted
    AND NOT EXISTS (SELECT 1 FROM clients WHERE id = :id)
ORDER BY version DESC
LIMIT 1
RETURNING id, version, json
"""

#: Versions in a history that the API returns: all are in memory, and each can have 100 KiB.
MAX_VERSIONS = 200

PURGE = f"DELETE FROM client_history WHERE ended_at < {at_offset(':age')}"


class Change(TypedDict("Change", {"from": Any, "to": Any})):
    """The value of a field before and after a change."""

    field: str


@dataclass(frozen=True)
class Event:
    """A change of a client."""

    version: int
    at: str
    by: str | None  # the e-mail address of the user; None: the operator
    action: str  # created, imported, updated, handed_over, deleted, restored
    changes: list[Change]
    client: dict[str, Any]  # as it was then


@dataclass(frozen=True)
class Stored:
    """All that is stored about a client, which may be deleted."""

    client: dict[str, Any]  # its last version
    history: list[Event]
    responses: list[dict[str, Any]]  # see ``idempotency.responses``


class HistoryStore:
    """The history of the clients in a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def events(self, caller: Caller, client_id: str, max_versions: int = MAX_VERSIONS) -> list[Event]:
        """The events of the last versions (-1: all versions) of a client, which may be deleted, oldest first.

        ClientNotFound if there are none, or if the caller cannot see the last version.
        """
        values = {"id": client_id, "max_versions": max_versions}
        with self._database.read(max_seconds=MAX_SECONDS) as connection:
            versions = connection.execute(VERSIONS, values).fetchall()
        events: list[Event] = []
        before: dict[str, Any] | None = None
        was_deleted = False
        for version, text, imported_at, maker, ended_at, deleted, deleter in versions:
            client = json.loads(text)
            at, action = client["updated_at"], "restored" if was_deleted else "updated"
            changed = [] if before is None else _changes(before, client)
            if before is None and _is_imported(client, imported_at, maker):
                at, action = imported_at, "imported"  # the times of the client come from the file
            elif version == 1:
                action = "created"
            elif any(change["field"] == "user_id" for change in changed):
                action = "handed_over"
            events.append(Event(version, at, maker, action, changed, client))
            if deleted:
                events.append(Event(version, ended_at, deleter, "deleted", [], client))
            before, was_deleted = client, bool(deleted)
        if before is None or caller.owner_id not in (None, before["user_id"]):
            raise _not_found(client_id)
        return events

    def stored(self, client_id: str) -> Stored:
        """All that is stored about a client; ClientNotFound if nothing is."""
        history = self.events(OPERATOR, client_id, max_versions=-1)
        with self._database.read() as connection:
            responses = idempotency.responses(connection, client_id)
        return Stored(history[-1].client, history, responses)

    def restore(self, caller: Caller, client_id: str) -> ClientRow:
        """Restore a deleted client under its id, as its next version. Its time of creation stays.

        ClientNotFound if there is none that the caller could see, AlreadyExists if it is not deleted.
        """

        def work(connection: sqlite3.Connection) -> ClientRow:
            owner = last_owner(connection, client_id)
            if owner is None or caller.owner_id not in (None, owner):
                raise _not_found(client_id)
            rows = connection.execute(RESTORE, {"id": client_id, "author_id": caller.author_id}).fetchall()
            if not rows:
                raise AlreadyExists(f"the client {client_id} is not deleted")
            return ClientRow._make(rows[0])

        return self._database.write(work)

    def purge(self, days: int, progress: Progress = silent) -> int:
        """Delete versions that ended over ``days`` days ago, and end cursors of that age. Returns how many.

        One transaction. If it is interrupted, nothing is deleted.
        """
        age = f"-{days} days"
        with (
            self._database.transaction() as connection,
            interruptible(connection, lambda: progress("Purging", 0, 0, "")),
        ):
            while idempotency.delete_expired(connection):
                pass
            purged = connection.execute(PURGE, {"age": age}).rowcount
            changes.purge(connection, age)
            search.erase_deleted_words(connection)
            self._database.commit(connection)
        return purged


def _is_imported(client: dict[str, Any], imported_at: str | None, maker: str | None) -> bool:
    """Whether an import made the first version that the history has; earlier ones may have been purged."""
    if imported_at is None or maker is not None:
        return False
    return bool(client["version"] == 1 or client["updated_at"] <= imported_at)


def _changes(before: dict[str, Any], after: dict[str, Any]) -> list[Change]:
    names = [*(field.name for field in FIELDS), "user_id"]
    return [
        {"field": name, "from": before[name], "to": after[name]}
        for name in names
        if before[name] != after[name]
    ]


def _not_found(client_id: str) -> ClientNotFound:
    return ClientNotFound(f"there is no client with the id {client_id!r}, and none in the history")
