"""The history of clients: who changed what."""

import sqlite3
from collections.abc import Iterator
from itertools import tee, zip_longest
from typing import Any

from acare.auth import OPERATOR, Caller
from acare.database.database import ReadableDatabase
from acare.errors import NotFound, Refused
from acare.fields import FIELD_NAMES, FIELDS, parse_client
from acare.json_text import to_json
from acare.store import MAX_SQLITE_INTEGER, STORED_JSON, Store
from acare.store.changes import MAX_PAGE, Page
from acare.store.lists import MAX_SECONDS

Row = dict[str, Any]

#: Events on a page.
MAX_EVENTS = 200


class HistoryStore(Store[ReadableDatabase]):
    """The history of the clients in a database."""

    def page(self, caller: Caller, client_id: str, *, before: int = MAX_SQLITE_INTEGER) -> Page:
        """Events of a client, which may be deleted, of versions older than ``before``, newest first.

        All events of a version are on one page. NotFound if the caller cannot see the last version.
        """
        rows: list[str] = []
        size = 0
        with self._database.read(max_seconds=MAX_SECONDS) as connection:
            connection.execute("BEGIN")
            require_visible(connection, caller, client_id)
            for _, events in _events(connection, client_id, before):
                if len(rows) + len(events) > MAX_EVENTS or size > MAX_PAGE:
                    return Page(rows, has_more=True)
                rows += map(to_json, events)
                size += sum(len(row.encode()) for row in rows[-len(events) :])
        return Page(rows, has_more=False)

    RESPONSES = "SELECT created_at, json FROM idempotency_keys WHERE client_id = :id"

    def stored(self, client_id: str) -> Row:
        """All that is stored about a client, which may be deleted; NotFound if nothing is.

        ``client`` is its last version; ``history`` has its events, oldest first, each with the client then;
        ``responses`` to idempotency keys have their times, and the client in them.
        """
        with self._database.read() as connection:
            connection.execute("BEGIN")
            require_visible(connection, OPERATOR, client_id)
            versions = list(_events(connection, client_id))
            responses = connection.execute(self.RESPONSES, {"id": client_id}).fetchall()
        newest_first = [{**event, "client": client} for client, events in versions for event in events]
        answers = [{"created_at": created_at, "client": parse_client(text)} for created_at, text in responses]
        return {"client": versions[0][0], "history": newest_first[::-1], "responses": answers}


LAST_OWNER = """
SELECT coalesce(
    (SELECT user_id FROM clients WHERE id = :id),
    (SELECT json ->> '$.user_id' FROM client_history WHERE client_id = :id ORDER BY version DESC LIMIT 1)
)
"""


def require_visible(connection: sqlite3.Connection, caller: Caller, client_id: str) -> None:
    """NotFound unless the caller can see the client, or the last version of a deleted one."""
    (owner,) = connection.execute(LAST_OWNER, {"id": client_id}).fetchone()
    if owner is None or caller.owner_id not in (None, owner):
        raise NotFound("client", f"there is no client with the id {client_id!r}, and none in the history")


# The versions of one client before a version, newest first, with the users who made and deleted them. SQLite
# reads them one by one: they can have 100 KiB each.
VERSIONS = f"""
SELECT
    version, {STORED_JSON} AS client, (SELECT email FROM users WHERE users.id = made_by) AS maker,
    imported_at, ended_at, deleted, (SELECT email FROM users WHERE users.id = deleted_by) AS deleter
FROM client_history
WHERE client_id = :id AND version < :before
UNION ALL
SELECT version, json, (SELECT email FROM users WHERE users.id = made_by), imported_at, NULL, 0, NULL
FROM clients
WHERE id = :id AND version < :before
ORDER BY version DESC
"""


def _events(
    connection: sqlite3.Connection, client_id: str, before: int = MAX_SQLITE_INTEGER
) -> Iterator[tuple[Row, list[Row]]]:
    """The client at each version older than ``before``, and the events of the version, newest first.

    Each is compared with the one before it: versions are not consecutive after an import or a restore.
    """
    cursor = connection.execute(VERSIONS, {"id": client_id, "before": min(before, MAX_SQLITE_INTEGER)})
    cursor.row_factory = sqlite3.Row
    versions, older = tee({**row, "client": parse_client(row["client"])} for row in cursor)
    next(older, None)
    for version, previous in zip_longest(versions, older):
        yield version["client"], _events_of(version, previous)


def _events_of(version: Row, older: Row | None) -> list[Row]:
    """The change that made a version, after its deletion if there was one; the operator is None."""
    number, client = version["version"], version["client"]
    at, action = client["updated_at"], "restored" if older is not None and older["deleted"] else "updated"
    before = client if older is None else older["client"]
    changed = [name for name in (*FIELD_NAMES, "user_id") if before[name] != client[name]]
    if version["imported_at"] is not None:  # the times in the client come from its source
        at, action = version["imported_at"], "imported"
    elif number == 1:
        action = "created"
    elif "user_id" in changed and action != "restored":
        action = "handed_over"
    differences = [{"field": name, "from": before[name], "to": client[name]} for name in changed]
    made = {"version": number, "at": at, "by": version["maker"], "action": action, "changes": differences}
    if not version["deleted"]:
        return [made]
    end = {"at": version["ended_at"], "by": version["deleter"], "action": "deleted", "changes": []}
    return [{"version": number, **end}, made]


GET_CHANGED = f"""
SELECT
    version, json, (SELECT email FROM users WHERE users.id = made_by),
    (SELECT {STORED_JSON} FROM client_history WHERE client_id = :id AND version = :attempted)
FROM clients
WHERE id = :id
"""


def stale_version(
    connection: sqlite3.Connection, code: str, client_id: str, attempted: int | None
) -> Refused:
    """The error for a client that is not at the version ``attempted`` (``VERSION_CONFLICT``), or at none in
    ``If-Match`` (``PRECONDITION_FAILED``), of which ``attempted`` is the greatest.

    It has the fields that changed since that version; None if the history does not have it.
    """
    values = {"id": client_id, "attempted": min(attempted or 0, MAX_SQLITE_INTEGER)}
    current, text, maker, old_text = connection.execute(GET_CHANGED, values).fetchone()
    record, changed = parse_client(text), None
    if old_text is not None:
        old = parse_client(old_text)
        changed = [field.name for field in FIELDS if old[field.name] != record[field.name]]
    details = {
        "currentVersion": current,
        "attemptedVersion": attempted,
        "changedFields": changed,
        "changedAt": record["updated_at"],
        "changedBy": maker,
    }
    tag = f'which If-Match excludes; its entity tag, with quotes, is "{current}"'
    reason = f"not {attempted}" if attempted is not None else tag
    headers = {"ETag": f'"{current}"'} if code == "PRECONDITION_FAILED" else None
    return Refused(f"the client is at version {current}, {reason}", code, details, headers)
