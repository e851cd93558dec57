"""Reading all clients, or some, for the operator's export."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator

from acare.database.database import Database
from acare.store import users

EXPORT = """
SELECT json, users.email
FROM clients
JOIN users ON users.id = user_id
WHERE (:owner IS NULL OR users.email = :owner)
    AND (:statuses IS NULL OR status IN (SELECT value FROM json_each(:statuses)))
ORDER BY seq
"""


def export(database: Database, owner: str | None, statuses: Collection[str]) -> Iterator[tuple[str, str]]:
    """The JSON of each client and the e-mail address of its owner, oldest first.

    All come from one snapshot. None, or no statuses: all of them. UserError if there is no such owner.
    """
    with database.read() as connection:
        if owner is not None and users.find(connection, owner) is None:
            raise users.no_such_user(owner)
        values = {"owner": owner, "statuses": json.dumps([*statuses]) if statuses else None}
        yield from connection.execute(EXPORT, values)
