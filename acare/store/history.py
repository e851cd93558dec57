"""What clients were, for the operator: who did what, bringing back, and forgetting for good.

Nothing of this is in the API: for a caller a deletion is final.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from acare.errors import UserError
from acare.fields import FIELDS
from acare.store import idempotency, search
from acare.store.connection import NOW, at_offset
from acare.store.database import Database

# Every version of one client, the current one last, with whoever made it.
VERSIONS = """
SELECT version, json, ended_at, deleted, maker.preview, maker_user.email, deleter.preview, deleter_user.email
FROM (
    SELECT client_id, version, json, made_by, ended_at, deleted, deleted_by
    FROM client_history
    WHERE client_id = :id
    UNION ALL
    SELECT id, version, json, made_by, NULL, 0, NULL
    FROM clients
    WHERE id = :id
)
LEFT JOIN api_keys AS maker ON maker.id = made_by
LEFT JOIN users AS maker_user ON maker_user.id = maker.user_id
LEFT JOIN api_keys AS deleter ON deleter.id = deleted_by
LEFT JOIN users AS deleter_user ON deleter_user.id = deleter.user_id
ORDER BY version
"""

USERS = "SELECT id, email FROM users"

# json_extract gives texts and numbers as they are, lists and objects as JSON, true as 1: as they are stored.
UNDELETE = f"""
INSERT INTO clients (
    seq, id, user_id, {", ".join(field.name for field in FIELDS)}, version, created_at, updated_at
)
SELECT
    seq, client_id, json_extract(json, '$.user_id'),
    {", ".join(f"json_extract(json, '$.{field.name}')" for field in FIELDS)},
    version + 1, json_extract(json, '$.created_at'), max(ended_at, {NOW})
FROM client_history
WHERE client_id = :id AND deleted
    AND NOT EXISTS (SELECT 1 FROM clients WHERE id = :id)
ORDER BY version DESC
LIMIT 1
RETURNING version
"""

PURGE_HISTORY = f"""
DELETE FROM client_history
WHERE ended_at < {at_offset(":age")}
"""

ERASE = (
    "DELETE FROM clients WHERE id = :id",
    "DELETE FROM client_history WHERE client_id = :id",
)


@dataclass(frozen=True)
class Event:
    """Something that was done to a client. ``changes`` maps a field to what it was and what it became."""

    at: str
    action: str  # created, updated, deleted, undeleted
    version: int
    key: str | None  # its preview; None: the operator
    user: str | None  # the e-mail of the key's user
    changes: dict[str, tuple[Any, Any]]  # "owner" is an e-mail
    client: dict[str, Any]  # as it was then


class HistoryStore:
    """The past of the clients in a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def events(self, client_id: str) -> list[Event]:
        """All that is known to have been done to the client, oldest first. UserError if nothing is."""
        with self._database.read() as connection:
            versions = connection.execute(VERSIONS, {"id": client_id}).fetchall()
            owners = dict(connection.execute(USERS).fetchall())
        if not versions:
            raise UserError(f"there is no client with the id {client_id!r}, and none is remembered")
        events: list[Event] = []
        before: dict[str, Any] | None = None
        was_deleted = False
        for version, text, ended_at, deleted, key, user, deleter_key, deleter in versions:
            client = json.loads(text)
            action = "undeleted" if was_deleted else "created" if version == 1 else "updated"
            client["owner"] = owners[client["user_id"]]
            changes = {} if before is None else _changes(before, client)
            events.append(Event(client["updated_at"], action, version, key, user, changes, client))
            if deleted:
                events.append(Event(ended_at, "deleted", version, deleter_key, deleter, {}, client))
            before, was_deleted = client, bool(deleted)
        return events

    def undelete(self, client_id: str) -> int:
        """Bring a deleted client back, under its id, in its place in the lists; its new version."""

        def work(connection: sqlite3.Connection) -> int:
            rows = connection.execute(UNDELETE, {"id": client_id}).fetchall()
            if not rows:
                raise UserError(f"there is no deleted client with the id {client_id!r}")
            return int(rows[0][0])

        return self._database.write(work)

    def purge(self, days: int) -> int:
        """Forget what ended more than ``days`` days ago; how many versions that were."""
        age = {"age": f"-{days} days"}

        def work(connection: sqlite3.Connection) -> int:
            return connection.execute(PURGE_HISTORY, age).rowcount

        while self._database.write(idempotency.delete_expired):
            pass  # a limited number in each write, so that other writers get their turn
        return self._forget(work)

    def erase(self, client_id: str) -> int:
        """Forget a person: the client, all its versions, stored answers. How many rows went.

        UserError if there is nothing of that id. Backups are not touched.
        """

        def work(connection: sqlite3.Connection) -> int:
            erased = [connection.execute(statement, {"id": client_id}).rowcount for statement in ERASE]
            return sum(erased) + idempotency.delete_of_client(connection, client_id)

        erased = self._forget(work)  # also if there is nothing: an earlier try may not have got so far
        if not erased:
            raise UserError(f"there is no client with the id {client_id!r}, and nothing of one is left")
        return erased

    def _forget(self, work: Callable[[sqlite3.Connection], int]) -> int:
        """Run ``work`` and write the file anew: pages that were split still have what was deleted."""
        done = self._database.write(work)
        search.erase_deleted_words(self._database)
        if not self._database.rewrite():
            raise UserError(
                "that is deleted, but its bytes are still in the file or its log, as somebody reads or "
                "writes; the same command takes them away when nobody does"
            )
        return done


def _changes(before: dict[str, Any], after: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    names = [*(field.name for field in FIELDS), "owner"]
    return {name: (before[name], after[name]) for name in names if before[name] != after[name]}
