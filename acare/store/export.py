"""Reading all clients, or some, for the operator's export."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator

from acare.store import users
from acare.store.database import Database

EXPORT = """
SELECT json, users.email
FROM clients
JOIN users ON users.id = user_id
WHERE (:user_id IS NULL OR user_id = :user_id)
    AND (:statuses IS NULL OR status IN (SELECT value FROM json_each(:statuses)))
ORDER BY seq
"""


def export(
    database: Database, owner: str | None = None, statuses: Collection[str] = ()
) -> Iterator[tuple[str, str]]:
    """The JSON of each client and the e-mail address of its owner, in the order of insertion.

    All come from one snapshot. UserError if there is no such owner.
    """
    values = {"user_id": None, "statuses": json.dumps([*statuses]) if statuses else None}
    if owner is not None:
        with database.read() as connection:
            found = users.find(connection, owner)
        if found is None:
            raise users.no_such_user(owner)
        values["user_id"] = found[0].id
    return _rows(database, values)


def _rows(database: Database, values: dict[str, str | None]) -> Iterator[tuple[str, str]]:
    with database.read() as connection:
        yield from connection.execute(EXPORT, values)
