"""The history of clients, for the operator: who did what, undeleting, and purging old versions.

None of this is in the API: for a caller a deletion is final.
"""

from __future__ import annotations

import json
import sqlite3
import time
from dataclasses import dataclass
from functools import partial
from typing import Any

from acare.database.connection import NOW, at_offset
from acare.database.copying import Progress, silent
from acare.database.database import Database
from acare.errors import UserError
from acare.fields import FIELDS
from acare.store import idempotency, search
from acare.store.clients import next_place_at

# Every version of one client, the current one last, with the key and user that made it.
VERSIONS = """
SELECT
    version, json, imported_at, maker.preview, maker_user.email, ended_at, deleted, deleter.preview,
    deleter_user.email
FROM (
    SELECT client_id, version, json, imported_at, made_by, ended_at, deleted, deleted_by
    FROM client_history
    WHERE client_id = :id
    UNION ALL
    SELECT id, version, json, imported_at, made_by, NULL, 0, NULL
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

# json_extract returns values as they are stored: text and numbers unchanged, lists and objects as JSON,
# true as 1.
UNDELETE = f"""
INSERT INTO clients (
    seq, id, user_id, {", ".join(field.name for field in FIELDS)},
    version, created_at, updated_at, imported_at
)
SELECT
    iif(
        client_history.seq IN (SELECT clients.seq FROM clients),
        {next_place_at("client_history.json ->> '$.created_at'")},
        client_history.seq
    ),
    client_id, json_extract(json, '$.user_id'),
    {", ".join(f"json_extract(json, '$.{field.name}')" for field in FIELDS)},
    version + 1, json_extract(json, '$.created_at'), max(ended_at, {NOW}), imported_at
FROM client_history
WHERE client_id = :id AND deleted
    AND NOT EXISTS (SELECT 1 FROM clients WHERE id = :id)
ORDER BY version DESC
LIMIT 1
RETURNING version
"""

#: Rows that one transaction of a purge deletes, and the seconds until the next one.
PURGE_ROWS = 200
PURGE_PAUSE = 0.01

PURGE = f"""
DELETE FROM client_history
WHERE rowid IN (
    SELECT rowid
    FROM client_history
    WHERE ended_at < {at_offset(":age")}
    ORDER BY ended_at
    LIMIT :limit
)
"""


@dataclass(frozen=True)
class Event:
    """A change of a client. ``changes`` maps a field to its value before and after."""

    at: str
    action: str  # created, imported, updated, deleted, undeleted
    version: int
    key: str | None  # its preview; None: the operator
    user: str | None  # the e-mail of the key's user
    changes: dict[str, tuple[Any, Any]]  # "owner" is an e-mail
    client: dict[str, Any]  # as it was then


class HistoryStore:
    """The history of the clients in a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def events(self, client_id: str) -> list[Event]:
        """The events of the client, oldest first. UserError if there are none."""
        with self._database.read() as connection:
            versions = connection.execute(VERSIONS, {"id": client_id}).fetchall()
            owners = dict(connection.execute(USERS).fetchall())
        if not versions:
            raise UserError(f"there is no client with the id {client_id!r}, and none in the history")
        events: list[Event] = []
        before: dict[str, Any] | None = None
        was_deleted = False
        for version, text, imported_at, key, user, ended_at, deleted, deleter_key, deleter in versions:
            client = json.loads(text)
            at, action = client["updated_at"], "undeleted" if was_deleted else "updated"
            if before is None and imported_at is not None and key is None:
                at, action = imported_at, "imported"  # the times of the client are those of the file
            elif version == 1:
                action = "created"
            client["owner"] = owners[client["user_id"]]
            changes = {} if before is None else _changes(before, client)
            events.append(Event(at, action, version, key, user, changes, client))
            if deleted:
                events.append(Event(ended_at, "deleted", version, deleter_key, deleter, {}, client))
            before, was_deleted = client, bool(deleted)
        return events

    def undelete(self, client_id: str) -> int:
        """Restore a deleted client under its id and at its place in the lists. Returns its new version."""

        def work(connection: sqlite3.Connection) -> int:
            rows = connection.execute(UNDELETE, {"id": client_id}).fetchall()
            if not rows:
                raise UserError(f"there is no deleted client with the id {client_id!r}")
            return int(rows[0][0])

        return self._database.write(work)

    def purge(self, days: int, progress: Progress = silent) -> int:
        """Delete versions that ended more than ``days`` days ago. Returns how many.

        Small transactions with pauses let other processes write. If it is interrupted, what was deleted by
        then stays deleted.
        """
        while self._database.write(idempotency.delete_expired):
            pass
        purged = 0
        while deleted := self._database.write(partial(_purge_some, days)):
            purged += deleted
            progress("Purging", purged, 0, "versions")
            time.sleep(PURGE_PAUSE)
        self._database.write(search.erase_deleted_words)
        return purged


def _purge_some(days: int, connection: sqlite3.Connection) -> int:
    return connection.execute(PURGE, {"age": f"-{days} days", "limit": PURGE_ROWS}).rowcount


def _changes(before: dict[str, Any], after: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    names = [*(field.name for field in FIELDS), "owner"]
    return {name: (before[name], after[name]) for name in names if before[name] != after[name]}
